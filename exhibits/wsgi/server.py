"""A WSGI server: HTTP/1.1 towards the visitor, a call of the program for each request.

    python -m exhibits.wsgi.server [--host 127.0.0.1] [--port 8000] [--mount /museum] MODULE

MODULE is a module with an `application`. h11 turns bytes into requests, here they become
an environ; what a program may do with that is in `exhibits/wsgi_call.py`.

Left out: processes, TLS, answers from a cache or a folder, trust in proxies, a limit on
the number of visitors (each has a thread) and on the time a whole request takes.
"""

import argparse
import contextlib
import importlib
import os
import re
import signal
import socket
import struct
import sys
import threading
import time
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

import h11

from exhibits import wsgi_call

LIMIT = 64 * 1024  # bytes of a request before its body
TIMEOUT = 30  # seconds: the longest silence of a visitor
UNREAD = 16  # pieces of a body that are read although the program did not, to keep the connection
TARGET = re.compile(r"(?:(?i:https?)://[^/?#]+)?(/[^?#]*)(?:\?([^#]*))?")  # RFC 9112 section 3.2
WITHHELD = {b"proxy"}  # would be HTTP_PROXY, where HTTP clients look for their proxy (httpoxy, CVE-2016-5385)


class Refused(Exception):
    """A request that no program gets to see. args: status code, sentence."""


