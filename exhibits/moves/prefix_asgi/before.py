"""A page with a link, as an ASGI coroutine that thinks it has the whole site to itself."""


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    known = scope["path"] in ("/", "/next")
    headers = [(b"content-type", b"text/html")]
    await send({"type": "http.response.start", "status": 200 if known else 404, "headers": headers})
    body = b'<a href="/next">Next</a>\n' if known else b"Nothing here.\n"
    await send({"type": "http.response.body", "body": body})
