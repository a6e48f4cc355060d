"""The WSGI call from the server's side: what every from-scratch server of a WSGI program here shares.

PEP 3333 says how a program is called and how it may answer, and nothing about
sockets. So this file knows no carrier either: a server makes an `environ`,
tells `Call` how to send. "§" names a section of PEP 3333.

Left out: wsgi.file_wrapper (§ Optional Platform-Specific File Handling), and
closing a file that the program keeps open by mistake.
"""

import contextlib
import io
import os
import re
import threading
import traceback
from collections.abc import Callable
from typing import Any
from wsgiref.util import is_hop_by_hop

from exhibits.shared.log import log_exception

STATUS = re.compile(r"[2-5]\d\d(?: [\t -~\x80-\xff]*)?")
NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
VALUE = re.compile(r"[\t -~\x80-\xff]*")  # no control characters (§ The start_response() Callable)
NO_BODY = "204", "304"
Headers = list[tuple[str, str]]
Send = Callable[[tuple[str, Headers] | None, bytes], None]
CRASHED = b"The program raised an exception, its log has the traceback.\n"


class ClientLeft(Exception):
    """Nobody is there any more, whatever the program still has to say."""


class Errors(io.TextIOBase):
    """wsgi.errors. Who read it may be gone: that is no reason to break off an answer."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            os.write(2, text.encode(errors="backslashreplace"))
        return len(text)

    def close(self) -> None:
        pass  # it is everybody's


ERRORS = Errors()


class Input(io.RawIOBase):
    """wsgi.input, without its buffer. receive: a function that returns the next bytes of the body, b"" at its end.

    Nothing is read before the program reads, and little more than it asks for. A body that
    breaks off raises OSError in the program: half an upload never looks like a whole one.
    """

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self.receive, self.rest = receive, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.rest or self.receive()
        size = min(len(data), len(buffer))
        buffer[:size], self.rest = data[:size], data[size:]
        return size


def environ(
    variables: dict[str, str], receive: Callable[[], bytes] | None, scheme: str = "http"
) -> dict[str, Any]:
    """A WSGI environ: the CGI variables, which the carrier brings, and those of § environ Variables.

    receive: as for `Input`; None where there is no body.
    """
    return {
        **variables,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BufferedReader(Input(receive)) if receive else io.BytesIO(),
        "wsgi.input_terminated": True,  # it ends by itself, with or without a CONTENT_LENGTH: not in the PEP
        "wsgi.errors": ERRORS,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


class Call:
    """One call of a program.

    send: a function that sends bytes at once: send(head, block), head being (status, headers)
        with the first block and None with the others; the block may be empty. Raises OSError.
    end: a function that ends the answer: end(whole). It is called before the program cleans up,
        which is nothing that a client should wait for. Raises OSError.

    What a program keeps of it, in a thread perhaps, is of no use once it is over: the connection may carry
    another request by then, and that one's body and answer are not this program's business.
    """

    def __init__(self, environ: dict[str, Any], send: Send, end: Callable[[bool], None]) -> None:
        self.environ, self.carry, self.end = environ, send, end
        # Taken now: the environ is the program's, which may change whatever is in it.
        self.method, self.errors = environ["REQUEST_METHOD"], environ["wsgi.errors"]
        self.input, self.sending, self.over = environ["wsgi.input"], threading.Lock(), False
        self.status: str | None = None  # what start_response was told
        self.headers: Headers = []
        self.started = False  # whether that has been sent
        self.bodiless = False
        self.left: int | None = None  # how many bytes the Content-Length still promises

    def run(self, application: Callable) -> None:
        """Call the program and send its answer. Whatever the program raises ends here."""
        blocks, whole = None, False
        try:
            blocks = application(self.environ, self.start_response)
            for block in blocks:
                self.write(block, whole=self.status is not None and not self.started and one(blocks))
                if self.started and (self.bodiless or self.left == 0):
                    break  # "stop iterating over the response when enough data has been sent"
            if not self.started:
                self.start(b"", whole=True)
            if self.left and not self.bodiless:
                raise ValueError(f"the program promised {self.left} bytes more")
            whole = True
        except ClientLeft:
            pass
        except BaseException:  # SystemExit too: a program may not end its server
            whole = self.crashed()
        with self.sending, contextlib.suppress(OSError):
            self.over = True
            self.end(whole)
        self.close(blocks)

    def close(self, blocks: Any) -> None:
        """ "Whether the request was completed normally, or terminated early" (§ Specification Details)."""
        try:
            if hasattr(blocks, "close"):
                blocks.close()
        except BaseException:
            self.log()
        with contextlib.suppress(ValueError):  # the program has taken it apart
            self.input.close()

    def start_response(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info:
            try:
                if self.started:
                    raise exc_info[1].with_traceback(exc_info[2])  # too late for another answer (§ Error Handling)
            finally:
                exc_info = None  # it holds this frame, which holds it
        elif self.status is not None:
            raise AssertionError("start_response was called twice, and not to report an error")
        headers = list(headers)  # they are gone through more than once
        self.left = check(status, headers)
        self.status, self.headers = status, [(name, value.strip(" \t")) for name, value in headers]
        return self.write

    def write(self, block: bytes, whole: bool = False) -> None:
        """Send a block. whole: it is the only one. Also what start_response returns (§ The write() Callable)."""
        if type(block) is not bytes:
            raise TypeError(f"a block is bytes, and not {type(block).__name__}")
        if self.status is None:
            raise AssertionError("a block came before start_response was called")
        if not block:
            return  # the status may still change: it goes out with the first bytes (§ The start_response() Callable)
        if not self.started:
            self.start(block, whole)
        else:
            self.send(None, block)

    def start(self, block: bytes, whole: bool) -> None:
        """Send the status, the header fields and the first block."""
        if self.status is None:
            raise AssertionError("start_response was not called")
        code, method = self.status[:3], self.method
        self.bodiless = method == "HEAD" or code in NO_BODY  # RFC 9110 sections 9.3.2, 15.3.5 and 15.4.5
        if code == "204":
            self.headers = [field for field in self.headers if field[0].lower() != "content-length"]  # section 8.6
        if self.left is None and whole and code not in NO_BODY and (block or method != "HEAD"):
            self.left = len(block)  # nothing else will come (§ Handling the Content-Length Header)
            self.headers.append(("Content-Length", str(self.left)))
        self.send((self.status, self.headers), block)
        self.started = True

    def send(self, head: tuple[str, Headers] | None, block: bytes) -> None:
        """Send as much of a block as the client may get."""
        if self.bodiless:
            block = b""
        elif self.left is not None:
            block = block[:self.left]  # "should not transmit more bytes" (§ Handling the Content-Length Header)
            self.left -= len(block)
        with self.sending:
            if self.over:
                raise ValueError("this request has been answered already")
            try:
                self.carry(head, block)
            except OSError as error:
                self.carry = nobody  # nobody knows how much went out: whatever the program does, nothing follows it
                raise ClientLeft from error

    def crashed(self) -> bool:
        self.log()
        if self.started:
            return False  # the server has to cut the connection, lest half an answer pass for a whole one
        self.status, self.headers, self.left = "500 Internal Server Error", [("Content-Type", "text/plain")], None
        with contextlib.suppress(Exception):  # the client left, or the head was on its way already
            self.start(CRASHED, whole=True)
            return True
        return False

    def log(self) -> None:
        """The traceback of what was raised: to wsgi.errors, or to standard error if that is broken."""
        try:
            self.errors.write(traceback.format_exc())
            self.errors.flush()
        except BaseException:
            log_exception()


def nobody(head: tuple[str, Headers] | None, block: bytes) -> None:
    """Sends to a client that has left."""
    raise ConnectionAbortedError("the client has left")


def one(blocks: Any) -> bool:
    """Whether the program returned one block and no more."""
    try:
        return len(blocks) == 1
    except TypeError:
        return False


def check(status: str, headers: Headers) -> int | None:
    """The Content-Length, None where there is none. Raises where the client could misread what is to be sent."""
    if not STATUS.fullmatch(status):
        raise ValueError(f"{status!r} is no status")
    for name, value in headers:
        if not NAME.fullmatch(name) or not VALUE.fullmatch(value):
            raise ValueError(f"{name!r}: {value!r} is no header field")
        # The connection is the server's (§ Other HTTP Features). But a 426 MUST say to what
        # protocol the client has to upgrade (RFC 9110 section 15.5.22), and only the program knows.
        if is_hop_by_hop(name) and not (name.lower() == "upgrade" and status.startswith("426")):
            raise AssertionError(f"{name} is for the server to send")
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    if not lengths:
        return None
    if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
        raise ValueError("the Content-Length is not one whole number")
    return int(lengths[0])


def busy(environ: dict[str, Any], start_response: Callable) -> list[bytes]:
    """The program that answers when there are too many visitors."""
    start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Retry-After", "1")])
    return [b"There are too many visitors at once.\n"]
