"""A call that blocks an ASGI program: /blocking holds up everybody, /thread nobody."""

import asyncio
import time


def fetch():
    """A library that knows no event loop: a driver, a file, a long calculation."""
    time.sleep(0.3)
    return b"fetched\n"


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    if scope["path"] == "/blocking":
        body = fetch()  # the event loop, and every other visitor, stands still
    elif scope["path"] == "/thread":
        body = await asyncio.to_thread(fetch)  # the loop goes on; a thread waits
    else:
        body = b"Hello, World!\n"
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
