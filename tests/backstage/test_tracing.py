"""`serve --trace`: what each visitor's request did, told when it is over."""

import resource
import socket
import tempfile
import threading
import time
from pathlib import Path

import pytest
from conftest import require

from exhibits import catalog, journey
from exhibits.asgi import wire as websocket
from exhibits.asking import request
from exhibits.backstage.recording import tapping
from exhibits.backstage.recording.tapping import HANDSHAKE
from exhibits.backstage.running import eventually, is_free
from exhibits.backstage.verbs.tracing import Traced
from exhibits.backstage.visiting import Visitor


def traced(stack):
    require(stack)
    told = []
    return told, Traced(stack, print=lambda journey, missed: told.append(journey))


def talk(port, *said, until):
    """Say these bytes, each after the one before was answered with what until says; return all that came."""
    with socket.create_connection(("127.0.0.1", port), 10) as visitor:
        received = b""
        for count, data in enumerate(said, 1):
            visitor.sendall(data)
            while received.count(until) < count and (piece := visitor.recv(65536)):
                received += piece
    return received


@pytest.mark.parametrize("stack", catalog.defaults(), ids=lambda stack: stack.name)
def test_each_request_has_its_journey(stack):
    """Two of one connection are two; each has every link that the stack has, with its own bytes and calls."""
    told, exhibit = traced(stack)
    with exhibit:
        asked = [request("GET", f"/hello?name={name}", host=f"127.0.0.1:{exhibit.port}") for name in ("Ada", "Eve")]
        assert talk(exhibit.port, asked[0], until=b"Hello, Ada").count(b"200 OK") == 1
        assert b"Eve" in talk(exhibit.port, asked[1], until=b"Hello, Eve")
        assert eventually(lambda: [each for each in told if "Eve" in str(each)], 10)
        names = [name for each in told for name in ("Ada", "Eve") if name in str(each)]
        assert names == ["Ada", "Eve"]
        for found in told:
            between = [link["between"] for link in found["links"]]
            assert between[0][0] == "visitor" and between[-1][1] == "program"
            assert len(between) == len(stack.processes) + 1
            assert journey.steps(found)[0].link == 0
        assert exhibit.base.endswith(f":{exhibit.port}")


@pytest.mark.skipif(not is_free("::1", 0), reason="this machine has no IPv6")
def test_it_is_reached_over_ipv6():
    told = []
    exhibit = Traced(catalog.find("wsgi-ours"), host="::1", print=lambda journey, missed: told.append(journey))
    with exhibit, Visitor("::1", exhibit.port) as visitor:
        assert visitor.ask(request("GET", "/hello", host=f"[::1]:{exhibit.port}")).body == b"Hello, World!\n"
        assert eventually(lambda: told, 10)


def test_a_tap_outlives_a_lack_of_files():
    """As many visitors at once bring it about; who comes then waits, and no longer than that."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    tap = tapping.Tapped(catalog.find("scgi-ours"))
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as program, \
            socket.socket(socket.AF_UNIX) as front:
        tap.run = Path(folder)
        program.bind(f"{folder}/program.sock")
        program.listen()
        program.settimeout(10)
        tap.listen()
        front.settimeout(10)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
            front.connect(f"{folder}/app.sock")
            time.sleep(0.2)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        front.sendall(b"hello")
        with program.accept()[0] as sock:
            assert sock.recv(5) == b"hello"
            sock.sendall(b"world")
            assert front.recv(5) == b"world"
        tap.stop()


def test_a_conversation_that_does_not_begin_is_over():
    def serve():
        with listener, listener.accept()[0] as sock:
            sock.recv(65536)

    listener, pieces = socket.create_server(("127.0.0.1", 0)), []
    threading.Thread(target=serve, daemon=True).start()
    with socket.create_connection(listener.getsockname(), 5) as visitor:
        tapping.converse(visitor, pieces)
    assert [data for _, _, data in pieces] == [HANDSHAKE]


def test_a_websocket_is_told_too():
    told, exhibit = traced(catalog.find("asgi-ours"))
    with exhibit:
        host = b"Host: 127.0.0.1:%d" % exhibit.port
        frames = [websocket.build(said, b"abcd") for said in (websocket.Ping(b"there?"), websocket.Close(1000, ""))]
        with socket.create_connection(("127.0.0.1", exhibit.port), 10) as visitor:
            visitor.sendall(HANDSHAKE.replace(b"Host: localhost", host))
            assert b"101" in visitor.recv(65536)
            for frame in frames:
                visitor.sendall(frame)
                assert visitor.recv(65536)
        assert eventually(lambda: told, 10)
        carriers = [link["carrier"] for link in told[0]["links"]]
        assert carriers == ["HTTP/1.1", "WebSocket", "ASGI coroutine"]
        captions = [step.caption for step in journey.steps(told[0])]
        assert [one for one in captions if "WebSocket: " in one] == [
            "The visitor sends our ASGI server 12 bytes of WebSocket: ping.",
            "Our ASGI server sends the visitor 8 bytes of WebSocket: pong.",
            "The visitor sends our ASGI server 8 bytes of WebSocket: close.",
            "Our ASGI server sends the visitor 4 bytes of WebSocket: close.",
        ]
