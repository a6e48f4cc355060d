"""The length of a body, as a WSGI callable says it."""

LIMIT = 1_000_000  # bytes


def application(environ, start_response):
    length = environ.get("CONTENT_LENGTH")
    if length:
        size = int(length)
    elif environ.get("wsgi.input_terminated"):  # chunked, and the server promises an end
        size = LIMIT + 1
    else:
        size = 0
    body = environ["wsgi.input"].read(min(size, LIMIT + 1))
    status, text = "200 OK", f"{len(body)} bytes\n"
    if len(body) > LIMIT:
        status, text = "413 Content Too Large", "too much\n"
    start_response(status, [("Content-Type", "text/plain")])
    return [text.encode()]
