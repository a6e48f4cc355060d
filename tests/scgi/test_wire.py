"""The SCGI wire: one table drives reader and writer, each case whole, byte by byte and with more behind it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import is_linear
from hypothesis import given, settings
from hypothesis import strategies as st

from exhibits.backstage.running import ROOT, eventually
from exhibits.fields import Malformed, gaps
from exhibits.scgi import wire
from exhibits.scgi.wire import Body, End, Request, RequestReader

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
]  # fmt: skip


def netstring(headers):
    return b"%d:%b," % (len(headers), headers)


START = b"CONTENT_LENGTH\x000\0SCGI\x001\0"
# (name, what is wrong, bytes, where)
MALFORMED = [
    ("no number", wire.BadNetstring, b"GET / HTTP/1.1\r\n", 0),
    ("nothing but a colon", wire.BadNetstring, b":", 0),
    ("a zero in front", wire.BadNetstring, b"07:", 0),
    ("a negative number", wire.BadNetstring, b"-1:", 0),
    ("no comma", wire.BadNetstring, b"24:" + START + b";", 27),
    ("a huge number", wire.HeadersTooLong, b"2147483648:", 0),
    ("a number without end", wire.HeadersTooLong, b"9" * 1000, 0),
    ("no variables", wire.BadContentLength, b"0:,", 2),
    ("no zero byte at the end", wire.BadHeaders, netstring(START + b"A\0b"), 30),
    ("a name without a value", wire.BadHeaders, netstring(START + b"A\0"), 29),
    ("no name", wire.EmptyName, netstring(START + b"A\0b\0\0x\0"), 31),
    ("a name twice", wire.RepeatedName, netstring(START + b"A\0b\0A\0c\0"), 31),
    ("another variable first", wire.BadContentLength, netstring(b"SCGI\x001\0CONTENT_LENGTH\x000\0"), 3),
    ("an empty CONTENT_LENGTH", wire.BadContentLength, netstring(b"CONTENT_LENGTH\0\0SCGI\x001\0"), 3),
    ("a CONTENT_LENGTH with a sign", wire.BadContentLength, netstring(b"CONTENT_LENGTH\0+1\0SCGI\x001\0"), 3),
    ("other digits", wire.BadContentLength, netstring(b"CONTENT_LENGTH\0\xb2\0SCGI\x001\0"), 3),
    ("no SCGI", wire.NotSCGI, netstring(b"CONTENT_LENGTH\x000\0"), 20),
    ("SCGI 2", wire.NotSCGI, netstring(b"CONTENT_LENGTH\x000\0SCGI\x002\0"), 27),
]  # fmt: skip


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
        assert gaps(wire.explain_request(data + more), data + more) is None


@pytest.mark.parametrize(("error", "data", "offset"), table(MALFORMED))
@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize("more", [b"", b"more"], ids=["", "more"])
def test_every_way_to_be_malformed_has_a_name(error, data, offset, size, more):
    with pytest.raises(error) as raised:
        read(RequestReader(), data + more, size)
    assert type(raised.value) is error and raised.value.offset == offset
    with pytest.raises(error):
        wire.explain_request(data + more)


@pytest.mark.parametrize("end", [0, 1, 3, 20, 74, 75, 100])
def test_a_connection_that_ends_too_early(end):
    reader = RequestReader()
    read(reader, CASES[0][3][:end])
    with pytest.raises(wire.CutOff) as raised:
        reader.close()
    assert raised.value.offset == end


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
    with pytest.raises(wire.HeadersTooLong):
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
])  # fmt: skip
def test_an_answer_is_explained(data):
    fields = wire.explain_response(data)
    assert gaps(fields, data) is None
    assert all(field.meaning.endswith(".") and field.section for field in fields)


@pytest.mark.parametrize("data", [b"", b"\n", b"42", b"A: b\n", b"A: b\nnothing\n\n", b"A: b\r\n\rx\n"])
def test_what_is_no_answer_of_a_cgi_program_is_not_explained(data):
    with pytest.raises(wire.NoHead):
        wire.explain_response(data)


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
    assert gaps(wire.explain_request(data), data) is None


PIECES = st.sampled_from([b"CONTENT_LENGTH", b"SCGI", b"\0", b"\0", b"1", b"0", b",", b":"]) | st.binary(max_size=3)
VARIABLE = st.sampled_from([b"A\0b\0", b"SCGI\x001\0", b"\0", b"A\0\0"])
NOISE = st.one_of(
    st.binary(max_size=100),
    st.lists(PIECES, max_size=12).map(b"".join).map(netstring),
    st.lists(VARIABLE, max_size=4).map(lambda pieces: netstring(b"CONTENT_LENGTH\x002\0" + b"".join(pieces)) + b"xyz"),
)


@settings(max_examples=500, deadline=None)
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
    for explain in wire.explain_request, wire.explain_response:
        try:
            assert gaps(explain(data), data) is None
        except Malformed as error:
            assert 0 <= error.offset <= len(data)


# ---------------------------------------------------------------- flup speaks it, too


@contextlib.contextmanager
def running(folder, module, *arguments):
    """A server at the Unix socket `s` in a folder; its standard error is in the file `log` there."""
    where = folder / "s"
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([sys.executable, "-m", module, where, *arguments], cwd=ROOT, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def connect(folder):
    """A connection with the server at the Unix socket `s` in a folder."""
    deadline = time.monotonic() + 10
    while True:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        try:
            sock.connect(str(folder / "s"))
        except (FileNotFoundError, ConnectionRefusedError):  # it does not listen yet
            sock.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return sock


def ask(folder, data):
    """All that comes back for some bytes."""
    with connect(folder) as sock:
        sock.sendall(data)
        return b"".join(iter(lambda: sock.recv(65536), b""))


CGI = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_NAME": "localhost",
       "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_LONG": "x" * 300}  # fmt: skip


def test_flup_understands_what_we_write_and_we_what_it_writes(tmp_path):
    pytest.importorskip("flup")
    with running(tmp_path, "exhibits.scgi.hello"):
        answer = ask(tmp_path, wire.build_request(CGI))
    assert answer.startswith(b"Status: 200 OK\r\n") and answer.endswith(b"\r\n\r\nHello, World!\n")
    assert gaps(wire.explain_response(answer), answer) is None


# ---------------------------------------------------------------- our server, a program that does what it is told

PROGRAM = '''
import sys, time

def respond(environ, stdin, stdout, stderr):
    if environ["DO"] == "echo":
        stdout.write(b"A: b\\n\\n" + stdin.read(3) + b"|" + stdin.read())
    elif environ["DO"] == "ignore":
        stdout.write(b"A: b\\n\\nanswer")
    elif environ["DO"] == "crash":
        stdout.write(b"A: b\\n\\n")
        raise RuntimeError("broken")
    elif environ["DO"] == "crash late":
        stdout.write(b"A: b\\n\\nsome")
        stdout.flush()
        raise RuntimeError("broken")
    elif environ["DO"] == "exit":
        sys.exit(3)
    elif environ["DO"] == "stream":
        try:
            while True:
                stdout.write(b"line\\n")
                stdout.flush()
                time.sleep(0.01)
        except BrokenPipeError:
            print("client left", file=stderr)
            raise
'''


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ours")
    (folder / "told.py").write_text(PROGRAM)
    os.environ["PYTHONPATH"] = str(folder)
    with running(folder, "exhibits.scgi.server", "told"):
        del os.environ["PYTHONPATH"]
        yield folder


def told(what, body=b"", length=None):
    length = len(body) if length is None else length
    return wire.build_request({**CGI, "DO": what, "CONTENT_LENGTH": str(length)}) + body


def test_ours_gives_the_program_the_body(ours):
    assert ask(ours, told("echo", b"123456")) == b"A: b\n\n123|456"
    assert ask(ours, told("echo", b"x" * 300_000)) == b"A: b\n\nxxx|" + b"x" * 299_997
    assert ask(ours, told("echo", b"12") + b"more") == b"A: b\n\n12|"


def test_ours_ends_a_body_that_breaks_off(ours):
    with connect(ours) as sock:
        sock.sendall(told("echo", b"1234", length=10))
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b"A: b\n\n123|4"


def test_ours_answers_though_the_program_reads_nothing(ours):
    assert ask(ours, told("ignore", b"x" * 100_000)) == b"A: b\n\nanswer"


def test_ours_refuses_what_is_malformed(ours):
    assert ask(ours, b"GET / HTTP/1.0\r\n\r\n").startswith(b"Status: 400 ")
    assert "BadNetstring" not in (log := (ours / "log").read_text()) and "not SCGI" in log


def test_ours_survives_a_program_that_raises(ours):
    assert ask(ours, told("crash")).startswith(b"Status: 500 ")
    assert ask(ours, told("crash late")) == b"A: b\n\nsome"
    assert ask(ours, told("exit")).startswith(b"Status: 500 ")
    assert "RuntimeError: broken" in (ours / "log").read_text()
    assert ask(ours, told("ignore")) == b"A: b\n\nanswer"


def test_ours_tells_the_program_that_the_client_left(ours):
    with connect(ours) as sock:
        sock.sendall(told("stream"))
        assert sock.recv(5) == b"line\n"
    assert eventually(lambda: "client left" in (ours / "log").read_text())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ours_ends_at_once_and_cleans_up(tmp_path, number):
    with running(tmp_path, "exhibits.scgi.server", "exhibits.cgi.responder") as process:
        assert ask(tmp_path, wire.build_request(CGI)).endswith(b"Hello, World!\n")
        with connect(tmp_path):
            process.send_signal(number)
            assert process.wait(0.5) == 0
    assert not (tmp_path / "s").exists()


def test_ours_listens_on_a_port_too(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "exhibits.scgi.server", f"127.0.0.1:{port}", "exhibits.cgi.responder"]
    process = subprocess.Popen(command, cwd=ROOT)

    def answer():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(wire.build_request(CGI))
            return sock.recv(1000)

    try:
        assert eventually(answer)
    finally:
        process.kill()
        process.wait()
