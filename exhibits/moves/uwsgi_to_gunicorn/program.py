"""A WSGI callable that says what it was asked; /slow takes four seconds."""

import time


def application(environ, start_response):
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
    if path == "/slow":
        time.sleep(4)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    where = f"{environ.get('HTTP_HOST', '')}, by {environ['wsgi.url_scheme']}"
    text = f"{environ['REQUEST_METHOD']} {path} {query} of {where}, {len(body)} bytes\n"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode()]
