"""Greetings over HTTP and over WebSocket, as an ASGI coroutine."""


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        return await greet(receive, send)
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"Hello, World!\n"})


async def greet(receive, send):
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": f"Hello, {event.get('text')}!"})
