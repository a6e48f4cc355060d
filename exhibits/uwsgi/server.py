"""A uwsgi server: packets from a web server become calls of a WSGI program.

    python -m exhibits.uwsgi.server SOCKET MODULE

SOCKET is the path of a Unix socket or HOST:PORT, MODULE a module with an `application`.
What a packet says is in `wire.py`, what a program may do in `exhibits/shared/wsgi_call.py`;
here the two meet. A connection carries one request, as web servers use the protocol.

An answer without a Content-Length ends with the connection. uwsgi has no other mark, so
an answer that the program broke off looks whole to the web server.

When every thread is taken, the last one answers 503 (see `exhibits/shared/listening.py`).

Left out: further processes, reloading, any modifier but 0, keeping connections open,
a limit on the time a whole request takes.
"""

import socket
from wsgiref.util import guess_scheme

from exhibits.shared import listening, wsgi_call
from exhibits.shared.fields import CutOff, Malformed
from exhibits.shared.log import log
from exhibits.uwsgi import wire

# Variables that must be there, empty or not (PEP 3333, environ Variables).
EXPECTED = {"SCRIPT_NAME": "", "PATH_INFO": "", "QUERY_STRING": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1"}
# Header fields that have variables of their own, and one that would pass for a setting of the process (httpoxy).
WITHHELD = "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_PROXY"


class Connection:
    """A connection from the web server, in a thread: a packet comes, the answer goes."""

    def __init__(self, sock):
        self.socket, self.reader, self.messages = sock, wire.RequestReader(), []

    def serve(self, application):
        try:
            variables = self.next_message().variables
            variables |= {name: value for name, value in EXPECTED.items() if not variables.get(name)}
            if not variables.get("REQUEST_METHOD"):
                raise Malformed("there is no REQUEST_METHOD", 0)
            for name in WITHHELD:
                variables.pop(name, None)
            environ = wsgi_call.environ(variables, self.read_body, guess_scheme(variables))
            wsgi_call.Call(environ, self.send, self.end).run(application)
            self.drain()
        except CutOff as error:
            if error.offset:  # who only looks whether somebody listens says nothing
                log(f"the web server left: {error}")
        except Malformed as error:
            log(f"this is not uwsgi: {error}")

    def next_message(self):
        while not self.messages:
            data = self.socket.recv(65536)
            self.messages = self.reader.receive(data) if data else self.reader.close()
        return self.messages.pop(0)

    def read_body(self):
        """The next bytes of the body, b"" at its end."""
        if self.reader.ended and not self.messages:
            return b""
        try:
            message = self.next_message()
        except Malformed as error:
            raise ConnectionAbortedError(str(error)) from error
        return b"" if type(message) is wire.End else message.data

    def send(self, head, block):
        self.socket.sendall((wire.build_response(*head) if head else b"") + block)

    def end(self, whole):
        self.socket.shutdown(socket.SHUT_WR)

    def drain(self):
        """Read what the program has not: a connection closed with bytes unread is reset, and the answer lost."""
        while not self.reader.ended:
            self.next_message()


if __name__ == "__main__":
    listening.main(lambda sock, application: Connection(sock).serve(application), "application", wsgi_call.busy)
