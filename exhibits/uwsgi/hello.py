"""The smallest uwsgi program: a WSGI callable; uWSGI speaks uwsgi to the web server.

    uwsgi --socket app.sock --wsgi-file hello.py
"""


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"Hello, World!\n"]
