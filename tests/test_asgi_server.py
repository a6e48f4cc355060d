"""Our ASGI server, where the contract does not look: its start and end, and clients who break the rules."""

import os
import socket
import subprocess
import sys
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from exhibits.asgi import wire
from exhibits.backstage.running import ROOT, free_port, is_free

PROGRAM = """

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        event = await receive()
        {lifespan}
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        print("shut down", flush=True)
        await send({{"type": "lifespan.shutdown.complete"}})
    elif scope["type"] == "websocket":
        await receive()
        if scope["path"] == "/early":
            raise RuntimeError("before accept")
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
    else:
        while scope["path"] != "/nothing-read" and (await receive()).get("more_body"):
            pass
        await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}})
        await send({{"type": "http.response.body", "body": b"ok"}})
"""


class Server:
    def __init__(self, folder, lifespan="pass"):
        (folder / "program.py").write_text(PROGRAM.format(lifespan=lifespan))
        self.port = free_port()
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "exhibits.asgi.server", "--port", str(self.port), "program"],
            cwd=folder, env={**os.environ, "PYTHONPATH": f"{ROOT}:{folder}"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.lines = []

    def wait_for(self, text):
        while not any(text in line for line in self.lines):
            line = self.popen.stdout.readline()
            assert line, f"no {text!r} in {self.lines}"
            self.lines.append(line)

    def ask(self, sent):
        with socket.create_connection(("127.0.0.1", self.port), 5) as client:
            client.sendall(sent)
            received = b""
            try:
                while chunk := client.recv(65536):
                    received += chunk
            except ConnectionResetError:
                received += b"<reset>"
        return received

    def stop(self):
        self.popen.terminate()
        rest, _ = self.popen.communicate(timeout=5)
        return self.popen.returncode, "".join(self.lines) + rest


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    server.wait_for("listening")
    yield server
    server.popen.kill()
    server.popen.communicate()


def test_sigterm_tells_websockets_and_the_program(server):
    with connect(f"ws://127.0.0.1:{server.port}/") as live:
        live.send("there?")
        assert live.recv(5) == "there?"
        start = time.monotonic()
        code, said = server.stop()
        assert code == 0 and time.monotonic() - start < 1.5
        with pytest.raises(ConnectionClosed) as closed:
            live.recv(5)
        assert closed.value.rcvd.code == 1012
    assert "shut down" in said and is_free("127.0.0.1", server.port)


def test_a_program_that_does_not_start_is_quoted(tmp_path):
    server = Server(tmp_path, 'return await send({"type": "lifespan.startup.failed", "message": "no disk"})')
    assert server.popen.wait(10) == 3
    assert "the program did not start: no disk" in server.popen.stdout.read()
    server.popen.stdout.close()


def test_a_program_without_lifespan_is_served(tmp_path):
    server = Server(tmp_path, "raise NotImplementedError")
    server.wait_for("listening")
    assert server.ask(b"GET / HTTP/1.0\r\n\r\n").endswith(b"ok")
    assert server.stop()[0] == 0


def test_a_busy_port_is_one_sentence(tmp_path, server):
    command = [sys.executable, "-m", "exhibits.asgi.server", "--port", str(server.port), "exhibits.asgi.hello"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert ended.returncode == 2 and ended.stderr.startswith("cannot listen on 127.0.0.1 port")
    assert "Traceback" not in ended.stderr


def test_http_that_is_none_gets_a_400(server):
    assert server.ask(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert server.ask(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")


def test_two_requests_at_once_get_two_answers_in_order(server):
    second = b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received = server.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + second)
    assert received.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 500 " in received


def test_a_program_that_reads_no_body_keeps_its_connections(server):
    one = b"POST /nothing-read HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
    received = server.ask(one + one.replace(b"Host", b"Connection: close\r\nHost"))
    assert received.count(b"HTTP/1.1 200 ") == 2


def test_half_an_answer_is_cut_off(server):
    received = server.ask(b"GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"half" in received and not received.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(("path", "status"), [("/early", b"500"), ("/", b"426")])
def test_handshakes_that_come_to_nothing(server, path, status):
    version = b"13" if path == "/early" else b"8"
    received = server.ask(b"GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: %s\r\n\r\n"
                          % (path.encode(), version))  # fmt: skip
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
])  # fmt: skip
def test_frames_that_break_the_rules(server, sent, code):
    handshake = (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")  # fmt: skip
    received = server.ask(handshake + sent)
    head, _, frames = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    closed = wire.Reader(from_client=False).receive(frames.removesuffix(b"<reset>"))
    assert [each.code for each in closed] == [code]
    server.wait_for(f"disconnect {code}")


def test_a_client_that_vanishes_is_a_1006(server):
    live = connect(f"ws://127.0.0.1:{server.port}/")
    live.socket.shutdown(socket.SHUT_RDWR)
    live.socket.close()
    server.wait_for("disconnect 1006")


