"""What a visitor may take of our servers: memory, threads and time have bounds, and each is seen to hold.

The waits of the servers are shortened here; what is sent and received is real.
"""

import os
import socket
import sys
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
from started import Started

from exhibits.asgi import wire as websocket
from exhibits.asking import request
from exhibits.backstage.running import eventually, free_port
from exhibits.fastcgi import wire as fastcgi
from exhibits.scgi import wire as scgi
from exhibits.uwsgi import wire as uwsgi

FLOOD = 1000 * 65536  # bytes of an answer that fit into no buffer
PROGRAM = '''
import time

def pieces(path):
    if path == "/flood":
        for _ in range(1000):
            yield bytes(65536)
    if path == "/large":
        yield bytes(65536000)
    if path == "/lazy":
        for _ in range(30):
            time.sleep(0.1)
            yield b"."
    yield b"fine"

def application(environ, start_response):
    names = " ".join(sorted(name for name in environ if name.startswith("HTTP_")))
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Names", names)])
    return pieces(environ["PATH_INFO"])

def respond(environ, stdin, stdout, stderr):
    stdout.write(b"Content-Type: text/plain\\n\\n")
    for piece in pieces(environ["PATH_INFO"]):
        stdout.write(piece)
        stdout.flush()
'''
ASGI = '''
import asyncio

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if scope["path"] == "/lazy" and scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    if scope["path"] == "/lazy":
        await asyncio.sleep(3600)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/whole":
        return await send({"type": "http.response.body", "body": bytes(1 << 20)})
    for _ in range(1000 if scope["path"] == "/flood" else 0):
        await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
    if scope["path"] == "/large":
        await send({"type": "http.response.body", "body": bytes(65536000), "more_body": True})
    await send({"type": "http.response.body", "body": b"fine"})
'''
# A CGI script: it prints what the others send.
SCRIPT = '''#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
case $PATH_INFO in
/flood | /large) exec head -c 65536000 /dev/zero ;;
/lazy) for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; printf .; done ;;
*) printf fine ;;
esac
'''
# How each is started with a patience of one second, and told more in `setting`.
START = {
    "cgi": ["-m", "exhibits.cgi.server", "--timeout", "1", "--port", "{port}", "{folder}/script"],
    "wsgi": ["-c", "from exhibits.wsgi import server; server.TIMEOUT = 1; {setting}; server.main()", "--port", "{port}",
             "program"],
    "asgi": ["-c", "from exhibits.asgi import connection, server; connection.TIMEOUT = 1; {setting}; server.main()",
             "--port", "{port}", "program_asgi"],
    **{stage: ["-c", "import runpy; from exhibits.shared import listening; "
               "listening.TIMEOUT = 1; {setting}; "
               f"runpy.run_module('exhibits.{stage}.server', run_name='__main__')", "127.0.0.1:{port}", "program"]
       for stage in ("fastcgi", "scgi", "uwsgi")},
}  # fmt: skip
HTTP = "cgi", "wsgi", "asgi"
SOCKETS = "fastcgi", "scgi", "uwsgi"


@contextmanager
def serving(stage, folder, setting="pass"):
    (folder / "program.py").write_text(PROGRAM)
    (folder / "program_asgi.py").write_text(ASGI)
    (folder / "script").write_text(SCRIPT)
    (folder / "script").chmod(0o755)
    port = free_port()
    places = {"port": port, "folder": folder, "setting": setting}
    with Started(folder, sys.executable, *(word.format(**places) for word in START[stage]), ready=port) as server:
        server.port, server.stage = port, stage
        yield server


@pytest.fixture(scope="module", params=START)
def server(request, tmp_path_factory):
    with serving(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), 10)


def asking(stage, path, body=b"", **more):
    """A request for a path in what the stage speaks."""
    if stage in HTTP:
        return request("GET", path, "Connection: close", body=body)
    variables = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_PORT": "80",
                 "SERVER_NAME": "localhost", "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": str(len(body)),
                 **more}  # fmt: skip
    if stage == "fastcgi":
        messages = fastcgi.BeginRequest(1), fastcgi.Params(1, variables), fastcgi.Stdin(1, b"")
        return b"".join(map(fastcgi.build, messages))
    return {"scgi": scgi, "uwsgi": uwsgi}[stage].build_request(variables) + body


