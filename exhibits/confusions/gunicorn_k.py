"""What `gunicorn -k` starts, and what becomes of a WSGI and of an ASGI program."""

import socket
import tempfile

from exhibits.confusions import python, started

TRIED = [("sync", "wsgi"), ("gthread", "wsgi"), ("asgi", "asgi"),
         ("sync", "asgi"), ("asgi", "wsgi")]
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

for worker, room in TRIED:
    program = f"exhibits.{room}.hello:application"
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/app.sock"
        options = ("-k", worker, "-w", "2", "-b", f"unix:{address}",
                   "--no-control-socket", "--graceful-timeout", "1")
        booted, error = 0, ""
        with started(*python("gunicorn", *options, program)) as arbiter:
            for line in arbiter.stderr:
                booted += "Booting worker" in line
                if booted == 2 and "Booting worker" in line:
                    with socket.socket(socket.AF_UNIX) as visitor:
                        visitor.settimeout(20)
                        visitor.connect(address)
                        visitor.sendall(REQUEST)
                        status = visitor.recv(4096)[9:12].decode()
                    arbiter.terminate()
                error = line.strip() if line.startswith("TypeError") else error
    seen = f"an arbiter and {booted} workers, answer {status}"
    print(f"-w 2 -k {worker:8}{room.upper()} program: {seen}")
    if error:
        print(f"    {error}")
