"""SCGI, bytes to messages and back: the variables as one netstring, then the body of the request.

    70:CONTENT_LENGTH␀27␀SCGI␀1␀REQUEST_METHOD␀POST␀REQUEST_URI␀/deepthought␀,What is the answer to life?
    │  │                                                                     │└ the body, CONTENT_LENGTH bytes
    │  └ name, zero byte, value, zero byte, as often as there are variables  └ ends the netstring
    └ how many bytes of variables follow, in decimal

What comes back "is not specified by this protocol"; everybody sends what a CGI program would
have printed, up to the end of the connection. "§" names a section of https://python.ca/scgi/protocol.txt
(version of 2008-06-23), from which also the example is.

Left out: nothing, the protocol has no more.
"""

import re
from typing import NamedTuple

from exhibits.cgi_variables import meaning
from exhibits.fields import Field, Malformed

HEADERS_LIMIT = 256 * 1024  # bytes of variables; the protocol knows no limit
LENGTH = re.compile(rb"0|[1-9]\d*")  # "extra zeros at the front of [len] are prohibited" (§4)
DIGITS = re.compile(r"\d{1,18}", re.ASCII)


class BadNetstring(Malformed):
    """The request does not begin with a length and a colon, or no comma ends the variables (§4)."""


class HeadersTooLong(Malformed):
    """There are more bytes of variables than the limit."""


class BadHeaders(Malformed):
    """The variables are not names and values by turns, each with a zero byte behind it (§3)."""


class EmptyName(Malformed):
    """A variable has no name (§3)."""


class RepeatedName(Malformed):
    """A variable comes twice: "duplicate names are not allowed" (§3)."""


class BadContentLength(Malformed):
    """The first variable is not CONTENT_LENGTH, or its value not a whole number (§3)."""


class NotSCGI(Malformed):
    """No variable SCGI says 1 (§3)."""


class CutOff(Malformed):
    """The connection ended before the request did."""


class NoHead(Malformed):
    """The answer has no header fields, or no empty line behind them."""


class Request(NamedTuple):
    """The variables, str to str, each character standing for a byte, as in a WSGI environ (PEP 3333)."""

    variables: dict[str, str]


class Body(NamedTuple):
    """The next bytes of a body."""

    data: bytes


class End(NamedTuple):
    """The request is complete."""


# ---------------------------------------------------------------- writing


def build_request(variables):
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

    def __init__(self, limit=HEADERS_LIMIT):
        self.limit = limit
        self.buffer = bytearray()  # of the head, until it is whole
        self.size = 0  # of the head, 0 until its length has come
        self.left = None  # bytes of the body still to come, None until the head is whole
        self.offset = 0  # how many bytes have been understood
        self.rest = b""
        self.ended = False

    def receive(self, data):
        """Take the next bytes (bytes); return a list of the messages they bring."""
        messages = []
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

    def close(self):
        """The peer has closed the connection. Raises CutOff where something was still to come."""
        if not self.ended:
            raise CutOff("the connection ended before the request did", self.offset + len(self.buffer))


def read_length(data, limit=HEADERS_LIMIT):
    """How long the netstring (bytes, maybe its beginning only) is, from length to comma; 0: not known yet."""
    colon = data.find(b":", 0, 20)
    digits = data[:20] if colon < 0 else data[:colon]
    if not LENGTH.fullmatch(digits) and (digits or colon == 0):
        raise BadNetstring(f"{bytes(digits)!r} is not the length of a netstring", 0)
    if digits and int(digits) > limit:
        raise HeadersTooLong(f"{digits.decode()} bytes of variables, and {limit} is the limit", 0)
    return colon + 1 + int(digits) + 1 if colon > 0 else 0


def read_headers(netstring):
    """The variables in a netstring (bytes), and the length of the body."""
    start = netstring.index(b":") + 1
    if not netstring.endswith(b","):
        raise BadNetstring("no comma ends the variables", len(netstring) - 1)
    pieces = netstring[start:-1].decode("latin-1").split("\0")
    names, values, behind = pieces[:-1:2], pieces[1::2], pieces[-1]
    variables = dict(zip(names, values, strict=False))
    if behind or len(pieces) % 2 == 0:
        raise BadHeaders("no zero byte ends the variables, or a name has no value", len(netstring) - 1)
    if "" in variables:
        raise EmptyName("a variable has no name", locate(netstring, names.index("")))
    if len(variables) < len(names):
        seen = set()
        again = next(n for n, name in enumerate(names) if name in seen or seen.add(name))
        raise RepeatedName(f"the variable {names[again]} comes twice", locate(netstring, again))
    if not names or names[0] != "CONTENT_LENGTH" or not DIGITS.fullmatch(values[0]):
        raise BadContentLength("the first variable is not CONTENT_LENGTH, the length of the body", start)
    if variables.get("SCGI") != "1":
        raise NotSCGI("no variable says that this is SCGI", len(netstring) - 1)
    return variables, int(values[0])


