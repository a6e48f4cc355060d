"""Each explanation of a byte, a call or a key rests on words of the section it names, as explanations.toml has it."""

import json
import os
import zlib

import pytest

from exhibits.asgi import explain as asgi
from exhibits.asgi import wire as websocket
from exhibits.backstage import recording
from exhibits.backstage.recording import accidents
from exhibits.backstage.running import ROOT
from exhibits.cgi import explain as cgi
from exhibits.fastcgi import explain as fastcgi
from exhibits.fastcgi import wire as records
from exhibits.http import explain as http
from exhibits.journey import explain, said
from exhibits.scgi import explain as scgi
from exhibits.scgi import wire as netstring
from exhibits.shared import cgi_variables
from exhibits.uwsgi import explain as uwsgi
from exhibits.uwsgi import wire as packet
from exhibits.wsgi import explain as wsgi
from tests.explained import TABLE, fault, sentences
from tests.specifications import cited, quoted, sections, words

ROWS = {(sentence, section) for section, words in TABLE.items() for sentence in words}
VARIABLES = dict.fromkeys([*cgi_variables.MEANINGS, *cgi_variables.OF_THE_PROCESS, "HTTP_HOST", "X_ELSE"], "1")


# ---------------------------------------------------------------- messages with all that is known


def http_requests():
    for method in [*http.METHODS, b"BREW"]:
        yield b"\r\n%b %b HTTP/1.1\r\nHost: a\r\n\r\n" % (method, b"a:1" if method == b"CONNECT" else b"/a?b")
    yield b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS * HTTP/1.1\r\nHost:a \r\n\r\n"
    yield b"GET / HTTP/1.1\r\nHost: a\r\n%bX-Else: 1\r\n\r\n" % fields(http.VALUES.keys() - FRAMING - {b"host"})
    for (name, value), _ in http.PARTICULAR.items():
        if name == b"connection":
            yield b"GET / HTTP/1.1\r\nHost: a\r\n%b: %b\r\n\r\n" % (name, value)
    yield b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
    yield b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nX: y\r\n\r\n"


def http_responses():
    """Bytes, and the method they answer."""
    for status in [*http.STATUSES, 199, 299, 399, 499, 599, 999]:
        head = b"HTTP/1.1 %d x\r\nUpgrade: a\r\nLocation: b\r\nContent-Length: 0\r\n\r\n" % status
        yield (head + b"HTTP/1.1 200 OK\r\n\r\n" if 100 <= status < 200 and status != 101 else head), b"GET"
    for name in b"Content-Length: 9", b"Transfer-Encoding: gzip, chunked":
        yield b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % name, b"HEAD"
    yield b"HTTP/1.1 200 OK\r\n\r\nto the end", b"GET"


FRAMING = {b"content-length", b"transfer-encoding"}


def fields(names):
    return b"".join(b"%b: 1\r\n" % name for name in names)


def answers():
    """What CGI programs print."""
    return [head + b"\r\n\nbody" if body else head + b"\r\n\n" for head, body in (
        (b"Content-Type:a/b \r\nStatus: 200 OK\nETag: x", True), (b"Content-Type: a/b\nX-CGI-A: x", True),
        (b"Location: /a", False), (b"Location: http://a/", False), (b"Location: a", False),
        (b"Location: http://a/\nStatus: 302 Found\nContent-Type: a/b", True),
        (b"Location: /\nStatus: 303 See Other", False),
    )]


def fastcgi_records():
    B, build = records, records.build
    for role in (1, 2, 3, 4):
        yield build(B.BeginRequest(1, role, role & 1)) + build(B.Params(1, {"A" * 200: "B", **VARIABLES})) + build(
            B.Data(1, b"x")) + build(B.Stdin(1, b"y")) + build(B.Stdin(1, b"")) + build(B.AbortRequest(1))
    for answer in answers():
        yield build(B.Stdout(1, answer)) + build(B.Stdout(1, b"")) + build(B.Stderr(1, b"z"))
    for status in range(5):
        yield build(B.EndRequest(1, 0, status))
    yield build(B.Params(1, dict.fromkeys(fastcgi.OF_FILTERS, "1")))
    yield build(B.GetValues(tuple(fastcgi.VALUES))) + build(B.GetValuesResult({"FCGI_MAX_CONNS": "1"}))
    yield build(B.UnknownType(77)) + B.record(77, 0, b"x")


def frames():
    """Bytes of WebSocket, and whether a client sends them."""
    for mask in (MASK, None):
        for message in (websocket.Message("x" * 10), websocket.Message(b"x" * 200), websocket.Message(b"x" * 70_000),
                        websocket.Ping(b"x"), websocket.Pong(b"x"), websocket.Close(1005)):
            yield websocket.build(message, mask), mask is not None
        for code in [*asgi.CODES, 1012, 3000, 4000]:
            yield websocket.build(websocket.Close(code, "x"), mask), mask is not None
        for kind in (websocket.TEXT, websocket.BINARY):
            yield b"".join(websocket.build_frame(opcode, b"x", mask, fin) for opcode, fin in (
                (kind, False), (websocket.CONTINUATION, False), (websocket.CONTINUATION, True))), mask is not None
        for opcode, payload in (3, b"x"), (websocket.TEXT, b"\xff"):
            yield websocket.build_frame(opcode, payload, mask), mask is not None


