"""A server that knows nothing of signals, as many programs that begin with `python app.py`."""

from wsgiref.simple_server import make_server

from busy import app

with make_server("127.0.0.1", 8000, app) as server:
    server.serve_forever()
