"""A WSGI server: HTTP/1.1 towards the visitor, a call of the program for each request.

    python -m exhibits.wsgi.server [--host 127.0.0.1] [--port 8000] [--mount /museum] MODULE

MODULE has an `application`. Here a request becomes an environ. What HTTP is stands in `exhibits/http`,
what a program may do with an environ in `exhibits/shared/wsgi_call.py`.

Left out: processes, TLS, trust in proxies, a limit on visitors and on the time a request takes.
"""

import argparse
import os
import socket
import time
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from exhibits.http import listening
from exhibits.http.connection import Connection
from exhibits.http.grammar import BadMessage
from exhibits.http.wire import Body, End, Request, Response
from exhibits.shared import command_line, wsgi_call
from exhibits.shared.log import log

TIMEOUT = 30  # seconds that a visitor may be silent
CHUNKS_LIMIT = 1 << 30  # bytes of a body in chunks, which has no length until all of it is here


class Visitor(Connection):
    """A visitor, in a thread of its own. Its requests are answered one after the other.

    That is the simplest, and not the fastest: where many are served at once, each recv and each send hands Python's
    lock (the GIL) on to another thread.
    """

    def __init__(self, application: Callable, options: argparse.Namespace, sock: socket.socket, address: tuple):
        super().__init__(sock, TIMEOUT)
        self.application, self.options = application, options
        self.address, self.local = address, sock.getsockname()

    def serve(self) -> None:
        while self.exchange():
            pass
        self.hang_up()

    def exchange(self) -> bool:
        """Answer one request and log it; true if the connection can carry another one."""
        start = time.monotonic()
        try:
            if not self.next_request():
                return False
            start = time.monotonic()
            environ = wsgi_call.environ(*self.variables(self.request))
            wsgi_call.Call(environ, self.carry, self.end).run(self.application)
        except BadMessage as error:  # before the program was called
            self.refuse(error.status, error.sentence)
        except TimeoutError as error:
            if self.request or self.reader.buffer:
                self.refuse(408, str(error))
        except OSError:
            pass  # nobody is there any more
        if self.options.access_log and (self.request or self.status != "-"):
            took, line = (time.monotonic() - start) * 1000, self.request.line if self.request else "-"
            log(f'{self.address[0]} "{line}" {self.status} {took:.0f} ms')
        return self.finish()

    def variables(self, request: Request) -> tuple[dict[str, str], Callable[[], bytes] | None]:
        """The CGI variables of a request (PEP 3333, environ Variables), and what to call for its body."""
        mount, path = self.options.mount, unquote_to_bytes(request.path).decode("latin-1")
        if request.method == b"CONNECT":
            raise BadMessage("there is no tunnel here", 0, 501)
        if not f"{path}/".startswith(f"{mount}/"):
            raise BadMessage("there is nothing here", 0, 404)
        variables = {
            "REQUEST_METHOD": request.method.decode(), "SERVER_PROTOCOL": f"HTTP/{request.version.decode()}",
            "SERVER_NAME": self.local[0], "SERVER_PORT": str(self.local[1]),
            "REMOTE_ADDR": self.address[0], "REMOTE_PORT": str(self.address[1]), "REQUEST_URI": request.target.decode(),
            "SCRIPT_NAME": mount, "PATH_INFO": path[len(mount):], "QUERY_STRING": request.query.decode(),
        }
        for name, value in request.headers:
            if key := variable(name):
                value = value.decode("latin-1")
                comma = "; " if name == b"cookie" else ", "  # RFC 9110 section 5.3, RFC 9113 section 8.2.3
                variables[key] = f"{variables[key]}{comma}{value}" if key in variables else value
        if b"transfer-encoding" not in request.joined:
            return variables, None if self.messages == [End()] else self.receive_body
        # WSGI has no word for chunks, and most programs read CONTENT_LENGTH bytes: it has to be known.
        body = self.read_to_file(CHUNKS_LIMIT)
        variables["CONTENT_LENGTH"] = str(body.tell() if body else 0)
        if body:
            body.seek(0)
        return variables, body and (lambda: body.read(65536))

    def receive_body(self) -> bytes:
        """The next bytes of the body, for wsgi.input. OSError where it breaks off or does not come."""
        try:
            return self.read()
        except BadMessage as error:
            raise ConnectionAbortedError(error.sentence) from error

    def carry(self, head: tuple[str, list[tuple[str, str]]] | None, block: bytes) -> None:
        """Send what `wsgi_call.Call` has for the visitor."""
        messages = [Body(block)]
        if head:
            status, headers = head
            fields = [(name.encode(), value.encode("latin-1")) for name, value in headers]
            messages.insert(0, Response(int(status[:3]), fields, status[4:].encode("latin-1")))
        self.send(*messages)

    def end(self, whole: bool) -> None:
        """The answer is complete, or the program broke it off."""
        if whole:
            self.send(End())
        else:
            self.abort()


@lru_cache(maxsize=256)
def variable(name: bytes) -> str | None:
    """What a header field is called in an environ; None: it does not get there."""
    # X_A would pass for X-A, HTTP_PROXY for a setting (httpoxy), and of the chunks nothing is left.
    if b"_" in name or name in (b"proxy", b"transfer-encoding"):
        return None
    key = name.decode().upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def main() -> None:
    parser = command_line.parser("Serve a WSGI program over HTTP/1.1.")
    parser.add_argument("module", help="where the application is")
    options = parser.parse_args()
    application = command_line.load(options.module, "application")
    options.mount = os.fsencode(options.mount).decode("latin-1")  # as paths are in an environ
    listening.serve(options.host, options.port, lambda *visitor: Visitor(application, options, *visitor))
    os._exit(0)  # without waiting for anybody


if __name__ == "__main__":
    main()
