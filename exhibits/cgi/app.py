#!/usr/bin/env -S python3 -I -S
"""The guestbook as a CGI program (CGI/1.1, RFC 3875).

The server starts this file anew for every request. The request is the process
environment and standard input; the answer is what the process prints; the
connection is none of its business. It ends, and everything it knew is gone.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from exhibits import guestbook
from exhibits.shared import cgi_variables


# --8<-- [start:request-line]
def read_request(environ):
    mount, path = cgi_variables.place(environ)
    return guestbook.Request(
        method=environ["REQUEST_METHOD"],
        path=cgi_variables.text(path),
        query=environ.get("QUERY_STRING", ""),
        headers=lambda: read_headers(environ),
        mount=mount,
        scheme="https" if environ.get("HTTPS", "off") in ("on", "1") else "http",
        gateway=lambda: read_gateway(environ),
    )
# --8<-- [end:request-line]


# --8<-- [start:headers]
def read_headers(environ):
    # A field named X-Mood is the variable HTTP_X_MOOD (RFC 3875 section 4.1.18).
    return cgi_variables.headers(environ)
# --8<-- [end:headers]


def read_gateway(environ):
    return {
        "interface": environ.get("GATEWAY_INTERFACE", "CGI"),
        "live": "events", "holds": "a process",  # as long as the answer lasts
        "given": cgi_variables.given(environ),
        "connection": cgi_variables.connection(environ),
    }


# --8<-- [start:body]
def read_body(environ, stdin, request):
    # "The script MUST NOT attempt to read more than CONTENT_LENGTH bytes,
    # even if more data is available" (RFC 3875 section 4.2).
    remaining = int(environ.get("CONTENT_LENGTH") or 0)
    while remaining > 0 and (chunk := stdin.read(min(remaining, 65536))):
        request.feed(chunk)
        remaining -= len(chunk)
    return remaining == 0
# --8<-- [end:body]


# --8<-- [start:status]
def start(response, stdout):
    # Not "HTTP/1.1 200 OK": the server writes that line (RFC 3875 section 6.3.3).
    lines = [f"Status: {response.status} {guestbook.reason(response.status)}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    stdout.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
# --8<-- [end:status]


# --8<-- [start:streaming]
def send(body, stdout):
    for step in [body] if isinstance(body, bytes) else body:
        if isinstance(step, guestbook.Wait):
            wait(step)
        else:
            stdout.write(step)
            stdout.flush()
# --8<-- [end:streaming]


# --8<-- [start:waiting]
def wait(seconds):
    time.sleep(seconds)  # holds a whole process, and nobody else
# --8<-- [end:waiting]


# --8<-- [start:errors]
def answer(environ, stdin, stderr, request):
    try:
        complete = read_body(environ, stdin, request)
        return guestbook.respond(request, STORE) if complete else guestbook.cut_off(request)
    except Exception:
        import traceback

        traceback.print_exc(file=stderr)  # standard error is the server's log
        return guestbook.crashed(request)
# --8<-- [end:errors]


# --8<-- [start:concurrency]
# One process answers one request: no locks, no leaks, no memory of the last one.
STORE = guestbook.Store(os.environ.get("GUESTBOOK", "guestbook.sqlite3"))


def respond(environ, stdin, stdout, stderr):
    request = read_request(environ)
    response = answer(environ, stdin, stderr, request)
    try:
        start(response, stdout)
        send(response.body, stdout)
    except BrokenPipeError:
        print("client left: nobody reads the pipe any more", file=stderr)
        raise


def main():
    # Environment bytes as latin-1 text, as WSGI would have it later (PEP 3333).
    environ = {key.decode("latin-1"): value.decode("latin-1")
               for key, value in os.environb.items()}
    try:
        respond(environ, sys.stdin.buffer, sys.stdout.buffer, sys.stderr)
    except BrokenPipeError:
        os._exit(1)  # not even Python's own last flush can succeed
# --8<-- [end:concurrency]


if __name__ == "__main__":
    main()
