"""Our servers that speak HTTP, with programs unlike the guestbook and visitors unlike ours: nobody brings them down."""

import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import quote

import pytest
from started import Started

from exhibits.asgi import wire as websocket
from exhibits.asking import request
from exhibits.backstage.running import ROOT, eventually, free_port
from exhibits.backstage.visiting import Visitor
from exhibits.http.client import ResponseReader
from exhibits.http.grammar import BadMessage
from exhibits.http.wire import Body, End, RequestReader, Response
from tests.http.test_wire import READ, REFUSED

WSGI = '''
import asyncio, sys

KEPT = []

class Raising:
    """Blocks of which one, or the end, raises."""
    def __init__(self, error, moment):
        self.error, self.moment = error, moment
    def __iter__(self):
        if self.moment == "iter":
            raise self.error
        yield b"one"
        if self.moment == "between":
            raise self.error
    def close(self):
        if self.moment == "close":
            raise self.error

def use_kept(read):
    for use in KEPT:
        try:
            use()
        except ValueError as error:
            yield b"refused "
    yield read()

def application(environ, start_response):
    _, path, *words = environ["PATH_INFO"].split("/")
    if path == "raise":
        name, moment = words
        error = eval(name)
        if moment == "before":
            raise error
        start_response("200 OK", [("Content-Type", "text/plain")])
        if moment == "started":
            raise error
        return Raising(error, moment)
    if path == "spoilt":
        environ.clear()
        environ["wsgi.errors"] = None
        if words:
            raise RuntimeError("spoilt")
    if path == "as-get":
        environ["REQUEST_METHOD"] = "GET"
    if path == "flood":
        start_response("200 OK", [])
        return (bytes(65536) for _ in range(2000))
    if path == "late":
        start_response("200 OK", [])
        return (environ["wsgi.input"].read() if later else b"one" for later in (False, True))
    if path == "iterator":
        start_response("200 OK", iter([("X-A", "b"), ("Content-Length", "5")]))
        return [b"hello"]
    if path == "keep":
        KEPT[:] = lambda write=start_response("200 OK", []): write(b"late"), environ["wsgi.input"].read
        return [b"one", b"two"]
    if path == "use":
        start_response("200 OK", [])
        return use_kept(environ["wsgi.input"].read)
    if path == "echo":
        body = environ["wsgi.input"].read()
        assert environ["CONTENT_LENGTH"] == str(len(body))
        start_response("200 OK", [])
        return [body]
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
'''
ASGI = '''
import asyncio, gc, sys

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            await send({"type": event["type"] + ".complete"})
            if event["type"].endswith("shutdown"):
                return
    _, path, *words = scope["path"].split("/")
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        if path == "push":
            while True:
                await asyncio.sleep(0.1)
                await send({"type": "websocket.send", "text": "tick"})
        if path == "later":
            await asyncio.sleep(2.5)
        while (event := await receive())["type"] == "websocket.receive":
            if event.get("text") == "whole":
                print("received whole", flush=True)
            await send({**event, "type": "websocket.send"})
        print("left", event["code"], path, flush=True)
        return
    error = None
    if path == "raise":
        name, moment = words
        error = eval(name)
        if moment == "before":
            raise error
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if moment in ("started", "iter"):
            raise error
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        if moment == "between":
            raise error
        await send({"type": "http.response.body"})
        raise error
    if path == "exit":
        async def exit():
            eval(words[0])
        asyncio.create_task(exit())
    if path == "collect":
        gc.collect()  # asyncio tells what a task has raised when that is thrown away
    if path == "spoilt":
        for name in "asgi", "client", "server", "headers", "state":
            if hasattr(scope[name], "clear"):
                scope[name].clear()
        scope.clear()
        if words:
            raise RuntimeError("spoilt")
    if path == "as-get":
        scope["method"] = "GET"
    if path == "flood":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(2000):
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
    if path == "late":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        return await send({"type": "http.response.body", "body": (await receive())["body"]})
    if path == "echo":
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        return await send({"type": "http.response.body", "body": body})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})
    if path == "later":
        await asyncio.sleep(5)
'''
SYNTAX = [pytest.param(row[1], id=row[0]) for row in READ + REFUSED if row[0] != "TLS"]
CGI = r"printf 'Content-Type: text/plain\nContent-Length: 5\n\nhello'"
ROOMS = {"wsgi": WSGI, "asgi": ASGI, "cgi": CGI}
rooms = pytest.mark.parametrize("room", ["wsgi", "asgi"])
all_rooms = pytest.mark.parametrize("room", ROOMS)


