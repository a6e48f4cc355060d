"""The web server in front of CGI, FastCGI, SCGI and uwsgi, and the four ways from it to the program.

It reads HTTP and asks for the answer with the museum's own wires, and hands the answer on as it comes.
At home the front is nginx, and at CGI the museum's own server; "§" is a section of RFC 3875.
"""

import io
import os
import sys
from types import SimpleNamespace

from exhibits.cgi import wire as cgi
from exhibits.cgi.script import SOFTWARE, Failure, meta_variables
from exhibits.fastcgi import server as fastcgi_server
from exhibits.fastcgi import wire as fastcgi
from exhibits.http import connection, grammar
from exhibits.http.wire import Body, End, Response
from exhibits.lab.ends import HOST, PORT, Socket, pieces_of
from exhibits.lab.programs import told
from exhibits.scgi import server as scgi_server
from exhibits.scgi import wire as scgi
from exhibits.shared.fields import Malformed
from exhibits.uwsgi import server as uwsgi_server
from exhibits.uwsgi import wire as uwsgi

TIMEOUT = 30  # seconds that a visitor may be silent
BODY_LIMIT = 16 * 1024 * 1024  # bytes; nginx has 1 MiB, which its configuration here raises


class Terminated(BaseException):
    """The server ends the process: its visitor has left."""


class Front(connection.Connection):
    """A visitor of the web server. way: one of the functions below.

    left: whether the visitor has left; leaving: what is to be done then.
    """

    def __init__(self, sock, way, journey, program):
        super().__init__(sock, TIMEOUT)
        self.way, self.journey, self.program = way, journey, program
        self.options = SimpleNamespace(environ={}, mount="", name=HOST.encode(), port=PORT)
        self.left, self.leaving = False, lambda: None

    def serve(self):
        while self.exchange():
            pass
        self.hang_up()

    def exchange(self):
        """Answer one request; true if the connection can carry another one."""
        try:
            if not self.next_request():
                return False
            self.respond(self.request, self.read_to_file(BODY_LIMIT))
        except grammar.BadMessage as error:
            self.refuse(error.status, error.sentence)
        except Failure as failure:
            self.fail(*failure.args)
        except TimeoutError:
            if self.request or self.reader.buffer:
                self.refuse(408, "the client is too slow")
        except OSError:
            pass  # nobody is there any more
        return self.finish()

    def fail(self, status, sentence):
        """Say why there is no answer of the program's; one that has begun is cut off, lest it pass for whole."""
        if self.status == "-":
            self.refuse(status, sentence)
        else:
            self.abort()

    def respond(self, request, body):
        """Ask the program. If the answer is a local redirect (§6.2.2), ask again for the new path."""
        method, path, query = request.method, request.path, request.query
        for _ in range(10):
            variables = meta_variables(self.options, "127.0.0.1", request, method, path, query, body)
            if body:
                body.seek(0)
            self.head, self.cgi, self.done = None, cgi.ResponseReader(), False
            self.way(self, variables, body.read() if body else b"")
            if self.left:
                raise ConnectionAbortedError
            if self.head is None:
                raise Failure(502, "the program said nothing that is an answer")
            if self.head.form != "local redirect":
                if not self.done:
                    self.send(End())
                return
            method, body = b"GET", None
            path, query, _ = grammar.split_target(b"GET", self.head.location)
        raise Failure(502, "the program redirects without end")

    def hear(self, data):
        """The next bytes of what the program prints: the visitor gets them at once."""
        try:
            if self.head is None:
                self.head = self.cgi.feed(data)
                if self.head is None or self.head.form == "local redirect":
                    return
                fields = [field for field in self.head.headers if field[0].lower() not in cgi.HOP_BY_HOP]
                if b"server" not in [name.lower() for name, _ in fields]:
                    fields.append((b"Server", SOFTWARE))
                self.send(Response(self.head.status, fields, self.head.reason), *self.piece(self.cgi.rest))
            elif not self.done:
                self.send(*self.piece(data))
        except Malformed as error:
            raise Failure(502, f"the program's answer is malformed: {error}") from None
        except ValueError as error:
            raise Failure(502, f"the program's answer cannot be sent: {error}") from None
        except OSError:
            if not self.left:
                self.left = True
                self.leaving()

    def piece(self, data):
        """The messages for a piece of the body; no more than was promised."""
        left = self.writer.left if self.writer.left is not None else None
        if left is not None and left >= 0:
            data = data[:left]
        return [Body(data)] if data else []


# ---------------------------------------------------------------- the ways to the program


