"""A meeting place as an ASGI coroutine: who comes waits a second for somebody else."""

import asyncio

came = 0


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    global came
    came += 1
    mine = came
    for _ in range(10):
        if came > mine:
            break
        await asyncio.sleep(0.1)
    text = "Somebody came after me.\n" if came > mine else "Nobody came after me.\n"
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
