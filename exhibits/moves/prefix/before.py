"""A page with a link, as a WSGI callable that thinks it has the whole site to itself."""


def application(environ, start_response):
    known = environ.get("PATH_INFO", "") in ("/", "/next")
    start_response("200 OK" if known else "404 Not Found", [("Content-Type", "text/html")])
    return [b'<a href="/next">Next</a>\n' if known else b"Nothing here.\n"]
