"""A program to be stopped while it is busy, as WSGI: /slow takes two seconds, /events never ends."""

import os
import time
from pathlib import Path

from version import VERSION


def app(environ, start_response):
    path = environ.get("PATH_INFO", "")
    if path == "/crash":
        raise RuntimeError("this is what a fault looks like")
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/events":
        return events()
    if path == "/slow":
        Path("called").touch()
        time.sleep(2)
    client = environ.get("REMOTE_ADDR") or None
    return [f"version {VERSION}, for {client}, {os.getpid():08}\n".encode()]


def events():
    Path("called").touch()
    while True:
        yield b"data: still here\n\n"
        time.sleep(0.1)
