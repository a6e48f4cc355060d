"""The HTTP wire: one table of what is read, one of what is refused, each case whole, byte by byte and in sevens."""

import re
import tomllib
from contextlib import suppress
from pathlib import Path

import h11
import httptools
import pytest
from conftest import is_linear
from hypothesis import given, settings
from hypothesis import strategies as st

from exhibits.http import explain, grammar, wire
from exhibits.http.client import RequestWriter, ResponseReader
from exhibits.http.grammar import BadMessage, CutOff
from exhibits.http.wire import Body, End, Request, RequestReader, Response, ResponseWriter
from exhibits.shared.fields import Malformed
from tests.explained import fault

HOST = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST


def get(*fields, target=b"/", version=b"1.1", method=b"GET", host=HOST):
    return b"%b %b HTTP/%b\r\n%b%b\r\n" % (method, target, version, host, b"".join(each + b"\r\n" for each in fields))


def post(length, body):
    return get(length, method=b"POST") + body


TE = b"Transfer-Encoding: chunked"
# (name, bytes, what is read: (method, target, path, query, Host, body), trailers)
READ = [
    ("origin form", get(target=b"/a%20b?c=d?e"), [(b"GET", b"/a%20b?c=d?e", b"/a%20b", b"c=d?e", b"a", b"")]),
    ("an empty query", get(target=b"/?"), [(b"GET", b"/?", b"/", b"", b"a", b"")]),
    ("what browsers send as it is", get(target=b"/{|}?^`\"<>\\"),
     [(b"GET", b"/{|}?^`\"<>\\", b"/{|}", b"^`\"<>\\", b"a", b"")]),
    ("two slashes", get(target=b"//a/b"), [(b"GET", b"//a/b", b"//a/b", b"", b"a", b"")]),
    ("absolute form, whose host counts", get(target=b"http://b:81/c?d"),
     [(b"GET", b"http://b:81/c?d", b"/c", b"d", b"b:81", b"")]),
    ("absolute form without a path", get(target=b"HTTP://b"), [(b"GET", b"HTTP://b", b"/", b"", b"b", b"")]),
    ("absolute form with a query alone", get(target=b"http://b?c"), [(b"GET", b"http://b?c", b"/", b"c", b"b", b"")]),
    ("absolute form, HTTP/1.0, no Host", get(target=b"http://b/", version=b"1.0", host=b""),
     [(b"GET", b"http://b/", b"/", b"", b"b", b"")]),
    ("asterisk form", get(target=b"*", method=b"OPTIONS"), [(b"OPTIONS", b"*", b"*", b"", b"a", b"")]),
    ("asterisk form as proxies are asked for it", get(target=b"http://b", method=b"OPTIONS"),
     [(b"OPTIONS", b"http://b", b"*", b"", b"b", b"")]),
    ("authority form", get(target=b"b:443", method=b"CONNECT"), [(b"CONNECT", b"b:443", b"", b"", b"b:443", b"")]),
    ("a method of one's own", get(method=b"BREW-it"), [(b"BREW-it", b"/", b"/", b"", b"a", b"")]),
    ("HTTP/1.0", get(version=b"1.0", host=b""), [(b"GET", b"/", b"/", b"", None, b"")]),
    ("a minor version to come", get(version=b"1.7"), [(b"GET", b"/", b"/", b"", b"a", b"")]),
    ("empty lines before a request", b"\r\n" * 4 + get() + b"\r\n" + get(), [(b"GET", b"/", b"/", b"", b"a", b"")] * 2),
    ("an empty Host", get(host=b"Host:\r\n"), [(b"GET", b"/", b"/", b"", b"", b"")]),
    *((f"Host {host!r}", get(host=b"Host: %b\r\n" % host), [(b"GET", b"/", b"/", b"", host, b"")]) for host in (
        b"a=b", b"a~b", b"a%20b", b"a_b", b"A.b-c", b"127.0.0.1:", b"x:99999", b"[::1]", b"[2001:db8::1.2.3.4]:80",
        b"[v1.a:b]", b"!$&'()*+,;=")),
    ("white space around a value", get(b"X: \t a \t b \t"), [(b"GET", b"/", b"/", b"", b"a", b"")]),
    ("bytes above 127 in a value", get(b"X: \xe9\xff"), [(b"GET", b"/", b"/", b"", b"a", b"")]),
    ("an empty value", get(b"X:", b"Y: "), [(b"GET", b"/", b"/", b"", b"a", b"")]),
    ("a length", post(b"Content-Length: 3", b"abc"), [(b"POST", b"/", b"/", b"", b"a", b"abc")]),
    ("a length with zeros in front", post(b"Content-Length: 003", b"abc"), [(b"POST", b"/", b"/", b"", b"a", b"abc")]),
    ("a length of nothing", post(b"content-length:0", b""), [(b"POST", b"/", b"/", b"", b"a", b"")]),
    ("a body of GET", GET + b"Content-Length: 3\r\n\r\nabc", [(b"GET", b"/", b"/", b"", b"a", b"abc")]),
    ("chunks", post(b"transfer-ENCODING:\tChunked ", b"3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n"),
     [(b"POST", b"/", b"/", b"", b"a", b"abc0123456789")]),
    ("chunks, in a list with empty elements", post(b"Transfer-Encoding: ,chunked ,, ", b"1\r\na\r\n0\r\n\r\n"),
     [(b"POST", b"/", b"/", b"", b"a", b"a")]),
    ("extensions", post(TE, b'3;a;b=c ; d = "e\\"f;\xe9"\r\nabc\r\n0;g=h\r\n\r\n'),
     [(b"POST", b"/", b"/", b"", b"a", b"abc")]),
    ("trailers, which change nothing", post(TE, b"1\r\na\r\n000\r\nContent-Length: 9\r\nHost: b\r\n\r\n"),
     [(b"POST", b"/", b"/", b"", b"a", b"a")]),
    ("one behind the other", get(target=b"/1") + post(b"Content-Length: 1", b"x") + post(TE, b"0\r\n\r\n") + get(),
     [(b"GET", b"/1", b"/1", b"", b"a", b""), (b"POST", b"/", b"/", b"", b"a", b"x"),
      (b"POST", b"/", b"/", b"", b"a", b""), (b"GET", b"/", b"/", b"", b"a", b"")]),
]

