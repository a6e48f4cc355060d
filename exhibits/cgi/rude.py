#!/usr/bin/env -S python3 -I -S
"""The rude program through CGI: /NAME does what `exhibits/rude.py` says of NAME. Never a model, always a test.

It is a CGI program, and, for FastCGI and SCGI servers, a function of what that program is given.
"""

import os
import signal
import sys
import time

TEXT = b"Content-Type: text/plain\r\n"
ACTS = {}


def act(function):
    """A function of the name of a behaviour, with "_" for "-", acts it out."""
    ACTS[function.__name__.strip("_").replace("_", "-")] = function
    return function


def respond(environ, stdin, stdout, stderr):
    name = environ.get("PATH_INFO", "").rpartition("/")[2]
    ACTS.get(name, innocent)(environ, stdin, stdout, stderr)


def innocent(environ, stdin, stdout, stderr):
    body = f"innocent {environ['REQUEST_METHOD']} {environ['QUERY_STRING']}".encode()
    stdout.write(TEXT + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


# ---------------------------------------------------------------- what prints, and does no more


def prints(*pieces):
    """Each piece is one that the server gets alone."""

    def answer(environ, stdin, stdout, stderr):
        for piece in pieces:
            stdout.write(piece)
            stdout.flush()

    return answer


def says(*fields, body=b"hello"):
    return prints(b"".join([TEXT, *(field + b"\r\n" for field in fields), b"\r\n", body]))


OWN_CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
ACTS |= {
    "head-body": says(),
    "head-stream": prints(TEXT + b"\r\none", b"two", b"three"),
    "204-body": says(b"Status: 204 No Content", b"Content-Length: 5"),
    "304-body": says(b"Status: 304 Not Modified"),
    "short": says(b"Content-Length: 10", body=b"1234"),
    "nothing-of-ten": says(b"Content-Length: 10", body=b""),
    "long": says(b"Content-Length: 4", body=b"1234567890"),
    "long-later": prints(TEXT + b"Content-Length: 4\r\n\r\n1234", b"567890"),
    "no-length": prints(TEXT + b"\r\none", b"two", b"three"),
    "two-lengths": says(b"Content-Length: 3", b"Content-Length: 5"),
    "strange-length": says(b"Content-Length: five"),
    "signed-length": says(b"Content-Length: +5"),
    "negative-length": says(b"Content-Length: -5"),
    "empty-pieces": prints(TEXT, b"", b"\r\n", b"", b"one", b"", b"two", b""),
    "byte-by-byte": prints(TEXT + b"\r\n", *300 * [b"."]),
    "own-transfer-encoding": says(b"Transfer-Encoding: chunked", body=OWN_CHUNKS),
    "length-and-coding": says(b"Content-Length: 3", b"Transfer-Encoding: chunked"),
    "own-connection": says(b"Connection: close"),
    "own-keep-alive": says(b"Connection: keep-alive", b"Keep-Alive: timeout=1000"),
    "own-date": says(b"Date: Thu, 01 Jan 1970 00:00:00 GMT"),
    "own-server": says(b"Server: rude"),
    "cookies": says(b"Set-Cookie: b=2", b"Set-Cookie: a=1", b"Set-Cookie: b=2"),
    "repeated-field": says(b"X-Twice: one", b"X-Twice: two"),
    "nul-value": says(b"X-Value: a\0b"),
    "cr-value": says(b"X-Value: a\rb"),
    "space-name": says(b"X Value: a"),
    "empty-name": says(b": a"),
    "latin-1-value": says(b"X-Value: caf\xe9"),
    "many-fields": says(*(b"X-%d: %b" % (n, 100 * b"x") for n in range(1000))),
    "no-reason": says(b"Status: 200"),
    "strange-reason": says(b"Status: 200 All\tis caf\xe9"),
    **{f"status-{code}": says(b"Status: %d Rude" % code) for code in (100, 101, 103, 0, 99, 1000, 600)},
    "status-words": says(b"Status: OK"),
    "nothing": prints(),
    "no-start": prints(b"hello"),
    "head-without-end": prints(TEXT),
    "type-twice": says(b"Content-Type: text/html"),
    "no-type": prints(b"Status: 200 OK\r\n\r\nhello"),
    "lf-lines": prints(b"Content-Type: text/plain\nStatus: 200 OK\n\nhello"),
    "nph": prints(b"HTTP/1.1 200 OK\r\n" + TEXT + b"Content-Length: 5\r\n\r\nhello"),
    "redirect-with-fields": prints(b"Location: /elsewhere\r\nX-Value: a\r\n" + TEXT + b"\r\nhello"),
    "redirect-to-itself": prints(b"Location: /redirect-to-itself\r\n\r\n"),
    "unread-small": says(body=b"unread"),
}
for name in "request", "large", "late", "chunked", "expected":
    ACTS[f"unread-{name}"] = ACTS["unread-small"]


# ---------------------------------------------------------------- how it ends


@act
def stderr_only(environ, stdin, stdout, stderr):
    stderr.write("rude\n")


@act
def exit_code(environ, stdin, stdout, stderr):
    says()(environ, stdin, stdout, stderr)
    raise SystemExit(3)


@act
def work_after_end(environ, stdin, stdout, stderr):
    says(b"Content-Length: 5")(environ, stdin, stdout, stderr)
    time.sleep(0.1)


@act
def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)


@act
def killed_between(environ, stdin, stdout, stderr):
    says(body=b"some")(environ, stdin, stdout, stderr)
    os.kill(os.getpid(), signal.SIGKILL)


@act
def child_stays(environ, stdin, stdout, stderr):
    says()(environ, stdin, stdout, stderr)
    if os.fork() == 0:
        time.sleep(2)
        os._exit(0)


@act
def child_prints(environ, stdin, stdout, stderr):
    says(b"Content-Length: 5")(environ, stdin, stdout, stderr)
    if os.fork() == 0:
        time.sleep(0.1)
        stdout.write(b"more")
        stdout.flush()
        os._exit(0)


class Unshowable(Exception):
    def __str__(self):
        raise RuntimeError("rude")


RAISED = {"exception": RuntimeError, "system-exit": SystemExit, "broken-pipe": BrokenPipeError,
          "unshowable": Unshowable}


def raises(error, before):
    def answer(*given):
        before(*given)
        raise error("rude")

    return answer


for name, error in RAISED.items():
    ACTS |= {
        f"raises-{name}": raises(error, prints()),
        f"raises-{name}-after-start": raises(error, says(body=b"")),
        f"raises-{name}-between": raises(error, says(body=b"some")),
        f"raises-{name}-after-end": raises(error, says(b"Content-Length: 5")),
    }


@act
def clears_environ(environ, stdin, stdout, stderr):
    environ.clear()
    raise RuntimeError("rude")


@act
def spoils_errors(environ, stdin, stdout, stderr):
    stderr.write = sys.stderr = None
    raise RuntimeError("rude")


# ---------------------------------------------------------------- the body of the request


@act
def half_read(environ, stdin, stdout, stderr):
    says(body=stdin.read(5))(environ, stdin, stdout, stderr)


@act
def over_read(environ, stdin, stdout, stderr):
    says(body=stdin.read(5) + stdin.read(5))(environ, stdin, stdout, stderr)


@act
def read_after_end(environ, stdin, stdout, stderr):
    says(b"Content-Length: 5")(environ, stdin, stdout, stderr)
    stdin.read(5)


if __name__ == "__main__":
    respond(dict(os.environ), sys.stdin.buffer, sys.stdout.buffer, sys.stderr)
