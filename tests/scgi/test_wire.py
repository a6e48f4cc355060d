"""The SCGI wire: one table drives reader and writer, each case whole, byte by byte and with more behind it."""

import socket
import sys

import pytest
from conftest import is_linear, malformed
from hypothesis import given, settings
from hypothesis import strategies as st
from started import Started
from told import CGI, connect, doing_as_told, running

from exhibits.scgi import explain, wire
from exhibits.scgi.wire import Body, End, Request, RequestReader
from exhibits.shared.fields import CutOff, Malformed
from tests.explained import fault

# (name, variables, body, the bytes our writer makes of them)
CASES = [
    ("the example of the specification",
     {"CONTENT_LENGTH": "27", "SCGI": "1", "REQUEST_METHOD": "POST", "REQUEST_URI": "/deepthought"},
     b"What is the answer to life?",
     b"70:CONTENT_LENGTH\x0027\0SCGI\x001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/deepthought\0,"
     b"What is the answer to life?"),
    ("no body, no value", {"CONTENT_LENGTH": "0", "SCGI": "1", "QUERY_STRING": ""}, b"",
     b"38:CONTENT_LENGTH\x000\0SCGI\x001\0QUERY_STRING\0\0,"),
    ("bytes that are no text", {"CONTENT_LENGTH": "1", "SCGI": "1", "N": "\xff:,"}, b"\0",
     b"30:CONTENT_LENGTH\x001\0SCGI\x001\0N\0\xff:,\0,\0"),
]


def netstring(headers):
    return b"%d:%b," % (len(headers), headers)


START = b"CONTENT_LENGTH\x000\0SCGI\x001\0"
# (name, what is wrong, bytes, where)
MALFORMED = [
    ("no number", "is not the length of a netstring", b"GET / HTTP/1.1\r\n", 0),
    ("nothing but a colon", "is not the length of a netstring", b":", 0),
    ("a zero in front", "is not the length of a netstring", b"07:", 0),
    ("a negative number", "is not the length of a netstring", b"-1:", 0),
    ("no comma", "no comma ends the variables", b"24:" + START + b";", 27),
    ("a huge number", "is the limit", b"2147483648:", 0),
    ("a number without end", "is the limit", b"9" * 1000, 0),
    ("no variables", "is not CONTENT_LENGTH", b"0:,", 2),
    ("no zero byte at the end", "no zero byte ends the variables", netstring(START + b"A\0b"), 30),
    ("a name without a value", "no zero byte ends the variables", netstring(START + b"A\0"), 29),
    ("no name", "a variable has no name", netstring(START + b"A\0b\0\0x\0"), 31),
    ("a name twice", "comes twice", netstring(START + b"A\0b\0A\0c\0"), 31),
    ("another variable first", "is not CONTENT_LENGTH", netstring(b"SCGI\x001\0CONTENT_LENGTH\x000\0"), 3),
    ("an empty CONTENT_LENGTH", "is not CONTENT_LENGTH", netstring(b"CONTENT_LENGTH\0\0SCGI\x001\0"), 3),
    ("a CONTENT_LENGTH with a sign", "is not CONTENT_LENGTH", netstring(b"CONTENT_LENGTH\0+1\0SCGI\x001\0"), 3),
    ("other digits", "is not CONTENT_LENGTH", netstring(b"CONTENT_LENGTH\0\xb2\0SCGI\x001\0"), 3),
    ("no SCGI", "no variable says that this is SCGI", netstring(b"CONTENT_LENGTH\x000\0"), 20),
    ("SCGI 2", "no variable says that this is SCGI", netstring(b"CONTENT_LENGTH\x000\0SCGI\x002\0"), 27),
]


def table(cases):
    return [pytest.param(*case[1:], id=case[0]) for case in cases]


