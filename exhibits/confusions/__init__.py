"""Questions people ask, answered by programs: each prints its proof, and the text beside it is what it printed.

    python -m exhibits.confusions.wsgiref_says_cgi

`tests/test_confusions.py` runs them all and compares. What several of them need is here.
"""

import logging
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from socket import AF_UNIX, create_connection, socket
from wsgiref.simple_server import WSGIRequestHandler, make_server


@contextmanager
def started(*command):
    """A program that runs until the end of the block; its standard error can be read as lines."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def python(module, *arguments):
    return sys.executable, "-m", module, *arguments


@contextmanager
def wsgiref_server(application):
    """The port at which wsgiref serves a WSGI program, until the end of the block."""

    class Silent(WSGIRequestHandler):
        def log_request(self, *_):
            pass

    with make_server("127.0.0.1", 0, application, handler_class=Silent) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@contextmanager
def waitress_server(application, threads=4):
    """The same with waitress."""
    import waitress

    logging.disable(logging.WARNING)  # it tells how many wait
    server = waitress.create_server(application, host="127.0.0.1", port=0, threads=threads)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        yield int(server.effective_port)
    finally:
        server.close()


@contextmanager
def uvicorn_server(application):
    """The same with Uvicorn and an ASGI program."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(application, port=0, http="h11", ws="none", log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def reach(address, seconds=20):
    """A visitor's socket, connected to a port or to the path of a Unix socket as soon as somebody listens there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if isinstance(address, int):
                return create_connection(("127.0.0.1", address), timeout=seconds)
            visitor = socket(AF_UNIX)
            visitor.settimeout(seconds)
            visitor.connect(address)
            return visitor
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def ask(address, path="/", *headers):
    """The body of the answer to a GET request, its header fields sent as they are written here."""
    lines = [f"GET {path} HTTP/1.0", "Host: localhost", *headers, "", ""]
    with reach(address) as visitor:
        visitor.sendall("\r\n".join(lines).encode())
        answer = b"".join(iter(lambda: visitor.recv(65536), b""))
    return answer.partition(b"\r\n\r\n")[2].decode()
