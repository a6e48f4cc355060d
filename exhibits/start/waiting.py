"""The same page as an ASGI coroutine, which asks somebody else first and waits for the answer."""

import asyncio
from urllib.parse import parse_qs


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await asyncio.sleep(1)  # another service answers; meanwhile other visitors are served
    name = parse_qs(scope["query_string"].decode()).get("name", ["World"])[0]
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": f"Hello, {name}!\n".encode()})
