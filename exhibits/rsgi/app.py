"""The guestbook as an RSGI application (RSGI 1.6, the interface of the server Granian).

A coroutine for each connection, as in ASGI. But what the program sends are not
events in dicts: it calls methods of an object the server gives it, so the whole
of an answer is one call. The scope is an object too, its strings decoded.
https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

import asyncio
import json
import os
import traceback

from exhibits import guestbook

MOUNT = os.environ.get("MOUNT", "")  # the scope has no place for it
STORE = guestbook.Store(os.environ.get("GUESTBOOK", "guestbook.sqlite3"))


# --8<-- [start:request-line]
def read_request(scope):
    return guestbook.Request(
        method=scope.method,
        path=scope.path.removeprefix(MOUNT),  # decoded once, by the server
        query=scope.query_string,
        headers=lambda: read_headers(scope),
        mount=MOUNT,
        scheme=scope.scheme,
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


# --8<-- [start:body]
async def read_body(protocol, request):
    async for chunk in protocol:
        request.feed(chunk)
# --8<-- [end:body]


# --8<-- [start:streaming]
async def send_body(response, protocol, blocking):
    body = response.body
    transport = protocol.response_stream(response.status, lowered(response))
    leaving = asyncio.ensure_future(protocol.client_disconnect())
    try:
        while not leaving.done():
            step = await asyncio.to_thread(next, body, None) if blocking else next(body, None)
            if step is None:
                return
            if isinstance(step, guestbook.Wait):
                await asyncio.wait([leaving], timeout=step)
            else:
                await transport.send_bytes(step)
        print("client left: client_disconnect() returned", flush=True)
    finally:
        leaving.cancel()
# --8<-- [end:streaming]


def lowered(response):
    return [(name.lower(), value) for name, value in response.headers]


# --8<-- [start:errors]
async def answer(protocol, request):
    try:
        await read_body(protocol, request)
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
        await send_body(response, protocol, guestbook.blocks(request))


# --8<-- [start:websocket]
async def live(scope, protocol):
    """Every new entry to every visitor; and visitors sign through it."""
    if scope.path.removeprefix(MOUNT) != "/live":
        return protocol.close(403)
    newest = await asyncio.to_thread(STORE.latest)
    transport = await protocol.accept()
    announcing = asyncio.create_task(announce(newest, transport))
    try:
        while (message := await transport.receive()).kind:  # 0: closed, 1: bytes, 2: text
            try:
                data = message.data.encode() if message.kind == 2 else b""
                name, message = guestbook.checked(guestbook.from_json(data))
                await asyncio.to_thread(STORE.sign, name, message)
            except guestbook.Refused as refused:
                await transport.send_str(json.dumps({"error": refused.sentence}))
    finally:
        announcing.cancel()


async def announce(newest, transport):
    entries = STORE.watch(newest)
    while True:
        step = await asyncio.to_thread(next, entries)
        if isinstance(step, guestbook.Wait):
            await asyncio.sleep(step)
        else:
            await transport.send_str(step[1])
# --8<-- [end:websocket]


application = Application()
