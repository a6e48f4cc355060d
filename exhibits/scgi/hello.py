"""The smallest SCGI program: a WSGI callable, and flup to speak SCGI to the web server."""

import sys


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"Hello, World!\n"]


if __name__ == "__main__":
    from flup.server.scgi import WSGIServer

    WSGIServer(application, bindAddress=sys.argv[1]).run()
