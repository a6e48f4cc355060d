"""The smallest WSGI server: HTTP comes in, and the program is called.

    python smallest.py 8000

What it lacks:
- Each connection is closed behind its answer, as it was in HTTP/1.0.
- A body in chunks is not understood.
- A request that is wrong is not refused.
- Of a header field that is sent twice, the last one is told.
- A page goes out when the program has ended, and not as it comes.
- `write()`, and `close()` of what the program returned, are not there.
- A program that raises gets its traceback, and the visitor no answer.
- There are no bounds: of waiting, of sizes, of numbers.
"""

import io
import socketserver
import sys
from urllib.parse import unquote_to_bytes

from hello import application


class Visitor(socketserver.StreamRequestHandler):
    """A connection, in a thread: request line, header fields, an empty line, the body."""

    def handle(self):
        method, target, protocol = self.line().split()
        path, _, query = target.partition("?")
        host, port = self.server.server_address
        environ = {
            "REQUEST_METHOD": method, "SERVER_PROTOCOL": protocol, "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "QUERY_STRING": query,
            "SERVER_NAME": host, "SERVER_PORT": str(port),
            "REMOTE_ADDR": self.client_address[0],
        }
        while line := self.line():
            name, value = line.split(":", 1)
            name = name.upper().replace("-", "_")
            name = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
            environ[name] = value.strip()
        body = self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))
        status, fields, page = call(environ, body)
        lines = [f"HTTP/1.0 {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
        page = page if method != "HEAD" else b""
        self.wfile.write("\r\n".join(lines).encode("latin-1") + page)

    def line(self):
        return self.rfile.readline(65536).decode("latin-1").rstrip("\r\n")


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
    server = socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Visitor)
    server.serve_forever()