# (name, bytes, status, where)
REFUSED = [
    ("a lone LF ends the request line", b"GET / HTTP/1.1\nHost: a\n\n", 400, 0),
    ("a lone LF ends a field line", GET + b"X: y\n\r\n", 400, 25),
    ("a lone LF ends the head", GET + b"\n", 400, 25),
    ("a lone CR in a value", GET + b"X: a\rY: b\r\n\r\n", 400, 25),
    ("NUL in a value", GET + b"X: a\0b\r\n\r\n", 400, 25),
    ("DEL in a value", GET + b"X: a\x7fb\r\n\r\n", 400, 25),
    ("a line that is folded", GET + b"X: a\r\n b\r\n\r\n", 400, 31),
    ("a space before the first field", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, 16),
    ("a space before the colon", GET + b"X : a\r\n\r\n", 400, 25),
    ("no colon", GET + b"X\r\n\r\n", 400, 25),
    ("no name", GET + b": a\r\n\r\n", 400, 25),
    ("a name that is no token", GET + b"X(Y): a\r\n\r\n", 400, 25),
    ("a name that is no ASCII", GET + b"X\xe9: a\r\n\r\n", 400, 25),
    ("two spaces", b"GET  / HTTP/1.1\r\n\r\n", 400, 0),
    ("a tab for a space", b"GET\t/ HTTP/1.1\r\n\r\n", 400, 0),
    ("a space in the target", b"GET /a b HTTP/1.1\r\n\r\n", 400, 0),
    ("a space behind the version", b"GET / HTTP/1.1 \r\n\r\n", 400, 0),
    ("HTTP/0.9", b"GET /\r\n\r\n", 400, 0),
    ("a version of one's own", b"GET / HTTP/1.1x\r\n\r\n", 400, 0),
    ("a version in small letters", b"GET / http/1.1\r\n\r\n", 400, 0),
    ("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 6),
    ("HTTP/9.9", get(version=b"9.9"), 505, 6),
    ("TLS", b"\x16\x03\x01\x02\0", 400, 0),
    ("a fifth empty line", b"\r\n" * 5 + get(), 400, 8),
    ("a target that is no ASCII", b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", 400, 0),
    ("a fragment", get(target=b"/a#b"), 400, 4),
    ("a target without a slash", get(target=b"a"), 400, 4),
    ("an asterisk for GET", get(target=b"*"), 400, 4),
    ("an authority for GET", get(target=b"b:443"), 400, 4),
    ("CONNECT without a port", get(target=b"b", method=b"CONNECT"), 400, 8),
    ("CONNECT to a path", get(method=b"CONNECT"), 400, 8),
    ("CONNECT to an address", get(target=b"http://b/", method=b"CONNECT"), 400, 8),
    ("an address without a host", get(target=b"http:///a"), 400, 4),
    ("an address with a password", get(target=b"http://b@c/"), 400, 4),
    ("an address of TLS, where there is none", get(target=b"https://b/"), 421, 4),
    ("no Host", get(host=b""), 400, 16),
    ("two hosts", get(HOST[:-2]), 400, 16),
    ("two hosts beside a whole address", get(HOST[:-2], target=b"http://b/"), 400, 24),
    *((f"Host {host!r}", get(host=b"Host: %b\r\n" % host), 400, 16) for host in (
        b"a b", b"a/b", b"b@a", b"a%2", b"a:b", b"[::g]", b"[1]", b"::1", b"[::1", b"[fe80::1%25eth0]", b"\xe9")),
    ("a length and chunks", GET + b"Content-Length: 1\r\n" + TE + b"\r\n\r\n", 400, 44),
    ("chunks and a length", GET + TE + b"\r\nContent-Length: 1\r\n\r\n", 400, 25),
    ("chunks in HTTP/1.0", get(TE, version=b"1.0"), 400, 25),
    *((f"Transfer-Encoding: {coding}", get(b"Transfer-Encoding: " + coding), status, 25) for coding, status in (
        (b"identity", 400), (b"gzip", 400), (b"xchunked", 400), (b"chunked, identity", 400), (b"chunked, chunked", 400),
        (b"chunked;a=b", 400), (b"", 400), (b",", 400), (b'"chunked"', 400), (b"gzip, chunked", 501),
        (b"identity, chunked", 501))),
    ("chunked twice", get(TE, TE), 400, 25),
    *((f"Content-Length: {length!r}", get(b"Content-Length: " + length), 400, 25) for length in (
        b"", b"+1", b"-1", b"1_0", b"0x1", b"1 1", b"1.0", b"\xb2", b"\xd9\xa1", b"1, 1", b"1,1", b"1, 2", b"1;")),
    ("a length twice", get(b"Content-Length: 1", b"Content-Length: 1") + b"a", 400, 25),
    ("two lengths", get(b"Content-Length: 1", b"Content-Length: 2") + b"a", 400, 25),
    ("a length beyond all bodies", get(b"Content-Length: " + b"9" * 20), 413, 25),
    ("a length of many digits", get(b"Content-Length: " + b"9" * 9000), 413, 25),
    *((f"the chunk {chunk!r}", post(TE, chunk), 400, 56) for chunk in (
        b"zz\r\n", b"\r\n\r\n", b"0x5\r\nabcde\r\n", b"+5\r\n", b"-5\r\n", b"5_0\r\n", b" 5\r\n", b"5 \r\n", b"5\n",
        b"5;\r\n", b"5;a=\r\n", b"5;a\n", b"5;a\rb\r\n", b'5;a="b\r\n', b"5;\0\r\n", b"5 a\r\n", b"\xb2\r\n")),
    ("a chunk that is longer than its size", post(TE, b"2\r\nabc\r\n"), 400, 61),
    ("a chunk that LF ends", post(TE, b"2\r\nab\n0\r\n\r\n"), 400, 61),
    ("a chunk beyond all bodies", post(TE, b"F" * 17 + b"\r\n"), 413, 56),
    ("a trailer that is none", post(TE, b"0\r\nX : y\r\n\r\n"), 400, 59),
    ("a trailer that LF ends", post(TE, b"0\r\nX: y\n\r\n"), 400, 59),
    ("a target without end", b"GET /" + b"a" * 70_000, 414, 0),
    ("a field without end", GET + b"X: " + b"a" * 70_000, 431, 0),
    ("too many fields", get(*[b"X: y"] * 257), 431, 16),
    ("a trailer without end", post(TE, b"0\r\nX: " + b"a" * 70_000), 431, 57),
    ("a line of a chunk without end", post(TE, b"1;" + b"a" * 2000), 400, 56),
    ("extensions without end", post(TE, b"1;%b\r\na\r\n" % (b"a" * 1000) * 20), 413, 16168),
]


def table(rows):
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


def pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)] if size else [data]


