"""The smallest uwsgi server: a packet brings the variables, and behind it stands the body.

    python smallest.py app.sock     and in front of it a web server that speaks uwsgi

What it lacks:
- Every packet passes for a request, whatever its modifier says.
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


class Connection(socketserver.StreamRequestHandler):
    """A request, in a thread: four bytes say how long the packet is."""

    def handle(self):
        _, size, _ = struct.unpack("<BHB", self.rfile.read(4))
        packet, texts = io.BytesIO(self.rfile.read(size)), []
        while length := packet.read(2):
            texts.append(packet.read(int.from_bytes(length, "little")).decode("latin-1"))
        environ = dict(zip(texts[::2], texts[1::2], strict=True))
        body = self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))
        status, fields, page = call(environ, body)
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
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
