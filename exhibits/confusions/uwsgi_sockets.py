"""uWSGI's `socket`, `http-socket` and `http`: which answers what, and with which processes."""

import re
import sys
import tempfile
from pathlib import Path
from socket import SHUT_WR

from exhibits.confusions import reach, started
from exhibits.uwsgi import wire

HTTP = b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"
VARIABLES = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "QUERY_STRING": "",
             "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1"}
UWSGI = wire.build_request(VARIABLES)


def answered(address, request):
    with reach(address) as visitor:
        visitor.sendall(request)
        if request is UWSGI:
            visitor.shutdown(SHUT_WR)  # who takes it for HTTP would wait for more
        try:
            return "200" if b" 200 " in visitor.recv(4096) else "none"
        except ConnectionResetError:
            return "none"


print(f"{'':16}{'asked by HTTP':16}{'by uwsgi':12}processes")
for option in "socket", "http-socket", "http":
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/app.sock"
        command = [f"{Path(sys.executable).parent}/uwsgi", f"--{option}", address, "--master",
                   "--need-app", "--die-on-term", "--module", "exhibits.wsgi.hello"]
        with started(*command) as server:
            asked = [answered(address, request) for request in (HTTP, UWSGI)]
            server.terminate()
            spawned = re.findall("(?m)^spawned uWSGI ([a-z]+)", server.stderr.read())
        print(f"{'--' + option:16}{asked[0]:16}{asked[1]:12}{', '.join(spawned)}")
