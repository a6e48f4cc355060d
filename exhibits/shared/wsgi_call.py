"""The WSGI call from the server's side: what every from-scratch server of a WSGI program here shares.

PEP 3333 says how a program is called and how it may answer, and nothing about
sockets. So this file knows no carrier either: a server makes an `environ`,
tells `Call` how to send. "§" names a section of PEP 3333.

Left out: wsgi.file_wrapper (§ Optional Platform-Specific File Handling), and
closing a file that the program keeps open by mistake.
"""

import contextlib
import io
import re
import sys
import traceback
from wsgiref.util import is_hop_by_hop

STATUS = re.compile(r"[2-5]\d\d(?: [\t -~\x80-\xff]*)?")
NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
VALUE = re.compile(r"[\t -~\x80-\xff]*")  # no control characters (§ The start_response() Callable)
NO_BODY = "204", "304"
CRASHED = b"The program raised an exception, its log has the traceback.\n"


class ClientLeft(Exception):
    """Nobody is there any more, whatever the program still has to say."""


class Input(io.RawIOBase):
    """wsgi.input, without its buffer. receive: a function that returns the next bytes of the body, b"" at its end.

    Nothing is read before the program reads, and little more than it asks for. A body that
    breaks off raises OSError in the program: half an upload never looks like a whole one.
    """

    def __init__(self, receive):
        self.receive, self.rest = receive, b""

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self.rest or self.receive()
        size = min(len(data), len(buffer))
        buffer[:size], self.rest = data[:size], data[size:]
        return size


def environ(variables, receive, scheme="http"):
    """A WSGI environ: the CGI variables, which the carrier brings, and those of § environ Variables."""
    return {
        **variables,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BufferedReader(Input(receive)),
        "wsgi.input_terminated": True,  # it ends by itself, with or without a CONTENT_LENGTH: not in the PEP
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


class Call:
    """One call of a program.

    send: a function that sends bytes at once: send(head, block), head being (status, headers)
        with the first block and None with the others; the block may be empty. Raises OSError.
    """

    def __init__(self, environ, send):
        self.environ, self.carry = environ, send
        self.status = self.headers = None  # what start_response was told
        self.started = False  # whether that has been sent
        self.bodiless = False
        self.left = None  # how many bytes the Content-Length still promises

    def run(self, application):
        """Call the program and send its answer; true if that is whole."""
        blocks = None
        try:
            blocks = application(self.environ, self.start_response)
            for block in blocks:
                self.write(block, whole=self.status and not self.started and one(blocks))
                if self.started and (self.bodiless or self.left == 0):
                    break  # "stop iterating over the response when enough data has been sent"
            if not self.started:
                self.start(b"", whole=True)
            if self.left and not self.bodiless:
                raise ValueError(f"the program promised {self.left} bytes more")
        except ClientLeft:
            return False
        except BaseException:  # SystemExit too: a program may not end its server
            return self.crashed()
        finally:
            # "whether the request was completed normally, or terminated early" (§ Specification Details).
            if hasattr(blocks, "close"):
                try:
                    blocks.close()
                except BaseException:
                    self.log()
        return True

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.started:
                    raise exc_info[1].with_traceback(exc_info[2])  # too late for another answer (§ Error Handling)
            finally:
                exc_info = None  # it holds this frame, which holds it
        elif self.status is not None:
            raise AssertionError("start_response was called twice, and not to report an error")
        check(status, headers)
        self.status, self.headers = status, [(name, value.strip(" \t")) for name, value in headers]
        return self.write

    def write(self, block, whole=False):
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

    def start(self, block, whole):
        """Send the status, the header fields and the first block."""
        if self.status is None:
            raise AssertionError("start_response was not called")
        code, method = self.status[:3], self.environ["REQUEST_METHOD"]
        self.bodiless = method == "HEAD" or code in NO_BODY  # RFC 9110 sections 9.3.2, 15.3.5 and 15.4.5
        if code == "204":
            self.headers = [field for field in self.headers if field[0].lower() != "content-length"]  # section 8.6
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        if not lengths and whole and code not in NO_BODY and (block or method != "HEAD"):
            lengths = [str(len(block))]  # nothing else will come (§ Handling the Content-Length Header)
            self.headers.append(("Content-Length", lengths[0]))
        self.left = int(lengths[0]) if lengths else None
        self.started = True
        self.send((self.status, self.headers), block)

    def send(self, head, block):
        """Send as much of a block as the client may get."""
        if self.bodiless:
            block = b""
        elif self.left is not None:
            block = block[:self.left]  # "should not transmit more bytes" (§ Handling the Content-Length Header)
            self.left -= len(block)
        try:
            self.carry(head, block)
        except OSError as error:
            raise ClientLeft from error

    def crashed(self):
        self.log()
        if self.started:
            return False  # the server has to cut the connection, lest half an answer pass for a whole one
        self.status, self.headers = "500 Internal Server Error", [("Content-Type", "text/plain")]
        with contextlib.suppress(ClientLeft):
            self.start(CRASHED, whole=True)
            return True
        return False

    def log(self):
        errors = self.environ["wsgi.errors"]
        errors.write(traceback.format_exc())
        errors.flush()


def one(blocks):
    """Whether the program returned one block and no more."""
    try:
        return len(blocks) == 1
    except TypeError:
        return False


def check(status, headers):
    """Raise where the client could misread what the program wants to send it."""
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
    if len(lengths) > 1 or not all(length.isascii() and length.isdigit() for length in lengths):
        raise ValueError("the Content-Length is not one whole number")
