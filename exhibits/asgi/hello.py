"""The smallest ASGI program: a coroutine of scope, receive and send."""


async def application(scope, receive, send):
    # Neither WebSocket nor lifespan: servers go on without.
    assert scope["type"] == "http"
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"Hello, World!\n"})
