"""Troubles between framework and server: each program shows one and its cure; the text beside it is what it said.

    python -m exhibits.meetings.chunked

`tests/test_meetings.py` runs them all and compares. What several of them need is here.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from socket import create_connection

from exhibits.backstage.running import free_port

UWSGI = f"{sys.prefix}/bin/uwsgi --master --need-app --die-on-term --http-socket 127.0.0.1:{{port}}"
GUNICORN = "python -m gunicorn --no-control-socket --graceful-timeout 1 --bind 127.0.0.1:{port}"
UVICORN = "python -m uvicorn --port {port}"
HYPERCORN = "python -m hypercorn --graceful-timeout 1 --bind 127.0.0.1:{port}"


@contextmanager
def served(command, **environ):
    """The port at which a command serves, until the end of the block: it stands for {port} in the command.

    The command must be listening within 30 seconds: RuntimeError, with what it said, if not.
    """
    port = free_port()
    words = [sys.executable if word == "python" else word.format(port=port) for word in shlex.split(command)]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              start_new_session=True, env={**os.environ, **environ})
    try:
        if not listening(port, server):
            server.kill()
            raise RuntimeError(f"{command}\n{server.communicate()[0]}")
        yield port
    finally:
        end(server)


def listening(port, server, seconds=30):
    deadline = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < deadline:
        try:
            create_connection(("127.0.0.1", port)).close()
            return True
        except ConnectionRefusedError:
            time.sleep(0.02)
    return False


def end(server):
    server.terminate()
    try:
        server.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)  # its workers, too
        server.communicate()


def ask(port, path="/", *fields, method="GET", host="localhost", body=b""):
    """One request, its fields sent as written here: the status and the body of the answer."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *fields, "", ""]
    with create_connection(("127.0.0.1", port), timeout=20) as visitor:
        visitor.sendall("\r\n".join(lines).encode() + body)
        answer = b"".join(iter(lambda: visitor.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        body = unchunked(body)
    return int(head[9:12]), body.decode()


def unchunked(body):
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[:int(size, 16)], body[int(size, 16) + 2:]
    return whole


def ask_json(port, path="/"):
    """What a JSON answer of status 200 holds."""
    status, body = ask(port, path)
    if status != 200:
        raise ValueError(f"{status}: {body}")
    return json.loads(body)
