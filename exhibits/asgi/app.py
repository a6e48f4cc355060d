"""The guestbook as an ASGI coroutine (ASGI 3.0, HTTP & WebSocket spec 2.5).

The server calls `application` for every HTTP request and every WebSocket, in an
event loop. The request is a scope and the events one receives, the answer is the
events one sends; a WebSocket is the same with events in both directions for as long
as it stays open. Whoever waits gives way: nothing here may block.
"""

import asyncio
import json
import os
import traceback
from concurrent.futures import ThreadPoolExecutor

from exhibits import guestbook


# --8<-- [start:request-line]
def read_request(scope):
    return guestbook.Request(
        method=scope["method"] if scope["type"] == "http" else "WEBSOCKET",
        path=scope["path"].removeprefix(scope.get("root_path", "")),
        query=read_query(scope).decode("latin-1"),
        headers=lambda: read_headers(scope),
        mount=scope.get("root_path", ""),
        scheme=scope.get("scheme", "http"),
        gateway=lambda: read_gateway(scope),
    )


def read_query(scope):
    return scope.get("query_string") or b""  # a WebSocket's scope may have none
# --8<-- [end:request-line]


# --8<-- [start:headers]
def read_headers(scope):
    # Pairs of bytes, repeats kept apart; names "should be lowercased". A name with "_"
    # is dropped: behind a CGI-like gateway it would pass for one with "-".
    for name, value in scope["headers"]:
        if b"_" not in name:
            yield name.decode("latin-1").lower(), value.decode("latin-1")
# --8<-- [end:headers]


def read_gateway(scope):
    given = [pair for pair in scope.items() if pair[0] != "headers"]
    given += [(f"headers: {name}", value) for name, value in read_headers(scope)]
    return {
        "interface": f"ASGI {scope['asgi'].get('version', '2.0')}",
        "live": "websocket", "holds": "some memory",  # and no thread
        "given": given, "connection": read_connection(scope),
    }


def read_connection(scope):
    # client, server and raw_path may be missing: a server that does not know says nothing.
    client, _ = scope.get("client") or (None, None)
    server, port = scope.get("server") or (None, None)
    query, path = read_query(scope), scope.get("raw_path")
    target = path and (path + b"?" + query if query else path).decode("latin-1")
    return {"client": client, "server": server, "port": port,
            "protocol": f"HTTP/{scope.get('http_version', '1.1')}", "target": target}


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
               for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
# --8<-- [end:status]


# --8<-- [start:streaming]
async def send_body(body, receive, send):
    # Sending to a client that has left is not an error in every server:
    # http.disconnect is what tells.
    leaving = asyncio.create_task(disconnect(receive))
    try:
        while not leaving.done():
            step = next(body, None)
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
async def wait(step, leaving):
    loop = asyncio.get_running_loop()
    rung = loop.create_future()
    seconds = step.until(loop.call_soon_threadsafe, rung.cancel)
    # Holds nothing: everybody else goes on.
    await asyncio.wait([rung, leaving], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
# --8<-- [end:waiting]


# --8<-- [start:errors]
async def answer(receive, request):
    try:
        if not await read_body(receive, request):
            return None
        if guestbook.writes(request):
            return await in_line(guestbook.respond, request, STORE)
        if guestbook.blocks(request):
            return await asyncio.to_thread(guestbook.respond, request, STORE)
        return guestbook.respond(request, STORE)
    except Exception:
        traceback.print_exc()
        return guestbook.crashed(request)
# --8<-- [end:errors]


# --8<-- [start:concurrency]
# One thread, one loop, as many connections as memory holds. Who waits for the disk
# waits in other threads, and who waits for other writers in none that readers need.
STORE = guestbook.Store(os.environ.get("GUESTBOOK", "guestbook.sqlite3"))
WRITERS = ThreadPoolExecutor(8)


async def in_line(function, *values):
    return await asyncio.get_running_loop().run_in_executor(WRITERS, function, *values)


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
        await send_body(response.body, receive, send)
# --8<-- [end:concurrency]


# --8<-- [start:lifespan]
async def lifespan(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            try:
                await asyncio.to_thread(STORE.check)  # fail now, not later
                await send({"type": "lifespan.startup.complete"})
            except guestbook.Refused as refused:
                message = f"{STORE.path}: {refused.sentence}"
                await send({"type": "lifespan.startup.failed", "message": message})
        else:
            await asyncio.to_thread(STORE.close)
            return await send({"type": "lifespan.shutdown.complete"})
# --8<-- [end:lifespan]


# --8<-- [start:websocket]
async def live(scope, receive, send):
    """Every new entry to every visitor; and visitors sign through it."""
    await receive()  # websocket.connect
    if not admitted(read_request(scope)):
        return await send({"type": "websocket.close"})  # before accept: the server answers 403
    await send({"type": "websocket.accept"})
    try:
        watch = await asyncio.to_thread(STORE.watch)
    except guestbook.Refused as refused:
        await say(refused, send)
        return await send({"type": "websocket.close", "code": 1013})  # try again later
    async with asyncio.TaskGroup() as tasks:
        announcing = tasks.create_task(announce(watch, send))
        while (event := await receive())["type"] == "websocket.receive":
            await sign(event, send)
        announcing.cancel()


def admitted(request):
    # A browser lets any page open a WebSocket to any server (RFC 6455 section 10.2).
    try:
        guestbook.guard(request.method, request.header)
        return request.path == "/live"
    except guestbook.Refused:
        return False


async def announce(watch, send):
    news, loop = asyncio.Event(), asyncio.get_running_loop()
    for step in watch:
        if isinstance(step, guestbook.Wait):
            news.clear()
            step.until(loop.call_soon_threadsafe, news.set)
            await news.wait()
        else:
            await send({"type": "websocket.send", "text": step[1]})
    await send({"type": "websocket.close", "code": 1013})  # too slow for so many


async def sign(event, send):
    try:
        message = (event.get("text") or "").encode()
        await in_line(STORE.sign, *guestbook.checked(guestbook.from_json(message)))
    except guestbook.Refused as refused:
        await say(refused, send)


async def say(refused, send):
    await send({"type": "websocket.send", "text": json.dumps({"error": refused.sentence})})
# --8<-- [end:websocket]
