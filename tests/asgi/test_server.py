"""Our ASGI server, where the contract does not look: its start and end, and clients who break the rules."""

import ast
import contextlib
import socket
import subprocess
import sys
import threading
import time
import types

import pytest
from started import Started
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from exhibits.asgi import exchange, wire
from exhibits.asgi import server as asgi
from exhibits.backstage.running import ROOT, eventually, free_port, is_free
from exhibits.shared.log import Complaints

PROGRAM = """
import asyncio, time

async def flood(path, send):
    if path == "/flood":
        for number in range(1000):
            await send(bytes(65536))
            print("sent", number, flush=True)
    else:  # so little at once that no buffer is ever full
        end = time.monotonic() + 5
        while time.monotonic() < end:
            await send(b"x")

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        event = await receive()
        {lifespan}
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        print("shut down", flush=True)
        await send({{"type": "lifespan.shutdown.complete"}})
    elif scope["path"] == "/museum/scope":
        print("scope", scope, flush=True)
    elif scope["type"] == "websocket":
        await receive()
        if scope["path"] == "/early":
            raise RuntimeError("before accept")
        if scope["path"] == "/no":
            return await send({{"type": "websocket.close"}})
        if scope["path"] == "/short":
            await send({{"type": "websocket.accept", "headers": [(b"x-mood", b"fine")]}})
            return await send({{"type": "websocket.send", "bytes": b"bye"}})
        if scope["path"] in ("/flood", "/drip"):
            await send({{"type": "websocket.accept"}})
            return await flood(scope["path"], lambda data: send({{"type": "websocket.send", "bytes": data}}))
        await send({{"type": "websocket.accept", "subprotocol": "b" if "b" in scope["subprotocols"] else None}})
        while (event := await receive())["type"] == "websocket.receive":
            if event.get("text") == "raise":
                raise RuntimeError("after accept")
            if event.get("text") == "close":
                await send({{"type": "websocket.close", "code": 4001, "reason": "asked to"}})
            else:
                await send({{**event, "type": "websocket.send"}})
        print("disconnect", event["code"], event["reason"], flush=True)
    elif scope["path"] == "/half":
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await send({{"type": "http.response.body", "body": b"half", "more_body": True}})
        raise RuntimeError("half-way")
    elif scope["path"] == "/nothing":
        return
    elif scope["path"] == "/exit":
        raise SystemExit(3)
    elif scope["path"] == "/wait":
        print("waiting", flush=True)
        while (event := await receive())["type"] == "http.request":
            print("got", len(event["body"]), event["more_body"], flush=True)
        print(event["type"], flush=True)
        try:
            await send({{"type": "http.response.start", "status": 200}})
            await send({{"type": "http.response.body"}})
        except OSError as error:
            print("send raised", type(error).__name__, flush=True)
    elif scope["path"] in ("/flood", "/drip"):
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await flood(scope["path"], lambda data: send({{"type": "http.response.body", "body": data, "more_body": True}}))
    elif scope["path"] == "/lazy":
        print("lazy", flush=True)
        await asyncio.sleep(3600)
    elif scope["path"] == "/twice":
        for _ in range(2):
            await send({{"type": "http.response.start", "status": 200, "headers": []}})
            await send({{"type": "http.response.body", "body": b"ok"}})
        print("nobody minds", flush=True)
    elif scope["path"] == "/inject":
        await send({{"type": "http.response.start", "status": 200, "headers": [(b"x", b"a\\r\\nX-Injected: b")]}})
        await send({{"type": "http.response.body", "body": b"ok"}})
    else:
        if scope["path"] == "/slow":
            await asyncio.sleep(0.2)
        while scope["path"] != "/nothing-read" and (await receive()).get("more_body"):
            pass
        await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}})
        await send({{"type": "http.response.body", "body": b"ok"}})
"""


