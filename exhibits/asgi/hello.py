"""The smallest ASGI program: a coroutine of scope, receive and send."""


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError  # what a program does not understand it should reject
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"Hello, World!\n"})