def read(reader, data, size=None):
    """All messages, the data given in pieces of this size; pieces of the body joined."""
    size = size or max(1, len(data))
    messages = [message for at in range(0, len(data), size) for message in reader.receive(data[at:at + size])]
    body = b"".join(message.data for message in messages if type(message) is Body)
    return [message for message in messages if type(message) is not Body], body


@pytest.mark.parametrize(("variables", "body", "data"), table(CASES))
def test_what_is_written_is_read(variables, body, data):
    assert wire.build_request(variables) + body == data
    for size in None, 1, 7:
        reader = RequestReader()
        assert read(reader, data, size) == ([Request(variables), End()], body)
        assert reader.offset == len(data) and reader.rest == b""
        reader.close()
        reader = RequestReader()
        assert read(reader, data + b"more", size) == ([Request(variables), End()], body)
        assert reader.offset == len(data) and reader.rest == b"more"
    for more in b"", b"more":
        assert fault(explain.explain_request(data + more), data + more) is None


@pytest.mark.parametrize(("sentence", "data", "offset"), table(MALFORMED))
@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize("more", [b"", b"more"], ids=["", "more"])
def test_every_way_to_be_malformed_has_a_sentence(sentence, data, offset, size, more):
    with malformed(sentence, offset):
        read(RequestReader(), data + more, size)
    with malformed(sentence, offset):
        explain.explain_request(data + more)


@pytest.mark.parametrize("end", [0, 1, 3, 20, 74, 75, 100])
def test_a_connection_that_ends_too_early(end):
    reader = RequestReader()
    read(reader, CASES[0][3][:end])
    with malformed("before the request did", end, CutOff):
        reader.close()


def test_the_writer_puts_first_what_has_to_be_first():
    data = wire.build_request({"A": "b", "SCGI": "9", "CONTENT_LENGTH": ""})
    assert data == b"28:CONTENT_LENGTH\x000\0SCGI\x001\0A\0b\0,"


@pytest.mark.parametrize("variables", [{"": "x"}, {"A": "\0"}, {"A\0": ""}, {"CONTENT_LENGTH": "-1"}, {"A": "€"}])
def test_what_cannot_be_sent_is_refused(variables):
    with pytest.raises(ValueError):
        wire.build_request(variables)


def test_the_limit_is_an_argument():
    data = wire.build_request({"A": "x" * 1000})
    assert read(RequestReader(limit=2000), data)[0][-1] == End()
    with malformed("is the limit"):
        read(RequestReader(limit=1000), data)


def test_a_body_is_not_kept():
    reader = RequestReader()
    read(reader, wire.build_request({"CONTENT_LENGTH": str(10**12)}))
    for _ in range(100):
        assert reader.receive(b"x" * 65536) == [Body(b"x" * 65536)]
    assert not reader.buffer and not reader.rest


def test_time_grows_no_faster_than_the_data():
    def parse(size):
        for headers in b"".join(b"%d\0\0" % n for n in range(size)) + b"1\0\0", b"\0" * 6 * size:
            with pytest.raises(Malformed):
                read(RequestReader(), netstring(START + headers), 100)

    assert is_linear(parse, 7_000)


@pytest.mark.parametrize("data", [
    b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n42",  # of the specification
    b"Content-Type: text/plain\n\n",
    b"A:\nB: \n\r\n\n\nx",
])
def test_an_answer_is_explained(data):
    fields = explain.explain_response(data)
    assert fault(fields, data) is None
    assert all(field.meaning.endswith(".") and field.section for field in fields)


@pytest.mark.parametrize("data", [b"", b"\n", b"42", b"A: b\n", b"A: b\nnothing\n\n", b"A: b\r\n\rx\n"])
def test_what_is_no_answer_of_a_cgi_program_is_not_explained(data):
    with malformed("no header fields with an empty line"):
        explain.explain_response(data)


# ---------------------------------------------------------------- whatever comes

LATIN = st.characters(min_codepoint=1, max_codepoint=255)
VARIABLES = st.dictionaries(st.text(LATIN, min_size=1, max_size=50), st.text(LATIN, max_size=300), max_size=20)