@contextmanager
def serving(folder, room, setting="", log=None, prepare=None, options=()):
    """A server of ours with the program above; its log is the file `log` there."""
    (folder / "program.py").write_text(ROOMS[room])
    port = free_port()
    program = ["/bin/sh", folder / "program.py"] if room == "cgi" else ["program"]
    command = [sys.executable, "-c", f"from exhibits.{room} import server; {setting}\nserver.main()", "--port",
               str(port), *options, *program]
    more = {"stdout": log, "stderr": log} if log else {}
    with Started(folder, *command, ready=port, preexec_fn=prepare, **more) as process:
        process.port, process.room = port, room
        yield process


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with ExitStack() as stack:
        yield {room: stack.enter_context(serving(tmp_path_factory.mktemp(room), room)) for room in ROOMS}


def connect(server):
    sock = socket.create_connection(("127.0.0.1", server.port), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def answer(sock, method=b"GET"):
    """The next answer on a connection: (status, fields, body, whether it is whole)."""
    reader, messages = ResponseReader(method), []
    with suppress(ConnectionResetError):
        while not (messages and type(messages[-1]) is End) and (data := sock.recv(65536)):
            messages += reader.receive(data)
    heads = [message for message in messages if type(message) is Response]
    body = b"".join(message.data for message in messages if type(message) is Body)
    if not heads:
        return 0, {}, b"", False
    return heads[-1].status, dict(heads[-1].headers), body, type(messages[-1]) is End


def is_well(server):
    with Visitor("127.0.0.1", server.port, 10) as visitor:
        return visitor.ask(request("GET", "/")).body == b"hello"


@all_rooms
def test_a_port_that_the_system_chose_is_told(tmp_path, room):
    (tmp_path / "program.py").write_text(ROOMS[room])
    program = ["/bin/sh", "program.py"] if room == "cgi" else ["program"]
    with Started(tmp_path, sys.executable, "-m", f"exhibits.{room}.server", "--port", "0", *program) as server:
        server.port = int(server.wait_for(r"listening on 127\.0\.0\.1 port (\d+)\n")[1])
        assert is_well(server)


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--host", "a..b", "exhibits.{room}.hello"], "cannot listen on a..b port 8000: "),
    (["--host", 80 * "é", "exhibits.{room}.hello"], "cannot listen on éé"),
    (["exhibits.{room}.nowhere"], "there is no module exhibits.{room}.nowhere"),
    (["exhibits.{room}.wire"], "the module exhibits.{room}.wire has no application"),
])
@rooms
def test_a_wrong_command_line_gets_a_sentence(room, arguments, sentence):
    command = [sys.executable, "-m", f"exhibits.{room}.server", *(each.format(room=room) for each in arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(sentence.format(room=room))


# ---------------------------------------------------------------- bodies nobody reads


@pytest.mark.parametrize("later", [0, 0.2], ids=["at once", "in pieces"])
@pytest.mark.parametrize("size", [50, 16_385, 65_537, 300_000, 3_000_000])
@pytest.mark.parametrize("framing", ["Content-Length: {}", "Transfer-Encoding: chunked"])
@all_rooms
def test_a_body_nobody_reads_takes_nothing_from_the_next_request(servers, room, framing, size, later):
    body = b"x" * size if "Length" in framing else b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)
    head = request("POST", "/", framing.format(size))
    with connect(servers[room]) as sock:
        sock.sendall(head + (b"" if later else body[:20]))
        time.sleep(later)
        with suppress(ConnectionError):  # where it is refused
            sock.sendall(body if later else body[20:])
        status, fields, said, whole = answer(sock)
        assert (status, said, whole) == (200, b"hello", True)
        if fields.get(b"connection") == b"close":
            assert size > 65_537 or "chunked" in framing
            assert sock.recv(1) == b""
        else:
            sock.sendall(request("GET", "/"))
            assert answer(sock)[::2] == (200, b"hello")


@all_rooms
@pytest.mark.parametrize("before", [b"", request("GET", "/")])
def test_half_a_head_is_told_to_who_has_said_everything(servers, room, before):
    with connect(servers[room]) as sock:
        sock.sendall(before + b"GET / HTTP/1.1\r\nHo")
        sock.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: sock.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"400"][not before :]
    assert said.endswith(b"the connection ended before the message did\n")


