"""The smallest FastCGI program: a WSGI callable; flup speaks FastCGI to the web server."""

import sys


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"Hello, World!\n"]


if __name__ == "__main__":
    from flup.server.fcgi import WSGIServer

    WSGIServer(application, bindAddress=sys.argv[1]).run()