def process(front, variables, body):
    """CGI: environment, standard input, output and error. Here the process is a call of the program's text."""
    link = front.journey.link(["our CGI server", "program"], "process", began=front.journey.now())
    variables = {**front.journey.environ, **variables}
    front.journey.say(link, 0, "environ", cgi.build_environment(dict(sorted(variables.items()))))
    if body:
        front.journey.say(link, 0, "stdin", body)

    def printed(data):
        if front.left:
            raise Terminated  # the server has sent SIGTERM
        front.journey.say(link, 1, "stdout", data)
        front.hear(data)
        if front.left:
            raise Terminated

    def complained(data):
        front.journey.say(link, 1, "stderr", data)
        front.journey.log(data)

    link["exit"] = run(front.program, variables, body, printed, complained)
    link["ended"] = front.journey.now()


def run(program, variables, body, printed, complained):
    """Run a program's text as a process would run it; return its exit code. Raises what printed raises but Terminated.

    program: a function of no arguments.
    """
    before = dict(os.environb), sys.stdin, sys.stdout, sys.stderr
    files = Stream(printed), Stream(complained)
    # As Python has them where they are pipes: the first keeps what is not flushed, the second what is no whole line.
    stdout = io.TextIOWrapper(io.BufferedWriter(files[0]), encoding="utf-8")
    stderr = io.TextIOWrapper(io.BufferedWriter(files[1]), "utf-8", "backslashreplace", line_buffering=True)
    os.environb.clear()
    os.environb.update(variables)
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8"), stdout, stderr
    code = 0
    try:
        try:
            program()
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
            if code and not isinstance(exit.code, int):
                print(exit.code, file=stderr)
        except (Terminated, Failure):
            raise
        except BaseException as error:
            stderr.write(told(error))
            code = 1
        stdout.flush()
    except Terminated:
        code = -15
    finally:
        environ, sys.stdin, sys.stdout, sys.stderr = before
        os.environb.clear()
        os.environb.update(environ)
        for file in files:
            file.heard = None  # what is left in a buffer goes nowhere, whoever still holds it
    return code


class Stream(io.RawIOBase):
    """A file that calls a function with what is written to it."""

    def __init__(self, heard):
        self.heard = heard

    def writable(self):
        return True

    def write(self, data):
        for piece in pieces_of(data):
            if self.heard:
                self.heard(piece)
        return len(data)


def text(variables):
    """Variables as text, each character standing for a byte, as the wires have them."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in variables.items()}


def over_socket(carrier, server):
    """A way over a connection that server(sock, program) serves; the function tells what to say and what to hear."""

    def decorate(talk):
        def way(front, variables, body):
            link = front.journey.link(["our front", f"our {carrier} server"], carrier)
            say, hear, leave = talk(front, text(variables), body)

            def heard(data):
                front.journey.say(link, 1, "response", data)
                if not front.left:
                    hear(data)

            sock = Socket([say], heard, said=lambda piece: front.journey.say(link, 0, "request", piece), hangs_up=True)
            front.leaving = lambda: leave(sock)
            try:
                server(sock, front.program)
            finally:
                sock.close()

        return way

    return decorate


def hang_up(sock):
    sock.gone = True


@over_socket("FastCGI", lambda sock, program: fastcgi_server.Connection(sock, program).serve())
def over_fastcgi(front, variables, body):
    reader = fastcgi.WebServerReader()
    reader.begin(1)

    def hear(data):
        for message in reader.receive(data):
            if type(message) is fastcgi.Stdout and message.data:
                front.hear(message.data)
            elif type(message) is fastcgi.Stderr:
                front.journey.log(message.data)

    streams = [fastcgi.Stdin(1, body), fastcgi.Stdin(1, b"")] if body else [fastcgi.Stdin(1, b"")]
    said = b"".join(map(fastcgi.build, [fastcgi.BeginRequest(1), fastcgi.Params(1, variables), *streams]))
    return said, hear, lambda sock: sock.interrupt(fastcgi.build(fastcgi.AbortRequest(1)))


@over_socket("SCGI", lambda sock, program: scgi_server.Connection(sock, program).serve())
def over_scgi(front, variables, body):
    return scgi.build_request({**variables, "CONTENT_LENGTH": str(len(body))}) + body, front.hear, hang_up


@over_socket("uwsgi", lambda sock, program: uwsgi_server.Connection(sock).serve(program))
def over_uwsgi(front, variables, body):
    reader = uwsgi.ResponseReader(variables["REQUEST_METHOD"])

    def hear(data):
        came = b""
        for message in reader.receive(data):
            if type(message) is uwsgi.Response:  # the front speaks of a status as CGI does
                fields = [(name.encode(), value.encode("latin-1")) for name, value in message.headers]
                came += cgi.build_response(fields, f"{message.status} {message.reason}".encode("latin-1"))
            elif type(message) is uwsgi.Body:
                came += message.data
        if came:
            front.hear(came)

    variables = {**variables, "CONTENT_LENGTH": str(len(body)) if body else ""}
    return uwsgi.build_request(variables) + body, hear, hang_up