@rooms
def test_a_body_that_was_asked_for_is_not_waited_for(servers, room):
    with connect(servers[room]) as sock:
        sock.sendall(request("POST", "/", "Content-Length: 5", "Expect: 100-continue"))
        status, fields, _, _ = answer(sock)
        assert (status, fields[b"connection"]) == (200, b"close") and sock.recv(1) == b""


@rooms
def test_behind_the_beginning_of_an_answer_nobody_is_told_to_go_on(servers, room):
    """A program that reads late: the visitor waits for no 100 any more, and may send the body, or not."""
    with connect(servers[room]) as sock:
        sock.sendall(request("POST", "/late", "Content-Length: 5", "Expect: 100-continue"))
        received = sock.recv(65536)
        sock.sendall(b"hello")
        while piece := sock.recv(65536):
            received += piece
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.endswith(b"\r\n\r\n3\r\none\r\n5\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize("cut", ["whole", "head first", "in the middle", "byte by byte"])
@pytest.mark.parametrize("size", [0, 1, 500, 40_000, 300_000])
@pytest.mark.parametrize("framing", ["Content-Length: {}", "Transfer-Encoding: chunked"])
@rooms
def test_a_body_is_received_however_it_is_cut(servers, room, framing, size, cut):
    body = (b"0123456789" * 30_000)[:size]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[n : n + 999]), body[n : n + 999]) for n in range(0, size, 999))
    head = request("POST", "/echo", framing.format(size))
    data = head + (body if "Length" in framing else chunks + b"0\r\n\r\n")
    ends = {"whole": [], "head first": [len(head)], "in the middle": [len(head) + size // 2],
            "byte by byte": range(1, 700)}[cut]
    with connect(servers[room]) as sock:
        for _ in range(2):  # over the same connection
            for start, end in zip([0, *ends], [*ends, len(data)], strict=True):
                sock.sendall(data[start:end])
                if len(ends) == 1:
                    time.sleep(0.02)
            status, _, said, whole = answer(sock)
            assert (status, said == body, whole) == (200, True, True)


# ---------------------------------------------------------------- programs that raise


@pytest.mark.parametrize("moment", ["before", "started", "iter", "between", "close"])
@pytest.mark.parametrize("error", ["BaseException('x')", "SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()",
                                   "asyncio.CancelledError()", "RecursionError('x')", "MemoryError()", "OSError(9)",
                                   "TimeoutError()", "BrokenPipeError()"])
@rooms
def test_whatever_a_program_raises_is_told_and_logged(servers, room, error, moment):
    server = servers[room]
    before = len(server.said)
    with connect(server) as sock:
        sock.sendall(request("GET", f"/raise/{error.replace(chr(39), '%27')}/{moment}"))
        status, _, body, whole = answer(sock)
    if moment == "close":
        assert (status, body, whole) == (200, b"one", True)
    elif moment == "between":
        assert (status, body, whole) == (200, b"one", False)
    else:
        assert (status, whole) == (500, True)
    assert eventually(lambda: re.search(r"/raise/\S+ HTTP/1.1\" \d+ ", server.said[before:]), 5)
    name = error.partition("(")[0].rpartition(".")[2]
    assert eventually(lambda: re.search(rf"(?s)Traceback.*{name}", server.said[before:]), 5)
    assert is_well(server)


@pytest.mark.parametrize("how", ["sys.exit(3)", "exec('raise KeyboardInterrupt')", "open('missing')",
                                 "asyncio.get_running_loop().stop()"])
def test_what_a_task_of_a_program_raises_does_not_end_the_server(servers, how):
    server = servers["asgi"]
    with connect(server) as sock:
        before = server.said
        for path in f"/exit/{quote(how)}", "/", f"/collect/{quote(how)}":
            sock.sendall(request("GET", path))
            assert answer(sock)[::2] == (200, b"hello")
    assert is_well(server) and eventually(lambda: f"GET /collect/{quote(how)} " in server.said)
    assert "Traceback" in server.said[len(before):]


@rooms
def test_what_a_program_does_to_its_environ_or_scope_is_its_own_business(servers, room):
    server = servers[room]
    with connect(server) as sock:
        for path, method, body in ("/spoilt", "GET", b"hello"), ("/as-get", "HEAD", b""), ("/", "GET", b"hello"):
            sock.sendall(request(method, path))
            assert answer(sock, method.encode())[::2] == (200, body)
        sock.sendall(request("GET", "/spoilt/raise"))
        assert answer(sock)[0] == 500
    assert "RuntimeError: spoilt" in server.said and is_well(server)


def test_header_fields_may_come_one_by_one(servers):
    """PEP 3333 asks for a list; whoever takes something else takes all of it."""
    with connect(servers["wsgi"]) as sock:
        sock.sendall(request("GET", "/iterator"))
        _, fields, body, _ = answer(sock)
        assert (fields[b"x-a"], fields[b"content-length"], body) == (b"b", b"5", b"hello")


def test_what_a_program_keeps_of_a_call_has_no_part_in_the_next_one(servers):
    with connect(servers["wsgi"]) as sock:
        for path, body in ("/keep", b"onetwo"), ("/use", b"refused refused body"), ("/", b"hello"):
            sock.sendall(request("POST", path, "Content-Length: 4"))
            time.sleep(0.1)
            sock.sendall(b"body")
            assert answer(sock)[::2] == (200, body)


def test_work_behind_an_answer_delays_nobody(servers):
    with connect(servers["asgi"]) as sock:
        begun = time.monotonic()
        for _ in range(3):
            sock.sendall(request("GET", "/later"))
            assert answer(sock)[0] == 200
        assert time.monotonic() - begun < 4


# ---------------------------------------------------------------- the end


SLOW_END = '''
import asyncio

async def application(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.sleep(SECONDS)
    print("cleaned up", flush=True)
    await send({"type": "lifespan.shutdown.complete"})
'''


@pytest.mark.parametrize(("seconds", "said"), [(1.5, "cleaned up"), (60, "has not ended within 2 s: it is cut off")])
def test_a_program_has_time_to_end(tmp_path, monkeypatch, seconds, said):
    monkeypatch.setitem(ROOMS, "asgi", SLOW_END.replace("SECONDS", str(seconds)))
    with serving(tmp_path, "asgi", "server.CLEANUP = 2") as server:
        begun = time.monotonic()
        server.terminate()
        assert server.wait(10) == 0 and 1 < time.monotonic() - begun < 8
        assert said in server.said


# ---------------------------------------------------------------- the log, and files


@all_rooms
def test_who_reads_the_log_may_go(tmp_path, room):
    reads, writes = os.pipe()
    with serving(tmp_path, room, log=writes) as server:
        os.close(writes)
        assert is_well(server)
        os.close(reads)
        with connect(server) as sock:
            for path, status in ("/", 200), ("/spoilt/raise", 500):
                sock.sendall(request("GET", path))
                assert answer(sock)[0] == (200 if room == "cgi" else status)
        with connect(server) as sock:  # several on one connection
            for _ in range(3):
                sock.sendall(request("GET", "/"))
                assert answer(sock)[::2] == (200, b"hello")


@all_rooms
def test_without_standard_output_and_error_what_is_logged_goes_nowhere(tmp_path, room):
    """Their numbers are free then: the next socket would get them, and all that is said."""
    with serving(tmp_path, room, prepare=lambda: os.closerange(1, 3)) as server:
        with connect(server) as sock:
            for _ in range(50 if room == "cgi" else 300):
                sock.sendall(request("GET", f"/?{1000 * 'x'}"))
                assert answer(sock)[::2] == (200, b"hello")
        assert server.stop() == 0


MANY = """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (2000, hard))
held = [open("/dev/null") for _ in range(1100)]
"""


@pytest.mark.skipif(0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2000, reason="nobody may open so many files")
@pytest.mark.parametrize("room", ["wsgi", "asgi"])
def test_a_program_may_open_many_files(tmp_path, room):
    with serving(tmp_path, room, MANY) as server:
        assert is_well(server)


@all_rooms
def test_where_files_are_few_a_sentence_says_so_and_nothing_spins(tmp_path, room):
    with serving(tmp_path, room, prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))) as server:
        waiting = [connect(server) for _ in range(80)]
        assert eventually(lambda: "nobody can be accepted for now" in server.said, 10)
        spent = processor_time(server)
        time.sleep(1)
        assert processor_time(server) - spent < 0.2
        assert server.said.count("\n") < 10 and "Traceback" not in server.said
        for sock in waiting:
            sock.close()
        assert eventually(lambda: is_well(server), 10)


