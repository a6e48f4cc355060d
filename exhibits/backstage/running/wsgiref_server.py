"""The standard library's WSGI server, with `wsgiref.validate` around the program.

    python -m exhibits.backstage.running.wsgiref_server HOST PORT MODULE [MOUNT]

wsgiref has no command of its own and no notion of a mount point.
"""

import importlib
import socket
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.validate import validator


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128  # 5 by default: a burst of visitors would be refused


class Handler(WSGIRequestHandler):
    def get_environ(self):
        environ = super().get_environ()
        if "Content-Type" not in self.headers:
            del environ["CONTENT_TYPE"]  # wsgiref makes up "text/plain" where the visitor sent none
        mount, path = self.server.mount, environ["PATH_INFO"]
        if path == mount or path.startswith(mount + "/"):
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = mount, path[len(mount):]
        return environ


def main(host, port, module, mount=""):
    Server.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    application = importlib.import_module(module).application
    with make_server(host, int(port), validator(application), Server, Handler) as server:
        server.mount = mount
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