def compressed_frames():
    """Those of a client, of a message in fragments, with a ping between them; and a message that is not compressed."""
    deflate = zlib.compressobj(wbits=-15)
    small = (deflate.compress("Grüße, Grüße".encode()) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(asgi.TAIL)
    for opcode, payload, fin, rsv1 in ((websocket.TEXT, small[:5], False, True), (websocket.PING, b"", True, False),
                                       (websocket.CONTINUATION, small[5:], True, False),
                                       (websocket.TEXT, b"plain", True, False)):
        first, *rest = websocket.build_frame(opcode, payload, MASK, fin)
        yield bytes([first | 0x40 * rsv1, *rest])


MASK = bytes(range(1, 5))


def explained():
    """What is explained of all these: (list of Field, data)."""
    for data in http_requests():
        yield http.explain_request(data), data
    for data, method in http_responses():
        yield http.explain_response(data, method), data
    for data in fastcgi_records():
        yield fastcgi.explain(data), data
    for data, from_client in frames():
        yield asgi.explain_frames(data, from_client), data
    data = b"".join(compressed_frames())
    yield asgi.explain_client(data, "permessage-deflate"), data
    block = b"".join(b"%b=1\0" % name.encode() for name in VARIABLES)
    yield cgi.explain_environ(block), block
    yield cgi.explain_stdin(b"x"), b"x"
    yield cgi.explain_stderr(b"x"), b"x"
    for answer in answers():
        yield cgi.explain_stdout(answer), answer
        yield scgi.explain_response(answer), answer
    data = netstring.build_request({**VARIABLES, "CONTENT_LENGTH": "1"}) + b"xyz"
    yield scgi.explain_request(data), data
    data = packet.build_request({**VARIABLES, "CONTENT_LENGTH": "1"}) + b"x"
    yield uwsgi.explain_request(data), data
    data = b"HTTP/1.1 200 OK\r\n\r\n"
    yield uwsgi.explain_response(data), data
    for name, read in accidents.READINGS.items():
        yield read(accidents.ACCIDENTS[name].sent), accidents.ACCIDENTS[name].sent


def keys():
    """The meaning and section of all calls and keys that are known."""
    yield from wsgi.CALLS.values()
    yield from asgi.CALLS.values()
    for key in [*wsgi.KEYS, *VARIABLES, "gunicorn.socket"]:
        yield wsgi.explain_key({}, key)
    for kind, of_scope in asgi.OF_SCOPES.items():
        for key in [*of_scope, "extensions", "else"]:
            yield asgi.explain_key({"type": kind}, key)
    for kind, key in [*((kind, "type") for kind in asgi.EVENTS), *asgi.OF_EVENTS]:
        yield asgi.explain_key({"type": kind}, key)


# ---------------------------------------------------------------- the tests


def rows(pairs):
    """Meanings with their sections as rows of the table."""
    return {(sentence, section) for meaning, section in pairs for sentence in sentences(meaning)}


@pytest.mark.parametrize("path", sorted(recording.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_what_a_recording_is_explained_by_stands_in_the_table(path):
    for link in json.loads(path.read_text(encoding="utf-8"))["links"]:
        for what, found in explain(link).items():
            assert fault(found, said(link)[what]) is None
        room = {"WSGI callable": wsgi, "ASGI coroutine": asgi}.get(link["carrier"])
        for call in link.get("calls", ()):
            assert rows([room.explain_call(call["call"])]) <= ROWS
            for holder in (*call["arguments"], call.get("returned")):
                if isinstance(holder, dict):
                    assert rows(room.explain_key(holder, key) for key in holder) <= ROWS


def test_the_table_has_all_explanations_and_no_others():
    told = rows((field.meaning, field.section) for found, _ in explained() for field in found) | rows(keys())
    assert told - ROWS == set(), "without words"
    assert ROWS - told == set(), "words for what nobody says"


def test_what_is_explained_has_no_gap():
    for found, data in explained():
        assert fault(found, data) is None


def test_quotations_are_short():
    for section, quotations in TABLE.items():
        for sentence, text in quotations.items():
            assert sentence.endswith(".") and 0 < len(text.split()) <= 40, (section, sentence)


@pytest.fixture(scope="module")
def texts():
    """The sections of the specifications in SPECIFICATIONS=FOLDER, whose files tests/specifications.py names."""
    if folder := os.environ.get("SPECIFICATIONS"):
        return sections(folder)
    pytest.skip("SPECIFICATIONS names no folder with the texts")


def test_the_words_stand_in_the_sections(texts):
    documents = {document for document, _ in texts}
    looked_for = [
        (place, text) for section, quotations in TABLE.items() for text in quotations.values()
        if (place := quoted(section)) and place[0] in documents
    ]
    assert looked_for
    assert [each for each in looked_for if words(each[1]) not in texts.get(each[0], "")] == []


def test_the_sections_that_code_and_pages_cite_are_there(texts):
    documents = {document for document, _ in texts}
    files = [path for folder in ("exhibits", "docs", "tests") for path in (ROOT / folder).rglob("*")
             if path.suffix in (".py", ".md", ".toml", ".conf")]
    named = {(path.name, place) for path in files for place in cited(path.read_text(encoding="utf-8"))}
    assert len(named) > 300
    assert {each for each in named if each[1][0] in documents and each[1] not in texts} == set()