def processor_time(process):
    """Seconds, of a process with all its threads."""
    done = subprocess.run(["ps", "-o", "cputimes=", "-p", str(process.pid)], capture_output=True, text=True)
    with suppress(OSError):
        fields = open(f"/proc/{process.pid}/stat").read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return float(done.stdout)


# ---------------------------------------------------------------- what is no request, and what takes too long


@pytest.mark.parametrize("data", SYNTAX)
@all_rooms
def test_each_server_takes_bytes_as_the_wire_does(servers, room, data):
    """The first request, whatever it is, and that nothing behind a refused one is taken for another."""
    reader = RequestReader()
    try:
        request, *_ = [*reader.receive(data), *reader.close()]
        while not reader.ended:
            reader.close()
        below = request.path.startswith(b"/")
        expected = 200 if below else 404 if request.path == b"*" else 501
    except BadMessage as error:
        expected = error.status
    with connect(servers[room]) as sock:
        with suppress(OSError):
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        received = b""
        with suppress(ConnectionResetError):
            while piece := sock.recv(65536):
                received += piece
    if b"HEAD " not in data[:5]:
        answers = re.findall(rb"HTTP/1.1 (\d+) ", received)
        # A program that answers before its body is here may have done so when what is wrong with it comes.
        late = room == "asgi" and b"chunked" in data and len(data) > 10_000
        assert int(answers[0]) in {expected, 200 if late else expected}
        assert received.count(b"\r\nDate: ") == len(answers)
        assert late or expected == 200 or (len(answers) == 1 and b"onnection: close\r\n" in received)


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n"])
@all_rooms
def test_who_sends_byte_after_byte_is_not_waited_for(tmp_path, room, first):
    setting = {"wsgi": "server.TIMEOUT = 1", "asgi": "from exhibits.asgi import connection; connection.TIMEOUT = 1"}
    options = ["--timeout", "1"] if room == "cgi" else []
    with serving(tmp_path, room, setting.get(room, ""), options=options) as server, connect(server) as sock:
        begun = time.monotonic()
        sock.sendall(first)
        with suppress(ConnectionError):
            while time.monotonic() - begun < 8:
                sock.sendall(b"X")
                time.sleep(0.2)
        assert time.monotonic() - begun < 8
        assert is_well(server)


