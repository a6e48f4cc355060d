"""The guestbook as an ASGI coroutine (ASGI 3.0, HTTP & WebSocket spec 2.5).

The server calls `application` for every connection, all in one event loop. The
request is a scope and the events one receives, the answer is the events one
sends; a WebSocket is the same with events in both directions for as long as it
stays open. Whoever waits gives way: nothing here may block.
"""

import asyncio
import json
import os
import traceback

from exhibits import guestbook


# --8<-- [start:request-line]
def read_request(scope):
    return guestbook.Request(
        method=scope["method"],
        path=scope["path"].removeprefix(scope.get("root_path", "")),
        query=scope["query_string"].decode("latin-1"),
        headers=lambda: read_headers(scope),
        mount=scope.get("root_path", ""),
        scheme=scope["scheme"],
    )
# --8<-- [end:request-line]


# --8<-- [start:headers]
def read_headers(scope):
    # Pairs of bytes, names in lower case, repeats kept apart. A name with "_"
    # is dropped as CGI-like gateways must: there it would pass for one with "-".
    for name, value in scope["headers"]:
        if b"_" not in name:
            yield name.decode("latin-1"), value.decode("latin-1")
# --8<-- [end:headers]


# --8<-- [start:body]
async def read_body(receive, request):
    # No length is announced to us and none is needed: the events say where it ends.
    while (event := await receive())["type"] == "http.request":
        request.feed(event.get("body", b""))
        if not event.get("more_body", False):
            return True
    return False  # http.disconnect came first
# --8<-- [end:body]


# --8<-- [start:status]
async def start(response, send):
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1"))
               for name, value in response.headers]  # fmt: skip
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
# --8<-- [end:status]


# --8<-- [start:streaming]
async def send_body(body, receive, send, blocking):
    # Sending to a client that has left is not an error in every server:
    # http.disconnect is what tells.
    leaving = asyncio.create_task(disconnect(receive))
    try:
        while not leaving.done():
            step = await asyncio.to_thread(next, body, None) if blocking else next(body, None)
            if step is None:
                return await send({"type": "http.response.body", "body": b""})
            if isinstance(step, guestbook.Wait):
                await wait(step, leaving)
            else:
                await send({"type": "http.response.body", "body": step, "more_body": True})
        print("client left: received http.disconnect", flush=True)
    finally:
        leaving.cancel()


async def disconnect(receive):
    while (await receive())["type"] != "http.disconnect":
        pass
# --8<-- [end:streaming]


# --8<-- [start:waiting]
async def wait(seconds, leaving):
    await asyncio.wait([leaving], timeout=seconds)  # holds nothing: everybody else goes on
# --8<-- [end:waiting]


# --8<-- [start:errors]
async def answer(receive, request):
    try:
        if not await read_body(receive, request):
            return None
        if guestbook.blocks(request):
            return await asyncio.to_thread(guestbook.respond, request, STORE)
        return guestbook.respond(request, STORE)
    except Exception:
        traceback.print_exc()
        return guestbook.crashed(request)
# --8<-- [end:errors]


# --8<-- [start:concurrency]
# One thread, one loop, as many connections as memory holds.
STORE = guestbook.Store(os.environ.get("GUESTBOOK", "guestbook.sqlite3"))


async def application(scope, receive, send):
    conversation = {"http": http, "websocket": live, "lifespan": lifespan}[scope["type"]]
    await conversation(scope, receive, send)


async def http(scope, receive, send):
    request = read_request(scope)
    response = await answer(receive, request)
    if response is None:
        return  # the client left in the middle of its request
    await start(response, send)
    if isinstance(response.body, bytes):
        await send({"type": "http.response.body", "body": response.body})
    else:
        await send_body(response.body, receive, send, guestbook.blocks(request))
# --8<-- [end:concurrency]


# --8<-- [start:lifespan]
async def lifespan(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            try:
                await asyncio.to_thread(STORE.latest)  # opens the file: fail now, not later
                await send({"type": "lifespan.startup.complete"})
            except Exception as error:
                message = f"{STORE.path}: {error}"
                await send({"type": "lifespan.startup.failed", "message": message})
        else:
            await asyncio.to_thread(STORE.close)
            return await send({"type": "lifespan.shutdown.complete"})
# --8<-- [end:lifespan]


# --8<-- [start:websocket]
async def live(scope, receive, send):
    """Every new entry to every visitor; and visitors sign through it."""
    await receive()  # websocket.connect
    if scope["path"].removeprefix(scope.get("root_path", "")) != "/live":
        return await send({"type": "websocket.close"})  # before accept: the server answers 403
    newest = await asyncio.to_thread(STORE.latest)
    await send({"type": "websocket.accept"})
    async with asyncio.TaskGroup() as tasks:
        announcing = tasks.create_task(announce(newest, send))
        while (event := await receive())["type"] == "websocket.receive":
            await sign(event, send)
        announcing.cancel()


async def announce(newest, send):
    entries = STORE.watch(newest)
    while True:
        step = await asyncio.to_thread(next, entries)
        if isinstance(step, guestbook.Wait):
            await asyncio.sleep(step)
        else:
            await send({"type": "websocket.send", "text": step[1]})


async def sign(event, send):
    try:
        message = (event.get("text") or "").encode()
        await asyncio.to_thread(STORE.sign, *guestbook.checked(guestbook.from_json(message)))
    except guestbook.Refused as refused:
        await send({"type": "websocket.send", "text": json.dumps({"error": refused.sentence})})
# --8<-- [end:websocket]