def read(data, size=None, reader=None):
    """All requests in the bytes, given in pieces: (method, target, path, query, Host, body)."""
    reader, found, messages = reader or RequestReader(), [], []
    for piece in pieces(data, size):
        messages += reader.receive(piece)
        while messages and type(messages[-1]) is End:
            request, *bodies, _ = messages
            body = b"".join(each.data for each in bodies)
            found.append((*request[:2], request.path, request.query, dict(request.headers).get(b"host"), body))
            messages = reader.next()
    messages += reader.close()
    assert not messages
    return found


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize(("data", "found"), table(READ))
def test_requests_are_read(data, found, size):
    assert read(data, size) == found
    assert fault(explain.explain_request(data), data) is None


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize(("data", "status", "offset"), table(REFUSED))
@pytest.mark.parametrize("more", [b"", get()], ids=["", "more"])
def test_requests_are_refused(data, status, offset, more, size):
    with pytest.raises(BadMessage) as raised:
        read(data + more, size)
    assert (type(raised.value), raised.value.status, raised.value.offset) == (BadMessage, status, offset)
    with pytest.raises(BadMessage):
        explain.explain_request(data + more)


@pytest.mark.parametrize("data", [pytest.param(row[1], id=row[0]) for row in READ if row[0] != "one behind the other"])
def test_no_part_of_a_request_is_one(data):
    for end in range(1, len(data)):
        reader = RequestReader()
        messages = reader.receive(data[:end])
        if messages and type(messages[-1]) is End:
            messages = reader.next()
        if reader.buffer or messages:
            with pytest.raises(CutOff) as raised:
                reader.close()
            assert raised.value.offset == end
        else:
            assert reader.close() == []


