"""A FastCGI server: a loop around a CGI-shaped program, which is called anew for each request.

    python -m exhibits.fastcgi.server SOCKET MODULE

SOCKET is the path of a Unix socket or HOST:PORT, MODULE a module with
`respond(environ, stdin, stdout, stderr)`: what a process was for CGI is here a call in a thread.
What records say is in `wire.py`; "§" names a section of the FastCGI specification. When every
thread is taken, the last one says so, with a 503 and OVERLOADED (see `exhibits/shared/listening.py`).

Left out, and why other servers are longer: processes and whoever restarts them,
several requests on a connection at once, the roles Authorizer and Filter (§6.3, §6.4), a log,
settings, a limit on the time a request takes.
"""

import select
import sys
import traceback
from types import SimpleNamespace

from exhibits.cgi.wire import Output
from exhibits.fastcgi import wire
from exhibits.shared import listening
from exhibits.shared.fields import Malformed
from exhibits.shared.log import last_words, log

CHUNK = 32 * 1024  # bytes of an answer that are sent although the program does not flush
VALUES = dict.fromkeys(("FCGI_MAX_CONNS", "FCGI_MAX_REQS"), str(listening.THREADS)) | {"FCGI_MPXS_CONNS": "0"}  # §4.1
FAILED = b"Status: 500 Internal Server Error\nContent-Type: text/plain\n\nThe program did not answer.\n"


class Connection:
    """A connection from the web server, in a thread, and the one request it carries at a time."""

    def __init__(self, sock, respond):
        self.socket, self.respond, self.reader = sock, respond, wire.ApplicationReader()
        self.id, self.keep, self.ended = None, True, True  # no request, may stay open, no STDIN to come
        self.call = None  # of the program
        self.poll = select.poll()  # select knows no file descriptor beyond 1023, and programs open files
        self.poll.register(sock, select.POLLIN)

    def serve(self):
        while (self.keep or self.id) and self.receive():
            if self.id and self.environ is not None:
                self.run()
        if not self.ended:
            listening.hang_up(self.socket)

    def receive(self):
        """Take what the web server says next; false if it left, is silent for too long, or makes no sense."""
        try:
            data = self.socket.recv(65536)
            for message in self.reader.receive(data):
                self.take(message)
        except (OSError, Malformed) as error:
            data = b""
            if isinstance(error, Malformed):
                log(f"this is not FastCGI: {error}")
        self.keep, self.ended = self.keep and data != b"", self.ended or data == b""
        return data != b""

    def take(self, message):
        match message:
            case wire.BeginRequest(id) if self.id:
                self.end(wire.EndRequest(id, 0, wire.CANT_MPX_CONN))
            case wire.BeginRequest(id, role, flags):
                self.id, self.environ, self.input = id, None, bytearray()
                self.output, self.printed = b"", Output()
                self.ended = self.aborted = self.began = False
                self.keep = bool(flags & wire.KEEP_CONN) and self.respond is not listening.busy
                if role != wire.RESPONDER:
                    self.end(wire.EndRequest(id, 0, wire.UNKNOWN_ROLE))
            case wire.Params(_, variables):
                self.environ = variables
            case wire.Stdin(_, data):
                self.input += data
                self.ended = not data
            case wire.AbortRequest(id):
                self.aborted = True
                if self.environ is None:
                    self.end(wire.EndRequest(id, 1))
            case wire.GetValues(names):
                self.send(wire.GetValuesResult({name: VALUES[name] for name in names if name in VALUES}))
            case wire.UnknownType():
                self.send(message)  # the question is the answer (§4.2)

    def run(self):
        call = self.call = object()

        def during_call(method, otherwise):
            """The method as long as the call lasts: a thread that outlives it has no part in the next request."""
            return lambda *arguments: (method if self.call is call else otherwise)(*arguments)

        stdin = SimpleNamespace(read=during_call(self.read, over))
        stdout = SimpleNamespace(write=during_call(self.write, over), flush=during_call(self.flush, over))
        stderr = SimpleNamespace(write=during_call(self.complain, lambda text: log(text.rstrip("\n"))),
                                 flush=lambda: None)
        status = 1
        try:
            self.respond(self.environ, stdin, stdout, stderr)
            status = 0
        except SystemExit as exit:  # "the status code that the CGI program would have returned" (§6.2)
            status = exit.code & 0xFF if isinstance(exit.code, int) else int(exit.code is not None)
            self.complain(last_words(exit))
        except BaseException as error:
            if not (self.aborted and isinstance(error, BrokenPipeError)):  # that is ours, and no fault of the program
                self.complain(traceback.format_exc())
            self.output = b""
        self.call = None
        if not (self.began or self.output or self.aborted):
            self.output = FAILED
        last = [wire.Stdout(self.id, self.output)] if self.output else []
        result = wire.OVERLOADED if self.respond is listening.busy else wire.REQUEST_COMPLETE
        self.end(*last, wire.Stdout(self.id, b""), wire.EndRequest(self.id, status, result))

    def read(self, size=-1):
        """Standard input. Where it breaks off it ends: CONTENT_LENGTH tells the program (§6.2)."""
        size = sys.maxsize if size is None or size < 0 else size  # as files have it
        while len(self.input) < size and not (self.ended or self.aborted):
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
        while len(self.input) < CHUNK and self.poll.poll(0) and self.receive():
            pass  # the web server says something meanwhile
        if self.aborted:
            raise BrokenPipeError("the web server has aborted the request")
        if self.output:  # an empty record would end the stream (§3.3)
            data, self.output, self.began = self.output, b"", True
            self.send(wire.Stdout(self.id, data))

    def complain(self, text):
        """Standard error. When there is nobody to tell, it is ours."""
        try:
            if text:  # an empty record would end this stream, too
                self.send(wire.Stderr(self.id, text.encode("utf-8", "replace")))
        except BrokenPipeError:
            log(text.rstrip("\n"))

    def end(self, *last):
        self.reader.forget(last[-1].id)
        self.id = None if self.id == last[-1].id else self.id
        self.send(*last)

    def send(self, *messages):
        try:
            self.socket.sendall(b"".join(map(wire.build, messages)))
        except OSError as error:  # also when it has not read for too long
            self.aborted = True
            raise BrokenPipeError("the web server left") from error


def over(*_):
    raise ValueError("this request has been answered already")


if __name__ == "__main__":
    listening.main(lambda sock, respond: Connection(sock, respond).serve(), "respond", listening.busy)