HANDSHAKE = (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


class Server(Started):
    def __init__(self, folder, lifespan="pass", start="server.main()", options=(), **more):
        (folder / "program.py").write_text(PROGRAM.format(lifespan=lifespan))
        self.port = free_port()
        main = f"import asyncio; from exhibits.asgi import connection, server; asyncio.run({start})"
        command = [sys.executable, "-c", main, "--port", str(self.port), *options, "program"]
        super().__init__(folder, *command, **more)

    def ask(self, sent, hang_up=False):
        with socket.create_connection(("127.0.0.1", self.port), 5) as client:
            client.sendall(sent)
            if hang_up:
                client.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while chunk := client.recv(65536):
                    received += chunk
            except ConnectionResetError:
                received += b"<reset>"
        return received


@pytest.fixture
def own(tmp_path):
    """A server whose end or whose log a test looks at."""
    with Server(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server for all the others: to start one takes longer than to ask it."""
    with Server(tmp_path_factory.mktemp("server")) as server:
        yield server


def test_sigterm_tells_websockets_and_the_program(own):
    with connect(f"ws://127.0.0.1:{own.port}/") as live:
        live.send("there?")
        assert live.recv(5) == "there?"
        start = time.monotonic()
        code, said = own.stop(), own.said
        assert code == 0 and time.monotonic() - start < 3
        with pytest.raises(ConnectionClosed) as closed:
            live.recv(5)
        assert closed.value.rcvd.code == 1012
    assert "shut down" in said and is_free("127.0.0.1", own.port)


def test_a_program_that_does_not_start_is_quoted(tmp_path):
    lifespan = 'return await send({"type": "lifespan.startup.failed", "message": "no disk"})'
    with Server(tmp_path, lifespan, ready=None) as server:
        assert server.wait(10) == 3
        assert "the program did not start: no disk" in server.said


@pytest.mark.parametrize("error", ["NotImplementedError()", "SystemExit(3)"])
def test_a_program_without_lifespan_is_served(tmp_path, error):
    with Server(tmp_path, f"raise {error}") as server:
        assert server.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"ok")
        assert server.stop() == 0
        assert f"the program has no lifespan: {error}" in server.said and "Traceback" not in server.said


@pytest.mark.parametrize(("end", "said"), [
    ('raise RuntimeError("at the end")', "RuntimeError: at the end"),
    ('await send({"type": "lifespan.shutdown.failed", "message": "no disk"})', "did not end well: no disk"),
])
def test_a_program_that_ends_badly_is_quoted(tmp_path, end, said):
    complete = 'await send({"type": "lifespan.startup.complete"}); '
    with Server(tmp_path, f"{2 * complete} await receive(); {end}; return") as server:
        assert server.stop() == 0
        assert said in server.said and "no lifespan" not in server.said
        assert ("Traceback" in server.said) == ("Error" in said)


@pytest.mark.parametrize("port", [None, 99999], ids=["busy", "none"])
def test_a_port_that_is_not_to_be_had_is_one_sentence(server, port):
    command = [sys.executable, "-m", "exhibits.asgi.server", "--port", str(port or server.port), "exhibits.asgi.hello"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert ended.returncode == 2 and ended.stderr.splitlines()[-1].startswith("cannot listen on 127.0.0.1 port")
    assert "Traceback" not in ended.stderr


def test_http_that_is_none_gets_a_400(server):
    assert server.ask(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert server.ask(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")


def test_two_requests_at_once_get_two_answers_in_order(server):
    second = b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received = server.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + second)
    assert received.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 500 " in received


def test_what_is_no_request_is_refused_behind_the_answer_to_one(server):
    received = server.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ") and b"okHTTP/1.1 400 " in received


def test_a_program_that_reads_no_body_keeps_its_connections(server):
    one = b"POST /nothing-read HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
    received = server.ask(one + one.replace(b"Host", b"Connection: close\r\nHost"))
    assert received.count(b"HTTP/1.1 200 ") == 2


def test_a_long_body_nobody_reads_does_not_lose_the_answer(server):
    long = b"POST /nothing-read HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n" + bytes(5_000_000)
    assert server.ask(long).endswith(b"ok")


def test_a_factory_that_the_program_sets_does_not_make_the_servers_tasks(tmp_path):
    """Eager tasks (Python 3.12) would run before others have a turn, each inside the one before."""
    factory = "lambda loop, call, **more: print(call.__qualname__, flush=True) or asyncio.Task(call, loop=loop, **more)"
    with Server(tmp_path, f"asyncio.get_running_loop().set_task_factory({factory})") as server:
        answer = server.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert answer.endswith(b"ok") and "Server.watch" in server.said and "Exchange.run" not in server.said


def test_half_an_answer_is_cut_off(server):
    behind = b"GET /museum/scope HTTP/1.1\r\nHost: a\r\n\r\n"
    received = server.ask(b"GET /half HTTP/1.1\r\nHost: a\r\n\r\n" + behind)
    assert b"half" in received and not received.endswith(b"0\r\n\r\n")
    # Where the end of the connection is the end of the answer.
    assert server.ask(b"GET /half HTTP/1.0\r\n\r\n").endswith(b"half<reset>")
    assert "/museum/scope" not in server.said  # nobody is there who could be answered


@pytest.mark.parametrize(("path", "status"), [("/early", b"500"), ("/", b"426")])
def test_handshakes_that_come_to_nothing(server, path, status):
    version = b"13" if path == "/early" else b"8"
    received = server.ask(b"GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: %s\r\n\r\n"
                          % (path.encode(), version))
    assert received.startswith(b"HTTP/1.1 %s " % status)


@pytest.mark.parametrize(("text", "code"), [("raise", 1011), ("close", 4001)])
def test_how_a_conversation_ends(server, text, code):
    with connect(f"ws://127.0.0.1:{server.port}/", subprotocols=["a", "b"]) as live:
        assert live.subprotocol == "b"
        live.send(text)
        with pytest.raises(ConnectionClosed) as closed:
            live.recv(5)
    assert closed.value.rcvd.code == code


@pytest.mark.parametrize(("sent", "code"), [
    (bytes.fromhex("8100"), 1002),  # no mask
    (bytes.fromhex("c18000000000"), 1002),  # a reserved bit
    (wire.build_frame(1, b"\xff", b"abcd"), 1007),
    (bytes.fromhex("81ff0000000010000000"), 1009),  # 256 MiB
])
def test_frames_that_break_the_rules(server, sent, code):
    received = server.ask(HANDSHAKE + sent)
    head, _, frames = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    closed = wire.Reader(from_client=False).receive(frames.removesuffix(b"<reset>"))
    assert [each.code for each in closed] == [code]
    server.wait_for(f"disconnect {code}")


def test_a_client_that_vanishes_is_a_1006(server):
    with connect(f"ws://127.0.0.1:{server.port}/") as live:
        live.socket.shutdown(socket.SHUT_RDWR)
        live.socket.close()
        server.wait_for("disconnect 1006")


def test_a_handshake_the_program_refuses(server):
    received = server.ask(HANDSHAKE.replace(b"GET /", b"GET /no"))
    assert received.startswith(b"HTTP/1.1 403 ") and b"101" not in received


def test_a_program_that_ends_after_accept_ends_the_conversation(server):
    with connect(f"ws://127.0.0.1:{server.port}/short") as live:
        assert live.response.headers["X-Mood"] == "fine" and live.recv(5) == b"bye"
        with pytest.raises(ConnectionClosed) as closed:
            live.recv(5)
    assert closed.value.rcvd.code == 1000


@pytest.mark.parametrize(("close", "code"), [
    (wire.Close(1005), 1005), (wire.Close(1000, "bye"), 1000), (wire.Close(4999, "bye"), 4999),
])
def test_the_code_of_a_client_goes_back(server, close, code):
    ping = wire.build(wire.Ping(b"still?"), b"abcd")
    received = server.ask(HANDSHAKE + ping + wire.build(close, b"abcd"))
    assert wire.Reader(from_client=False).receive(received.partition(b"\r\n\r\n")[2]) == [wire.Pong(b"still?"), close]
    server.wait_for(f"disconnect {code} {close.reason}")


def test_what_a_program_is_told(tmp_path):
    with Server(tmp_path, 'scope["state"]["key"] = "value"', options=("--mount", "/museum")) as server:
        asked = b"GET http://b/museum/sc%6Fpe?q=%C3%A9 HTTP/1.1\r\nHost: a\r\nX-A: \xe9\r\nConnection: close\r\n\r\n"
        server.ask(asked)
        server.ask(HANDSHAKE.replace(b"GET / HTTP/1.1", b"GET /museum/scope HTTP/1.1\r\nSec-WebSocket-Protocol: A, b"))
    http, websocket = (ast.literal_eval(line[6:]) for line in server.said.splitlines() if line.startswith("scope "))
    for scope in (http, websocket):
        host, port = scope.pop("client")
        assert host == "127.0.0.1" and port > 1023
        assert scope.pop("server") == ("127.0.0.1", server.port)
    headers = websocket.pop("headers")
    assert (b"host", b"a") in headers and (b"sec-websocket-version", b"13") in headers
    common = {
        "asgi": {"version": "3.0", "spec_version": "2.5"}, "http_version": "1.1", "path": "/museum/scope",
        "root_path": "/museum", "state": {"key": "value"},
    }
    assert http == {
        "type": "http", "method": "GET", "scheme": "http", "raw_path": b"/museum/sc%6Fpe", "query_string": b"q=%C3%A9",
        "headers": [(b"host", b"b"), (b"x-a", b"\xe9"), (b"connection", b"close")], **common,
    }
    assert websocket == {
        "type": "websocket", "scheme": "ws", "raw_path": b"/museum/scope", "query_string": b"",
        "subprotocols": ["A", "b"], **common,
    }


def test_a_path_outside_of_the_mount_is_not_the_programs(tmp_path):
    with Server(tmp_path, options=("--mount", "/museum/")) as server:
        for path, status in ((b"/museum/", 200), (b"/museum", 200), (b"/museums", 404), (b"/", 404)):
            assert server.ask(b"GET %b HTTP/1.0\r\n\r\n" % path).startswith(b"HTTP/1.1 %d " % status)


def test_a_client_that_leaves_is_a_disconnect_and_then_send_raises(own):
    with socket.create_connection(("127.0.0.1", own.port)) as client:
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        own.wait_for("waiting")
    own.wait_for("http.disconnect")
    own.wait_for("send raised Gone")


def test_half_a_body_is_not_the_end_of_it(own):
    received = own.ask(b"POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbody", hang_up=True)
    assert received.startswith(b"HTTP/1.1 400 ")
    own.wait_for("got 4 True")
    own.wait_for("http.disconnect")
    assert "False" not in own.said


def test_a_broken_chunk_is_refused(own):
    head, chunk = b"POST /wait HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nabc\r\n"
    assert own.ask(head + chunk).startswith(b"HTTP/1.1 400 ")  # the program is not called
    with socket.create_connection(("127.0.0.1", own.port), 5) as client:
        client.sendall(head)
        own.wait_for("waiting")
        client.sendall(chunk)
        assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
    own.wait_for("send raised Gone")


@pytest.mark.parametrize("path", [b"/", b"/slow"])
def test_who_has_said_everything_still_gets_an_answer(server, path):
    assert server.ask(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path, hang_up=True).endswith(b"ok")


both = pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HANDSHAKE], ids=["http", "websocket"])


@both
def test_send_waits_for_a_client_that_does_not_read(own, sent):
    with socket.create_connection(("127.0.0.1", own.port)) as client:
        client.sendall(sent.replace(b"/", b"/flood", 1))
        own.wait_for("sent 0")
        assert own.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"ok")  # others are served
        assert not eventually(lambda: "sent 999" in own.said, 1)  # 64 MB fit into no buffer
        assert own.stop() == 0


def read_all(client):
    with contextlib.suppress(OSError):
        while client.recv(65536):
            pass


@both
def test_a_program_that_sends_without_end_leaves_time_for_others(own, sent):
    with socket.create_connection(("127.0.0.1", own.port)) as client:
        client.sendall(sent.replace(b"/", b"/drip", 1))
        threading.Thread(target=read_all, args=(client,)).start()
        start = time.monotonic()
        assert own.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"ok")
        assert time.monotonic() - start < 4
        assert own.stop() == 0


def test_reading_waits_for_a_program_that_does_not_receive(own):
    with socket.create_connection(("127.0.0.1", own.port)) as client:
        client.sendall(b"POST /lazy HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
        own.wait_for("lazy")
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(64 * 1024 * 1024))
    start = time.monotonic()
    code = own.stop()  # the program still waits, and is not waited for
    assert code == 0 and time.monotonic() - start < 3
    assert '/lazy HTTP/1.1" 503 ' in own.said and "Traceback" not in own.said


def test_a_slow_head_is_not_waited_for(tmp_path):
    with Server(tmp_path, start="[setattr(connection, 'TIMEOUT', 0.3), server.main()][1]") as server:
        assert server.ask(b"GET / HTTP/1.1\r\nHost: a\r\n").startswith(b"HTTP/1.1 408 ")
        late = server.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        assert late.startswith(b"HTTP/1.1 408 ") and late.count(b"HTTP/") == 1
        assert server.ask(b"") == b""
        assert server.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").endswith(b"ok")  # ended by the server when idle


def test_no_access_log(tmp_path):
    with Server(tmp_path, options=("--no-access-log",)) as server:
        assert server.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"ok")
        server.stop()
        assert "GET /" not in server.said


def test_a_program_that_exits_does_not_take_the_server_with_it(server):
    assert server.ask(b"GET /exit HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 500 ")
    assert server.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"ok")


@pytest.mark.parametrize("number", [0, 3 << 30])
def test_a_number_is_no_value_and_takes_no_memory(number):
    """A length of 3 GiB as a number, where b"3221225472" was to be, took as much memory."""
    with pytest.raises(TypeError):
        exchange.fields([(b"content-length", number)])


def test_a_value_never_becomes_a_field(server):
    received = server.ask(b"GET /inject HTTP/1.0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 500 ") and b"X-Injected" not in received


def test_what_is_sent_behind_an_answer_is_ignored(server):
    received = server.ask(b"GET /twice HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert received.count(b"HTTP/1.1 200 ") == received.count(b"ok") == 1
    server.wait_for("nobody minds")


def test_each_request_is_logged(own):
    own.ask(b"GET /a%20b?c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    own.ask(b"\x16\x03\x01\r\n\r\n")
    own.wait_for(r'(?m)^127\.0\.0\.1 "GET /a%20b\?c HTTP/1\.1" 200 \d+ ms$')
    own.wait_for(r'(?m)^127\.0\.0\.1 "-" 400 \d+ ms$')


def test_sigterm_ends_a_start_that_takes_too_long(tmp_path):
    with Server(tmp_path, 'print("starting", flush=True); await receive()', ready="starting") as server:
        assert server.stop() == 0


def test_a_second_signal_ends_a_program_that_takes_long_to_end(tmp_path):
    slow = ('await send({"type": "lifespan.startup.complete"}); await receive(); print("ending", flush=True); '
            'await asyncio.sleep(60)')
    with Server(tmp_path, slow) as server:
        server.terminate()
        server.wait_for("ending")
        assert server.stop() == 1


def test_what_goes_wrong_outside_of_every_call_is_told(capfd):
    told = []
    loop = types.SimpleNamespace(default_exception_handler=told.append)
    complain = Complaints(asgi.Connection)
    full = {"exception": OSError(24, "Too many open files"), "socket": None}
    left = {"exception": ConnectionResetError(), "protocol": asgi.Connection(asgi.Server(None, "", False))}
    ours = [{"exception": OSError(), "future": None}, {"exception": ValueError()},
            {"exception": ValueError(), "socket": None}, {"message": "never awaited"}]
    for context in left, full, full, full, *ours:
        complain(loop, context)
    assert told == ours
    assert capfd.readouterr().err == "nobody can be accepted for now: Too many open files\n"