@rooms
def test_a_body_nobody_waits_for_any_longer_is_not_the_next_request(tmp_path, room):
    setting = {"wsgi": "server.TIMEOUT = 1", "asgi": "from exhibits.asgi import connection; connection.TIMEOUT = 1"}
    with serving(tmp_path, room, setting[room]) as server, connect(server) as sock:
        sock.sendall(request("POST", "/", "Content-Length: 99"))
        assert answer(sock)[0] == 200
        with suppress(ConnectionError):
            for _ in range(7):
                time.sleep(0.2)
                sock.sendall(b"X")
            sock.sendall(request("GET", "/"))
            assert sock.recv(65536) == b""
        assert is_well(server)


@rooms
def test_who_reads_nothing_is_not_waited_for(tmp_path, room):
    setting = {"wsgi": "server.TIMEOUT = 1", "asgi": "from exhibits.asgi import connection; connection.TIMEOUT = 1"}
    with serving(tmp_path, room, setting[room]) as server, connect(server) as sock:
        sock.sendall(request("GET", "/flood"))
        assert eventually(lambda: "/flood HTTP/1.1" in server.said, 8)
        assert "Traceback" not in server.said and is_well(server)


# ---------------------------------------------------------------- one visitor and the others

MASK = b"abcd"
HANDSHAKE = request("GET", "/live", "Connection: keep-alive", "Connection: Upgrade", "Upgrade: websocket",
                    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
CHUNKS = request("POST", "/", "Transfer-Encoding: chunked")
FRAGMENT = websocket.build_frame(0, b"", MASK, fin=False)
FLOODS = {
    "requests": (b"", request("GET", "/") * 1000, ROOMS),
    "tiny chunks": (CHUNKS, b"1\r\nx\r\n" * 10_000, ROOMS),
    "tiny messages": (HANDSHAKE, websocket.build_frame(1, b"x", MASK) * 10_000, ["asgi"]),
    "empty fragments": (HANDSHAKE + websocket.build_frame(1, b"", MASK, fin=False), FRAGMENT * 10_000, ["asgi"]),
    "pings": (HANDSHAKE, websocket.build(websocket.Ping(b""), MASK) * 10_000, ["asgi"]),
}


def usual(server, times=9):
    """How long a request takes, in the middle."""
    with Visitor("127.0.0.1", server.port, 30) as visitor:
        visitor.ask(request("GET", "/"))
        taken = []
        for _ in range(times):
            begun = time.perf_counter()
            assert visitor.ask(request("GET", "/")).status == 200
            taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


class Flood(threading.Thread):
    """A visitor who sends without end, and reads what comes."""

    def __init__(self, server, first, again):
        super().__init__(daemon=True)
        self.server, self.first, self.again, self.over, self.sock = server, first, again, False, None

    def run(self):
        while not self.over:
            with suppress(OSError), connect(self.server) as sock:
                self.sock = sock
                threading.Thread(target=self.read, args=(sock,), daemon=True).start()
                sock.sendall(self.first)
                while not self.over:
                    sock.sendall(self.again)

    def read(self, sock):
        with suppress(OSError):
            while sock.recv(1 << 20):
                pass

    def stop(self):
        self.over = True
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)  # it may wait for a server that reads no further
        self.join(10)
        assert not self.is_alive()


