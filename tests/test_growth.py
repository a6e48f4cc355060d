"""No peer can make a parser work more than its bytes are worth: for hostile input, too, time grows no faster than it.

A parser that bounds what it reads is given no bound here, so that growth shows.
"""

import struct
from contextlib import suppress

import pytest
from conftest import is_linear

from exhibits.asgi import explain as explain_websocket
from exhibits.asgi import wire as websocket
from exhibits.cgi import explain as explain_cgi
from exhibits.cgi import wire as cgi
from exhibits.fastcgi import explain as explain_fastcgi
from exhibits.fastcgi import wire as fastcgi
from exhibits.scgi import explain as explain_scgi
from exhibits.scgi import wire as scgi
from exhibits.shared.fields import Malformed
from exhibits.uwsgi import wire as uwsgi
from exhibits.uwsgi.explain import explain_response as uwsgi_answer

pytestmark = pytest.mark.hall

# What lines are made of, each for ever: (where it begins, what comes again and again, how it ends).
LINES = [
    (b"", b" ", b""), (b"", b"\t", b""), (b"", b":", b""), (b"", b"\r", b""), (b"", b"\n", b""), (b"", b"\0", b""),
    (b"", b"a", b""), (b"", b"a:", b""), (b"", b"a: ", b""), (b"", b"\r\n", b""),
    (b"X:", b" ", b"\0"), (b"X:", b" ", b"\n"), (b"X:", b" ", b"\r"), (b"X:", b"\t ", b"\0\n\n"),
    (b"X:", b" ", b"\n\n"), (b"X:", b" a", b" \0\n\n"), (b"X:", b"a ", b"\r\0\n\n"), (b"X:", b":", b"\n\n"),
    (b"X", b" ", b":a\n\n"), (b"X: a", b" ", b"b \r\n\r\n"), (b"X: a", b"\r", b"\n\n"), (b"", b"a", b" \n\n"),
    (b"", b"a:\n", b"\n"), (b"", b"a: b\r\n", b"\r\n"), (b"a: b\n", b" c\n", b"\n"), (b"", b"Status: 200\n", b"\n"),
    (b"Content-Type: a/b\n", b"a:\n", b"\n"), (b"Content-Type: a/b\n", b"\r\n\r", b""),
]
HTTP = b"HTTP/1.1 200 OK\r\n"


def hostile(*rows):
    return [pytest.param(*row, id=b"-".join(row).decode("latin-1").encode("unicode_escape").decode()) for row in rows]