def test_what_a_request_says_of_the_connection():
    def first(*fields, version=b"1.1"):
        return RequestReader().receive(get(*fields, version=version))[0]

    assert first().keeps and not first(version=b"1.0").keeps
    assert not first(b"Connection: x, Close").keeps and not first(b"Connection: x", b"Connection: close").keeps
    assert first(b"Connection: Keep-Alive", version=b"1.0").keeps
    assert first(b"Expect: 100-Continue").waits and not first(b"Expect: 100-continue", version=b"1.0").waits
    assert not first().waits


def test_trailers_stand_apart():
    *_, end = RequestReader().receive(post(TE, b"0\r\nX: y\r\nZ:\r\n\r\n"))
    assert end == End([(b"x", b"y"), (b"z", b"")])


def test_who_sends_many_requests_at_once_gets_them_one_by_one():
    reader = RequestReader()
    assert [type(each) for each in reader.receive(get() * 3)] == [Request, End]
    assert reader.receive(b"") == [] and reader.receive(get()) == []
    assert [[type(each) for each in reader.next()] for _ in range(4)] == [[Request, End]] * 3 + [[]]


def test_a_body_is_not_kept():
    reader = RequestReader()
    reader.receive(get(b"Content-Length: 99999999"))
    for _ in range(50):
        assert reader.receive(bytes(65536)) == [Body(bytes(65536))] and not reader.buffer
    reader = RequestReader()
    reader.receive(get(TE))
    assert reader.receive(b"1\r\na\r\n" * 10_000) == [Body(b"a" * 10_000)] and len(reader.buffer) == 2


def test_the_rest_of_a_body_is_known_where_a_length_says_it():
    reader = RequestReader()
    assert reader.rest == grammar.TO_THE_END  # who knows what will come
    reader.receive(get(b"Content-Length: 10") + b"abc")
    assert reader.rest == 7
    reader.receive(b"defghij")
    assert reader.rest == 0
    reader.next()
    reader.receive(get(TE))
    assert reader.rest == grammar.TO_THE_END


def test_there_is_a_longest_body():
    reader = RequestReader()
    reader.receive(get(b"Content-Length: %d" % 2**60))
    assert reader.rest == 2**60
    for length in 2**60 + 1, 10**30:
        with pytest.raises(BadMessage) as raised:
            RequestReader().receive(get(b"Content-Length: %d" % length))
        assert raised.value.status == 413
    RequestReader().receive(post(TE, b"%x\r\n" % 2**60))
    with pytest.raises(BadMessage) as raised:
        RequestReader().receive(post(TE, b"%x\r\n" % (2**60 + 1)))
    assert raised.value.status == 413


