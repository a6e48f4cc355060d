"""Greetings over HTTP and over WebSocket, as an ASGI coroutine."""

ORIGINS = {b"https://museum.example"}  # whose pages may connect


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        return await greet(scope, receive, send)
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"Hello, World!\n"})


async def greet(scope, receive, send):
    await receive()  # websocket.connect
    # A browser names the page that connects, and sends the visitor's cookies for foreign
    # pages, too, unless their SameSite forbids it.
    origin = dict(scope["headers"]).get(b"origin")
    if origin is not None and origin not in ORIGINS:
        return await send({"type": "websocket.close"})  # before accept: a 403
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        name = event.get("text")
        if name is None:  # then it is bytes
            name = event["bytes"].decode("utf-8", "replace")
        await send({"type": "websocket.send", "text": f"Hello, {name}!"})
