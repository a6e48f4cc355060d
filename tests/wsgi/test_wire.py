"""WSGI: calls traced, and our server, call by call."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from wsgiref.validate import validator

import pytest
from started import Started

from exhibits import journey
from exhibits.asking import request
from exhibits.backstage.running import ROOT, eventually, free_port
from exhibits.backstage.visiting import Visitor
from exhibits.http.explain import explain_response
from exhibits.shared import wsgi_call
from exhibits.shared.calls import plain
from exhibits.shared.ends import ENDS
from exhibits.shared.fields import gaps
from exhibits.wsgi import wire
from tests.http.test_wire import SEEDS

PATIENCE = 10

# ---------------------------------------------------------------- the trace


def call(application, environ=None, body=b"", **more):
    """(status, header fields, body, what was logged, whether all of it came) of an application, called by `Call`."""
    pieces = [body[i:i + 3] for i in range(0, len(body), 3)]
    sent, heads, log, ends = [], [], [], []

    class Errors:
        def write(self, text):
            log.append(text)

        def flush(self):
            pass

        def writelines(self, lines):
            log.extend(lines)

    variables = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_NAME": "a",
                 "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", **(environ or {})}
    environ = wsgi_call.environ(variables, lambda: pieces.pop(0) if pieces else b"")
    environ["wsgi.errors"] = Errors()

    def send(head, block):
        if more.get("leaves", 99) <= len(sent):
            raise BrokenPipeError
        if head:
            heads.append(head)
        sent.append(block)

    wsgi_call.Call(environ, send, ends.append).run(application)
    status, headers = heads[0] if heads else (None, [])
    (whole,) = ends
    return status, headers, sent, "".join(log), whole


def program(*blocks, status="200 OK", headers=(("Content-Type", "text/plain"),)):
    def application(environ, start_response):
        start_response(status, list(headers))
        return blocks

    return application


def test_trace():
    def application(environ, start_response):
        body = environ["wsgi.input"].read(5)
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield body
        yield b""

    traced = wire.trace(application)
    assert call(traced, {"CONTENT_LENGTH": "5"}, b"hello")[2] == [b"hello"]
    (steps,) = traced.traces
    assert json.loads(json.dumps(steps)) == steps
    assert [(step["by"], step["call"], step.get("returned"), step.get("raised")) for step in steps] == [
        ("server", "application", "<generator>", None),
        ("server", "iter", "<generator>", None),
        ("server", "next", "b'hello'", None),  # a generator begins when it is asked for its first block
        ("program", "wsgi.input.read", "b'hello'", None),
        ("program", "start_response", "<method>", None),
        ("server", "len", None, "TypeError: object of type 'generator' has no len()"),
        ("server", "next", "b''", None),
        ("server", "next", None, "StopIteration"),
        ("server", "close", None, None),
    ]
    assert steps[0]["arguments"][0]["CONTENT_LENGTH"] == "5"


@pytest.mark.parametrize("around", [lambda app: wire.trace(validator(app)), lambda app: validator(wire.trace(app))])
def test_trace_is_a_valid_middleware(around):
    status, _, sent, log, whole = call(around(program(b"a", b"b")))
    assert (status, sent, log, whole) == ("200 OK", [b"a", b"b"], "", True)


def test_trace_writes_failures_down():
    def application(environ, start_response):
        start_response("200 OK", [])(b"x")
        raise ValueError("no")

    traced = wire.trace(application)
    assert call(traced)[4] is False
    assert [(step["call"], step.get("raised")) for step in traced.traces[0]] == [
        ("application", "ValueError: no"), ("start_response", None), ("write", None),
    ]


def test_trace_shows_what_is_made_inside_what():
    def application(environ, start_response):
        environ["wsgi.errors"].write("hm")
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield environ["wsgi.input"].read(1)

    told = []
    traced = wire.trace(application, now=lambda: 5.0, begins=lambda: lambda *what: told.append(what))
    call(traced, {"CONTENT_LENGTH": "1"}, b"h")
    (calls,) = traced.traces
    next_one = [each["call"] for each in calls].index("next")
    assert [(each["call"], around) for each, around in zip(calls, journey.inside(calls), strict=True)] == [
        ("application", None), ("iter", None), ("next", None), ("wsgi.errors.write", next_one),
        ("start_response", next_one), ("wsgi.input.read", next_one),
        *((each["call"], None) for each in calls[6:]),
    ]
    times = [each[when] for each in calls for when in ("began", "ended")]
    assert len(set(times)) == len(times)  # though the clock stood still
    behind = [number for number in range(6, len(calls)) for _ in ("began", "ended")]
    assert [number for number, _ in told] == [0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 2, *behind]


@pytest.mark.parametrize(("value", "told"), [
    (("a", b"b", None, 1.5, {1: ()}), ["a", "b'b'", None, 1.5, {"1": []}]),
    ("x" * 1001, "x" * 1000 + " … (1,001 characters in all)"),
    (b"x" * 201, repr(b"x" * 200) + " … (201 bytes in all)"),
    ([0] * 101, [0] * 100 + ["… (101 entries in all)"]),
    ({n: 0 for n in range(101)}, {**{str(n): 0 for n in range(100)}, "…": "… (101 entries in all)"}),
    (object(), "<object>"),
])
def test_what_is_left_out_of_a_value_says_so(value, told):
    assert plain(value) == told


def test_a_value_without_end_has_one():
    endless = {}
    endless["again"] = endless
    assert "<dict>" in json.dumps(plain(endless))


# ---------------------------------------------------------------- the call (PEP 3333)


def test_one_block_has_a_length():
    assert ("Content-Length", "2") in call(program(b"hi"))[1]
    assert "Content-Length" not in dict(call(program(b"h", b"i"))[1])
    assert ("Content-Length", "0") in call(program())[1]


def test_no_more_is_sent_than_was_promised():
    five = [("Content-Length", "5")]
    assert call(program(b"hel", b"lo, ", b"world", headers=five))[2:] == ([b"hel", b"lo"], "", True)
    assert call(program(b"hel", headers=five))[4] is False


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No"), ("GET", "304 No")])
def test_no_body_where_none_belongs(method, status):
    for blocks in (b"hello",), (b"hel", b"lo"), (), (b"",):
        answer = call(program(*blocks, status=status), {"REQUEST_METHOD": method})
        assert b"".join(answer[2]) == b"" and answer[4]
        assert dict(answer[1]).get("Content-Length", "5") == "5"


def test_head_waits_for_the_first_block():
    def application(environ, start_response):
        start_response("200 OK", [])
        yield b""
        try:
            raise KeyError("late")
        except KeyError:
            start_response("503 Busy", [("X-New", "1")], sys.exc_info())
        yield b"x"

    assert call(application)[:3] == ("503 Busy", [("X-New", "1")], [b"x"])


def test_exc_info_after_the_head_is_raised():
    def application(environ, start_response):
        start_response("200 OK", [])
        yield b"x"
        try:
            raise KeyError("too late")
        except KeyError:
            start_response("500 No", [], sys.exc_info())

    _, _, sent, log, whole = call(application)
    assert (sent, whole) == ([b"x"], False) and "KeyError: 'too late'" in log


@pytest.mark.parametrize("application", [
    lambda environ, start_response: [b"x"],
    lambda environ, start_response: [],
    lambda environ, start_response: None,
    lambda environ, start_response: 1 / 0,
    lambda environ, start_response: sys.exit(3),
    lambda environ, start_response: (_ for _ in ()).throw(KeyboardInterrupt),
    lambda environ, start_response: (start_response("200 OK", []), start_response("200 OK", []), [b"x"])[2],
    program("text"),
    program(b"x", status="200\r\nX: y"),
    program(b"x", status="100 Continue"),
    program(b"x", status=200),
    program(b"x", headers=[("X", "a\r\nY: b")]),
    program(b"x", headers=[("X:", "a")]),
    program(b"x", headers=[("X", "\u2603")]),
    program(b"x", headers=[("X", b"a")]),
    program(b"x", headers=[("Connection", "close")]),
    program(b"x", headers=[("Transfer-Encoding", "chunked")]),
    program(b"x", headers=[("Upgrade", "websocket")]),
    program(b"x", headers=[("Content-Length", "-1")]),
    program(b"x", headers=[("Content-Length", "1"), ("content-length", "1")]),
])
def test_a_program_that_breaks_the_rules_is_a_500(application):
    status, _, sent, log, whole = call(application)
    assert (status, sent, whole) == ("500 Internal Server Error", [wsgi_call.CRASHED], True)
    assert log.startswith("Traceback") and log.count("Traceback") == 1
    assert call(application, {"REQUEST_METHOD": "HEAD"})[2] in ([b""], [])


def test_426_may_name_the_upgrade():
    assert call(program(b"x", status="426 No", headers=[("Upgrade", "websocket")]))[0] == "426 No"


@pytest.mark.parametrize("leaves", [0, 1, 2])
def test_close_is_called_whatever_happens(leaves):
    closed = []

    class Blocks:
        def __iter__(self):
            return iter([b"a", b"b"])

        def close(self):
            closed.append(1)

    def application(environ, start_response):
        start_response("200 OK", [])
        return Blocks()

    assert call(application, leaves=leaves)[4] is (leaves == 2) and closed == [1]


def test_behind_what_may_have_gone_out_comes_nothing():
    """A program that goes on after an exception of `write`: what it sends then would stand in the middle of it."""
    def stubborn(environ, start_response):
        write = start_response("200 OK", [])
        for _ in range(3):
            with suppress(Exception):
                write(b"x")
        return [b"y"]

    def carry(head, block):
        carried.append(block)
        raise TimeoutError("the client reads nothing")

    carried, ended = [], []
    wsgi_call.Call(wsgi_call.environ({"REQUEST_METHOD": "GET"}, None), carry, ended.append).run(stubborn)
    assert carried == [b"x"] and ended == [False]


@pytest.mark.parametrize("body", [b"", b"abc"])
def test_a_program_may_take_its_input_apart(body):
    def application(environ, start_response):
        if body:
            environ["wsgi.input"].detach()
        environ["wsgi.input"] = None
        return program(b"x")(environ, start_response)

    assert call(application, body=body)[2:] == ([b"x"], "", True)


def test_write():
    def application(environ, start_response):
        write = start_response("200 OK", [])
        write(b"a")
        write(b"b")
        return [b"c"]

    assert call(application)[1:3] == ([], [b"a", b"b", b"c"])


def test_input():
    def application(environ, start_response):
        stream = environ["wsgi.input"]
        seen = [stream.read(2), stream.readline(), stream.readline(2), next(iter(stream)), stream.readlines()]
        start_response("200 OK", [])
        return [repr((seen, stream.read(), stream.read(1))).encode()]

    body = b"abc\ndefg\nh\ni"
    expected = repr(([b"ab", b"c\n", b"de", b"fg\n", [b"h\n", b"i"]], b"", b"")).encode()
    assert call(application, {"CONTENT_LENGTH": "12"}, body)[2] == [expected]


# ---------------------------------------------------------------- the server

PROGRAM = '''
import hashlib, json, time
from wsgiref.validate import validator

def routes(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/told":
        told = {key: value for key, value in environ.items() if isinstance(value, str)}
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(told).encode()]
    if path == "/digest":
        sha, n = hashlib.sha256(), 0
        while chunk := environ["wsgi.input"].read(65536):
            sha.update(chunk)
            n += len(chunk)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{n} {sha.hexdigest()}".encode()]
    if path == "/stream":
        return stream(start_response)
    if path == "/crash-late":
        return crash(start_response)
    if path == "/crash":
        raise RuntimeError("no answer")
    if path == "/short":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "9")])
        return [b"short"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]

def stream(start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    for n in range(3):
        yield b"%d\\n" % n

def crash(start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"hello"
    raise RuntimeError("half an answer")

application = validator(routes)
'''


@contextmanager
def serving(folder, *arguments, start="server.main()"):
    (folder / "program.py").write_text(PROGRAM)
    port = free_port()
    command = [sys.executable, "-c", f"from exhibits.wsgi import server; {start}", "--port", str(port), *arguments,
               "program"]
    with Started(folder, *command, ready=port) as process:
        process.port = port
        yield process


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("wsgi"), "--mount", "") as process:
        yield process


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def ask(server, method, path, *headers, **more):
    with Visitor("127.0.0.1", server.port, PATIENCE) as visitor:
        return visitor.ask(request(method, path, *headers, **more))


def send(server, data):
    """All bytes that come back to these."""
    with closing(connect(server)) as sock:
        sock.sendall(data)
        with suppress(OSError):  # the server may have closed already
            sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def test_environ(server):
    told = json.loads(ask(server, "GET", "/told?a=%20b", "X-A: 1", "X_A: 2", "x-a: 3", "Proxy: evil", "Cookie: a=b",
                          "Cookie: c=d", "Transfer-Encoding: chunked", body=b"2\r\nab\r\n0\r\n\r\n").body)
    assert told["wsgi.url_scheme"] == "http" and 0 < int(told.pop("REMOTE_PORT")) < 65536
    assert {key: value for key, value in told.items() if not key.startswith("wsgi.")} == {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/told", "QUERY_STRING": "a=%20b",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(server.port), "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1", "REQUEST_URI": "/told?a=%20b", "HTTP_HOST": "localhost", "HTTP_X_A": "1, 3",
        "HTTP_COOKIE": "a=b; c=d", "CONTENT_LENGTH": "2",
    }


def test_absolute_target(server):
    told = json.loads(ask(server, "GET", "http://other.test:81/told?x").body)
    assert (told["PATH_INFO"], told["QUERY_STRING"], told["HTTP_HOST"]) == ("/told", "x", "other.test:81")


def test_mount(tmp_path):
    with serving(tmp_path, "--mount", "/museum/") as server:
        told = json.loads(ask(server, "GET", "/museum/told").body)
        assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == ("/museum", "/told")
        assert [ask(server, "GET", path).status for path in ("/told", "/museums/told", "/museum")] == [404, 404, 200]


def test_a_mount_point_is_told_as_paths_are(tmp_path):
    with serving(tmp_path, "--mount", "/caf\xe9") as server:
        told = json.loads(ask(server, "GET", "/caf%C3%A9/told").body)
    assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == ("/caf\xc3\xa9", "/told")


@pytest.mark.parametrize(("sent", "received"), [
    (b"GET / HTTP/1.1\r\nHost: a\r\n", b"HTTP/1.1 408 "),  # half a head
    (b"", b""),
    (b"POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", b"HTTP/1.1 500 "),
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 "),  # and nothing after it
])
def test_a_silent_visitor_is_not_waited_for(tmp_path, sent, received):
    with serving(tmp_path, start="server.TIMEOUT = 1; server.main()") as server, closing(connect(server)) as visitor:
        visitor.sendall(sent)
        answer = b"".join(iter(lambda: visitor.recv(65536), b""))  # it ends before our own patience does
        assert answer.startswith(received) and bool(answer) == bool(received)


def test_no_access_log(tmp_path):
    with serving(tmp_path, "--no-access-log") as server:
        assert send(server, b"GET /crash HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 500 ")
        said = server.log.read_text()
        assert "no answer" in said and "GET /crash" not in said


@pytest.mark.parametrize(("data", "status"), [
    (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505),
    (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404),
])
def test_refused(server, data, status):
    answer = send(server, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status) and b"onnection: close\r\n" in answer
    assert gaps(explain_response(answer), answer) is None
    assert eventually(lambda: f" {status} " in server.log.read_text().splitlines()[-1])


def test_answers_are_explained(server):
    for path in "/", "/stream", "/told":
        answer = send(server, request("GET", path, "Connection: close"))
        assert gaps(explain_response(answer), answer) is None
    assert b"\r\nTransfer-Encoding: chunked\r\n" in send(server, request("GET", "/stream"))
    assert send(server, request("GET", "/stream", version="1.0")).endswith(b"\r\n\r\n0\n1\n2\n")


def test_pipelined_requests_are_answered_in_order(server):
    asked = ("POST", "/digest"), ("GET", "/"), ("HEAD", "/"), ("GET", "/crash")
    answer = send(server, b"".join(request(*each, body=b"abc") for each in asked))
    assert [line[9:12] for line in answer.split(b"\n") if line.startswith(b"HTTP/")] == [b"200", b"200", b"200", b"500"]
    assert wsgi_call.CRASHED in answer


def test_large_bodies_pass_and_are_not_kept(server):
    def memory():
        return int(open(f"/proc/{server.pid}/statm").read().split()[1]) * 4096

    if not os.path.exists(f"/proc/{server.pid}/statm"):
        pytest.skip("this system does not tell how much memory a process has")
    before, body = memory(), bytes(30_000_000)
    assert ask(server, "POST", "/digest", body=body).body.startswith(b"30000000 ")
    chunks = (b"10000\r\n" + bytes(65536) + b"\r\n") * 400 + b"0\r\n\r\n"
    assert ask(server, "POST", "/digest", "Transfer-Encoding: chunked", body=chunks).body.startswith(b"26214400 ")
    assert memory() - before < 8_000_000


def test_body_that_breaks_off_is_an_oserror(server):
    answer = send(server, request("POST", "/digest", "Content-Length: 50", body=b"abc"))
    assert answer.startswith(b"HTTP/1.1 500 ")  # this program does not catch it
    assert "ConnectionAbortedError" in server.log.read_text()
    answer = send(server, request("POST", "/digest", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n"))
    assert answer.startswith(b"HTTP/1.1 400 ")  # before the program is called: chunks have no length until they end


def test_expect(server):
    with closing(connect(server)) as sock:
        sock.sendall(request("POST", "/digest", "Content-Length: 3", "Expect: 100-continue"))
        assert sock.recv(99).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"abc")
        assert sock.recv(999).startswith(b"HTTP/1.1 200 ")
    with closing(connect(server)) as sock:  # nobody reads the body: it is not asked for, and the connection ends
        sock.sendall(request("POST", "/", "Content-Length: 3", "Expect: 100-continue"))
        assert b"".join(iter(lambda: sock.recv(999), b"")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/crash-late", "/short"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_half_an_answer_never_looks_like_a_whole_one(server, path, version):
    with closing(connect(server)) as sock, pytest.raises(ConnectionResetError):
        sock.sendall(request("GET", path, version=version))
        while sock.recv(999):
            pass


def test_log(server):
    ask(server, "GET", "/?log")
    assert eventually(lambda: '127.0.0.1 "GET /?log HTTP/1.1" 200 ' in server.log.read_text())
    assert server.log.read_text().splitlines()[-1].endswith(" ms")


def test_random_bytes_do_no_harm(server):
    chance = random.Random(1)
    for _ in range(200):
        data = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            send(server, data)
        except ConnectionResetError:
            pass
    assert ask(server, "GET", "/").body == b"hello"
    log = server.log.read_text()
    assert "LocalProtocolError" not in log and "Exception occurred during processing" not in log


@pytest.mark.parametrize("number", sorted(ENDS))
def test_a_signal_ends_the_server_at_once(tmp_path, number):
    with serving(tmp_path) as server, closing(connect(server)) as waiting:
        waiting.sendall(b"GET")
        start = time.monotonic()
        server.send_signal(number)
        assert server.wait(PATIENCE) == 0 and time.monotonic() - start < 2


def test_busy_port(server, tmp_path):
    command = [sys.executable, "-m", "exhibits.wsgi.server", "--port", str(server.port), "exhibits.wsgi.hello"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "in use" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_the_program_handles_does_not_end_the_server(tmp_path, number):
    handles = "import signal; signal.signal(signal.SIGUSR1, lambda *_: print('heard', flush=True)); server.main()"
    with serving(tmp_path, start=handles) as server:
        server.send_signal(signal.SIGUSR1)
        server.wait_for("heard")
        assert ask(server, "GET", "/").status == 200
        server.send_signal(signal.SIGUSR1)
        server.until(lambda: server.said.count("heard") == 2)
        assert server.stop(number) == 0  # though nobody came meanwhile
        assert "Traceback" not in server.said and "nobody can be accepted" not in server.said


def test_where_threads_are_few_one_sentence_says_so(tmp_path):
    few = """import itertools, threading
start, number = threading.Thread.start, itertools.count()
def fails(self):
    if next(number) < 3:
        raise RuntimeError("no more threads")
    start(self)
threading.Thread.start = fails
server.main()"""
    with serving(tmp_path, start=few) as server:  # the first saw that it listens
        for _ in range(2):
            connect(server).close()
        assert ask(server, "GET", "/").status == 200
        assert server.said.count("nobody can be accepted for now: no more threads") == 1
