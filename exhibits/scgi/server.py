"""An SCGI server: a loop around a CGI-shaped program, which is called anew for each request.

    python -m exhibits.scgi.server SOCKET MODULE

SOCKET is the path of a Unix socket or HOST:PORT, MODULE a module with
`respond(environ, stdin, stdout, stderr)`: what a process was for CGI is here a call in a thread.
A connection carries one request; what it says is in `wire.py`. The answer is what the program
prints, up to the end of the connection: one that breaks off looks whole, unless it has said its
length. When every thread is taken, the last one answers 503 (see `exhibits/shared/listening.py`).

Left out, and why other servers are longer: processes and whoever restarts them,
a log, settings, a limit on the time a request takes.
"""

import os
import sys
from contextlib import suppress
from types import SimpleNamespace

from exhibits.cgi.wire import Output
from exhibits.scgi import wire
from exhibits.shared import listening
from exhibits.shared.fields import Malformed
from exhibits.shared.log import last_words, log, log_exception

CHUNK = 32 * 1024  # bytes of an answer that are sent although the program does not flush
REFUSED = b"Status: 400 Bad Request\nContent-Type: text/plain\n\nThis is not SCGI.\n"
FAILED = b"Status: 500 Internal Server Error\nContent-Type: text/plain\n\nThe program did not answer.\n"


class Connection:
    """A connection from the web server, in a thread, and the request it carries."""

    def __init__(self, sock, respond):
        self.socket, self.respond, self.reader = sock, respond, wire.RequestReader()
        self.environ, self.input, self.output, self.printed = None, bytearray(), b"", Output()
        self.ended = self.began = self.left = False  # no more comes; something went; nobody is there to read it

    def serve(self):
        try:
            while self.environ is None and not self.ended:
                self.receive()
        except Malformed as error:
            log(f"this is not SCGI: {error}")
            self.output = REFUSED
        if self.environ is not None:
            self.run()
        self.flush()
        if not self.ended:
            listening.hang_up(self.socket)

    def receive(self):
        """Take what the web server says next. If it leaves, or is silent for too long, the request ends there."""
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        self.ended = not data
        for message in self.reader.receive(data):
            match message:
                case wire.Request(variables):
                    self.environ = variables
                case wire.Body(piece):
                    self.input += piece
                case wire.End():
                    self.ended = True

    def run(self):
        stdin = SimpleNamespace(read=self.read)
        stdout = SimpleNamespace(write=self.write, flush=self.flush)
        stderr = SimpleNamespace(write=self.complain, flush=lambda: None)
        try:
            self.respond(self.environ, stdin, stdout, stderr)
        except SystemExit as exit:  # a CGI program may end like this, and its last words are for the log
            self.complain(last_words(exit))
        except BaseException as error:
            if not (self.left and isinstance(error, BrokenPipeError)):  # that is ours, and no fault of the program
                log_exception()
                self.output = b""
        if not (self.began or self.output):
            self.output = FAILED

    def read(self, size=-1):
        """Standard input. Where it breaks off it ends: CONTENT_LENGTH tells the program."""
        size = sys.maxsize if size is None or size < 0 else size  # as files have it
        while len(self.input) < size and not self.ended:
            self.receive()
        data = bytes(self.input[:size])
        del self.input[:size]
        return data

    def write(self, data):
        """Standard output. It waits until flush or for more, so that a short answer is sent at once."""
        self.output += self.printed.feed(data)
        if len(self.output) >= CHUNK:
            self.flush()

    def flush(self):
        data, self.output = self.output, b""
        self.began = self.began or bool(data)
        try:
            self.socket.sendall(data)
        except OSError as error:  # also when it has not read for too long
            self.left = True
            raise BrokenPipeError("the web server left") from error

    def complain(self, text):
        """Standard error: that of the server, whatever the program does with it."""
        with suppress(OSError):
            os.write(2, text.encode("utf-8", "backslashreplace"))


if __name__ == "__main__":
    listening.main(lambda sock, respond: Connection(sock, respond).serve(), "respond", listening.busy)
