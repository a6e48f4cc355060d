"""The guestbook as a WSGI callable (WSGI 1.0.1, PEP 3333).

The server calls `application` for every request, in a process that stays. The
request is a dict, the answer is a call of `start_response` and an iterable of
bytes. How the bytes reached the server is not said: HTTP, FastCGI, SCGI and
uwsgi all end in this one call.
"""

import os
import time
import traceback

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
        scheme=environ["wsgi.url_scheme"],
        gateway=lambda: read_gateway(environ),
    )
# --8<-- [end:request-line]


# --8<-- [start:headers]
def read_headers(environ):
    # The CGI names, in a dict (PEP 3333, "environ Variables").
    return cgi_variables.headers(environ)
# --8<-- [end:headers]


def read_gateway(environ):
    # Without threads an open connection would take one of a few processes from all others.
    threads = environ["wsgi.multithread"]
    live, holds = ("events", "a thread") if threads else ("entries", "a process")
    return {
        "interface": "WSGI {}.{}".format(*environ["wsgi.version"]),
        "live": live, "holds": holds, "given": cgi_variables.given(environ),
        "connection": cgi_variables.connection(environ),
    }


# --8<-- [start:body]
def read_body(environ, request):
    # "The application should not attempt to read more data than is specified by
    # the CONTENT_LENGTH variable" (PEP 3333). A chunked body has no length: a
    # server that marks its end sets wsgi.input_terminated, a common extension.
    length = environ.get("CONTENT_LENGTH")
    endless = not length and environ.get("wsgi.input_terminated", False)
    remaining = float("inf") if endless else int(length or 0)
    try:
        while remaining > 0 and (chunk := environ["wsgi.input"].read(min(remaining, 65536))):
            request.feed(chunk)
            remaining -= len(chunk)
    except OSError:  # the client broke off, and the server says so in this way
        return False
    return endless or remaining == 0
# --8<-- [end:body]


# --8<-- [start:status]
def start(response, start_response):
    status = f"{response.status} {guestbook.reason(response.status)}"
    start_response(status, response.headers)  # kept back until the first bytes of the body
# --8<-- [end:status]


# --8<-- [start:streaming]
def send(body, errors):
    try:
        for step in body:
            if isinstance(step, guestbook.Wait):
                wait(step)
            else:
                yield step  # sent at once: servers "must not delay" it (PEP 3333)
    except GeneratorExit:  # the server called close() before the end
        print("client left: the server closed the iterable", file=errors, flush=True)
# --8<-- [end:streaming]


# --8<-- [start:waiting]
def wait(seconds):
    time.sleep(seconds)  # holds the thread, and the process where it has just one
# --8<-- [end:waiting]


# --8<-- [start:errors]
def answer(environ, request):
    try:
        complete = read_body(environ, request)
        return guestbook.respond(request, STORE) if complete else guestbook.cut_off(request)
    except Exception:
        traceback.print_exc(file=environ["wsgi.errors"])
        # It may be buffered (PEP 3333, "Input and Error Streams").
        environ["wsgi.errors"].flush()
        return guestbook.crashed(request)
# --8<-- [end:errors]


# --8<-- [start:concurrency]
# One process answers many requests, one after the other or in threads: the
# server decides, and says so in wsgi.multithread and wsgi.multiprocess.
STORE = guestbook.Store(os.environ.get("GUESTBOOK", "guestbook.sqlite3"))


def application(environ, start_response):
    request = read_request(environ)
    response = answer(environ, request)
    start(response, start_response)
    if isinstance(response.body, bytes):
        return [response.body]
    return send(response.body, environ["wsgi.errors"])
# --8<-- [end:concurrency]
