"""The smallest FastCGI server: records bring variables and body, and carry the answer back.

    python smallest.py app.sock     and in front of it a web server that speaks FastCGI

What it lacks:
- A connection is closed behind its first request, though a web server may want to keep it.
- Questions (GET_VALUES) and ABORT_REQUEST are not heard, and every role is that of a responder.
- A page goes out when the program has ended, and not as it comes.
- `write()`, and `close()` of what the program returned, are not there.
- A program that raises gets its traceback, and the visitor no answer.
- There are no bounds: of waiting, of sizes, of numbers.
"""

import io
import socketserver
import struct
import sys

from hello import application

HEADER = struct.Struct(">BBHHBx")  # version, type, requestId, contentLength, paddingLength
END_REQUEST, PARAMS, STDIN, STDOUT = 3, 4, 5, 6


class Connection(socketserver.StreamRequestHandler):
    """A request, in a thread: both streams, PARAMS and STDIN, end with an empty record."""

    def handle(self):
        streams, kind, length = {PARAMS: b"", STDIN: b""}, None, None
        while (kind, length) != (STDIN, 0):
            _, kind, number, length, padding = HEADER.unpack(self.rfile.read(8))
            streams[kind] = streams.get(kind, b"") + self.rfile.read(length + padding)[:length]
        status, fields, page = call(variables(io.BytesIO(streams[PARAMS])), streams[STDIN])
        lines = [f"Status: {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
        printed = "\r\n".join(lines).encode("latin-1") + page
        for start in range(0, len(printed), 0xFFFF):
            self.send(STDOUT, number, printed[start:start + 0xFFFF])
        self.send(STDOUT, number, b"")
        self.send(END_REQUEST, number, bytes(8))

    def send(self, kind, number, content):
        self.wfile.write(HEADER.pack(1, kind, number, len(content), 0) + content)


def variables(stream):
    """Names and values, behind their lengths: a byte each, or four with the highest bit set."""
    found = {}
    while first := stream.read(1):
        lengths = length(first, stream), length(stream.read(1), stream)
        name, value = (stream.read(length).decode("latin-1") for length in lengths)
        found[name] = value
    return found


def length(first, stream):
    long = first > b"\x7f"
    return int.from_bytes(first + stream.read(3)) & 0x7FFFFFFF if long else first[0]


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
