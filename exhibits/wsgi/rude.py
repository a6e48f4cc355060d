"""The rude program through WSGI: /NAME does what `exhibits/rude.py` says of NAME. Never a model, always a test.

A generator calls start_response when its first piece is asked for, which PEP 3333 allows: so are most of these.
"""

import asyncio
import io
import sys
import time

TEXT = ("Content-Type", "text/plain")
ACTS = {}


def act(function):
    """A function of the name of a behaviour, with "_" for "-", acts it out."""
    ACTS[function.__name__.strip("_").replace("_", "-")] = function
    return function


def application(environ, start_response):
    return ACTS.get(environ["PATH_INFO"][1:], innocent)(environ, start_response)


def innocent(environ, start_response):
    body = f"innocent {environ['REQUEST_METHOD']} {environ['QUERY_STRING']}".encode()
    start_response("200 OK", [TEXT, ("Content-Length", str(len(body)))])
    return [body]


# ---------------------------------------------------------------- what sends a head and a body, and says no more


def says(status="200 OK", *fields, body=(b"hello",)):
    def answer(environ, start_response):
        start_response(status, [TEXT, *fields])
        return list(body)

    return answer


OWN_CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
SECOND = "a\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsmuggled!"
ACTS |= {
    "head-body": says(),
    "head-stream": says(body=[b"one", b"two", b"three"]),
    "204-body": says("204 No Content", ("Content-Length", "5")),
    "304-body": says("304 Not Modified"),
    "short": says("200 OK", ("Content-Length", "10"), body=[b"1234"]),
    "nothing-of-ten": says("200 OK", ("Content-Length", "10"), body=[]),
    "long": says("200 OK", ("Content-Length", "4"), body=[b"1234567890"]),
    "long-later": says("200 OK", ("Content-Length", "4"), body=[b"1234", b"567890"]),
    "no-length": says(body=[b"one", b"two", b"three"]),
    "two-lengths": says("200 OK", ("Content-Length", "3"), ("Content-Length", "5")),
    "strange-length": says("200 OK", ("Content-Length", "five")),
    "signed-length": says("200 OK", ("Content-Length", "+5")),
    "negative-length": says("200 OK", ("Content-Length", "-5")),
    "empty-pieces": says(body=[b"", b"one", b"", b"", b"two", b""]),
    "byte-by-byte": says(body=300 * [b"."]),
    "own-transfer-encoding": says("200 OK", ("Transfer-Encoding", "chunked"), body=[OWN_CHUNKS]),
    "length-and-coding": says("200 OK", ("Content-Length", "3"), ("Transfer-Encoding", "chunked")),
    "own-connection": says("200 OK", ("Connection", "close")),
    "own-keep-alive": says("200 OK", ("Connection", "keep-alive"), ("Keep-Alive", "timeout=1000")),
    "own-date": says("200 OK", ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")),
    "own-server": says("200 OK", ("Server", "rude")),
    "cookies": says("200 OK", ("Set-Cookie", "b=2"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
    "repeated-field": says("200 OK", ("X-Twice", "one"), ("X-Twice", "two")),
    "crlf-value": says("200 OK", ("X-Value", "a\r\nX-Injected: yes")),
    "lf-value": says("200 OK", ("X-Value", "a\nX-Injected: yes")),
    "split-response": says("200 OK", ("X-Value", SECOND)),
    "nul-value": says("200 OK", ("X-Value", "a\0b")),
    "cr-value": says("200 OK", ("X-Value", "a\rb")),
    "space-name": says("200 OK", ("X Value", "a")),
    "empty-name": says("200 OK", ("", "a")),
    "crlf-name": says("200 OK", ("X-Injected: yes\r\nX-Value", "a")),
    "latin-1-value": says("200 OK", ("X-Value", "caf\xe9")),
    "text-beyond": says("200 OK", ("X-Value", "日本")),
    "wrong-value": says("200 OK", ("X-Value", 5)),
    "many-fields": says("200 OK", *((f"X-{n}", 100 * "x") for n in range(1000))),
    "no-reason": says("200"),
    "strange-reason": says("200 All\tis caf\xe9"),
    "crlf-reason": says("200 OK\r\nX-Injected: yes"),
    "status-100": says("100 Continue"),
    "status-101": says("101 Switching Protocols"),
    "status-103": says("103 Early Hints"),
    "status-0": says("0 Nothing"),
    "status-99": says("99 Too Few"),
    "status-1000": says("1000 Too Many"),
    "status-600": says("600 Too Many"),
    "status-words": says("OK"),
    "status-number": says(200),
    "text-body": says(body=["hello"]),
    "unread-small": says(body=[b"unread"]),
}
for name in "request", "large", "late", "chunked", "expected":
    ACTS[f"unread-{name}"] = ACTS["unread-small"]


# ---------------------------------------------------------------- calls in another order


@act
def wrong_headers(environ, start_response):
    start_response("200 OK", None)
    return [b"hello"]


@act
def nothing(environ, start_response):
    return []


@act
def no_start(environ, start_response):
    return [b"hello"]


@act
def start_twice(environ, start_response):
    start_response("200 OK", [TEXT])
    start_response("200 OK", [TEXT])
    return [b"hello"]


@act
def start_after_body(environ, start_response):
    start_response("200 OK", [TEXT])
    yield b"some"
    start_response("200 OK", [TEXT])
    yield b"more"


def with_exc_info(*before):
    def answer(environ, start_response):
        start_response("200 OK", [TEXT])
        yield from before
        try:
            raise RuntimeError("rude")
        except RuntimeError:
            start_response("503 Service Unavailable", [TEXT], sys.exc_info())
        yield b"replaced"

    return answer


ACTS |= {"exc-info-before": with_exc_info(), "exc-info-empty": with_exc_info(b""),
         "exc-info-after": with_exc_info(b"some")}


@act
def write(environ, start_response):
    start_response("200 OK", [TEXT])(b"one")
    return [b"two"]


@act
def write_nothing_more(environ, start_response):
    start_response("200 OK", [TEXT])(b"one")
    return []


class Liar(list):
    def __len__(self):
        return 1


@act
def length_lies(environ, start_response):
    start_response("200 OK", [TEXT])
    return Liar([b"one", b"two"])


@act
def not_iterable(environ, start_response):
    start_response("200 OK", [TEXT])


@act
def bytes_returned(environ, start_response):
    start_response("200 OK", [TEXT])
    return b"hello"


def wrapped(*fields):
    def answer(environ, start_response):
        start_response("200 OK", [TEXT, *fields])
        wrapper = environ.get("wsgi.file_wrapper", lambda file: iter(file.read, b""))
        return wrapper(io.BytesIO(b"0123456789"))

    return answer


ACTS |= {"file-wrapper": wrapped(), "file-wrapper-long": wrapped(("Content-Length", "4"))}


@act
def work_after_end(environ, start_response):
    start_response("200 OK", [TEXT, ("Content-Length", "5")])
    try:
        yield b"hello"
    finally:
        time.sleep(0.1)


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


def raises(error):
    def answer(environ, start_response):
        raise error("rude")

    return answer


def raises_behind(error, *pieces, fields=()):
    def answer(environ, start_response):
        start_response("200 OK", [TEXT, *fields])
        yield from pieces
        raise error("rude")

    return answer


def raises_in_cleanup(error):
    def answer(environ, start_response):
        start_response("200 OK", [TEXT, ("Content-Length", "5")])
        try:
            yield b"hello"
        finally:
            raise error("rude")

    return answer


for name, error in RAISED.items():
    ACTS |= {
        f"raises-{name}": raises(error),
        f"raises-{name}-after-start": raises_behind(error),
        f"raises-{name}-between": raises_behind(error, b"some"),
        f"raises-{name}-after-end": raises_behind(error, b"hello", fields=[("Content-Length", "5")]),
        f"raises-{name}-in-cleanup": raises_in_cleanup(error),
    }


@act
def changes_method(environ, start_response):
    environ["REQUEST_METHOD"] = "GET"
    return says()(environ, start_response)


@act
def clears_environ(environ, start_response):
    environ.clear()
    raise RuntimeError("rude")


@act
def spoils_errors(environ, start_response):
    environ["wsgi.errors"] = None
    raise RuntimeError("rude")


# ---------------------------------------------------------------- the body of the request


@act
def half_read(environ, start_response):
    return says(body=[environ["wsgi.input"].read(5)])(environ, start_response)


@act
def over_read(environ, start_response):
    body = environ["wsgi.input"].read(5) + environ["wsgi.input"].read(5)
    return says(body=[body])(environ, start_response)


@act
def read_after_end(environ, start_response):
    start_response("200 OK", [TEXT, ("Content-Length", "5")])
    yield b"hello"
    environ["wsgi.input"].read(5)
