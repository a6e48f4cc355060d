"""The guestbook as an RSGI application (RSGI 1.6, the interface of the server Granian).

A coroutine for each request or WebSocket, as in ASGI. But what the program sends are not
events in dicts: it calls methods of an object the server gives it, so the whole
of an answer is one call. The scope is an object too, its strings decoded.
https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

import asyncio
import json
import os
import traceback
from concurrent.futures import ThreadPoolExecutor

from exhibits import guestbook

MOUNT = os.environ.get("MOUNT", "")  # the scope has no place for it
STORE = guestbook.Store(os.environ.get("GUESTBOOK", "guestbook.sqlite3"))
WRITERS = ThreadPoolExecutor(8)  # who waits for other writers holds no thread of readers


async def in_line(function, *values):
    return await asyncio.get_running_loop().run_in_executor(WRITERS, function, *values)


# --8<-- [start:request-line]
def read_request(scope):
    return guestbook.Request(
        method=scope.method if scope.proto == "http" else "WEBSOCKET",
        path=scope.path.removeprefix(MOUNT),  # decoded once, by the server
        query=scope.query_string,
        headers=lambda: read_headers(scope),
        mount=MOUNT,
        scheme=scope.scheme,
        gateway=lambda: read_gateway(scope),
    )

# --8<-- [end:request-line]


# --8<-- [start:headers]
def read_headers(scope):
    for name in scope.headers:
        if "_" not in name:
            for value in scope.headers.get_all(name):
                yield name, value
    if scope.authority and "host" not in scope.headers:
        yield "host", scope.authority
# --8<-- [end:headers]


def read_gateway(scope):
    names = ("proto", "http_version", "server", "client", "scheme", "method", "path",
             "query_string", "authority")
    given = [(name, getattr(scope, name)) for name in names]
    given += [(f"headers: {name}", value) for name, value in read_headers(scope)]
    return {
        "interface": f"RSGI {scope.rsgi_version}",
        "live": "websocket", "holds": "some memory",  # and no thread
        "given": given, "connection": read_connection(scope),
    }


def read_connection(scope):
    client, _, _ = scope.client.rpartition(":")
    server, _, port = scope.server.rpartition(":")
    return {"client": client, "server": server, "port": int(port),
            "protocol": f"HTTP/{scope.http_version}", "target": None}


# --8<-- [start:body]
async def read_body(protocol, request):
    async for chunk in protocol:
        request.feed(chunk)
# --8<-- [end:body]


# --8<-- [start:streaming]
async def send_body(response, protocol):
    body = response.body
    transport = protocol.response_stream(response.status, lowered(response))
    leaving = asyncio.ensure_future(protocol.client_disconnect())
    try:
        while not leaving.done():
            step = next(body, None)
            if step is None:
                return
            if isinstance(step, guestbook.Wait):
                await wait(step, leaving)
            else:
                await transport.send_bytes(step)
        print("client left: client_disconnect() returned", flush=True)
    finally:
        leaving.cancel()


async def wait(step, leaving):
    loop = asyncio.get_running_loop()
    rung = loop.create_future()
    seconds = step.until(loop.call_soon_threadsafe, rung.cancel)
    await asyncio.wait([rung, leaving], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
# --8<-- [end:streaming]


def lowered(response):
    return [(name.lower(), value) for name, value in response.headers]


# --8<-- [start:errors]
async def answer(protocol, request):
    try:
        await read_body(protocol, request)
        if guestbook.writes(request):
            return await in_line(guestbook.respond, request, STORE)
        return await asyncio.to_thread(guestbook.respond, request, STORE)
    except Exception:
        traceback.print_exc()
        return guestbook.crashed(request)
# --8<-- [end:errors]


class Application:
    async def __rsgi__(self, scope, protocol):
        await (http if scope.proto == "http" else live)(scope, protocol)


async def http(scope, protocol):
    request = read_request(scope)
    response = await answer(protocol, request)
    if isinstance(response.body, bytes):
        protocol.response_bytes(response.status, lowered(response), response.body)
    else:
        await send_body(response, protocol)


# --8<-- [start:websocket]
async def live(scope, protocol):
    """Every new entry to every visitor; and visitors sign through it."""
    request = read_request(scope)
    try:
        guestbook.guard(request.method, request.header)
        if request.path != "/live":
            return protocol.close(403)
        watch = await asyncio.to_thread(STORE.watch)
    except guestbook.Refused as refused:
        return protocol.close(refused.status)
    transport = await protocol.accept()
    announcing = asyncio.create_task(announce(watch, transport))
    try:
        while (message := await transport.receive()).kind:  # 0: closed, 1: bytes, 2: text
            try:
                data = message.data.encode() if message.kind == 2 else b""
                name, message = guestbook.checked(guestbook.from_json(data))
                await in_line(STORE.sign, name, message)
            except guestbook.Refused as refused:
                await transport.send_str(json.dumps({"error": refused.sentence}))
    finally:
        announcing.cancel()


async def announce(watch, transport):
    news, loop = asyncio.Event(), asyncio.get_running_loop()
    for step in watch:
        if isinstance(step, guestbook.Wait):
            news.clear()
            step.until(loop.call_soon_threadsafe, news.set)
            await news.wait()
        else:
            await transport.send_str(step[1])
# --8<-- [end:websocket]


application = Application()
