"""The smallest SCGI server: one netstring brings the variables, and behind it stands the body.

    python smallest.py app.sock     and in front of it a web server that speaks SCGI

What it lacks:
- Whoever says something else than SCGI gets no sentence.
- A page goes out when the program has ended, and not as it comes.
- `write()`, and `close()` of what the program returned, are not there.
- A program that raises gets its traceback, and the visitor no answer.
- There are no bounds: of waiting, of sizes, of numbers.
"""

import io
import socketserver
import sys

from hello import application


class Connection(socketserver.StreamRequestHandler):
    """A request, in a thread: "70:CONTENT_LENGTH␀27␀SCGI␀1␀…," and the body."""

    def handle(self):
        digits = b""
        while (byte := self.rfile.read(1)).isdigit():
            digits += byte
        *pieces, _ = self.rfile.read(int(digits)).decode("latin-1").split("\0")
        environ = dict(zip(pieces[::2], pieces[1::2], strict=True))
        self.rfile.read(1)  # the comma
        status, fields, page = call(environ, self.rfile.read(int(environ["CONTENT_LENGTH"])))
        lines = [f"Status: {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + page)


def call(environ, body):
    """Call the program (PEP 3333): its status, its header fields, its body."""
    said = []

    def start_response(status, fields, exc_info=None):
        said[:] = status, fields

    environ |= {
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    page = b"".join(application(environ, start_response))
    return *said, page


if __name__ == "__main__":
    socketserver.ThreadingUnixStreamServer(sys.argv[1], Connection).serve_forever()
