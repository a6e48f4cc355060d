"""A form handler as a WSGI callable."""

from urllib.parse import parse_qs

visits = 0


def application(environ, start_response):
    global visits
    visits += 1
    length = int(environ.get("CONTENT_LENGTH") or 0)
    form = parse_qs(environ["wsgi.input"].read(length).decode())
    name = form.get("name", ["World"])[0]
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"Hello, {name}! Visit {visits}.\n".encode()]
