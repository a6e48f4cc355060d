"""A program to be stopped while it is busy, as ASGI: /slow takes two seconds, /events never ends."""

import asyncio
import os
from pathlib import Path

from version import VERSION


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    path = scope["path"]
    if path == "/crash":
        raise RuntimeError("this is what a fault looks like")
    await start(send)
    if path in ("/slow", "/events"):
        Path("called").touch()
    while path == "/events":
        await go_on(send, b"data: still here\n\n", more_body=True)
        await asyncio.sleep(0.1)
    if path == "/slow":
        await asyncio.sleep(2)
    client = scope["client"] and scope["client"][0]
    text = f"version {VERSION}, for {client or None}, {os.getpid():08}\n"
    await go_on(send, text.encode())


async def start(send):
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def go_on(send, body, more_body=False):
    await send({"type": "http.response.body", "body": body, "more_body": more_body})