def rest(sock):
    """All that still comes, however it ends."""
    received = bytearray()
    with suppress(ConnectionError):
        while data := sock.recv(1 << 20):
            received += data
    return bytes(received)


def is_well(server):
    with connect(server) as sock:
        sock.sendall(asking(server.stage, "/fine"))
        return b"fine" in rest(sock)


# ---------------------------------------------------------------- time


def test_who_reads_nothing_is_not_waited_for(tmp_path):
    with ExitStack() as stack:
        socks = []
        for stage in START:
            (tmp_path / stage).mkdir()
            server = stack.enter_context(serving(stage, tmp_path / stage))
            socks.append((server, stack.enter_context(connect(server))))
            socks[-1][1].sendall(asking(stage, "/flood"))
        time.sleep(6)  # the system makes its buffers larger while the first seconds go by
        for server, sock in socks:
            assert len(rest(sock)) < FLOOD, server.stage
            assert is_well(server)


@pytest.mark.parametrize("path", ["/flood", "/large"])
def test_who_reads_slowly_gets_all_of_it(server, path):
    """With pauses that are shorter than the server's patience. The program has given it in pieces, or as one."""
    with connect(server) as sock:
        sock.sendall(asking(server.stage, path))
        received = 0
        for _ in range(4):
            time.sleep(0.4)
            received += len(sock.recv(1 << 22))
        assert received + len(rest(sock)) > FLOOD