class Connection:
    """A visitor, in a thread of its own. Requests are answered one after the other."""

    def __init__(self, sock, client, options):
        self.socket, self.client, self.options = sock, client, options
        self.socket.settimeout(TIMEOUT)
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMIT)

    def serve(self):
        with self.socket:
            while self.exchange():
                self.http.start_next_cycle()
            hang_up(self.socket)

    def exchange(self):
        """Answer one request and log it; true if the connection can carry another one."""
        start, line, self.status, self.broken = time.monotonic(), "-", "-", False
        try:
            request = self.next_event()
            if type(request) is h11.ConnectionClosed:
                return False
            start = time.monotonic()
            line = f"{request.method.decode()} {request.target.decode()} HTTP/{request.http_version.decode()}"
            environ = wsgi_call.environ(self.variables(request), self.read_body)
            if wsgi_call.Call(environ, self.send).run(self.options.application):
                self.finish()
            else:
                self.cut()
        except Refused as refusal:
            self.refuse(*refusal.args)
        except h11.RemoteProtocolError as error:
            self.refuse(error.error_status_hint, str(error)[:200])
        except TimeoutError:
            if line == "-" and not self.http.trailing_data[0]:
                return False  # nothing was asked
            self.refuse(408, "the client is too slow")
        except (ConnectionError, wsgi_call.ClientLeft):
            self.broken = True
        log(f'{self.client} "{line}" {self.status} {(time.monotonic() - start) * 1000:.0f} ms')
        return not self.broken and self.http.our_state is self.http.their_state is h11.DONE

    # ---------------------------------------------------------------- the request

    def next_event(self):
        while (event := self.http.next_event()) is h11.NEED_DATA:
            if self.http.they_are_waiting_for_100_continue:  # the program reads (PEP 3333, HTTP 1.1 Expect/Continue)
                self.socket.sendall(self.http.send(h11.InformationalResponse(status_code=100, headers=[])))
            self.http.receive_data(self.socket.recv(LIMIT))
        return event

    def variables(self, request):
        """The CGI variables of a request (PEP 3333, environ Variables)."""
        fields = {}
        for name, value in request.headers:
            if name in WITHHELD or b"_" in name:  # X_Mood would pass for X-Mood: both are HTTP_X_MOOD
                continue
            key = name.decode().upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            value = value.decode("latin-1")
            if key in fields:  # a comma would not separate cookies (RFC 9113 section 8.2.3)
                value = fields[key] + ("; " if name == b"cookie" else ", ") + value
            fields[key] = value
        chunked = "HTTP_TRANSFER_ENCODING" in fields
        if chunked and ("CONTENT_LENGTH" in fields or request.http_version < b"1.1"):
            raise Refused(400, "it is not clear where the body ends")  # smuggling, RFC 9112 section 6.1
        target = TARGET.fullmatch(request.target.decode())
        if not target:
            raise Refused(400, "the request does not ask for a path")
        path, mount = unquote_to_bytes(target[1]).decode("latin-1"), self.options.mount
        if not f"{path}/".startswith(f"{mount}/"):
            raise Refused(404, "there is nothing here")
        return {
            "REQUEST_METHOD": request.method.decode(),
            "SCRIPT_NAME": mount,
            "PATH_INFO": path[len(mount):],
            "QUERY_STRING": target[2] or "",
            "SERVER_NAME": self.options.host,
            "SERVER_PORT": str(self.options.port),
            "SERVER_PROTOCOL": f"HTTP/{request.http_version.decode()}",
            "REMOTE_ADDR": self.client,
            **fields,
        }  # fmt: skip

    def read_body(self):
        """The next bytes of the body, b"" at its end. OSError where it breaks off, is malformed or too slow."""
        if self.broken or self.http.their_state is not h11.SEND_BODY:
            return b""
        try:
            event = self.next_event()
        except (OSError, h11.RemoteProtocolError) as error:
            self.broken = True
            raise error if isinstance(error, OSError) else ConnectionAbortedError(str(error)) from error
        return bytes(event.data) if type(event) is h11.Data else b""

    # ---------------------------------------------------------------- the answer

    def send(self, head, block):
        data = self.http.send(self.response(*head)) if head else b""
        if block:
            data += self.http.send(h11.Data(data=block))
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise wsgi_call.ClientLeft from error

    def response(self, status, headers):
        self.status, names = status[:3], {name.lower() for name, _ in headers}
        if "date" not in names:
            headers = [*headers, ("Date", formatdate(usegmt=True))]  # RFC 9110 section 6.6.1
        if "upgrade" in names:
            headers = [*headers, ("Connection", "upgrade")]  # they go together (RFC 9110 section 7.8)
        headers = [(name, value.encode("latin-1")) for name, value in headers]
        return h11.Response(status_code=int(status[:3]), reason=status[4:].encode("latin-1"), headers=headers)

    def finish(self):
        """End the answer, and read what the program has not read of the request."""
        if data := self.http.send(h11.EndOfMessage()):
            self.socket.sendall(data)
        for _ in range(UNREAD):
            if self.http.they_are_waiting_for_100_continue or not self.read_body():
                break

    def refuse(self, status, sentence):
        """Answer without the program."""
        if self.http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = f"{sentence}\n".encode()
            fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), ("Connection", "close")]
            with contextlib.suppress(wsgi_call.ClientLeft):
                self.send((f"{status} {HTTPStatus(status).phrase}", fields), body)
        self.broken = True

    def cut(self):
        """Reset the connection: where its end is the end of the answer, nothing else tells that some is missing."""
        self.broken = True
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def hang_up(sock):
    """Close in two steps: with bytes unread it would be a reset, which can overtake the answer (RFC 9112 9.6)."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(1)
        for _ in range(256):
            if not sock.recv(65536):
                break


def log(line):
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode())  # the whole line at once: other threads write too


def read_arguments():
    parser = argparse.ArgumentParser(description="Serve a WSGI program over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--mount", default="", metavar="/PATH", help="where the program is: its SCRIPT_NAME")
    parser.add_argument("module", help="where the application is")
    options = parser.parse_args()
    options.mount = options.mount.rstrip("/")
    if options.mount and not options.mount.startswith("/"):
        parser.error("--mount begins with a slash")
    options.application = importlib.import_module(options.module).application
    return options


def main():
    options = read_arguments()
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listener = socket.create_server((options.host, options.port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        log(f"cannot listen on {options.host} port {options.port}: {error}")
        sys.exit(2)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda *_: os._exit(0))  # without waiting for anybody
    log(f"listening on {options.host} port {options.port}")
    while True:
        try:
            sock, address = listener.accept()
            threading.Thread(target=Connection(sock, address[0], options).serve, daemon=True).start()
        except (OSError, RuntimeError) as error:  # no file or thread to be had
            log(str(error))
            time.sleep(0.1)


if __name__ == "__main__":
    main()
