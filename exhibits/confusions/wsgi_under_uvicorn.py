"""The WSGI room's smallest program under an ASGI server: as it is, and through an adapter."""

import socket

from asgiref.wsgi import WsgiToAsgi

from exhibits.confusions import uvicorn_server
from exhibits.wsgi.hello import application

for name, program in ("as it is", application), ("WsgiToAsgi", WsgiToAsgi(application)):
    with uvicorn_server(program) as port:
        with socket.create_connection(("127.0.0.1", port), 20) as visitor:
            visitor.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            print(f"{name}:", visitor.recv(4096).partition(b"\r\n")[0].decode())
