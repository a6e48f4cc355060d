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

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cgi", "app.py")


def application(environ, start_response):
    body = tempfile.TemporaryFile()
    shutil.copyfileobj(environ["wsgi.input"], body)
    announced = environ.get("CONTENT_LENGTH") or str(body.tell())  # a chunked body has no length until it is here
    body.seek(0)
    process = subprocess.Popen([sys.executable, "-I", "-S", PROGRAM], env=environment(environ, announced),
                               stdin=body, stdout=subprocess.PIPE)  # fmt: skip
    headers = http.client.parse_headers(process.stdout)  # RFC 3875 section 6.2: fields, an empty line, the body
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
    variables = {name: value for name, value in environ.items() if name.isupper() and isinstance(value, str)}
    # Bytes go as they came: WSGI has them as latin-1 text (PEP 3333), the environment as bytes. HTTP_PROXY does
    # not go: whatever the program calls would take it for its own setting (CVE-2016-5385).
    variables = {name.encode(): value.encode("latin-1") for name, value in variables.items() if name != "HTTP_PROXY"}
    given = {os.fsencode(name): os.fsencode(os.environ[name]) for name in ("PATH", "GUESTBOOK") if name in os.environ}
    return {**variables, **given, b"CONTENT_LENGTH": length.encode(), b"GATEWAY_INTERFACE": b"CGI/1.1"}


def send(process, body):
    try:
        while chunk := process.stdout.read1(65536):  # what has come so far, not what fills a buffer
            yield chunk
    finally:  # the end, or the visitor left: who goes on printing finds the pipe broken
        body.close()
        process.stdout.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
