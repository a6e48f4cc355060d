"""The life of a server as a program sees it: it is told of the start and of the end.
What the program puts into `state` at the start comes with each request (ASGI Lifespan,
"Lifespan State"). What the program raises does not end the server.
"""


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["type"] == "websocket":
        await converse(receive, send)
    elif scope["path"] == "/raise":
        raise RuntimeError("nobody catches this")
    else:
        kept = scope.get("state", {}).get("kept", "nothing")  # a server need not have it
        fields = [(b"content-type", b"text/plain")]
        body = f"Kept from the start: {kept}\n".encode()
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": body})


async def lifespan(scope, receive, send):
    await receive()
    scope.get("state", {})["kept"] = "a pool of connections"
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def converse(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    if (await receive())["type"] == "websocket.receive":
        raise RuntimeError("nobody catches this")
