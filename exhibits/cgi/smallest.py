"""The smallest CGI server: a request becomes environment and standard input of a new process.

    python smallest.py 8000

What it lacks:
- A body in chunks is not understood.
- A page goes out when the script has ended, and not as it comes.
- A script that never ends is not stopped, nor one whose client has left.
- Of a header field that is sent twice, the last one is told.
- Redirects without a `Status`, and NPH scripts, are not known.
- A script that prints no header fields gets a traceback, and the visitor no answer.
- There are no bounds: of waiting, of sizes, of numbers.
"""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

SCRIPT = [sys.executable, Path(__file__).with_name("hello.py")]


class Visitor(BaseHTTPRequestHandler):
    """A connection, in a thread; its base class reads request line and header fields."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        environ = {
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "smallest", "SCRIPT_NAME": "",
            "REQUEST_METHOD": self.command, "SERVER_PROTOCOL": self.request_version,
            "PATH_INFO": unquote(path), "QUERY_STRING": query, "SERVER_NAME": "localhost",
            "SERVER_PORT": str(self.server.server_port), "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
        }
        for name, value in self.headers.items():
            if name.lower() not in ("content-type", "content-length", "proxy"):
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ["CONTENT_LENGTH"] = str(len(body)) if body else ""
        printed = subprocess.run(SCRIPT, input=body, env=environ, stdout=subprocess.PIPE).stdout
        head, _, page = printed.replace(b"\r\n", b"\n").partition(b"\n\n")
        fields = [line.split(":", 1) for line in head.decode("latin-1").split("\n")]
        status = {name.lower(): value.strip() for name, value in fields}.get("status", "200 OK")
        self.send_response(int(status[:3]), status[4:])
        for name, value in fields:
            if name.lower() != "status":
                self.send_header(name, value.strip())
        self.end_headers()
        self.wfile.write(page if self.command != "HEAD" else b"")

    do_HEAD = do_POST = do_GET


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Visitor).serve_forever()