GROWING = {
    "spaces before a NUL": lambda n: GET + b"X:" + b" " * n + b"\0\r\n\r\n",
    "spaces around a value": lambda n: GET + b"X:" + b" \t" * (n // 2) + b"a" + b" " * n + b"\r\n\r\n",
    "a name without a colon": lambda n: GET + b"a" * n + b"\r\n\r\n",
    "lone CRs": lambda n: GET + b"\r" * n,
    "a method without end": lambda n: b"A" * n,
    "many fields": lambda n: GET + b"a:\r\n" * (n // 4) + b"\r\n",
    "a long target": lambda n: b"GET /" + b"?" * n + b" HTTP/1.1\r\n\r\n",
    "a long host": lambda n: get(host=b"Host: " + b"%20" * (n // 3) + b"!\r\n"),
    "commas": lambda n: get(b"Transfer-Encoding: " + b"," * n),
    "digits": lambda n: get(b"Content-Length: " + b"1" * n),
}
FLOWING = {
    "chunks of one byte": lambda n: post(TE, b"1\r\na\r\n" * n + b"0\r\n\r\n"),
    "quotes in extensions": lambda n: post(TE, b'1;a="\\"\\""\r\na\r\n' * n),
    "requests": lambda n: get() * n,
    "trailers": lambda n: post(TE, b"0\r\n" + b"X: y\r\n" * 200 + b"\r\n") * (n // 100),
}


# Both lengths come in several pieces: what comes whole is read faster, and would make four times as much look like ten.
@pytest.mark.parametrize("size", [1, 4096])
@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in {**GROWING, **FLOWING}.items()])
def test_time_grows_no_faster_than_the_data(make, size):
    def work(n):
        data = make(n)
        for _ in range(1 if size == 1 else 10):
            reader = RequestReader()
            with suppress(BadMessage):
                for piece in pieces(data, size):
                    messages = reader.receive(piece)
                    while messages and type(messages[-1]) is End:
                        messages = reader.next()

    assert is_linear(work, 10_000 if make in GROWING.values() else 600)


# ---------------------------------------------------------------- responses

# (name, bytes, method, [(status, headers without framing)], body)
RESPONSES = [
    ("a length", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n", b"GET", [200], b"hi\n"),
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"HEAD", [200], b""),
    ("HEAD of chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"HEAD", [200], b""),
    ("204", b"HTTP/1.1 204 No Content\r\n\r\n", b"GET", [204], b""),
    ("304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", b"GET", [304], b""),
    ("100, then chunks", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nLink: x\r\n\r\nHTTP/1.1 200 \r\n"
     b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"POST", [100, 103, 200], b"hi"),
    ("to the end", b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nto the end", b"GET", [200], b"to the end"),
    ("no reason", b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", b"GET", [404], b""),
    ("101", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", b"GET", [101], b""),
]
BAD_RESPONSES = [
    ("no version", b"200 OK\r\n\r\n", 0),
    ("no space", b"HTTP/1.1 200OK\r\n\r\n", 0),
    ("two digits", b"HTTP/1.1 20 OK\r\n\r\n", 0),
    ("HTTP/3.0", b"HTTP/3.0 200 OK\r\n\r\n", 0),
    ("LF", b"HTTP/1.1 200 OK\n\n", 0),
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 17),
    ("a coding nobody knows", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 17),
    ("more than was announced", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", 39),
    ("an empty line first", b"\r\nHTTP/1.1 200 OK\r\n\r\n", 0),
]


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize(("data", "method", "statuses", "body"), table(RESPONSES))
def test_responses_are_read(data, method, statuses, body, size):
    reader = ResponseReader(method)
    messages = [each for piece in pieces(data, size) for each in reader.receive(piece)] + reader.close()
    assert [each.status for each in messages if type(each) is Response] == statuses
    assert b"".join(each.data for each in messages if type(each) is Body) == body
    assert [type(each) for each in messages].count(End) == (statuses != [101])
    assert fault(explain.explain_response(data, method), data) is None


@pytest.mark.parametrize(("data", "offset"), table(BAD_RESPONSES))
def test_responses_are_refused(data, offset):
    with pytest.raises(BadMessage) as raised:
        explain.explain_response(data)
    assert raised.value.offset == offset


HALVES = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length", b"H", b""]
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN = [LENGTH, LENGTH + b"some", CHUNKED, CHUNKED + b"4\r\nsome\r\n", CHUNKED + b"4\r\nsome\r", CHUNKED + b"4\r\nso"]


@pytest.mark.parametrize("data", [*HALVES, *BROKEN])
def test_half_a_response_is_cut_off(data):
    reader = ResponseReader()
    reader.receive(data)
    with pytest.raises(CutOff):
        reader.close()


@pytest.mark.parametrize("data", [*HALVES, CHUNKED + b"4", CHUNKED + b"0\r\nX: y\r\n"])
def test_half_a_head_has_no_names(data):
    with pytest.raises(CutOff):
        explain.explain_response(data)


@pytest.mark.parametrize("data", BROKEN)
def test_of_a_response_that_broke_off_all_is_explained_that_came(data):
    found = explain.explain_response(data)
    assert fault(found, data) is None
    assert [field.name for field in found][12:] == {
        LENGTH + b"some": ["message-body"], CHUNKED + b"4\r\nsome\r\n": ["chunk-size", "CRLF", "chunk-data", "CRLF"],
        CHUNKED + b"4\r\nsome\r": ["chunk-size", "CRLF", "chunk-data", "CRLF"],
        CHUNKED + b"4\r\nso": ["chunk-size", "CRLF", "chunk-data"],
    }.get(data, [])


def test_the_responses_on_a_connection_are_explained():
    data = LENGTH + LENGTH + b"12345" + b"HTTP/1.1 200 OK\r\n\r\nto the end"
    found = explain.explain_response(data, b"HEAD", b"GET", b"GET")
    assert fault(found, data) is None
    assert [field.value for field in found if field.name == "message-body"] == ["12345", "to the end"]
    assert "for HEAD none come" in next(field for field in found if field.value == "5").meaning
    with pytest.raises(BadMessage):
        explain.explain_response(data, b"HEAD")


# ---------------------------------------------------------------- writing


def request(method=b"GET", version=b"1.1", *fields):
    return RequestReader().receive(get(*fields, method=method, version=version))[0]


def written(asked, status, headers, *bodies, **more):
    """What is written, as a reader of responses takes it, and whether the connection is kept."""
    writer = ResponseWriter(asked)
    messages = [Response(status, headers, **more), *map(Body, bodies), End()]
    data = b"".join(map(writer.build, messages))
    reader = ResponseReader(asked.method if asked else b"GET")
    messages = reader.receive(data) + reader.close()
    assert type(messages.pop()) is End and not reader.buffer
    return messages[0], b"".join(each.data for each in messages[1:]), writer.keeps


DATE = (b"Date", b"Sun, 05 Dec 1993 12:00:00 GMT")
SHOWN = (b"date", DATE[1])


@pytest.mark.parametrize(("asked", "status", "headers", "found", "body", "keeps"), [
    (request(), 200, [(b"Content-Length", b"3")], [(b"content-length", b"3"), SHOWN], b"abc", True),
    (request(), 200, [], [SHOWN, (b"transfer-encoding", b"chunked")], b"abc", True),
    (request(version=b"1.0"), 200, [], [SHOWN, (b"connection", b"close")], b"abc", False),
    (request(b"GET", b"1.0", b"Connection: keep-alive"), 200, [(b"content-length", b"3")],
     [(b"content-length", b"3"), SHOWN, (b"connection", b"keep-alive")], b"abc", True),
    (request(b"GET", b"1.0", b"Connection: keep-alive"), 200, [], [SHOWN, (b"connection", b"close")], b"abc", False),
    (request(b"GET", b"1.1", b"Connection: close"), 200, [],
     [SHOWN, (b"transfer-encoding", b"chunked"), (b"connection", b"close")], b"abc", False),
    (request(), 200, [(b"Connection", b"close"), (b"Transfer-Encoding", b"gzip"), (b"Keep-Alive", b"x")],
     [SHOWN, (b"transfer-encoding", b"chunked"), (b"connection", b"close")], b"abc", False),
    (request(b"HEAD"), 200, [(b"content-length", b"9")], [(b"content-length", b"9"), SHOWN], b"", True),
    (request(b"HEAD"), 200, [], [SHOWN], b"", True),
    (request(), 204, [(b"content-length", b"3")], [SHOWN], b"", True),
    (request(), 304, [(b"content-length", b"9")], [(b"content-length", b"9"), SHOWN], b"", True),
    (request(), 426, [(b"Upgrade", b"websocket")],
     [(b"upgrade", b"websocket"), SHOWN, (b"transfer-encoding", b"chunked"), (b"connection", b"upgrade")], b"abc",
     True),
    (None, 400, [(b"content-length", b"3")], [(b"content-length", b"3"), SHOWN, (b"connection", b"close")], b"abc",
     False),
])
def test_responses_are_framed(asked, status, headers, found, body, keeps, monkeypatch):
    monkeypatch.setattr(wire.time, "time", lambda: 755092800.9)
    response, told, kept = written(asked, status, headers, b"a", b"", b"bc")
    assert (response.status, response.headers, told, kept) == (status, found, body, keeps)
    assert response.reason == wire.REASONS[status]
    assert written(asked, status, [*headers, DATE], b"abc")[0].headers.count(SHOWN) == 1


def test_what_must_not_be_sent_is_refused():
    for field in (b"X", b"a\r\nY: b"), (b"X", b"a\rb"), (b"X", b"a\0"), (b"X\r\nY", b"b"), (b"X: y", b"b"), (b"", b"x"):
        with pytest.raises(ValueError):
            ResponseWriter(request()).build(Response(200, [field]))
    for status, reason in (200, b"a\r\nb"), (200, b"\0"), (20, b""), (1000, b""), (0, b""):
        with pytest.raises(ValueError):
            ResponseWriter(request()).build(Response(status, [], reason))
    for lengths in [b"1", b"1"], [b"1", b"2"], [b"x"], [b"-1"], [b""]:
        with pytest.raises(ValueError):
            ResponseWriter(request()).build(Response(200, [(b"content-length", length) for length in lengths]))
    writer = ResponseWriter(request())
    with pytest.raises(ValueError):
        writer.build(Body(b"a"))
    writer.build(Response(200, [(b"content-length", b"2")]))
    for message in Body(b"abc"), End(), Response(200):
        with pytest.raises(ValueError):
            writer.build(message)
    assert writer.build(Body(b"ab")) == b"ab" and not writer.complete
    assert writer.build(End()) == b"" and writer.complete
    with pytest.raises(ValueError):
        writer.build(Body(b""))


def test_interim_responses_come_before_the_one_that_counts():
    writer = ResponseWriter(request())
    assert writer.build(Response(100)) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert writer.build(Response(101, [(b"Upgrade", b"websocket"), (b"Content-Length", b"5")])) == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
    assert writer.build(Response(200)).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_refusal_is_a_whole_response():
    for asked, length in (None, 9), (request(b"HEAD"), 0):
        reader = ResponseReader(asked.method if asked else b"GET")
        response, *rest = reader.receive(wire.refusal(400, "no reason", asked, [(b"x", b"y")]))
        fields = dict(response.headers)
        assert (response.status, fields[b"connection"], fields[b"x"]) == (400, b"close", b"y") and b"date" in fields
        assert rest == ([Body(b"no reason\n"), End()] if length else [End()])


LATIN = st.binary(min_size=0, max_size=30).map(lambda data: re.sub(rb"[^\t -~\x80-\xff]", b"", data).strip(b" \t"))
NAMES = st.from_regex(re.compile(r"[A-Za-z_][\w.-]{0,10}", re.ASCII), fullmatch=True).map(str.encode).filter(
    lambda name: name.lower() not in (b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive",
                                      b"date", b"upgrade", b"expect"))
FIELDS = st.lists(st.tuples(NAMES, LATIN), max_size=5)


@settings(deadline=None, max_examples=60)
@given(FIELDS, st.lists(st.binary(max_size=40), max_size=4), st.booleans(), FIELDS, st.integers(1, 60))
def test_what_is_written_is_read(fields, bodies, chunked, trailers, size):
    trailers = trailers if chunked else []
    low = [(name.lower(), value) for name, value in fields]
    framing = TE if chunked else b"Content-Length: %d" % sum(map(len, bodies))
    name, _, value = framing.partition(b": ")
    headers = [(b"Host", b"a"), (name, value), *fields]
    writer = RequestWriter()
    asked = Request(b"PUT", b"/a", b"1.1", headers, b"", b"", {})
    data = b"".join(map(writer.build, [asked, *map(Body, bodies), End(trailers)]))
    reader = RequestReader()
    messages = [each for piece in pieces(data, size) for each in reader.receive(piece)]
    assert messages[0].headers == [(b"host", b"a"), (name.lower(), value), *low]
    assert b"".join(each.data for each in messages[1:-1]) == b"".join(bodies)
    assert list(messages[-1].trailers) == [(name.lower(), value) for name, value in trailers]
    assert fault(explain.explain_request(data), data) is None
    response, body, _ = written(messages[0], 200, fields if chunked else [*fields, (name, value)], *bodies)
    assert body == b"".join(bodies) and [field for field in response.headers if field in low] == low


@pytest.mark.parametrize("asked", [
    (b"GET", b"/a b", b"1.1", [(b"Host", b"a")]), (b"G T", b"/", b"1.1", [(b"Host", b"a")]), (b"GET", b"/", b"1.1", []),
    (b"GET", b"/", b"1.1", [(b"Host", b"a"), (b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked")]),
])
def test_a_request_nobody_may_send_is_not_written(asked):
    with pytest.raises(ValueError):
        RequestWriter().build(Request(*asked, b"", b"", {}))


# ---------------------------------------------------------------- explaining


def named(fields, name):
    return [field for field in fields if field.name == name]


def test_what_is_explained_says_what_it_is():
    for target, section in (b"/", 1), (b"http://b/", 2), (b"*", 4):
        fields = explain.explain_request(get(target=target, method=b"OPTIONS"))
        assert named(fields, "request-target")[0].section == f"RFC 9112 section 3.2.{section}"
    fields = explain.explain_request(get(target=b"b:1", method=b"CONNECT"))
    assert named(fields, "request-target")[0].section == "RFC 9112 section 3.2.3"
    data = b"\r\n" + post(TE, b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n")
    fields = explain.explain_request(data)
    assert [(field.name, field.value) for field in fields[-13:]] == [
        ("chunk-size", "3"), ("chunk-ext", ";a=b"), ("CRLF", ""), ("chunk-data", "abc"), ("CRLF", ""),
        ("last-chunk", "0"), ("CRLF", ""), ("field-name", "X"), (":", ":"), ("OWS", ""), ("field-value", "y"),
        ("CRLF", ""), ("CRLF", ""),
    ]
    assert "ignored" in fields[0].meaning and "trailer" in named(fields, "field-name")[-1].meaning
    meanings = {
        (asked, field.value): field.meaning for asked in (b"101", b"426")
        for field in explain.explain_response(b"HTTP/1.1 %b x\r\nUpgrade: a\r\nConnection: close\r\n\r\n" % asked)
    }
    assert meanings[b"101", "a"] != meanings[b"426", "a"] and "closes" in meanings[b"426", "close"]


def test_explanations_take_no_longer_than_reading():
    assert is_linear(lambda n: explain.explain_request(get(b"X: a" + b" " * n + b"b" + b" " * n)), 8_000)


# ---------------------------------------------------------------- other readers

DECIDED = tomllib.loads((Path(__file__).parent / "disagreements.toml").read_text(encoding="utf-8"))["disagreement"]


def by_us(data):
    try:
        return [(method, target, body) for method, target, _, _, _, body in read(data)], ""
    except Malformed as error:
        return None, str(error)


def by_h11(data):
    found, connection = [], h11.Connection(h11.SERVER, max_incomplete_event_size=grammar.LONGEST)
    connection.receive_data(data)
    connection.receive_data(b"")
    try:
        while True:
            event = connection.next_event()
            if type(event) is h11.Request:
                found.append([event.method, event.target, b""])
            elif type(event) is h11.Data:
                found[-1][2] += bytes(event.data)
            elif event is h11.PAUSED:  # behind a whole request: go on with a new connection
                rest, connection = connection.trailing_data[0], h11.Connection(h11.SERVER)
                connection.receive_data(rest)
                connection.receive_data(b"")
            elif type(event) is h11.ConnectionClosed:
                return [tuple(each) for each in found], ""
            if type(event) is h11.EndOfMessage and connection.their_state is h11.MUST_CLOSE:
                rest, connection = connection.trailing_data[0], h11.Connection(h11.SERVER)
                connection.receive_data(rest)
                connection.receive_data(b"")
    except h11.RemoteProtocolError as error:
        return None, str(error)


class Told:
    def __init__(self):
        self.found, self.target, self.body, self.whole = [], b"", b"", True

    def on_message_begin(self):
        self.target, self.body, self.whole = b"", b"", False

    def on_url(self, url):
        self.target += url

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.whole = True
        self.found.append((self.parser.get_method(), self.target, self.body))


def by_httptools(data):
    told = Told()
    told.parser = httptools.HttpRequestParser(told)
    try:
        told.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return None, "Upgrade"
    except httptools.HttpParserError as error:
        return None, str(error)
    return (told.found, "") if told.whole else (None, "cut off")


JUDGES = {"h11": by_h11, "httptools": by_httptools}


def decided(judge, data):
    """None where the judge reads the bytes as we do, else the disagreement they show; fails where nobody decided it."""
    ours, wrong = by_us(data)
    theirs, refused = JUDGES[judge](data)
    if ours == theirs:
        return None
    we, says = ("differ", "") if ours and theirs else ("refuse", wrong) if ours is None else ("read", refused)
    for each in DECIDED:
        if judge in each["judges"] and we == each["we"] and re.search(each["says"], says):
            if re.search(each.get("shape", "").encode("latin-1"), data, re.DOTALL):
                return each
    raise AssertionError(f"{judge} / we {we}: {wrong or ours} / {refused or theirs}: {data!r}")


SEEDS = [row[1] for row in READ + REFUSED if len(row[1]) < 1000]
EDITS = st.lists(st.tuples(st.integers(0, 150), st.integers(0, 5), st.sampled_from(
    [b"", b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"0", b"1", b"a", b",", b"\0", b"\xff", b";", b"HTTP/1.0", b"#"])),
    max_size=3)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("data", [pytest.param(row[1], id=row[0]) for row in READ + REFUSED])
def test_each_case_is_judged_by_others(judge, data):
    decided(judge, data)


@pytest.mark.parametrize(("judge", "each"), [
    pytest.param(judge, each, id=f"{judge}-{each['says'][:40]}") for each in DECIDED for judge in each["judges"]
])
def test_each_disagreement_still_shows(judge, each):
    example = each["example"].replace("{many}", "X: y\r\n" * 300)
    assert decided(judge, example.encode("latin-1")) == each


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(SEEDS), EDITS, st.integers(1, 40))
def test_arbitrary_bytes_are_read_as_others_read_them_however_they_are_cut(data, edits, size):
    for place, length, new in edits:
        data = data[:place] + new + data[place + length :]

    def outcome(size):
        try:
            return read(data, size)
        except BadMessage as error:
            return type(error), error.status, error.offset

    assert outcome(size) == outcome(None)
    for judge in JUDGES:
        decided(judge, data)
    for explained in explain.explain_request, explain.explain_response:
        try:
            assert fault(explained(data), data) is None
        except BadMessage as error:
            assert 0 <= error.offset <= len(data)