@settings(deadline=None)
@given(VARIABLES, st.binary(max_size=200), st.integers(1, 300))
def test_a_request_survives_the_wire(variables, body, size):
    variables = {"CONTENT_LENGTH": str(len(body)), "SCGI": "1"} | {
        name: value for name, value in variables.items() if name not in ("CONTENT_LENGTH", "SCGI")
    }
    data = wire.build_request(variables) + body
    assert read(RequestReader(), data, size) == ([Request(variables), End()], body)
    assert fault(explain.explain_request(data), data) is None


PIECES = st.sampled_from([b"CONTENT_LENGTH", b"SCGI", b"\0", b"\0", b"1", b"0", b",", b":"]) | st.binary(max_size=3)
VARIABLE = st.sampled_from([b"A\0b\0", b"SCGI\x001\0", b"\0", b"A\0\0"])
NOISE = st.one_of(
    st.binary(max_size=100),
    st.lists(PIECES, max_size=12).map(b"".join).map(netstring),
    st.lists(VARIABLE, max_size=4).map(lambda pieces: netstring(b"CONTENT_LENGTH\x002\0" + b"".join(pieces)) + b"xyz"),
)


@settings(max_examples=200, deadline=None)
@given(NOISE, st.integers(1, 50))
def test_arbitrary_bytes_are_messages_or_malformed_however_cut(data, size):
    def outcome(size):
        reader = RequestReader()
        try:
            messages = read(reader, data, size)
            reader.close()
        except Malformed as error:
            return type(error), error.offset
        return messages, reader.rest

    assert outcome(size) == outcome(max(1, len(data)))
    for explained in explain.explain_request, explain.explain_response:
        try:
            assert fault(explained(data), data) is None
        except Malformed as error:
            assert 0 <= error.offset <= len(data)


# ---------------------------------------------------------------- flup speaks it, too


def ask(folder, data):
    """All that comes back for some bytes."""
    with connect(folder) as sock:
        sock.sendall(data)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def test_flup_understands_what_we_write_and_we_what_it_writes(tmp_path):
    pytest.importorskip("flup")
    with running(tmp_path, "exhibits.scgi.hello"):
        answer = ask(tmp_path, wire.build_request(CGI))
    assert answer.startswith(b"Status: 200 OK\r\n") and answer.endswith(b"\r\n\r\nHello, World!\n")
    assert fault(explain.explain_response(answer), answer) is None


# ---------------------------------------------------------------- our server, a program that does what it is told

@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    with doing_as_told(tmp_path_factory.mktemp("ours"), "scgi") as folder:
        yield folder


def told(what, body=b""):
    return wire.build_request({**CGI, "DO": what, "CONTENT_LENGTH": str(len(body))}) + body


def test_ours_gives_the_program_no_more_than_the_body(ours):
    assert ask(ours, told("echo", b"12") + b"more") == b"Status: 200\n\n12|"


def test_ours_refuses_what_is_malformed(ours):
    assert ask(ours, b"GET / HTTP/1.0\r\n\r\n").startswith(b"Status: 400 ")
    assert "BadNetstring" not in (log := (ours / "log").read_text()) and "not SCGI" in log


def test_ours_logs_what_a_program_raises_and_its_last_words(ours):
    ask(ours, told("crash"))
    ask(ours, told("break"))
    ask(ours, told("exit in words"))
    assert "RuntimeError: broken" in (log := (ours / "log").read_text()) and "a pipe of my own" in log
    assert "these are my last words" in log


def test_ours_listens_on_a_port_too(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "exhibits.scgi.server", f"127.0.0.1:{port}", "exhibits.cgi.responder"]
    with Started(tmp_path, *command, ready=port), socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(wire.build_request(CGI))
        assert sock.recv(1000).endswith(b"Hello, World!\n")
