"""The moves: both sides of each, started with the real servers and asked what the site says they answer."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from exhibits.backstage import client, site_moves
from exhibits.backstage.running import ROOT, free_port

MOVES = site_moves.moves()
SERVERS = [(name, number) for name, move in MOVES.items() for number in range(len(move["server"]))]


@pytest.fixture
def started(request):
    """The port on which a server of a move listens: (name of the move, number of the server)."""
    name, number = request.param
    port = free_port()
    _, *words = MOVES[name]["server"][number]["run"].format(port=port).split()
    words = [sys.executable if word == "python" else word for word in words]
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "GUNICORN_CMD_ARGS": "--no-control-socket --graceful-timeout 1"},
    )  # fmt: skip
    try:
        wait_for(port, process)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def wait_for(port, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
    pytest.fail(f"it does not listen:\n{process.stdout.read().decode() if process.poll() is not None else ''}")


def answer(port, ask):
    """What comes of a question, as the site says it."""
    method, path, *body = ask["request"].split(" ", 2)
    if method == "WebSocket":
        return talk(port, path, *body)
    headers = ["Connection: close", *(["Content-Type: application/x-www-form-urlencoded"] if body else [])]
    with client.Visitor("127.0.0.1", port, timeout=10) as visitor:
        got = visitor.ask(client.request(method, path, *headers, body="".join(body).encode()))
    first = got.body.decode().strip().partition("\n")[0].removeprefix("<html>")  # a page of the server's own
    fields = [f"{name.title()}: {value}" for name, value in got.headers if name == ask.get("field", "").lower()]
    return "; ".join([f"{got.status} {first}".strip(), *fields])


def talk(port, path, message):
    try:
        with connect(f"ws://127.0.0.1:{port}{path}", proxy=None) as visitor:
            visitor.send(message)
            return visitor.recv(timeout=5)
    except InvalidStatus as refused:
        return f"{refused.response.status_code}, no WebSocket"


@pytest.mark.parametrize(("started", "name", "number"), [((name, number), name, number) for name, number in SERVERS],
                         ids=[f"{name}-{number}" for name, number in SERVERS], indirect=["started"])  # fmt: skip
def test_a_server_answers_as_the_site_says(started, name, number):
    for ask in MOVES[name]["ask"]:
        with ThreadPoolExecutor(ask.get("at_once", 1)) as visitors:
            found = sorted(visitors.map(lambda _, ask=ask: answer(started, ask), range(ask.get("at_once", 1))))
        assert " · ".join(found) == ask["answers"][number], ask["request"]


@pytest.mark.parametrize("name", MOVES)
def test_a_move_changes_something(name):
    before, after = (site_moves.FOLDER / name / file for file in ("before.py", "after.py"))
    assert before.read_text() != after.read_text()
    assert all(len(ask["answers"]) == len(MOVES[name]["server"]) for ask in MOVES[name]["ask"])


def test_every_move_is_on_the_page():
    page = (ROOT / "docs" / "moves.md").read_text(encoding="utf-8")
    for name in MOVES:
        assert f"```move\n{name}\n```" in page
    assert {path.name for path in site_moves.FOLDER.iterdir() if (path / "before.py").exists()} == {*MOVES}


def test_uvicorn_calls_its_workers_deprecated():
    found = subprocess.run([sys.executable, "-W", "error::DeprecationWarning", "-c", "import uvicorn.workers"],
                           capture_output=True, text=True)  # fmt: skip
    assert "The `uvicorn.workers` module is deprecated" in found.stderr
