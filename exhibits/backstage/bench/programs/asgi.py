"""The program of the measurements that the guestbook cannot make, as an ASGI coroutine."""

import asyncio
import time

from exhibits.backstage.bench.programs import work


async def application(scope, receive, send):
    await {"http": http, "websocket": echo, "lifespan": lifespan}[scope["type"]](scope, receive, send)


async def http(scope, receive, send):
    await ROUTES[scope["path"]](scope, receive, send)


async def start(send, length):
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def whole(send, body):
    await start(send, len(body))
    await send({"type": "http.response.body", "body": body})


async def hello(scope, receive, send):
    await whole(send, b"Hello, World!\n")


async def blocking(scope, receive, send):
    time.sleep(0.1)  # the mistake: nobody else is served meanwhile
    await whole(send, b"Hello, World!\n")


async def threaded(scope, receive, send):
    await asyncio.to_thread(time.sleep, 0.1)  # its remedy, as long as there are threads
    await whole(send, b"Hello, World!\n")


async def cpu(scope, receive, send):
    await whole(send, b"%d\n" % work.compute())


async def file(scope, receive, send):
    await whole(send, await asyncio.to_thread(work.FILE.read_bytes))


async def crash(scope, receive, send):
    raise RuntimeError("as asked")


async def large(scope, receive, send):
    count = work.pieces(scope["query_string"].decode())
    await start(send, count * len(work.PIECE))
    for _ in range(count):
        await send({"type": "http.response.body", "body": work.PIECE, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def upload(scope, receive, send):
    length, more = 0, True
    while more:
        event = await receive()
        length, more = length + len(event.get("body", b"")), event.get("more_body", False)
    await whole(send, b"%d\n" % length)


ROUTES = {"/hello": hello, "/blocking": blocking, "/threaded": threaded, "/cpu": cpu, "/file": file,
          "/crash": crash, "/large": large, "/upload": upload}


async def echo(scope, receive, send):
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


async def lifespan(scope, receive, send):
    for _ in range(2):
        event = await receive()
        await send({"type": event["type"] + ".complete"})
