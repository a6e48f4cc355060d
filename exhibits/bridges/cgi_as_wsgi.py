"""A CGI program as a WSGI program: each call starts it.

The way back from `wsgi_as_cgi.py`, for a script that nobody wants to rewrite. Lost
is time: a process for each request, as at any CGI server, and the whole body is
laid in a file before it starts. A program that falls silent is ended, with
what it has started, as far as that stays in its session.
"""

import http.client
import io
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile

EXHIBITS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(EXHIBITS, "cgi", "app.py")
# Seconds until a program that prints nothing is ended.
SILENCE = float(os.environ.get("CGI_SECONDS", 20))
# What it has of our own environment.
GIVEN = b"PATH", b"GUESTBOOK", b"GUESTBOOK_HOSTS", b"GUESTBOOK_STACK"


def application(environ, start_response):
    if "\0" in environ.get("PATH_INFO", ""):  # %00: no variable of a process can hold it
        start_response("400 Bad Request", [("Content-Type", "text/plain")])
        return [b"A path with a NUL cannot be told to a CGI program.\n"]
    body = tempfile.TemporaryFile()
    announced = environ.get("CONTENT_LENGTH")
    if not announced and environ.get("wsgi.input_terminated"):
        # Chunked: its length is known once it is here.
        shutil.copyfileobj(environ["wsgi.input"], body)
    # A program should not read beyond it: wsgi.input need not end there (PEP 3333).
    left = int(announced or 0)
    while left > 0 and (piece := environ["wsgi.input"].read(min(left, 65536))):
        body.write(piece)
        left -= len(piece)
    # Unset without a body (RFC 3875 section 4.1.2).
    announced = announced or str(body.tell() or "")
    body.seek(0)
    command = [sys.executable, "-I", "-S", PROGRAM]
    variables = environment(environ, announced)
    # A session of its own: one signal reaches it and what it starts.
    process = subprocess.Popen(command, env=variables, stdin=body, stdout=subprocess.PIPE,
                               start_new_session=True)
    pieces, head, found = output(process), b"", None
    try:
        while not found and len(head) < 65536 and (piece := next(pieces, b"")):
            head += piece
            found = re.search(rb"\n\r?\n", head)
    except TimeoutError:
        finish(process, body)
        start_response("504 Gateway Timeout", [("Content-Type", "text/plain")])
        return [b"The CGI program prints nothing.\n"]
    end = found.end() if found else len(head)
    # RFC 3875 section 6.2: fields, an empty line, the body.
    headers = http.client.parse_headers(io.BytesIO(head[:end]))
    if not headers:
        finish(process, body)
        raise OSError("the CGI program printed no header field")
    status = headers.get("Status", "302 Found" if "Location" in headers else "200 OK")
    del headers["Status"]  # it is for the server (RFC 3875 section 6.3.3)
    start_response(status, headers.items())
    return send(process, body, head[end:], pieces)


def environment(environ, length):
    """The variables of the environ, as a CGI program has them."""
    # Bytes as they came: WSGI has them as latin-1 text (PEP 3333), the environment as bytes.
    variables = {name.encode(): value.encode("latin-1") for name, value in environ.items()
                 if name.isupper() and isinstance(value, str)}
    # What the program calls may take this one for a setting (httpoxy, CVE-2016-1000110).
    variables.pop(b"HTTP_PROXY", None)
    # The body has come in chunks and goes on without (RFC 3875 section 4.2).
    variables.pop(b"HTTP_TRANSFER_ENCODING", None)
    given = {name: value for name, value in os.environb.items() if name in GIVEN}
    # WSGI lets empty ones be absent, CGI does not (RFC 3875 sections 4.1.7 and 4.1.13).
    return {b"QUERY_STRING": b"", b"SCRIPT_NAME": b"", **variables, **given,
            b"CONTENT_LENGTH": length.encode(), b"GATEWAY_INTERFACE": b"CGI/1.1"}


def output(process):
    """What it prints, each piece when it comes; TimeoutError after SILENCE."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        while waiting.select(SILENCE):
            if not (piece := os.read(process.stdout.fileno(), 65536)):
                return
            yield piece
    raise TimeoutError("the CGI program prints nothing")


def send(process, body, first, pieces):
    try:
        if first:
            yield first
        yield from pieces  # an error shows that half an answer is not the whole one
    finally:  # the end, or the visitor left: who goes on printing finds the pipe broken
        finish(process, body)


def finish(process, body):
    """Nothing of the call is left: it has a second to end by itself."""
    body.close()
    process.stdout.close()
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
