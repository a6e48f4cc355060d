"""An ASGI coroutine that says what it has heard of its server."""

started = "not told of the start"


async def application(scope, receive, send):
    global started
    if scope["type"] == "lifespan":
        await receive()
        started = "told of the start"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return await send({"type": "lifespan.shutdown.complete"})
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    text = f"HTTP as of ASGI {scope['asgi'].get('spec_version', '2.0')}, {started}\n"
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