@pytest.mark.parametrize(("flood", "room"), [(flood, room) for flood in FLOODS for room in FLOODS[flood][2]])
def test_one_visitor_does_not_stop_the_others(servers, flood, room):
    server = servers[room]
    first, again, _ = FLOODS[flood]

    def held():
        """How much longer another visitor waits than usually."""
        before = usual(server)
        thread = Flood(server, first, again)
        thread.start()
        time.sleep(0.3)
        try:
            return usual(server), before
        finally:
            thread.stop()

    found = []
    for _ in range(4):  # a busy machine is asked again
        during, before = held()
        found.append((round(during * 1000, 1), round(before * 1000, 1)))
        if during < max(2 * before, 0.1):  # floods took seconds; a machine that runs four tests at once, 0.05
            return
    raise AssertionError(f"ms with the flood, and without: {found}")


# ---------------------------------------------------------------- WebSocket


def shake(sock, path="/live"):
    sock.sendall(HANDSHAKE.replace(b"/live", path.encode()))
    received = b""
    while b"\r\n\r\n" not in received:
        received += sock.recv(65536)
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")  # though Connection has two lines
    reader = websocket.Reader(from_client=False)
    return reader, reader.receive(rest)


def until(sock, reader, messages, wanted):
    while not any(isinstance(message, wanted) for message in messages):
        data = sock.recv(65536)
        assert data, messages
        messages += reader.receive(data)
    return next(message for message in messages if isinstance(message, wanted))


