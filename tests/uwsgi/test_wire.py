"""The uwsgi wire: one table of messages for reader and writer, everything that can be wrong, real peers."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress

import pytest
from conftest import malformed, require
from hypothesis import given
from hypothesis import strategies as st
from started import Started

from exhibits import catalog
from exhibits.backstage.running import ROOT, eventually
from exhibits.http.grammar import BadMessage
from exhibits.shared.ends import ENDS
from exhibits.shared.fields import CutOff, Malformed
from exhibits.uwsgi import explain, wire
from exhibits.uwsgi.wire import Body, End, Request, Response
from tests.explained import fault

PATIENCE = 20

# (bytes, messages): body pieces joined. The reader makes the messages of the bytes, the writer the bytes of them.
REQUESTS = [
    (b"\0\0\0\0", [Request({}), End()]),
    (b"\0\5\0\7\1\0A\0\0", [Request({"A": ""}, 7), End()]),
    (b"\0\x0b\0\0\1\0A\1\0b\1\0a\0\0", [Request({"A": "b", "a": ""}), End()]),
    (b"\0\7\0\0\2\0\xc3\xa9\1\0\xff", [Request({"\xc3\xa9": "\xff"}), End()]),
    (b"\0\x13\0\0\x0e\0CONTENT_LENGTH\1\0003abc", [Request({"CONTENT_LENGTH": "3"}), Body(b"abc"), End()]),
    (b"\0\x13\0\0\x0e\0CONTENT_LENGTH\1\0000", [Request({"CONTENT_LENGTH": "0"}), End()]),
    (b"\0\x12\0\0\x0e\0CONTENT_LENGTH\0\0", [Request({"CONTENT_LENGTH": ""}), End()]),
    (b"\0\x05\1\0\1\0A\0\1" + b"x" * 256, [Request({"A": "x" * 256}), End()]),
    (b"\0\xff\xff\0\1\0A\xfa\xff" + b"x" * 65530, [Request({"A": "x" * 65530}), End()]),
]
RESPONSES = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n",
     [Response(200, "OK", [("Content-Length", "3")]), Body(b"hi\n"), End()]),
    (b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n",
     [Response(204, "No Content", [("Content-Length", "3")]), End()]),
    (b"HTTP/1.1 304 \r\nETag: \xe9\r\n\r\n", [Response(304, "", [("ETag", "\xe9")]), End()]),
    (b"HTTP/1.1 303 See\r\nContent-Length: 0\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
     [Response(303, "See", [("Content-Length", "0"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]), End()]),
]
# What only the end of the connection ends.
ENDLESS = [
    (b"HTTP/1.1 200 OK\r\n\r\n", [Response(200, "OK", []), End()]),
    (b"HTTP/1.1 500 No\r\nX: \r\n\r\nabc", [Response(500, "No", [("X", "")]), Body(b"abc"), End()]),
]
# (bytes, what the error says, where)
BROKEN_REQUESTS = [
    (b"GET / HTTP/1.1\r\n\r\n", "this is HTTP", 0),
    (b"POST /", "this is HTTP", 0),
    (b"HTTP/1.1 200 OK\r\n\r\n", "this is HTTP", 0),
    (b"\1\0\0\0", "and only 0 is a request", 0),
    (b"\x16\5\0\0print", "and only 0 is a request", 0),
    (b"\0\1\0\0\1", "the packet ends where the size of a", 4),
    (b"\0\3\0\0\1\0A", "the packet ends where the size of a", 7),
    (b"\0\4\0\0\1\0A\0", "the packet ends where the size of a", 7),
    (b"\0\2\0\0\1\0", "are left", 4),
    (b"\0\5\0\0\xff\xffA\0\0", "are left", 4),
    (b"\0\5\0\0\1\0A\1\0", "are left", 7),
    (b"\0\6\0\0\1\0A\0\1x", "are left", 7),
    (b"\0\4\0\0\0\0\0\0", "a variable has no name", 4),
    (b"\0\x0a\0\0\1\0A\0\0\0\0\1\0x", "a variable has no name", 9),
    (b"\0\x0a\0\0\1\0A\0\0\1\0A\0\0", "comes twice", 11),
    (b"\0\x14\0\0\x0e\0CONTENT_LENGTH\2\0-1", "is not the length of a body", 22),
    (b"\0\x14\0\0\x0e\0CONTENT_LENGTH\2\0+1", "is not the length of a body", 22),
    (b"\0\x14\0\0\x0e\0CONTENT_LENGTH\2\0001_", "is not the length of a body", 22),
    (b"\0\x14\0\0\x0e\0CONTENT_LENGTH\2\000\xb2\xb9", "is not the length of a body", 22),
    (b"\0\x26\0\0\x0e\0CONTENT_LENGTH\x14\0" + b"9" * 20, "is not the length of a body", 22),
    (b"\0\0\0", "the connection ended before the message did", 3),
    (b"\0\5\0\0\1\0A\0", "the connection ended before the message did", 8),
    (b"\0\x13\0\0\x0e\0CONTENT_LENGTH\1\0003ab", "the connection ended before the message did", 25),
]
BROKEN_RESPONSES = [
    (b"Status: 200 OK\r\n\r\n", "does not begin with a status line", 0),
    (b"hi\r\n\r\n", "does not begin with a status line", 0),
    (b"HTTP/1.1 20\r\n\r\n", "does not begin with a status line", 0),
    (b"HTTP/1.1 200 OK\r\nX\r\n\r\n", "a line is no header field", 17),
    (b"HTTP/1.1 200 OK\r\nA: b\r\nX : y\r\n\r\n", "a line is no header field", 23),
    (b"HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n", "a line is no header field", 17),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", "is not the length of a body", 32),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n", "two lengths", 36),
    (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 65536, "the header fields do not end", 65536),
    (b"HTTP/1.1 200 OK\r\n", "the connection ended before the message did", 17),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", "the connection ended before the message did", 40),
]


def read(reader, pieces, close=True):
    """The messages of the pieces, those of a body joined."""
    messages = []
    for piece in pieces:
        for message in reader.receive(piece):
            if type(message) is Body and messages and type(messages[-1]) is Body:
                message = Body(messages.pop().data + message.data)
            messages.append(message)
    return messages + (reader.close() if close else [])


def single(data):
    return [data[i:i + 1] for i in range(len(data))]


def table(*rows):
    return pytest.mark.parametrize(("data", "messages"), [pytest.param(*row, id=repr(row[0])[:40]) for row in rows])


@table(*REQUESTS)
def test_request(data, messages):
    assert read(wire.RequestReader(), [data]) == messages
    assert read(wire.RequestReader(), single(data)) == messages
    body = b"".join(message.data for message in messages if type(message) is Body)
    assert wire.build_request(messages[0].variables, messages[0].modifier2) + body == data
    assert fault(explain.explain_request(data), data) is None


@table(*RESPONSES, *ENDLESS)
def test_response(data, messages):
    assert read(wire.ResponseReader(), [data]) == messages
    assert read(wire.ResponseReader(), single(data)) == messages
    head = messages[0]
    body = b"".join(message.data for message in messages if type(message) is Body)
    assert wire.build_response(f"{head.status} {head.reason}", head.headers) + body == data
    assert fault(explain.explain_response(data), data) is None


@pytest.mark.parametrize("reader", [wire.RequestReader, wire.ResponseReader])
def test_what_follows_a_message_is_left_alone(reader):
    for data, messages in REQUESTS if reader is wire.RequestReader else RESPONSES:
        for cut in {0, 1, len(data) // 2, len(data)}:
            one = reader()
            assert read(one, [data[:cut], data[cut:] + b"GET /", b" more"]) == messages
            assert one.rest == b"GET / more"


def test_two_requests_are_explained_one_after_the_other():
    data = REQUESTS[4][0] + REQUESTS[2][0]
    assert fault(explain.explain_request(data), data) is None


def test_answer_to_head_has_no_body():
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    assert read(wire.ResponseReader("HEAD"), [data])[1:] == [End()]
    assert fault(explain.explain_response(data, "HEAD"), data) is None


def broken(*rows):
    return pytest.mark.parametrize(("data", "sentence", "offset"), [
        pytest.param(*row, id=f"{row[1]}-{row[0][:40]!r}") for row in rows
    ])


@broken(*BROKEN_REQUESTS)
def test_broken_request(data, sentence, offset):
    error = CutOff if "ended" in sentence else Malformed
    for pieces in [data], single(data):
        with malformed(sentence, offset, error):
            read(wire.RequestReader(), pieces)
    with pytest.raises(error):
        explain.explain_request(data)


@broken(*BROKEN_RESPONSES)
def test_broken_response(data, sentence, offset):
    error = CutOff if "ended" in sentence else Malformed
    for pieces in [data], single(data):
        with malformed(sentence, offset, error):
            read(wire.ResponseReader(), pieces)
    if error is Malformed or b"\r\n\r\n" not in data:  # behind a whole head what came is explained
        with pytest.raises(error):
            explain.explain_response(data)


def test_an_answer_that_is_too_long_is_not_explained():
    with malformed("the answer ends before the bytes do", 41, BadMessage):
        explain.explain_response(RESPONSES[0][0] + b"more")


def test_http_names_itself():
    with pytest.raises(Malformed, match=r'this is HTTP: "GET ".*21573 \("ET"\)'):
        wire.RequestReader().receive(b"GET / HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize("variables", [{"A": "x" * 65536}, {"A": "x" * 40000, "B": "x" * 40000}, {"A": "€"}])
def test_what_does_not_fit_is_not_written(variables):
    with pytest.raises(ValueError):
        wire.build_request(variables)


# ---------------------------------------------------------------- properties

LATIN = st.text(st.characters(max_codepoint=255))
KEYS = LATIN.filter(lambda key: key not in ("", "CONTENT_LENGTH"))


def cut(data, places):
    places = sorted({place % (len(data) + 1) for place in places})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.dictionaries(KEYS, LATIN), st.integers(0, 255), st.binary(), st.lists(st.integers(0, 9999), max_size=9))
def test_what_is_written_is_read(variables, modifier2, body, places):
    variables["CONTENT_LENGTH"] = str(len(body))
    data = wire.build_request(variables, modifier2) + body
    expected = [Request(variables, modifier2), *([Body(body)] if body else []), End()]
    assert read(wire.RequestReader(), cut(data, places)) == expected
    assert fault(explain.explain_request(data), data) is None


SEEDS = [row[0] for row in REQUESTS[:7] + RESPONSES + ENDLESS + BROKEN_REQUESTS + BROKEN_RESPONSES if len(row[0]) < 99]
EDITS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 5), st.binary(max_size=4)), max_size=3)


@given(st.binary(max_size=300) | st.sampled_from(SEEDS), EDITS, st.lists(st.integers(0, 999), max_size=5))
def test_any_bytes_are_read_or_refused_by_name(data, edits, places):
    for place, length, new in edits:
        data = data[:place] + new + data[place + length:]
    for reader, explained in (
        (wire.RequestReader, explain.explain_request), (wire.ResponseReader, explain.explain_response),
    ):
        outcomes = []
        for pieces in ([data], cut(data, places)):
            one = reader()
            try:
                outcomes.append((read(one, pieces), one.rest))
            except Malformed as error:
                assert 0 <= error.offset <= max(len(data), wire.HEAD_LIMIT)
                outcomes.append(str(error))
        assert outcomes[0] == outcomes[1]
        with suppress(Malformed):
            assert fault(explained(data), data) is None


def test_a_body_is_not_kept():
    reader = wire.RequestReader()
    reader.receive(wire.build_request({"CONTENT_LENGTH": str(10**15)}))
    for _ in range(100):
        assert reader.receive(b"x" * 65536) == [Body(b"x" * 65536)]
    assert not reader.buffer and not reader.rest


# ---------------------------------------------------------------- peers

PROGRAM = '''
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/told":
        body = "|".join(environ.get(key, "-") for key in ("X_A", "QUERY_STRING", "HTTP_PROXY", "SCRIPT_NAME")).encode()
    else:
        body = environ["wsgi.input"].read()
    if path == "/promise":
        start_response("200 OK", [("Content-Length", "9")])
        return [b"short"]
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
'''
SERVERS = {
    "uWSGI": ["{bin}/uwsgi", "--socket", "app.sock", "--module", "program", "--die-on-term", "--need-app"],
    "gunicorn": ["{python}", "-m", "gunicorn", "--no-control-socket", "--protocol", "uwsgi", "--bind", "unix:app.sock",
                 "program:application"],
    "Python": ["{python}", "-m", "exhibits.uwsgi.server", "app.sock", "program"],
}


@contextmanager
def serving(name, folder):
    if name in catalog.PARTS:
        require(catalog.find({"uWSGI": "uwsgi-uwsgi", "gunicorn": "uwsgi-gunicorn"}[name]))
    (folder / "program.py").write_text(PROGRAM)
    places = {"python": sys.executable, "bin": os.path.dirname(sys.executable)}
    command = [word.format(**places) for word in SERVERS[name]]
    with Started(folder, *command, ready=folder / "app.sock") as process:
        yield process


def connect(folder):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    try:
        sock.connect(os.path.relpath(folder / "app.sock"))  # an absolute one may be too long for a socket
    except OSError:
        sock.close()
        raise
    return sock


VARIABLES = {
    "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_NAME": "museum.test", "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1", "REQUEST_URI": "/",
}


def ask(folder, body=b"", pieces=1, **variables):
    """(the answer's messages, its bytes) to a request of our builder, sent in so many pieces."""
    data = wire.build_request({**VARIABLES, "CONTENT_LENGTH": str(len(body)), **variables}) + body
    with closing(connect(folder)) as sock:
        for n in range(pieces):
            sock.sendall(data[len(data) * n // pieces:len(data) * (n + 1) // pieces])
            time.sleep(0.01 if pieces > 1 else 0)
        reader, received, messages = wire.ResponseReader(), b"", []
        while not reader.ended:
            data = sock.recv(65536)
            received += data
            messages += reader.receive(data) if data else reader.close()
    return messages, received


@pytest.mark.parametrize("name", SERVERS)
def test_peers_understand_us_and_we_them(name, tmp_path):
    with serving(name, tmp_path):
        for body, pieces in (b"hello", 1), (b"hello", 7), (b"0123456789" * 20_000, 1):
            messages, received = ask(tmp_path, body, pieces)
            assert (messages[0].status, messages[0].reason) == (200, "OK")
            assert b"".join(message.data for message in messages[1:-1]) == body
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")
            assert fault(explain.explain_response(received), received) is None
        long = "é" * 30_000 if name != "uWSGI" else "é" * 3000  # uWSGI takes 4096 bytes by default
        messages, _ = ask(tmp_path, PATH_INFO="/told", QUERY_STRING=long, X_A="\xe9")
        assert messages[1].data.decode().startswith("\xe9|" + long[:20] if name != "gunicorn" else "-|" + long[:20])


def test_http_spoken_to_uwsgi_is_21573_bytes_long(tmp_path):
    with serving("uWSGI", tmp_path), closing(connect(tmp_path)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert sock.recv(99) == b""
        assert "21573" in (tmp_path / "log").read_text()


# ---------------------------------------------------------------- our server


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uwsgi")
    with serving("Python", folder):
        yield folder


@pytest.mark.parametrize("data, said", [
    (b"GET / HTTP/1.1\r\n\r\n", "this is HTTP"),
    (b"\0\4\0\0\0\0\0\0", "a variable has no name"),
    (b"\0\5\0\0", "ended before the message did"),
])
def test_server_refuses_what_is_no_request(ours, data, said):
    with closing(connect(ours)) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(99) == b""
    assert said in (ours / "log").read_text()
    assert ask(ours, b"next")[0][1].data == b"next"


def test_who_leaves_has_not_spoken_otherwise(ours):
    said = len((ours / "log").read_text())
    for data in b"", wire.build_request({**VARIABLES, "PATH_INFO": "/told", "CONTENT_LENGTH": "9"}) + b"abc":
        with closing(connect(ours)) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: sock.recv(65536), b"")).startswith(b"HTTP/1.1 200 " if data else b"")
    assert ask(ours, b"next")[0][1].data == b"next"
    told = eventually(lambda: (ours / "log").read_text()[said:])
    assert told.count("\n") == 1 and told.startswith("the web server left: the connection ended before the message did")


def test_server_outlives_packets_without_a_method(ours):
    for _ in range(70):  # more than it has threads
        with closing(connect(ours)) as sock:
            sock.sendall(b"\0\0\0\0")
            assert sock.recv(99) == b""
    assert ask(ours, b"next")[0][1].data == b"next"


def test_server_withholds_proxy_and_adds_what_must_be_there(ours):
    assert ask(ours, PATH_INFO="/told", HTTP_PROXY="evil", SCRIPT_NAME="/x")[0][1].data == b"-||-|/x"
    data = wire.build_request({"REQUEST_METHOD": "GET", "PATH_INFO": "/told"})
    with closing(connect(ours)) as sock:
        sock.sendall(data)
        assert sock.recv(65536).endswith(b"\r\n\r\n-||-|")


def test_server_says_that_a_body_broke_off(ours):
    with closing(connect(ours)) as sock:
        sock.sendall(wire.build_request({**VARIABLES, "CONTENT_LENGTH": "9"}) + b"abc")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(99).startswith(b"HTTP/1.1 500 ")  # this program does not catch the OSError
    assert "ConnectionAbortedError" in (ours / "log").read_text()


def test_server_reads_what_the_program_did_not(ours):
    assert ask(ours, b"x" * 3_000_000, PATH_INFO="/told")[0][0].status == 200


def test_server_ends_an_answer_before_the_body_has_come(ours):
    with closing(connect(ours)) as sock:
        sock.sendall(wire.build_request({**VARIABLES, "PATH_INFO": "/told", "CONTENT_LENGTH": "9"}))
        assert b"".join(iter(lambda: sock.recv(65536), b"")).startswith(b"HTTP/1.1 200 ")


def test_server_cuts_off_an_answer_that_is_too_short(ours):
    with pytest.raises(CutOff):
        ask(ours, PATH_INFO="/promise")


@pytest.mark.parametrize("number", sorted(ENDS))
def test_server_ends_at_once_and_leaves_no_socket(tmp_path, number):
    with serving("Python", tmp_path) as process, closing(connect(tmp_path)) as waiting:
        waiting.sendall(b"\0")
        start = time.monotonic()
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0 and time.monotonic() - start < 2
        assert not (tmp_path / "app.sock").exists()


def test_server_takes_over_a_socket_that_was_left_behind_but_no_other(tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(os.path.relpath(tmp_path / "app.sock"))
    with serving("Python", tmp_path):
        command = [word.format(python=sys.executable) for word in SERVERS["Python"]]
        env = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
        second = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=PATIENCE)
        assert (second.returncode, second.stderr.count("\n")) == (2, 1), second.stderr
        assert ask(tmp_path, b"hello")[0][0].status == 200
