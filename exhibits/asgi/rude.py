"""The rude program through ASGI: /NAME does what `exhibits/rude.py` says of NAME. Never a model, always a test."""

import asyncio

TEXT = (b"content-type", b"text/plain")
LENGTH = (b"content-length", b"5")
ACTS = {}


def act(function):
    """A coroutine function of the name of a behaviour, with "_" for "-", acts it out."""
    ACTS[function.__name__.strip("_").replace("_", "-")] = function
    return function


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    name = scope["path"].rpartition("/")[2]
    await ACTS.get(name, innocent)(scope, receive, send)


async def lifespan(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def innocent(scope, receive, send):
    body = f"innocent {scope.get('method')} {scope['query_string'].decode()}".encode()
    await start(send, 200, TEXT, (b"content-length", b"%d" % len(body)))
    await end(send, body)


async def start(send, status=200, *fields):
    await send({"type": "http.response.start", "status": status, "headers": list(fields) or [TEXT]})


async def more(send, body):
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def end(send, body=b""):
    await send({"type": "http.response.body", "body": body})


# ---------------------------------------------------------------- what sends a head and a body, and says no more


def says(status=200, *fields, body=(b"hello",)):
    async def answer(scope, receive, send):
        await start(send, status, TEXT, *fields)
        for piece in body[:-1]:
            await more(send, piece)
        await end(send, *body[-1:])

    return answer


OWN_CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
SECOND = b"a\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsmuggled!"
ACTS |= {
    "head-body": says(),
    "head-stream": says(body=[b"one", b"two", b"three"]),
    "204-body": says(204, LENGTH),
    "304-body": says(304),
    "short": says(200, (b"content-length", b"10"), body=[b"1234"]),
    "nothing-of-ten": says(200, (b"content-length", b"10"), body=[]),
    "long": says(200, (b"content-length", b"4"), body=[b"1234567890"]),
    "long-later": says(200, (b"content-length", b"4"), body=[b"1234", b"567890"]),
    "no-length": says(body=[b"one", b"two", b"three"]),
    "two-lengths": says(200, (b"content-length", b"3"), LENGTH),
    "strange-length": says(200, (b"content-length", b"five")),
    "signed-length": says(200, (b"content-length", b"+5")),
    "negative-length": says(200, (b"content-length", b"-5")),
    "empty-pieces": says(body=[b"", b"one", b"", b"", b"two", b""]),
    "byte-by-byte": says(body=300 * [b"."]),
    "own-transfer-encoding": says(200, (b"transfer-encoding", b"chunked"), body=[OWN_CHUNKS]),
    "length-and-coding": says(200, (b"content-length", b"3"), (b"transfer-encoding", b"chunked")),
    "own-connection": says(200, LENGTH, (b"connection", b"close")),
    "own-keep-alive": says(200, LENGTH, (b"connection", b"keep-alive"), (b"keep-alive", b"timeout=1000")),
    "own-date": says(200, LENGTH, (b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")),
    "own-server": says(200, LENGTH, (b"server", b"rude")),
    "cookies": says(200, (b"set-cookie", b"b=2"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")),
    "repeated-field": says(200, (b"x-twice", b"one"), (b"x-twice", b"two")),
    "crlf-value": says(200, (b"x-value", b"a\r\nX-Injected: yes")),
    "lf-value": says(200, (b"x-value", b"a\nX-Injected: yes")),
    "split-response": says(200, (b"x-value", SECOND)),
    "nul-value": says(200, (b"x-value", b"a\0b")),
    "cr-value": says(200, (b"x-value", b"a\rb")),
    "space-name": says(200, (b"x value", b"a")),
    "empty-name": says(200, (b"", b"a")),
    "crlf-name": says(200, (b"x-injected: yes\r\nx-value", b"a")),
    "latin-1-value": says(200, (b"x-value", b"caf\xe9")),
    "wrong-value": says(200, (b"x-value", 5)),
    "text-headers": says(200, ("x-value", "a")),
    "many-fields": says(200, *((b"x-%d" % n, 100 * b"x") for n in range(1000))),
    **{f"status-{code}": says(code) for code in (100, 101, 103, 0, 99, 1000, 600)},
    "status-words": says("OK"),
    "text-body": says(body=["hello"]),
    "unread-small": says(body=[b"unread"]),
}
for name in "request", "large", "late", "chunked", "expected":
    ACTS[f"unread-{name}"] = ACTS["unread-small"]


# ---------------------------------------------------------------- events in another order


@act
async def wrong_headers(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": None})
    await end(send, b"hello")


@act
async def nothing(scope, receive, send):
    pass


@act
async def no_start(scope, receive, send):
    await end(send, b"hello")


@act
async def start_twice(scope, receive, send):
    await start(send)
    await start(send)
    await end(send, b"hello")


@act
async def start_after_body(scope, receive, send):
    await start(send)
    await more(send, b"some")
    await start(send)


@act
async def start_only(scope, receive, send):
    await start(send)


@act
async def unfinished(scope, receive, send):
    await start(send)
    await more(send, b"some")


@act
async def unknown_event(scope, receive, send):
    await send({"type": "http.response.rude"})
    await says()(scope, receive, send)


@act
async def missing_keys(scope, receive, send):
    await send({"type": "http.response.start"})
    await end(send, b"hello")


@act
async def send_after_end(scope, receive, send):
    await says()(scope, receive, send)
    await end(send, b"more")


@act
async def answer_twice(scope, receive, send):
    await says()(scope, receive, send)
    await says()(scope, receive, send)


@act
async def work_after_end(scope, receive, send):
    await says()(scope, receive, send)
    await asyncio.sleep(0.1)


# ---------------------------------------------------------------- exceptions


class Unshowable(Exception):
    def __str__(self):
        raise RuntimeError("rude")


RAISED = {
    "exception": RuntimeError, "base-exception": BaseException, "system-exit": SystemExit,
    "keyboard-interrupt": KeyboardInterrupt, "generator-exit": GeneratorExit, "cancelled": asyncio.CancelledError,
    "recursion": RecursionError, "memory": MemoryError, "broken-pipe": BrokenPipeError,
    "stop-iteration": StopIteration, "unshowable": Unshowable,
}


def raises(error, before):
    async def answer(scope, receive, send):
        await before(scope, receive, send)
        raise error("rude")

    return answer


for name, error in RAISED.items():
    ACTS |= {
        f"raises-{name}": raises(error, nothing),
        f"raises-{name}-after-start": raises(error, start_only),
        f"raises-{name}-between": raises(error, unfinished),
        f"raises-{name}-after-end": raises(error, says()),
    }


@act
async def changes_method(scope, receive, send):
    scope["method"] = "GET"
    await says()(scope, receive, send)


@act
async def clears_environ(scope, receive, send):
    scope.clear()
    raise RuntimeError("rude")


# ---------------------------------------------------------------- the body of the request


@act
async def half_read(scope, receive, send):
    event = await receive()
    await says(body=[event["body"][:5]])(scope, receive, send)


@act
async def over_read(scope, receive, send):
    event = await receive()
    late = asyncio.ensure_future(receive())  # nothing comes until the visitor leaves, or has the answer
    await says(body=[event["body"]])(scope, receive, send)
    late.cancel()


@act
async def read_after_end(scope, receive, send):
    await says()(scope, receive, send)
    await receive()


# ---------------------------------------------------------------- WebSocket


async def accept(receive, send, **more):
    await receive()
    await send({"type": "websocket.accept", **more})


async def say(send, **message):
    await send({"type": "websocket.send", **message})


async def close(send, code=1000, reason=""):
    await send({"type": "websocket.close", "code": code, "reason": reason})


@act
async def ws_accept_twice(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.accept"})


@act
async def ws_send_before_accept(scope, receive, send):
    await receive()
    await say(send, text="hello")


@act
async def ws_refuse(scope, receive, send):
    await receive()
    await close(send)


@act
async def ws_nothing(scope, receive, send):
    await receive()


@act
async def ws_raises(scope, receive, send):
    raise RuntimeError("rude")


@act
async def ws_raises_after_accept(scope, receive, send):
    await accept(receive, send)
    raise RuntimeError("rude")


@act
async def ws_cancelled(scope, receive, send):
    await accept(receive, send)
    raise asyncio.CancelledError


@act
async def ws_no_close(scope, receive, send):
    await accept(receive, send)
    await say(send, text="hello")


def closes(code, reason=""):
    async def answer(scope, receive, send):
        await accept(receive, send)
        await close(send, code, reason)

    return answer


for code in 0, 999, 1004, 1005, 1006, 1015, 65536:
    ACTS[f"ws-code-{code}"] = closes(code)
ACTS |= {"ws-code-text": closes("done"), "ws-long-reason": closes(1000, 200 * "x")}


@act
async def ws_send_after_close(scope, receive, send):
    await closes(1000)(scope, receive, send)
    await say(send, text="hello")


@act
async def ws_close_twice(scope, receive, send):
    await closes(1000)(scope, receive, send)
    await close(send)


def sends(**message):
    async def answer(scope, receive, send):
        await accept(receive, send)
        await say(send, **message)
        await close(send)

    return answer


ACTS |= {"ws-neither": sends(), "ws-both": sends(text="hello", bytes=b"hello"), "ws-number": sends(text=5),
         "ws-surrogate": sends(text="\ud800")}


@act
async def ws_pushes(scope, receive, send):
    await accept(receive, send)
    for _ in range(100):
        await say(send, text="x")
    await close(send)


def accepts(**options):
    async def answer(scope, receive, send):
        await accept(receive, send, **options)
        await close(send)

    return answer


ACTS |= {
    "ws-own-protocol": accepts(subprotocol="rude"),
    "ws-own-fields": accepts(headers=[(b"upgrade", b"rude"), (b"connection", b"close"),
                                      (b"sec-websocket-accept", b"rude")]),
    "ws-crlf-value": accepts(headers=[(b"x-value", b"a\r\nX-Injected: yes")]),
}


@act
async def ws_http(scope, receive, send):
    await receive()
    await says()(scope, receive, send)
