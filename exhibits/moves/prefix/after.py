"""A page with a link, as a WSGI callable that knows where it is mounted."""

from urllib.parse import quote


def application(environ, start_response):
    known = environ.get("PATH_INFO", "") in ("/", "/next")
    start_response("200 OK" if known else "404 Not Found", [("Content-Type", "text/html")])
    mount = quote(environ.get("SCRIPT_NAME", ""), encoding="latin-1")
    return [f'<a href="{mount}/next">Next</a>\n'.encode() if known else b"Nothing here.\n"]
