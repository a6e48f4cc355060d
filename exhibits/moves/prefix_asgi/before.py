"""A page with a link, as an ASGI coroutine that thinks it has the whole site to itself."""


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    known = scope["path"] in ("/", "/next")
    headers = [(b"content-type", b"text/html")]
    status = 200 if known else 404
    await send({"type": "http.response.start", "status": status, "headers": headers})
    link = b'<a href="/next">Next</a>\n'
    body = link if known else b"Nothing here.\n"
    await send({"type": "http.response.body", "body": body})
