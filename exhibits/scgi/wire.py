"""SCGI, bytes to messages and back: the variables as one netstring, then the body of the request.

    70:CONTENT_LENGTH␀27␀SCGI␀1␀REQUEST_METHOD␀POST␀REQUEST_URI␀/deepthought␀,What is the answer to life?
    │  │                                                                     │└ the body, CONTENT_LENGTH bytes
    │  └ name, zero byte, value, zero byte, as often as there are variables  └ ends the netstring
    └ how many bytes of variables follow, in decimal

What comes back "is not specified by this protocol"; in its example, and here, it is what a CGI program
would have printed, up to the end of the connection. "§" names a section of https://python.ca/scgi/protocol.txt
(version of 2008-06-23), from which also the example is.

Left out: nothing, the protocol has no more.
"""

import re
from typing import NamedTuple

from exhibits.shared.fields import CutOff, Malformed

HEADERS_LIMIT = 256 * 1024  # bytes of variables; the protocol knows no limit
LENGTH = re.compile(rb"0|[1-9]\d*")  # "extra zeros at the front of [len] are prohibited" (§4)
DIGITS = re.compile(r"\d{1,18}", re.ASCII)


class Request(NamedTuple):
    """The variables, str to str, each character standing for a byte, as in a WSGI environ (PEP 3333)."""

    variables: dict[str, str]


class Body(NamedTuple):
    """The next bytes of a body."""

    data: bytes


class End(NamedTuple):
    """The request is complete."""


# ---------------------------------------------------------------- writing


def build_request(variables: dict[str, str]) -> bytes:
    """The netstring (bytes) of a request; its body follows as it is. ValueError where a variable cannot be sent.

    CONTENT_LENGTH and SCGI are put where they belong, and added where they are missing.
    """
    length = variables.get("CONTENT_LENGTH") or "0"
    if not DIGITS.fullmatch(length):
        raise ValueError(f"{length!r} is not the length of a body")
    variables = {"CONTENT_LENGTH": length, "SCGI": "1"} | {**variables, "CONTENT_LENGTH": length, "SCGI": "1"}
    for name, value in variables.items():
        if not name or "\0" in name or "\0" in value:
            raise ValueError(f"{name!r} is empty, or there is a zero byte")
    headers = "".join([f"{name}\0{value}\0" for name, value in variables.items()]).encode("latin-1")
    return b"%d:%b," % (len(headers), headers)


# ---------------------------------------------------------------- reading


class RequestReader:
    """Bytes in, however they are cut, messages out: `Request`, `Body` for each piece of the body, `End`.

    One reader reads one request. `rest` holds the bytes that came behind it.
    """

    def __init__(self, limit: int = HEADERS_LIMIT) -> None:
        self.limit = limit
        self.buffer = bytearray()  # of the head, until it is whole
        self.size = 0  # of the head, 0 until its length has come
        self.left: int | None = None  # bytes of the body still to come, None until the head is whole
        self.offset = 0  # how many bytes have been understood
        self.rest = bytearray()
        self.ended = False

    def receive(self, data: bytes) -> list[Request | Body | End]:
        """Take the next bytes (bytes); return a list of the messages they bring."""
        messages: list[Request | Body | End] = []
        if self.left is None:
            self.buffer += data
            self.size = self.size or read_length(self.buffer, self.limit)
            if not self.size or len(self.buffer) < self.size:
                return []
            variables, self.left = read_headers(bytes(self.buffer[:self.size]))
            messages.append(Request(variables))
            self.offset, data = self.size, bytes(self.buffer[self.size:])
            self.buffer.clear()
        body, data = data[:self.left], data[self.left:]
        if body:
            messages.append(Body(body))
            self.left -= len(body)
            self.offset += len(body)
        if not self.left and not self.ended:
            self.ended = True
            messages.append(End())
        self.rest += data
        return messages

    def close(self) -> None:
        """The peer has closed the connection. Raises CutOff where something was still to come."""
        if not self.ended:
            raise CutOff("the connection ended before the request did", self.offset + len(self.buffer))


def read_length(data: bytes | bytearray, limit: int = HEADERS_LIMIT) -> int:
    """How long the netstring (bytes, maybe its beginning only) is, from length to comma; 0: not known yet."""
    colon = data.find(b":", 0, 20)
    digits = data[:20] if colon < 0 else data[:colon]
    if not LENGTH.fullmatch(digits) and (digits or colon == 0):
        raise Malformed(f"{bytes(digits)!r} is not the length of a netstring", 0)
    if digits and int(digits) > limit:
        raise Malformed(f"{digits.decode()} bytes of variables, and {limit} is the limit", 0)
    return colon + 1 + int(digits) + 1 if colon > 0 else 0


def read_headers(netstring: bytes) -> tuple[dict[str, str], int]:
    """The variables in a netstring (bytes), and the length of the body."""
    start = netstring.index(b":") + 1
    if not netstring.endswith(b","):
        raise Malformed("no comma ends the variables", len(netstring) - 1)
    pieces = netstring[start:-1].decode("latin-1").split("\0")
    names, values, behind = pieces[:-1:2], pieces[1::2], pieces[-1]
    variables = dict(zip(names, values, strict=False))
    if behind or len(pieces) % 2 == 0:
        raise Malformed("no zero byte ends the variables, or a name has no value", len(netstring) - 1)
    if "" in variables:
        raise Malformed("a variable has no name", locate(netstring, names.index("")))
    if len(variables) < len(names):
        first = {name: n for n, name in reversed([*enumerate(names)])}
        again = next(n for n, name in enumerate(names) if first[name] < n)
        raise Malformed(f"the variable {names[again]} comes twice", locate(netstring, again))
    if not names or names[0] != "CONTENT_LENGTH" or not DIGITS.fullmatch(values[0]):
        raise Malformed("the first variable is not CONTENT_LENGTH, the length of the body", start)
    if variables.get("SCGI") != "1":
        raise Malformed("no variable says that this is SCGI", len(netstring) - 1)
    return variables, int(values[0])


def locate(netstring: bytes, number: int) -> int:
    """Where in a netstring the name of a variable begins, counted from 0."""
    at = netstring.index(b":") + 1
    for _ in range(2 * number):
        at = netstring.index(b"\0", at) + 1
    return at
