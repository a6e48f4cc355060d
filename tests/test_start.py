"""The commands of the page "Start here", run as they stand there, but at ports that are free."""

import re
import shlex
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from exhibits.backstage.running import ROOT, eventually, free_port
from exhibits.backstage.running.installed import program
from exhibits.backstage.running.ports import is_free
from exhibits.catalog import PARTS

pytestmark = pytest.mark.hall

FOLDER = ROOT / "exhibits" / "start"
PAGE = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)[^\n]*\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [text.splitlines() for kind, text in BLOCKS if kind == "sh"]
REQUEST, RESPONSE = (text for kind, text in BLOCKS if kind == "http")
PORT = {"flask": "--port {}", "gunicorn": "--bind 127.0.0.1:{}", "uvicorn": "--port {}"}
STEPS = [line for lines in COMMANDS for line in lines if line.split()[0] in PORT]


@contextmanager
def running(port, *command):
    """A command that serves at the port until the end of the block."""
    process = subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: process.poll() is not None or not is_free("127.0.0.1", port))
        assert process.poll() is None, f"{command} has ended"
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def served(command):
    """The port at which a command of the page serves."""
    name, *words = shlex.split(command)
    port = free_port()
    with running(port, sys.executable, "-m", name, *words, *PORT[name].format(port).split()):
        yield port


def ask(port):
    """The lines of the response to the page's request."""
    with socket.create_connection(("127.0.0.1", port), 10) as visitor:
        visitor.sendall(REQUEST.strip().replace("\n", "\r\n").encode() + b"\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: visitor.recv(65536), b"")).decode().splitlines()


def test_a_command_that_keeps_the_terminal_is_copied_alone():
    assert {len(lines) for lines in COMMANDS} == {1}


def test_there_are_all_steps():
    assert [command.split()[0] for command in STEPS] == ["flask", "gunicorn", "gunicorn", "uvicorn"]
    assert PAGE.count("curl 'http://127.0.0.1:5000/hello?name=Ada'") == 1  # flask's own port
    assert PAGE.count("curl 'http://127.0.0.1:8000/hello?name=Ada'") == 3


@pytest.mark.parametrize("command", STEPS)
def test_a_step_answers(command):
    with served(command) as port:
        assert "Hello, Ada!" in ask(port)  # sent in chunks where the program gives no length


def test_the_response_is_the_one_of_the_page():
    with served("gunicorn hello:app") as port:
        answer = ask(port)
    shown = RESPONSE.splitlines()
    assert set(shown) <= set(answer) and len(answer) == len(shown) + 3, answer


def test_nginx_stands_in_front(tmp_path):
    """With the page's own configuration."""
    front = free_port()
    with served("gunicorn hello:app") as port:
        text = (FOLDER / "nginx.conf").read_text().replace("8080", f"127.0.0.1:{front}").replace("8000", str(port))
        paths = "".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; pid nginx.pid; events {{}} http {{ access_log off; {paths}\n{text} }}")
        with running(front, program(PARTS["nginx"]), "-p", f"{tmp_path}/", "-c", "nginx.conf", "-e", "stderr"):
            assert "Hello, Ada!" in ask(front)


def test_four_who_wait_take_one_second_at_asgi():
    with served("uvicorn waiting:app") as port, ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            started = time.monotonic()
            assert all("Hello, Ada!" in lines for lines in pool.map(ask, [port] * 4))
            if time.monotonic() - started < 2:
                return
    raise AssertionError("they waited for each other")
