"""CGI's carrier, bytes to messages and back: an environment, standard input, standard output.

CGI has no bytes of its own on any network. What passes between server and program is
what the operating system passes to a new process: strings NAME=VALUE, each ended by
NUL (execve), and three streams. Standard input is the body as it is, CONTENT_LENGTH
bytes of it; standard output is a header block, an empty line and a body, and it takes
one of three forms (RFC 3875 section 6.2). "§" is a section of RFC 3875.

Left out: NPH output (§5.2), which is an HTTP response and passes unread.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, NoReturn

from exhibits.shared.fields import CutOff, Malformed

HEAD_LIMIT = 64 * 1024  # bytes of output before the empty line
# Possessive (*+): no part gives back what another could take, or spaces without end would take time without end.
FIELD = re.compile(rb"([!#$%&'*+.^`|~\w-]+)(:)([ \t]*+)((?:[ \t]*+[^ \t\r\n\0]++)*+)([ \t]*+)(\r?\n)", re.ASCII)
BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")
STATUS = re.compile(rb"([2-5]\d\d)(?: ([\t -~\x80-\xff]*))?")
# Fields of the connection between two neighbours (RFC 9110 section 7.6.1): the server's own business.
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"}
WITHHELD = HOP_BY_HOP | {
    b"upgrade",  # is hop-by-hop too, but a script may answer with one (RFC 9110 section 15.5.22)
    b"authorization", b"proxy-authorization",  # credentials are not told to everybody (§4.1.18)
    b"content-length",  # is counted anew, without transfer-codings (§4.2)
    b"proxy",  # would be HTTP_PROXY, where HTTP clients look for their proxy (httpoxy, CVE-2016-1000110)
}

CGI_FIELDS = ("content-type", "location", "status")


class Response(NamedTuple):
    """The header block of an answer.

    form: "document" (§6.2.1), "local redirect" (§6.2.2), "client redirect" (§6.2.3)
        or "client redirect with document" (§6.2.4).
    status: the code (int): what Status says, else 302 for a client redirect, else 200.
    reason: the words behind it (bytes), b"" where there are none.
    headers: every field but Status, (name, value) as bytes, in their order.
    location: what Location says (bytes), or None.
    length: how many bytes the block has, the empty line included.
    """

    form: str
    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    location: bytes | None
    length: int


# ---------------------------------------------------------------- the environment


def build_environment(variables: dict[bytes, bytes]) -> bytes:
    """The block (bytes) of an environment. variables: bytes to bytes; ValueError where one cannot be in a block."""
    for name, value in variables.items():
        if not name or b"=" in name or b"\0" in name + value:
            raise ValueError(f"{name!r} with the value {value!r} cannot be in an environment")
    return b"".join(b"%s=%s\0" % variable for variable in variables.items())


def parse_environment(block: bytes) -> dict[bytes, bytes]:
    """The variables (bytes to bytes) of a block; raises Malformed."""
    variables = {}
    for offset, string in strings(block):
        name, equals, value = string.partition(b"=")
        if not name or not equals:
            raise Malformed(f"{string[:40]!r} is not NAME=VALUE", offset)
        if name in variables:
            raise Malformed(f"{name!r} is there twice", offset)
        variables[name] = value
    return variables


def strings(block: bytes) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of each string in a block, without the NUL that ends it."""
    offset = 0
    while offset < len(block):
        end = block.find(b"\0", offset)
        if end < 0:
            raise Malformed("the last string has no NUL", len(block))
        yield offset, block[offset:end]
        offset = end + 1


# ---------------------------------------------------------------- the request


def header_variables(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The header fields of a request as meta-variables (§4.1.18)."""
    variables = {}
    for name, value in headers:
        if name in WITHHELD or b"_" in name:  # X_Mood would pass for X-Mood: both are HTTP_X_MOOD
            continue
        key = b"CONTENT_TYPE" if name == b"content-type" else b"HTTP_" + name.upper().replace(b"-", b"_")
        variables.setdefault(key, []).append(value)
    # Repeated fields become one. A comma would not separate cookies (RFC 9113 section 8.2.3).
    return {key: (b"; " if key == b"HTTP_COOKIE" else b", ").join(values) for key, values in variables.items()}


# ---------------------------------------------------------------- the answer


class ResponseReader:
    """Standard output in, however it is cut: `feed` returns the Response once its header block is whole.

    `rest` then holds the bytes of the body that have come already.
    """

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.rest = b""

    def feed(self, data: bytes) -> Response | None:
        """Take the next bytes; return the Response, or None while its end has not come."""
        searched = max(0, len(self.buffer) - 3)
        self.buffer += data
        end = BLANK_LINE.search(self.buffer, searched)
        if (end.end() if end else len(self.buffer)) > HEAD_LIMIT:
            raise Malformed("the header block is too long", HEAD_LIMIT)
        if end is None:
            return None
        self.rest = bytes(self.buffer[end.end() :])
        return parse_head(bytes(self.buffer[: end.end()]))

    def close(self) -> NoReturn:
        """The output has ended: raises CutOff."""
        raise CutOff("the output ends before the empty line", len(self.buffer))


class Output:
    """What a CGI-shaped program prints, on its way to a web server that hands it on: the header block is looked at.

    Web servers pass on what would be another answer than the program has in mind (a 103), or none (a status of 1000).
    """

    def __init__(self) -> None:
        self.reader, self.passes = ResponseReader(), False

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return those that can be sent: none until the block has its end. Raises Malformed."""
        if self.passes:
            return data
        head = self.reader.feed(data)
        if head is None:
            return b""
        self.passes, block = True, bytes(self.reader.buffer[: head.length])
        if head.status == 204:  # RFC 9110 section 8.6
            headers = [field for field in head.headers if field[0].lower() != b"content-length"]
            block = build_response(headers, b"204 %b" % head.reason)
        return block + self.reader.rest


def parse_head(block: bytes) -> Response:
    """The Response of a whole header block (bytes, its empty line included)."""
    cgi, headers, offset = {}, [], 0
    while not block.startswith((b"\n", b"\r\n"), offset):
        line = FIELD.match(block, offset)
        if not line:
            raise Malformed("this line is no header field", offset)
        name, value = line[1], line[4]
        key = name.decode().lower()
        if key in cgi:
            raise Malformed(f"{key} is there twice", offset)
        if key in CGI_FIELDS:
            cgi[key] = offset, value
        if key != "status":
            headers.append((name, value))
        offset = line.end()
    if not cgi:
        raise Malformed("Content-Type, Location or Status is missing", offset)
    location = cgi.get("location", (0, None))[1]
    alone = len(headers) == 1 and "status" not in cgi
    if location is not None and alone:
        form, status = ("local redirect", 200) if location.startswith(b"/") else ("client redirect", 302)
    else:
        form, status = "client redirect with document" if location is not None else "document", 200
    reason = b""
    if "status" in cgi:
        where, said = cgi["status"]
        code = STATUS.fullmatch(said)
        if not code:
            raise Malformed(f"{said[:20]!r} is no status code", where)
        status, reason = int(code[1]), code[2] or b""
    elif form == "client redirect with document":
        status = 302
    return Response(form, status, reason, headers, location, len(block))


def build_response(headers: Iterable[tuple[bytes, bytes]], status: bytes | None = None) -> bytes:
    """The header block (bytes) a program prints. headers: (name, value) as bytes; status: b"404 Not Found"."""
    lines = [(b"Status", status)] if status else []
    return b"".join(b"%s: %s\r\n" % field for field in [*lines, *headers]) + b"\r\n"
