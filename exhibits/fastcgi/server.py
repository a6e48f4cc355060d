"""A FastCGI server: a loop around a CGI-shaped program, which is called anew for each request.

    python -m exhibits.fastcgi.server SOCKET MODULE

SOCKET is the path of a Unix socket or HOST:PORT, MODULE a module with
`respond(environ, stdin, stdout, stderr)`: what a process was for CGI is here a call in a thread.
What records say is in `wire.py`; "§" names a section of the FastCGI specification.

Left out, and why real servers have ten times the lines: further processes and whoever restarts
them, several requests on a connection at once, the roles Authorizer and Filter (§6.3, §6.4),
a log, settings, a limit on the time a request takes.
"""

import contextlib
import importlib
import os
import select
import signal
import socket
import sys
import threading
import traceback
from types import SimpleNamespace

from exhibits.fastcgi import wire
from exhibits.fields import Malformed

THREADS = 64  # so many connections at once; the next ones wait to be accepted
TIMEOUT = 30  # seconds: the longest silence of the web server
CHUNK = 32 * 1024  # bytes of an answer that are sent although the program does not flush
VALUES = {"FCGI_MAX_CONNS": str(THREADS), "FCGI_MAX_REQS": str(THREADS), "FCGI_MPXS_CONNS": "0"}  # §4.1
CRASHED = b"Status: 500 Internal Server Error\nContent-Type: text/plain\n\nThe program raised an exception.\n"


class Connection:
    """A connection from the web server, in a thread, and the one request it carries at a time."""

    def __init__(self, sock, respond):
        self.socket, self.respond, self.reader = sock, respond, wire.ApplicationReader()
        self.id, self.keep, self.ended = None, True, True  # no request, may stay open, no STDIN to come
        sock.settimeout(TIMEOUT)

    def serve(self):
        while self.keep or self.id:
            self.receive()
            if self.id and self.environ is not None:
                self.run()
        if not self.ended:  # closed with bytes unread, a connection is reset, and the answer lost
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(65536):
                pass

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionAbortedError("the web server left")
        for message in self.reader.receive(data):
            self.take(message)

    def take(self, message):
        match message:
            case wire.BeginRequest(id) if self.id:
                self.end(id, wire.EndRequest(id, 0, wire.CANT_MPX_CONN))
            case wire.BeginRequest(id, role, flags):
                self.id, self.keep, self.environ = id, bool(flags & wire.KEEP_CONN), None
                self.input, self.ended, self.aborted = bytearray(), False, False
                self.output, self.began, self.errors = b"", False, ""
                if role != wire.RESPONDER:
                    self.end(id, wire.EndRequest(id, 0, wire.UNKNOWN_ROLE))
            case wire.Params(_, variables):
                self.environ = variables
            case wire.Stdin(_, data):
                self.input += data
                self.ended = not data
            case wire.AbortRequest(id):
                self.aborted = True
                if self.environ is None:
                    self.end(id, wire.EndRequest(id, 1))
            case wire.GetValues(names):
                self.send(wire.GetValuesResult({name: VALUES[name] for name in names if name in VALUES}))
            case wire.UnknownType():
                self.send(message)  # the question is the answer (§4.2)

    def run(self):
        stdin = SimpleNamespace(read=self.read)
        stdout = SimpleNamespace(write=self.write, flush=self.flush)
        stderr = SimpleNamespace(write=self.complain, flush=lambda: None)
        status = 1
        try:
            self.respond(self.environ, stdin, stdout, stderr)
            status = 0
        except BrokenPipeError:
            self.output = b""
        except BaseException:
            self.complain(traceback.format_exc())
            self.output = self.output if self.began else CRASHED
        last = [wire.Stdout(self.id, self.output)] if self.output else []
        self.end(self.id, *last, wire.Stdout(self.id, b""), wire.EndRequest(self.id, status))

    def read(self, size=sys.maxsize):
        """Standard input. Where it breaks off it ends: CONTENT_LENGTH tells the program (§6.2)."""
        try:
            while len(self.input) < size and not (self.ended or self.aborted):
                self.receive()
        except (OSError, Malformed):
            self.ended, self.keep = True, False
        data = bytes(self.input[:size])
        del self.input[:size]
        return data

    def write(self, data):
        """Standard output. It waits until flush or for more, so that a short answer is sent at once."""
        self.output += data
        if len(self.output) >= CHUNK:
            self.flush()

    def flush(self):
        with contextlib.suppress(ConnectionAbortedError):  # perhaps it has only nothing more to say
            while len(self.input) < CHUNK and select.select([self.socket], [], [], 0)[0]:
                self.receive()
        if self.aborted:
            raise BrokenPipeError("the web server has aborted the request")
        data, self.output, self.began = self.output, b"", True
        if data:
            self.send(wire.Stdout(self.id, data))

    def complain(self, text):
        """Standard error, line by line. When there is nobody to tell, it is ours."""
        self.errors += text
        if "\n" in text:
            data, self.errors = self.errors.encode("utf-8", "replace"), ""
            try:
                self.send(wire.Stderr(self.id, data))
            except BrokenPipeError:
                os.write(2, data)

    def end(self, id, *last):
        self.reader.forget(id)
        self.id = None if id == self.id else self.id
        self.send(*last)

    def send(self, *messages):
        try:
            self.socket.sendall(b"".join(map(wire.build, messages)))
        except OSError as error:  # also when it has not read for too long
            raise BrokenPipeError("the web server left") from error


def work(listener, respond):
    while True:
        try:
            sock, _ = listener.accept()
            with sock:
                Connection(sock, respond).serve()
        except Malformed as error:
            sys.stderr.write(f"this is not FastCGI: {error}\n")
        except OSError:
            pass  # the web server left, or was silent for too long


def listen(where):
    """A listening socket at HOST:PORT or at a path."""
    host, _, port = where.rpartition(":")
    if port.isdecimal():
        return socket.create_server((host, int(port)), backlog=1024)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(where)  # left behind by somebody who was killed
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(where)
    listener.listen(1024)
    return listener


def main(where, module):
    def stop(*_):
        with contextlib.suppress(OSError):
            os.unlink(where)
        os._exit(0)  # without waiting for anybody

    respond = importlib.import_module(module).respond
    listener = listen(where)
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, stop)
    for _ in range(THREADS):
        threading.Thread(target=work, args=(listener, respond), daemon=True).start()
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
