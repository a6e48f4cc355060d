"""A WebSocket in a WSGI program: beside the specification, two servers hand out the socket."""

import os
import socket
import sys
import tempfile
from pathlib import Path

from websockets.sync.client import connect

from exhibits.asgi import wire as websocket
from exhibits.confusions import python, reach, started


def socket_of(environ):
    """The visitor's socket."""
    if "gunicorn.socket" in environ:
        return environ["gunicorn.socket"]
    import uwsgi  # a module that is there inside uWSGI only

    sock = socket.socket(fileno=os.dup(uwsgi.connection_fd()))
    sock.setblocking(True)  # uWSGI has it otherwise
    return sock


def application(environ, start_response):
    """Send back what comes in capital letters, without start_response: this is no response."""
    sock = socket_of(environ)
    accept = websocket.accept_key(environ["HTTP_SEC_WEBSOCKET_KEY"].encode()).decode()
    head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept}", "", ""]
    sock.sendall("\r\n".join(head).encode())
    frames, opened = websocket.Reader(from_client=True), True
    while opened and (data := sock.recv(65536)):
        for message in frames.receive(data):
            opened = type(message) is not websocket.Close
            answer = websocket.Message(message.data.upper()) if opened else message
            sock.sendall(websocket.build(answer))
    sock.shutdown(socket.SHUT_RDWR)
    raise StopIteration  # so that gunicorn writes no answer behind it


def visit(path):
    with connect("ws://localhost/", sock=reach(path)) as visitor:
        visitor.send("hello")
        return visitor.recv()


if __name__ == "__main__":
    program = "exhibits.confusions.websocket_in_wsgi:application"
    uwsgi = Path(sys.executable).with_name("uwsgi")
    for title, *command in (
        ("gunicorn, gunicorn.socket", *python(
            "gunicorn", "-k", "gthread", "--no-control-socket", "--graceful-timeout", "1",
            program, "-b")),
        ("uWSGI, uwsgi.connection_fd", uwsgi, "--master", "--die-on-term",
         "--module", program, "--http-socket"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/app.sock"
            with started(*command, f"unix:{path}" if "-b" in command else path):
                print(f"{title:27} hello came back as {visit(path)}")