def locate(netstring, number):
    """Where in a netstring the name of a variable begins, counted from 0."""
    at = netstring.index(b":") + 1
    for _ in range(2 * number):
        at = netstring.index(b"\0", at) + 1
    return at


# ---------------------------------------------------------------- explaining

NETSTRING, HEADERS = "SCGI section 4", "SCGI section 3"
HEAD_LINE = re.compile(rb"([^\r\n:]+)(:)([^\r\n]*)(\r?\n)")


def explain_request(data):
    """Every byte of a request (bytes), as a list of `Field`. Raises Malformed."""
    reader = RequestReader()
    reader.receive(data)
    reader.close()
    at = data.index(b":") + 1
    fields = [
        Field(0, at - 1, "[len]", data[:at - 1].decode(), "How many bytes of variables follow, in decimal.", NETSTRING),
        Field(at - 1, 1, ":", ":", "Ends the number.", NETSTRING),
    ]
    pieces = data[at:reader.size - 2].split(b"\0")
    for name, value in zip(pieces[::2], pieces[1::2], strict=True):
        text = name.decode("latin-1")
        sentence, section = MEANINGS.get(text) or meaning(text)
        fields.append(Field(at, len(name), "name", text, sentence, section))
        fields.append(Field(at + len(name), 1, "NUL", "", "Ends the name.", HEADERS))
        at += len(name) + 1
        if value:
            fields.append(Field(at, len(value), "value", shown(value), f"The value of {text}.", section))
        fields.append(Field(at + len(value), 1, "NUL", "", "Ends the value.", HEADERS))
        at += len(value) + 1
    fields.append(Field(at, 1, ",", ",", "Ends the variables.", NETSTRING))
    if reader.offset > reader.size:
        fields.append(Field(reader.size, reader.offset - reader.size, "body", shown(data[reader.size:reader.offset]),
                            "The body of the request, as long as CONTENT_LENGTH says.", HEADERS))  # fmt: skip
    if reader.rest:
        fields.append(Field(reader.offset, len(reader.rest), "", shown(reader.rest),
                            "Nobody reads this: a connection carries one request.", "SCGI section 2"))  # fmt: skip
    return fields


def explain_response(data):
    """Every byte of an answer (bytes) that is one of a CGI program, as a list of `Field`. Raises NoHead."""
    fields, at = [], 0
    while line := HEAD_LINE.match(data, at):
        fields += [
            Field(line.start(group), len(line[group]), name, shown(line[group].strip()), meaning, section)
            for group, (name, meaning, section) in enumerate(LINE_PARTS, 1)
            if line[group]
        ]
        at = line.end()
    end = data.find(b"\n", at) + 1
    if not fields or data[at:end].strip(b"\r") != b"\n":
        raise NoHead("no header fields with an empty line behind them", at)
    fields.append(Field(at, end - at, "NL", "", "An empty line: here the header fields end.", "RFC 3875 section 6.2"))
    if end < len(data):
        fields.append(Field(end, len(data) - end, "body", shown(data[end:]),
                            "The body of the answer, up to the end of the connection.", "RFC 3875 section 6.4"))
    return fields


MEANINGS = {
    "CONTENT_LENGTH": ("Comes first, even if there is no body: nothing else marks the end of the request.", HEADERS),
    "SCGI": ("Says that this is SCGI, and could tell versions apart if there were more than 1.", HEADERS),
}
LINE_PARTS = [
    ("field-name", "The name of a header field; SCGI leaves open what an answer is, and everybody answers like CGI.",
     "RFC 3875 section 6.3"),
    (":", "Ends the name.", "RFC 3875 section 6.3"),
    ("field-value", "What it says. Status, if it is not 200, is one of them, and becomes the first line of HTTP.",
     "RFC 3875 section 6.3"),
    ("NL", "The end of the line.", "RFC 3875 section 6.3"),
]  # fmt: skip


def shown(data, longest=60):
    """Bytes as text for people, cut where it gets long."""
    text = data[:longest].decode("latin-1")
    return text if len(data) <= longest else f"{text}… ({len(data)} bytes)"
