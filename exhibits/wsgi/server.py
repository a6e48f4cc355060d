"""A WSGI server: HTTP/1.1 towards the visitor, a call of the program for each request.

    python -m exhibits.wsgi.server [--host 127.0.0.1] [--port 8000] [--mount /museum] MODULE

MODULE has an `application`. h11 makes requests of the bytes, and here they become an environ;
what a program may do with it is in `exhibits/wsgi_call.py`.

Left out: processes, TLS, trust in proxies, a limit on visitors and on the time a request takes.
"""

import importlib
import os
import re
import signal
import socket
import socketserver
import struct
import time
from contextlib import suppress
from email.utils import formatdate
from urllib.parse import unquote_to_bytes

import h11

from exhibits import command_line, wsgi_call

LIMIT, TIMEOUT = 64 * 1024, 30  # bytes of a request before its body; seconds that a visitor may be silent
TARGET = re.compile(r"(?:(?i:https?)://[^/?#]+)?(/[^?#]*)(?:\?([^#]*))?")  # RFC 9112 section 3.2


class Visitor(socketserver.BaseRequestHandler):
    """A connection, in a thread of its own. Its requests are answered one after the other."""

    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for silence in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:  # settimeout would poll before each recv and send
            self.request.setsockopt(socket.SOL_SOCKET, silence, struct.pack("ll", TIMEOUT, 0))
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMIT)
        with suppress(OSError):
            while self.exchange():
                self.http.start_next_cycle()
            self.request.shutdown(socket.SHUT_WR)
            self.request.settimeout(1)  # closing resets what is unread, and loses the answer (RFC 9112 section 9.6)
            any(not self.request.recv(65536) for _ in range(256))

    def exchange(self):
        """Answer one request and log it; true if the connection can carry another one."""
        start, line, self.status = time.monotonic(), "-", "-"
        try:
            if type(request := self.next_event()) is h11.ConnectionClosed:
                return False
            start = time.monotonic()
            line = f"{request.method.decode()} {request.target.decode()} HTTP/{request.http_version.decode()}"
            environ = wsgi_call.environ(self.variables(request), self.read_body)
            if not wsgi_call.Call(environ, self.send).run(self.server.application):
                raise ConnectionResetError
            if last_chunk := self.http.send(h11.EndOfMessage()):
                self.request.sendall(last_chunk)
            for _ in range(16):  # what the program has not read of the body stands before the next request
                if self.http.their_state is h11.SEND_BODY and "HTTP_EXPECT" not in environ:
                    self.read_body()
        except h11.RemoteProtocolError as error:  # before the program was called
            body = f"{error}\n".encode()
            fields = ("Content-Type", "text/plain"), ("Content-Length", f"{len(body)}"), ("Connection", "close")
            self.send((f"{error.error_status_hint} Refused", fields), body)
        except OSError:
            if line == "-":
                return False
            if self.http.our_state not in (h11.DONE, h11.MUST_CLOSE):
                # Where the end of the connection is the end of the answer, only a reset tells that some is missing.
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.request.close()
        if self.server.options.access_log:
            log = f'{self.client_address[0]} "{line}" {self.status} {(time.monotonic() - start) * 1000:.0f} ms\n'
            os.write(2, log.encode())  # at once: others log too
        return self.http.our_state is self.http.their_state is h11.DONE

    def variables(self, request):
        """The CGI variables of a request (PEP 3333, environ Variables)."""
        target, mount = TARGET.fullmatch(request.target.decode()), self.server.options.mount
        path = unquote_to_bytes(target[1] if target else "*").decode("latin-1")
        if not f"{path}/".startswith(f"{mount}/"):
            raise h11.RemoteProtocolError("there is nothing here", error_status_hint=404)
        variables = {
            "REQUEST_METHOD": request.method.decode(), "SERVER_PROTOCOL": f"HTTP/{request.http_version.decode()}",
            "SERVER_NAME": self.server.server_address[0], "SERVER_PORT": str(self.server.server_address[1]),
            "REMOTE_ADDR": self.client_address[0],
            "SCRIPT_NAME": mount, "PATH_INFO": path[len(mount):], "QUERY_STRING": target[2] or "",
        }  # fmt: skip
        for name, value in request.headers:
            if b"_" not in name and name != b"proxy":  # X_A would pass for X-A, and HTTP_PROXY for a setting (httpoxy)
                key, value = name.decode().upper().replace("-", "_"), value.decode("latin-1")
                key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
                comma = "; " if name == b"cookie" else ", "  # RFC 9110 section 5.3, RFC 9113 section 8.2.3
                variables[key] = f"{variables[key]}{comma}{value}" if key in variables else value
        if "HTTP_TRANSFER_ENCODING" in variables and ("CONTENT_LENGTH" in variables or request.http_version < b"1.1"):
            raise h11.RemoteProtocolError("it is not clear where the body ends")  # smuggling, RFC 9112 section 6.1
        return variables

    def next_event(self):
        while (event := self.http.next_event()) is h11.NEED_DATA:
            if self.http.they_are_waiting_for_100_continue:  # the program reads (PEP 3333, HTTP 1.1 Expect/Continue)
                self.request.sendall(self.http.send(h11.InformationalResponse(status_code=100, headers=[])))
            self.http.receive_data(self.request.recv(4096))  # small pieces: h11 checks LIMIT between them
        return event

    def read_body(self):
        """The next bytes of the body, b"" at its end. OSError where it breaks off, is malformed or too slow."""
        try:
            event = self.next_event() if self.http.their_state in (h11.SEND_BODY, h11.ERROR) else None
        except h11.RemoteProtocolError as error:
            raise ConnectionAbortedError(str(error)) from error
        return bytes(event.data) if type(event) is h11.Data else b""

    def send(self, head, block):
        data = b""
        if head:
            self.status, reason = head[0][:3], head[0][4:].encode("latin-1")
            fields = [(name, value.encode("latin-1")) for name, value in head[1]]
            names = {name.lower() for name, _ in fields}
            if "date" not in names:
                fields.append(("Date", formatdate(usegmt=True)))  # RFC 9110 section 6.6.1
            if "upgrade" in names:
                fields.append(("Connection", "upgrade"))  # they go together (RFC 9110 section 7.8)
            data = self.http.send(h11.Response(status_code=int(self.status), reason=reason, headers=fields))
        self.request.sendall(data + (self.http.send(h11.Data(data=block)) if block else b""))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 1024


def main():
    parser = command_line.parser("Serve a WSGI program over HTTP/1.1.")
    parser.add_argument("module", help="where the application is")
    options = Server.options = parser.parse_args()
    Server.application = staticmethod(importlib.import_module(options.module).application)
    Server.address_family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda *_: os._exit(0))  # without waiting for anybody
    try:
        server = Server((options.host, options.port), Visitor)
    except (OSError, OverflowError) as error:
        parser.exit(2, f"cannot listen on {options.host} port {options.port}: {error}\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