def test_who_says_half_of_it_is_not_waited_for(server):
    whole = asking(server.stage, "/fine")
    for half in (whole[:1], whole[: len(whole) // 2]):
        with connect(server) as sock:
            sock.sendall(half)
            begun = time.monotonic()
            answer = rest(sock)
            assert time.monotonic() - begun < 6
            assert b"fine" not in answer
    assert is_well(server)


@pytest.mark.parametrize("stage", HTTP)
def test_who_has_got_everything_and_stays_is_left(stage, tmp_path):
    """A server that closes listens for a moment, lest a reset overtake the answer, and no longer."""
    with serving(stage, tmp_path) as server, connect(server) as sock:
        sock.sendall(asking(stage, "/fine"))
        assert b"fine" in rest(sock)  # its end has come: the server sends no more, and still hears us

        def reset():
            try:
                sock.sendall(b"x")
            except ConnectionError:
                return True

        assert not reset()
        time.sleep(0.2)
        assert not reset()  # somebody has taken what came before
        assert eventually(lambda: time.sleep(0.2) or reset(), 6), "it listens without end"


@pytest.mark.parametrize("stage", SOCKETS)
def test_who_is_refused_is_not_waited_for_long(stage, tmp_path):
    """All threads are taken: the last one says so to everybody, and to nobody who says nothing."""
    with serving(stage, tmp_path, "listening.THREADS = 1; listening.TIMEOUT = 60") as server:
        with connect(server), connect(server) as sock:
            begun = time.monotonic()
            sock.sendall(asking(stage, "/fine"))
            assert b"There are too many visitors at once." in rest(sock)
            assert time.monotonic() - begun < 5


@pytest.mark.parametrize("stage", ["wsgi", *SOCKETS])
def test_the_time_that_a_program_gives_its_own_sockets_is_not_that_of_the_visitors(stage, tmp_path):
    with serving(stage, tmp_path, "import socket; socket.setdefaulttimeout(0.1)") as server, connect(server) as sock:
        time.sleep(0.3)
        sock.sendall(asking(stage, "/fine"))
        assert b"fine" in rest(sock)


# ---------------------------------------------------------------- memory


def memory(server):
    """Bytes a process has in memory."""
    with open(f"/proc/{server.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sent(sock, piece, most=96 << 20):
    """How many bytes somebody takes who is sent a piece again and again, until for a while it takes none."""
    sock.setblocking(False)
    count, silent, piece = 0, time.monotonic() + 0.7, memoryview(piece * (1 + (1 << 18) // len(piece)))
    at = 0
    while count < most and time.monotonic() < silent:
        try:
            taken = sock.send(piece[at:])
        except BlockingIOError:
            time.sleep(0.005)
            continue
        count, at, silent = count + taken, (at + taken) % len(piece), time.monotonic() + 0.7
    return count


MASK = b"abcd"
HANDSHAKE = request("GET", "/lazy", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip
AHEAD = {
    "requests behind one that is answered: asgi": (request("GET", "/lazy"), request("GET", "/fine")),
    "requests behind one that is answered: cgi": (request("GET", "/lazy"), request("GET", "/fine")),
    "a body: asgi": (request("POST", "/lazy", "Content-Length: 999999999"), bytes(1000)),
    "messages: asgi": (HANDSHAKE, websocket.build(websocket.Message(bytes(1000)), MASK)),
    "messages of no bytes: asgi": (HANDSHAKE, websocket.build(websocket.Message(b""), MASK)),
    "standard input: fastcgi": (
        b"".join(map(fastcgi.build, (
            fastcgi.BeginRequest(1),
            fastcgi.Params(1, {"REQUEST_METHOD": "POST", "PATH_INFO": "/lazy", "CONTENT_LENGTH": "999999999"}),
        ))), fastcgi.build(fastcgi.Stdin(1, bytes(1000))),
    ),
}  # fmt: skip


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell how much memory it takes")
@pytest.mark.parametrize("what", AHEAD)
def test_what_nobody_takes_is_not_read(tmp_path, what):
    first, again = AHEAD[what]
    long = "connection.TIMEOUT = 60" if "asgi" in what else "listening.TIMEOUT = 60"
    with serving(what.rpartition(" ")[2], tmp_path, long) as server, connect(server) as sock:
        sock.sendall(first)
        time.sleep(0.3)  # the program is in the middle of it
        before = memory(server)
        taken = sent(sock, again)
        assert taken < 96 << 20, "all of it was read"
        assert memory(server) - before < 6 << 20


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell how much memory it takes")
def test_who_does_not_read_an_answer_gets_no_other(tmp_path):
    with serving("asgi", tmp_path, "connection.TIMEOUT = 60") as server, connect(server) as sock:
        before = memory(server)
        sock.sendall(300 * request("GET", "/whole"))
        time.sleep(0.5)
        assert is_well(server)  # and so it has done what it would have to do
        assert memory(server) - before < 20 << 20
        received = 0
        while received < 300 << 20:
            received += len(sock.recv(1 << 22))


def test_a_body_for_which_there_is_no_room_is_refused(tmp_path):
    """It is no reason to leave without a word, as where the visitor has left."""
    with serving("wsgi", tmp_path, "import tempfile; tempfile.tempdir = '/nowhere'") as server, connect(server) as sock:
        sock.sendall(request("POST", "/", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n")
        assert rest(sock).startswith(b"HTTP/1.1 503 ")
        assert is_well(server)


def test_chunks_without_end_are_refused(tmp_path):
    with serving("wsgi", tmp_path, "server.CHUNKS_LIMIT = 100_000") as server:
        for size, status in ((99_000, b"200"), (101_000, b"413")):
            chunks = b"".join(b"3e8\r\n" + bytes(1000) + b"\r\n" for _ in range(size // 1000)) + b"0\r\n\r\n"
            with connect(server) as sock:
                sock.sendall(request("POST", "/", "Transfer-Encoding: chunked", "Connection: close") + chunks)
                assert rest(sock).startswith(b"HTTP/1.1 " + status)


# ---------------------------------------------------------------- what the program does not get


def test_no_field_passes_for_a_variable_or_a_setting(tmp_path):
    """httpoxy (CVE-2016-1000110), and the two fields that have variables of their own."""
    with ExitStack() as servers:
        for stage in "uwsgi", "wsgi":
            (tmp_path / stage).mkdir()
            server = servers.enter_context(serving(stage, tmp_path / stage))
            if stage == "uwsgi":
                sent = asking(stage, "/", HTTP_PROXY="evil", HTTP_CONTENT_TYPE="evil", HTTP_CONTENT_LENGTH="9",
                              HTTP_X_MOOD="fine")  # fmt: skip
            else:
                sent = request("GET", "/", "Proxy: evil", "X_MOOD: forged", "Content-Type: a/b", "X-Mood: fine",
                               "Connection: close")  # fmt: skip
            with connect(server) as sock:
                sock.sendall(sent)
                answer = rest(sock)
            expected = b"HTTP_X_MOOD" if stage == "uwsgi" else b"HTTP_CONNECTION HTTP_HOST HTTP_X_MOOD"
            assert b"X-Names: " + expected + b"\r\n" in answer, answer