def test_pings_and_closes_are_answered_while_the_program_receives_nothing(servers):
    with connect(servers["asgi"]) as sock:
        reader, messages = shake(sock, "/push/1")
        sock.sendall(websocket.build(websocket.Message("nobody receives this"), MASK) * 3)
        sock.sendall(websocket.build(websocket.Ping(b"there?"), MASK))
        assert until(sock, reader, messages, websocket.Pong) == websocket.Pong(b"there?")
        sock.sendall(websocket.build(websocket.Close(1000, "bye"), MASK))
        assert until(sock, reader, messages, websocket.Close) == websocket.Close(1000, "bye")
        while sock.recv(65536):
            pass


def test_what_came_whole_before_a_bad_frame_is_received(servers):
    with connect(servers["asgi"]) as sock:
        reader, messages = shake(sock)
        sock.sendall(websocket.build(websocket.Message("whole"), MASK) + b"\xff\xff")
        assert until(sock, reader, messages, websocket.Close).code == 1002
        assert eventually(lambda: "received whole" in servers["asgi"].said, 5)


def test_who_does_not_answer_a_ping_is_gone(tmp_path):
    setting = "from exhibits.asgi import conversation; conversation.PATIENCE = 0.5"
    with serving(tmp_path, "asgi", setting) as server, ExitStack() as stack:
        dead, alive, unheard = (stack.enter_context(connect(server)) for _ in range(3))
        for sock in dead, alive:
            shake(sock)
        shake(unheard, "/later")  # whose answer may be behind what the program has not received
        unheard.sendall(websocket.build(websocket.Message("hello"), MASK))
        reader = websocket.Reader(from_client=False)
        for _ in range(4):
            assert until(alive, reader, [], websocket.Ping) == websocket.Ping(b"")
            alive.sendall(websocket.build(websocket.Pong(b""), MASK))
        assert eventually(lambda: "left 1006 live" in server.said, 5)
        alive.sendall(websocket.build(websocket.Message("still here"), MASK))
        assert until(alive, reader, [], websocket.Message) == websocket.Message("still here")
        reader = websocket.Reader(from_client=False)
        assert until(unheard, reader, [], websocket.Message) == websocket.Message("hello")


LEAVE = {
    "close, then reset": lambda sock: (sock.sendall(websocket.build(websocket.Close(1000), MASK)), reset(sock)),
    "reset": lambda sock: reset(sock),
    "end": lambda sock: sock.close(),
    "half a frame": lambda sock: (sock.sendall(b"\x81"), sock.close()),
    "half closed": lambda sock: sock.shutdown(socket.SHUT_WR),
    "close, then more": lambda sock: sock.sendall(websocket.build(websocket.Close(1000), MASK) + b"more" * 99),
}


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()


@pytest.mark.parametrize("way", LEAVE)
@pytest.mark.parametrize("path", ["/live", "/push/1"])
def test_there_is_no_wrong_way_to_leave(tmp_path_factory, servers, way, path):
    server = servers["asgi"]
    before, count = len(server.said), 10
    mark = way.replace(" ", "_")  # of its own: what the tests before it left may still come into the log
    for _ in range(count):
        with connect(server) as sock:
            shake(sock, f"{path}?{mark}")
            LEAVE[way](sock)
            with suppress(OSError):
                while sock.recv(65536):
                    pass
    assert eventually(lambda: server.said.count(f'{path}?{mark} HTTP/1.1" 101 ') == count, 10), server.said[before:]
    assert "Traceback" not in server.said[before:] and is_well(server)
