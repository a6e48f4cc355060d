"""The checker that stands around ASGI programs in tests: it lets pass what the specification allows, and no more."""

import asyncio

import pytest
from programs.strict_asgi import Wrong, strict

HTTP = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.5"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/a/b", "raw_path": b"/a/b", "query_string": b"c=d", "root_path": "/a",
        "headers": [(b"host", b"localhost")], "client": ["a", 1], "server": ("b", None), "state": {}}
WEBSOCKET = {name: value for name, value in HTTP.items() if name != "method"} | {
    "type": "websocket", "scheme": "ws", "subprotocols": []}
REQUEST, LEFT = {"type": "http.request", "body": b"x", "more_body": False}, {"type": "http.disconnect"}
START, BODY = {"type": "http.response.start", "status": 200}, {"type": "http.response.body"}
CONNECT, ACCEPT = {"type": "websocket.connect"}, {"type": "websocket.accept"}
TEXT, SENT = {"type": "websocket.receive", "text": ""}, {"type": "websocket.send", "bytes": b""}
CLOSED, CLOSE = {"type": "websocket.disconnect", "code": 1005}, {"type": "websocket.close"}
BEGIN, BEGUN = {"type": "lifespan.startup"}, {"type": "lifespan.startup.complete"}
STOP, STOPPED = {"type": "lifespan.shutdown"}, {"type": "lifespan.shutdown.complete"}


def ran(scope, *events, broken=None):
    """Let the server and the program say these events in turn; broken: what send() raises."""

    async def program(scope, receive, send):
        for event in events:
            await (send(event) if event["type"] in SAID_BY_PROGRAMS else receive())

    async def receive():
        return next(coming)

    async def send(event):
        if broken:
            raise broken

    coming = iter(event for event in events if event["type"] not in SAID_BY_PROGRAMS)
    asyncio.run(strict(program)(scope, receive, send))


SAID_BY_PROGRAMS = {event["type"] for event in (START, BODY, ACCEPT, SENT, CLOSE, BEGUN, STOPPED)}


@pytest.mark.parametrize(("scope", "events"), [
    (HTTP, (REQUEST | {"more_body": True}, REQUEST, START, BODY | {"more_body": True}, BODY, LEFT, LEFT)),
    (HTTP, (LEFT,)),
    (WEBSOCKET, (CONNECT, ACCEPT, TEXT, TEXT | {"bytes": None}, SENT, CLOSED)),
    (WEBSOCKET, (CONNECT, CLOSE)),
    ({"type": "lifespan", "asgi": HTTP["asgi"], "state": {}}, (BEGIN, BEGUN, STOP, STOPPED)),
])
def test_what_is_right_passes(scope, events):
    ran(scope, *events)


@pytest.mark.parametrize("wrong", [
    {"type": "https"}, {"asgi": {}}, {"http_version": b"1.1"}, {"method": "get"}, {"method": b"GET"}, {"scheme": ""},
    {"path": b"/"}, {"path": "b"}, {"root_path": "/b"}, {"raw_path": "/"}, {"raw_path": b"/a/b?c"},
    {"query_string": "c"}, {"query_string": None}, {"headers": [(b"Host", b"a")]}, {"headers": [("host", "a")]},
    {"headers": [(b":path", b"/")]}, {"headers": [(b"a", b"b ")]}, {"headers": [(b"a", b"b\0")]},
    {"client": "127.0.0.1"}, {"client": ["127.0.0.1", None]}, {"server": [b"s", 1]}, {"state": []}, {"state": {"a": 1}},
    {"more": 1},
])
def test_a_wrong_scope(wrong):
    with pytest.raises(Wrong):
        ran(HTTP | wrong)


@pytest.mark.parametrize(("scope", "events"), [
    (HTTP, (REQUEST | {"body": "x"},)), (HTTP, (REQUEST | {"more_body": 1},)), (HTTP, (REQUEST, REQUEST)),
    (HTTP, (CONNECT,)), (HTTP, ({"type": "http.nothing"},)), (HTTP, (BODY,)), (HTTP, (START, START)),
    (HTTP, (START, BODY, BODY)), (HTTP, (START | {"status": "200"},)), (HTTP, (START | {"status": 100},)),
    (HTTP, (START | {"headers": [(b"A", b"b")]},)), (HTTP, (START, BODY | {"body": ""})),
    (WEBSOCKET, (TEXT,)), (WEBSOCKET, (CONNECT, TEXT)), (WEBSOCKET, (CONNECT, CONNECT)), (WEBSOCKET, (CLOSED,)),
    (WEBSOCKET, (CONNECT, ACCEPT, TEXT | {"bytes": b""})), (WEBSOCKET, (CONNECT, ACCEPT, CLOSED | {"code": 5})),
    (WEBSOCKET, (CONNECT, ACCEPT, CLOSED, TEXT)), (WEBSOCKET, (ACCEPT,)), (WEBSOCKET, (CONNECT, SENT)),
    (WEBSOCKET, (CONNECT, ACCEPT, SENT | {"bytes": None})), (WEBSOCKET, (CONNECT, CLOSE, CLOSE)),
    (WEBSOCKET, (CONNECT, ACCEPT | {"headers": [(b"sec-websocket-protocol", b"a")]})),
    ({"type": "lifespan", "asgi": HTTP["asgi"]}, (STOP,)), ({"type": "lifespan", "asgi": HTTP["asgi"]}, (BEGUN,)),
    ({"type": "lifespan", "asgi": HTTP["asgi"]}, (BEGIN, STOP)),
])
def test_a_wrong_event(scope, events):
    with pytest.raises(Wrong):
        ran(scope, *events)


def test_send_raises_an_oserror_or_nothing():
    with pytest.raises(OSError):
        ran(HTTP, START, broken=OSError())
    with pytest.raises(Wrong):
        ran(HTTP, START, broken=RuntimeError())