def holds(read, begin, again, end, cuts=(1, 1 << 20), most=5000):
    """Whether the time `read(pieces)` takes grows with the bytes, however these are cut; most: bytes, at first."""

    def work(size, cut):
        # An even number of times: half a pair would be refused at once.
        data = begin + again * (2 * (size // len(again) // 2 + 1)) + end
        with suppress(Malformed, ValueError):
            read(data[at:at + cut] for at in range(0, len(data), cut))

    # From small to large: what grows fast is found before it takes for ever.
    return all(is_linear(lambda size, cut=cut: work(size, cut), size)
               for cut in cuts for size in (300, most) + (5 * most,) * (cut > 9))


def read_all(reader, take):
    def read(pieces):
        one = reader()
        for piece in pieces:
            list(take(one, piece) or ())

    return read


@pytest.mark.parametrize(("begin", "again", "end"), hostile(*LINES))
def test_cgi_output(monkeypatch, begin, again, end):
    monkeypatch.setattr(cgi, "HEAD_LIMIT", 1 << 30)
    assert holds(read_all(cgi.ResponseReader, cgi.ResponseReader.feed), begin, again, end)
    assert holds(lambda pieces: explain_cgi.explain_stdout(b"".join(pieces)), begin, again, end, cuts=[1 << 20])


@pytest.mark.parametrize(("begin", "again", "end"), hostile(
    (b"", b"\0", b""), (b"", b"=", b""), (b"", b"a", b""), (b"", b"=\0", b""),
    (b"a=", b"=", b"\0"), (b"", b" ", b"=\0"),
))
def test_cgi_environment(begin, again, end):
    assert holds(lambda pieces: explain_cgi.explain_environ(b"".join(pieces)), begin, again, end, [1 << 20])


def test_cgi_header_variables():
    assert is_linear(lambda size: cgi.header_variables([(b"x-a", b"1")] * size), 20_000)
    assert is_linear(lambda size: cgi.header_variables([(b"x-%d" % n, b"1") for n in range(size)]), 10_000)


BEGIN = fastcgi.build(fastcgi.BeginRequest(1))
READY = BEGIN + fastcgi.build(fastcgi.Params(1, {}))


@pytest.mark.parametrize(("begin", "again", "end"), hostile(
    (b"", b"\0", b""), (b"", b"\1", b""), (b"", b" ", b""),
    (BEGIN, fastcgi.record(fastcgi.PARAMS, 1, b"\1\0A"), b""),
    (BEGIN, fastcgi.record(fastcgi.PARAMS, 1, b"\0\0"), fastcgi.record(fastcgi.PARAMS, 1, b"")),
    (BEGIN, fastcgi.record(fastcgi.PARAMS, 1, b"\x80\0\0\0"), fastcgi.record(fastcgi.PARAMS, 1, b"")),
    (BEGIN, fastcgi.record(fastcgi.PARAMS, 1, b"\1\1A\0"), fastcgi.record(fastcgi.PARAMS, 1, b"")),
    (READY, fastcgi.record(fastcgi.STDIN, 1, b"x"), b""),
    (b"", fastcgi.record(fastcgi.STDIN, 9, b""), b""),
    (b"", fastcgi.record(fastcgi.ABORT_REQUEST, 9, b""), b""),
    (b"", fastcgi.build(fastcgi.GetValues(("A",))), b""),
    (b"", fastcgi.record(99, 0, b""), b""),
))
def test_fastcgi(begin, again, end):
    for reader in fastcgi.ApplicationReader, fastcgi.WebServerReader:
        arguments = {"params_limit": 1 << 30} if reader is fastcgi.ApplicationReader else {}
        assert holds(read_all(lambda: reader(**arguments), reader.receive), begin, again, end)  # noqa: B023
    assert holds(lambda pieces: explain_fastcgi.explain(b"".join(pieces)), begin, again, end, [1 << 20])


@pytest.mark.parametrize(("pair", "end"), [
    (b"\0\0", b""), (b"\1\0A", b"\1"), (b"\x80\0\0\1\0A", b"\x80"), (b"\1\1A\0", b""), (b"\0\0", b"\1\1A\0"),
])
def test_fastcgi_pairs(pair, end):
    assert holds(lambda pieces: fastcgi.read_pairs(b"".join(pieces), [(0, 0)]), b"", pair, end, [1 << 20])


def netstring(content):
    return b"%d:%b,body" % (len(content), content)


@pytest.mark.parametrize(("begin", "again", "end"), hostile(
    (b"CONTENT_LENGTH\x000\0SCGI\x001\0", b"\0", b""), (b"CONTENT_LENGTH\x000\0SCGI\x001\0", b"a\0", b""),
    (b"", b"\0", b""), (b"", b"a\0", b""), (b"", b" ", b""), (b"CONTENT_LENGTH\0", b"9", b"\0"),
    (b"CONTENT_LENGTH\x000\0SCGI\x001\0", b"a\0\0", b"\0"),
))
def test_scgi(begin, again, end):
    def request(act):
        return lambda pieces: act(netstring(b"".join(pieces)))

    def read(data):
        reader = scgi.RequestReader(1 << 30)
        for at in range(len(data)):
            reader.receive(data[at:at + 1])

    assert holds(request(read), begin, again, end, cuts=[1 << 20])
    assert holds(request(explain_scgi.explain_request), begin, again, end, [1 << 20])


@pytest.mark.parametrize(("begin", "again", "end"), hostile((b"", b"1", b""), (b"", b" ", b""), (b"", b"0:,", b"")))
def test_scgi_netstring(begin, again, end):
    assert holds(read_all(lambda: scgi.RequestReader(1 << 30), scgi.RequestReader.receive), begin, again, end)


@pytest.mark.parametrize("reader", [scgi.RequestReader, uwsgi.RequestReader, lambda: uwsgi.ResponseReader("HEAD")])
def test_what_comes_behind_a_message(reader):
    begin = {scgi.RequestReader: netstring(b"CONTENT_LENGTH\x000\0SCGI\x001\0"), uwsgi.RequestReader: bytes(4)}
    begin = begin.get(reader, HTTP + b"\r\n")
    one = type(reader())
    assert holds(read_all(reader, one.receive), begin, b"x", b"", [1, 7], 50_000)


@pytest.mark.parametrize(("begin", "again", "end"), hostile(*LINES))
def test_answers_over_scgi_and_uwsgi(monkeypatch, begin, again, end):
    monkeypatch.setattr(uwsgi, "HEAD_LIMIT", 1 << 30)
    assert holds(lambda pieces: explain_scgi.explain_response(b"".join(pieces)), begin, again, end, cuts=[1 << 20])
    for before in b"", HTTP, b"HTTP/1.1 200":
        assert holds(read_all(uwsgi.ResponseReader, uwsgi.ResponseReader.receive), before + begin, again, end)
        assert holds(lambda pieces: uwsgi_answer(b"".join(pieces)), before + begin, again, end, [1 << 20])


@pytest.mark.parametrize("variable", [b"\0\0", b"\1\0A", b"\1\0A\0\0", b"\0\0\0\0", b"\xff", b" "])
def test_uwsgi(variable):
    """A packet is 64 KiB at most: there may be many of them."""

    def packet(pieces):
        block = b"".join(pieces)[:uwsgi.LONGEST]
        uwsgi.read_variables(block, 4)

    assert holds(packet, b"", variable, b"", [1 << 20], 3000)
    numbered = b"".join(b"\5\0%05d\0\0" % n for n in range(7000))
    assert is_linear(lambda size: uwsgi.read_variables(numbered[:9 * size], 4), 1700)
    data = uwsgi.HEADER.pack(0, 63000, 0) + numbered
    assert is_linear(lambda size: read_all(uwsgi.RequestReader, uwsgi.RequestReader.receive)(
        bytes([byte]) for byte in data[:size]), 15_000)


MASK = b"mask"


@pytest.mark.parametrize("frame", [
    websocket.build_frame(websocket.TEXT, b"", MASK), websocket.build_frame(websocket.TEXT, b"a", MASK),
    websocket.build_frame(websocket.PING, b"", MASK), websocket.build_frame(websocket.PONG, b"x" * 125, MASK),
    websocket.build_frame(websocket.CONTINUATION, b"", MASK, fin=False),
    websocket.build_frame(websocket.CONTINUATION, b"a", MASK, fin=False),
    websocket.build_frame(websocket.CONTINUATION, b"\xc3", MASK, fin=False), b"\0", b" ",
])
@pytest.mark.parametrize("begin", [b"", websocket.build_frame(websocket.TEXT, b"", MASK, fin=False),
                                   websocket.build_frame(websocket.BINARY, b"", MASK, fin=False),
                                   b"\x82\xff" + struct.pack(">Q", 1 << 40)])
def test_websocket_frames(begin, frame):
    reader = read_all(lambda: websocket.Reader(from_client=True, limit=1 << 50), websocket.Reader.receive)
    assert holds(reader, begin, frame, b"")
    assert holds(lambda pieces: explain_websocket.explain_client(b"".join(pieces)), begin, frame, b"", [1 << 20])
