"""The same page without a framework: a WSGI callable."""

from urllib.parse import parse_qs


def app(environ, start_response):
    if environ.get("PATH_INFO") != "/hello":
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"Nothing here.\n"]
    name = parse_qs(environ.get("QUERY_STRING", "")).get("name", ["World"])[0]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"Hello, {name}!\n".encode()]
