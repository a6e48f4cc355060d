"""A WSGI callable that says where it is, and whether it was told who asks."""


def application(environ, start_response):
    told = "told" if "HTTP_AUTHORIZATION" in environ else "not told"
    mount, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
    text = f"{mount} {path} of {environ.get('HTTP_HOST', '')}, {told} who asks\n"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode()]
