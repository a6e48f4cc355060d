"""A thread for each connection, from the standard library alone, so that any Python can run it.

`python -m ….threads HOST PORT`: wsgiref with the program of the measurements.
"""

import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from exhibits.backstage.bench.programs.wsgi import application


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 1024


class Handler(WSGIRequestHandler):
    def log_message(self, *message):
        pass


if __name__ == "__main__":
    server = Server((sys.argv[1], int(sys.argv[2])), Handler)
    server.set_app(application)
    server.serve_forever()
