"""HTTP/2 without ASGI, ASGI without HTTP/2: what two servers answer to an HTTP/2 request."""

import asyncio
import socket

import h2.connection
import h2.events
from hypercorn.asyncio import serve
from hypercorn.config import Config

from exhibits.asgi.hello import application as asgi
from exhibits.confusions import uvicorn_server


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"SERVER_PROTOCOL is {environ['SERVER_PROTOCOL']}".encode()]


def ask(port):
    """What the server answers to HTTP/2 without TLS: the body, or the first line of HTTP/1."""
    http = h2.connection.H2Connection()
    http.initiate_connection()
    fields = [(":method", "GET"), (":path", "/"),
              (":scheme", "http"), (":authority", "localhost")]
    http.send_headers(1, fields, end_stream=True)
    with socket.create_connection(("127.0.0.1", port), 20) as visitor:
        visitor.sendall(http.data_to_send())
        while data := visitor.recv(65536):
            if data.startswith(b"HTTP/1"):
                return data.partition(b"\r\n")[0].decode()
            for event in http.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    return event.data.decode()


async def hypercorn():
    listener = socket.create_server(("127.0.0.1", 0))
    config, asked = Config(), asyncio.Event()
    config.bind, config.errorlog = [f"fd://{listener.fileno()}"], None
    server = asyncio.create_task(serve(wsgi, config, mode="wsgi", shutdown_trigger=asked.wait))
    answer = await asyncio.to_thread(ask, listener.getsockname()[1])
    print("Hypercorn, WSGI program:   ", answer)
    asked.set()
    await server


if __name__ == "__main__":
    asyncio.run(hypercorn())
    with uvicorn_server(asgi) as port:
        print("Uvicorn, h11, ASGI program:", ask(port))
