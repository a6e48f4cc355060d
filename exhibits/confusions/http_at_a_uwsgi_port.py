"""What uWSGI says to a browser that comes to its uwsgi port."""

import socket
import sys
import tempfile
from pathlib import Path

from exhibits.confusions import started

uwsgi = Path(sys.executable).parent / "uwsgi"

with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/app.sock"
    with started(uwsgi, "--socket", path, "--buffer-size", "4096", "--need-app=false", "--die-on-term") as server:
        for line in server.stderr:
            if "spawned uWSGI worker" in line:
                with socket.socket(socket.AF_UNIX) as browser:
                    browser.connect(path)
                    browser.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    browser.recv(1)
            if "block size" in line:
                print("uWSGI logs:", line.strip())
                break

print("b'G' is", b"G"[0], "and b'ET' is", int.from_bytes(b"ET", "little"))
