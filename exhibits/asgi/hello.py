"""The smallest ASGI program: a coroutine that takes scope, receive and send (ASGI 3.0)."""


async def application(scope, receive, send):
    assert scope["type"] == "http"  # neither WebSocket nor lifespan: servers go on without
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"Hello, World!\n"})
