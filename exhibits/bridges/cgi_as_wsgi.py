"""A CGI program as a WSGI program: each call starts it.

The way back from `wsgi_as_cgi.py`, for a script that nobody wants to rewrite. Lost
is time: a process for each request, as at any CGI server, and the whole body is
laid in a file before it starts.
"""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile

EXHIBITS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(EXHIBITS, "cgi", "app.py")


def application(environ, start_response):
    body = tempfile.TemporaryFile()
    shutil.copyfileobj(environ["wsgi.input"], body)
    # A chunked body has no length until it is here.
    announced = environ.get("CONTENT_LENGTH") or str(body.tell())
    body.seek(0)
    command = [sys.executable, "-I", "-S", PROGRAM]
    variables = environment(environ, announced)
    process = subprocess.Popen(command, env=variables, stdin=body, stdout=subprocess.PIPE)
    # RFC 3875 section 6.2: fields, an empty line, the body.
    headers = http.client.parse_headers(process.stdout)
    if not headers:
        process.kill()
        process.communicate()
        raise OSError("the CGI program printed no header field")
    status = headers.get("Status", "302 Found" if "Location" in headers else "200 OK")
    del headers["Status"]  # it is for the server (RFC 3875 section 6.3.3)
    start_response(status, headers.items())
    return send(process, body)


def environment(environ, length):
    """The variables of the environ, as a CGI program has them."""
    # Bytes go as they came: WSGI has them as latin-1 text (PEP 3333), the environment as bytes.
    variables = {name.encode(): value.encode("latin-1") for name, value in environ.items()
                 if name.isupper() and isinstance(value, str)}  # fmt: skip
    # Whatever the program calls would take this one for its own setting (CVE-2016-5385).
    variables.pop(b"HTTP_PROXY", None)
    given = {name: os.environb[name] for name in (b"PATH", b"GUESTBOOK") if name in os.environb}
    return {**variables, **given,
            b"CONTENT_LENGTH": length.encode(), b"GATEWAY_INTERFACE": b"CGI/1.1"}  # fmt: skip


def send(process, body):
    try:
        while chunk := process.stdout.read1(65536):  # what has come so far
            yield chunk
    finally:  # the end, or the visitor left: who goes on printing finds the pipe broken
        body.close()
        process.stdout.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
