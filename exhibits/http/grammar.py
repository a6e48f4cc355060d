"""The grammar of HTTP/1.1, written once: what a line, a target, a host, a length may look like (RFC 9112).

All of it is bytes. "§" is a section of RFC 9112 where no other RFC is named. What the RFC leaves to
the reader is read strictly, for two readers who understand a length differently are what request
smuggling needs (§11.2): a line ends with CR LF and never with LF alone (§2.2), no line is folded
(§5.2), and a length is said once: "5, 5" may be taken for 5 (§6.3), but no honest client sends it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address

from exhibits.shared import fields

TOKEN = rb"[\w!#$%&'*+.^`|~-]++"  # RFC 9110 section 5.6.2
TEXT = rb"[\t -~\x80-\xff]*+"  # no control character but the tab (RFC 9110 section 5.5)
REQUEST_LINE = re.compile(rb"(%b)( )([!-~]+)( )(HTTP/(\d)\.(\d))(\r\n)" % TOKEN)
STATUS_LINE = re.compile(rb"(HTTP/(\d)\.(\d))( )([1-9]\d\d)( |(?=\r))(%b)(\r\n)" % TEXT)
FIELD_LINE = re.compile(rb"^(%b):(%b)\r\n" % (TOKEN, TEXT), re.MULTILINE)
QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+"'  # RFC 9110 section 5.6.4
EXTENSION = rb"[\t ]*;[\t ]*%b(?:[\t ]*=[\t ]*(?:%b|%b))?" % (TOKEN, TOKEN, QUOTED)
CHUNK_LINE = re.compile(rb"\r\n([\da-fA-F]++)((?:%b)*+)(?=\r\n)" % EXTENSION)  # with the end of the line before it
LONE_LF = re.compile(rb"(?<!\r)\n")
DIGITS = re.compile(rb"\d+")

ORIGIN = re.compile(rb'(/[!"$->@-~]*)(?:\?([!"$-~]*))?')  # §3.2.1; more than RFC 3986 allows, as browsers send it
ABSOLUTE = re.compile(rb'([A-Za-z][\w+.-]*)://([^/?#]*)(/[!"$->@-~]*)?(?:\?([!"$-~]*))?')  # §3.2.2
NAME = rb"(?:[\w.~!$&'()*+,;=-]|%[\da-fA-F]{2})*+"  # RFC 3986 section 3.2.2: reg-name, and IPv4 looks like one
HOST = re.compile(rb"(%b|\[([\da-fA-F:.]+)\]|\[v[\da-fA-F]+\.[\w.~!$&'()*+,;=:-]+\])(?::(\d*))?" % NAME)

LONGEST = 1 << 60  # bytes of a body, or of a chunk
CHUNKED, TO_THE_END = -1, 1 << 62  # stand for the length of a body that chunks measure, or the connection's end
NO_BODY = 204, 304  # have none, whatever their header fields say (§6.3)

Headers = list[tuple[bytes, bytes]]  # header fields, each a name and a value
Where = Callable[[bytes], int]  # the offset of the field with a name, b"" standing for the target


def nowhere(_: bytes) -> int:
    return 0


class BadMessage(fields.Malformed):
    """Bytes that no message may hold, or more of them than are taken. status (int): what to answer; then to close."""

    def __init__(self, sentence: str, offset: int, status: int = 400) -> None:
        super().__init__(sentence, offset)
        self.sentence, self.status = sentence, status


class CutOff(BadMessage, fields.CutOff):
    """The connection ended before the message did."""


def join(headers: Headers) -> dict[bytes, bytes]:
    """Name to value, the values of repeated fields joined by commas (RFC 9110 section 5.3)."""
    joined = dict(headers)
    if len(joined) < len(headers):
        values: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            values.setdefault(name, []).append(value)
        joined = {name: b", ".join(each) for name, each in values.items()}
    return joined


def options(joined: dict[bytes, bytes]) -> list[bytes]:
    """What Connection asks for (RFC 9110 section 7.6.1)."""
    value = joined.get(b"connection")
    return [option.strip(b" \t") for option in value.lower().split(b",")] if value else []


def split_target(method: bytes, target: bytes, where: Where = nowhere) -> tuple[bytes, bytes, bytes | None]:
    """Path, query and, where the target names one, host of a request-target (§3.2). Raises BadMessage."""
    origin = ORIGIN.fullmatch(target)
    if origin and method != b"CONNECT":
        return origin[1], origin[2] or b"", None
    if method == b"OPTIONS" and target == b"*":
        return b"*", b"", None
    absolute, host = ABSOLUTE.fullmatch(target), HOST.fullmatch(target)
    if method == b"CONNECT" and host and host[1] and host[3] and is_host(target):
        return b"", b"", target
    if method == b"CONNECT" or not absolute or not absolute[2] or not is_host(absolute[2]):
        raise BadMessage("the target of the request is no path, and no http:// address", where(b""))
    scheme, authority, path, query = absolute.groups()
    if scheme.lower() != b"http":  # RFC 9110 section 7.4: others have conditions, which nobody has checked here
        raise BadMessage(f"{scheme.decode()} is not spoken here, but http", where(b""), 421)
    return path or (b"*" if method == b"OPTIONS" and query is None else b"/"), query or b"", authority


@lru_cache(maxsize=16)
def is_host(value: bytes) -> bool:
    """Whether it is a host, maybe with a port, as in Host and in targets (RFC 9110 section 7.2)."""
    host = HOST.fullmatch(value)
    try:
        return bool(host and (host[2] is None or IPv6Address(host[2].decode())))
    except ValueError:
        return False


def body_length(joined: dict[bytes, bytes], version: bytes, where: Where = nowhere) -> int | None:
    """How long a body the header fields announce (§6.3): bytes, CHUNKED, or None where they do not. Raises BadMessage.

    A repeated field is a list with a comma, and no list is a length: so two lengths are refused, also equal ones.
    """
    coding, length = joined.get(b"transfer-encoding"), joined.get(b"content-length")
    if coding is not None:
        here = where(b"transfer-encoding")
        codings = [each for part in coding.lower().split(b",") if (each := part.strip(b" \t"))]  # RFC 9110 §5.6.1.2
        if version == b"1.0":
            raise BadMessage("HTTP/1.0 knows no Transfer-Encoding", here)  # §6.1
        if length is not None:
            raise BadMessage("there are a Transfer-Encoding and a Content-Length", here)
        if b"chunked" in codings[:-1] or codings[-1:] != [b"chunked"]:
            raise BadMessage("chunked is not the last Transfer-Encoding, or there twice", here)
        if len(codings) > 1:
            raise BadMessage("no Transfer-Encoding but chunked is taken", here, 501)  # §6.1
        return CHUNKED
    if length is None:
        return None
    if not DIGITS.fullmatch(length):
        raise BadMessage("the Content-Length is not one whole number", where(b"content-length"))
    if len(length) > 30 or int(length) > LONGEST:
        raise BadMessage("the Content-Length is more than anybody takes", where(b"content-length"), 413)
    return int(length)


def bad_field_line(data: bytes | bytearray, at: int, offset: int) -> BadMessage:
    """What is wrong with the first line from `at` on that is no field line."""
    while line := FIELD_LINE.match(data, at):
        at = line.end()
    wrong = next(sentence for pattern, sentence in WRONG_LINES if pattern.match(data, at))
    return BadMessage(wrong, offset + at)


WRONG_LINES = [
    (re.compile(rb"[ \t]"), "a field line begins with white space"),  # §5.2: folding is deprecated
    (re.compile(rb"%b[ \t]++:" % TOKEN), "white space stands between a field's name and its colon"),  # §5.1
    (re.compile(rb"%b:%b\n" % (TOKEN, TEXT)), "a line ends with LF, and not with CR LF"),
    (re.compile(rb"%b:" % TOKEN), "a field's value holds a control character"),
    (re.compile(rb""), "a line is no header field"),
]
