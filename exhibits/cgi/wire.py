"""CGI's carrier, bytes to messages and back: an environment, standard input, standard output.

CGI has no bytes of its own on any network. What passes between server and program is
what the operating system passes to a new process: strings NAME=VALUE, each ended by
NUL (execve), and three streams. Standard input is the body as it is, CONTENT_LENGTH
bytes of it; standard output is a header block, an empty line and a body, and it takes
one of three forms (RFC 3875 section 6.2). "§" is a section of RFC 3875.

Left out: NPH output (§5), which is an HTTP response and passes unread.
"""

import re
from typing import NamedTuple

from exhibits.cgi_variables import meaning
from exhibits.fields import Field, Malformed

HEAD_LIMIT = 64 * 1024  # bytes of output before the empty line
FIELD = re.compile(rb"([!#$%&'*+.^`|~\w-]+)(:)([ \t]*)([^\r\n\0]*?)([ \t]*)(\r?\n)", re.ASCII)
BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")
STATUS = re.compile(rb"([2-5]\d\d)(?: ([\t -~\x80-\xff]*))?")
# Fields of the connection between two neighbours (RFC 9110 section 7.6.1): the server's own business.
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"}
WITHHELD = HOP_BY_HOP | {
    b"upgrade",  # is hop-by-hop too, but a script may answer with one (RFC 9110 section 15.5.22)
    b"authorization", b"proxy-authorization",  # credentials are not told to everybody (§4.1.18)
    b"content-length",  # is counted anew, without transfer-codings (§4.2)
    b"proxy",  # would be HTTP_PROXY, where HTTP clients look for their proxy (httpoxy, CVE-2016-5385)
}  # fmt: skip

CGI_FIELDS = ("content-type", "location", "status")


class NoEqualsSign(Malformed):
    """A string of the environment has no "=" behind a name."""


class RepeatedVariable(Malformed):
    """A meta-variable comes twice: its value would depend on who reads it."""


class NotEnded(Malformed):
    """The last string of the environment has no NUL at its end."""


class BadFieldLine(Malformed):
    """A line of the header block is no header field: no colon, a space in the name, a control character."""


class HeadTooLong(Malformed):
    """The header block does not end within 64 KiB."""


class HeadCutOff(Malformed):
    """The output ended before the empty line."""


class NoCGIField(Malformed):
    """None of Content-Type, Location and Status is there, and one has to be (§6.3)."""


class RepeatedCGIField(Malformed):
    """A CGI field comes twice: "a script MUST NOT" send one more than once (§6.3)."""


class BadStatus(Malformed):
    """Status is no number from 200 to 599."""


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


def build_environment(variables):
    """The block (bytes) of an environment. variables: bytes to bytes; ValueError where one cannot be in a block."""
    for name, value in variables.items():
        if not name or b"=" in name or b"\0" in name + value:
            raise ValueError(f"{name!r} with the value {value!r} cannot be in an environment")
    return b"".join(b"%s=%s\0" % variable for variable in variables.items())


def parse_environment(block):
    """The variables (bytes to bytes) of a block; raises the errors above."""
    variables = {}
    for offset, string in strings(block):
        name, equals, value = string.partition(b"=")
        if not name or not equals:
            raise NoEqualsSign(f"{string[:40]!r} is not NAME=VALUE", offset)
        if name in variables:
            raise RepeatedVariable(f"{name!r} is there twice", offset)
        variables[name] = value
    return variables


def strings(block):
    """(offset, bytes) of each string in a block, without the NUL that ends it."""
    offset = 0
    while offset < len(block):
        end = block.find(b"\0", offset)
        if end < 0:
            raise NotEnded("the last string has no NUL", len(block))
        yield offset, block[offset:end]
        offset = end + 1


# ---------------------------------------------------------------- the request


def header_variables(headers):
    """The header fields of a request as meta-variables (§4.1.18)."""
    variables = {}
    for name, value in headers:
        if name in WITHHELD or b"_" in name:  # X_Mood would pass for X-Mood: both are HTTP_X_MOOD
            continue
        key = b"CONTENT_TYPE" if name == b"content-type" else b"HTTP_" + name.upper().replace(b"-", b"_")
        if key in variables:
            # Repeated fields become one. A comma would not separate cookies (RFC 9113 section 8.2.3).
            value = variables[key] + (b"; " if name == b"cookie" else b", ") + value
        variables[key] = value
    return variables


# ---------------------------------------------------------------- the answer


class ResponseReader:
    """Standard output in, however it is cut: `feed` returns the Response once its header block is whole.

    `rest` then holds the bytes of the body that have come already.
    """

    def __init__(self):
        self.buffer = bytearray()
        self.rest = b""

    def feed(self, data):
        """Take the next bytes; return the Response, or None while its end has not come."""
        searched = max(0, len(self.buffer) - 3)
        self.buffer += data
        end = BLANK_LINE.search(self.buffer, searched)
        if (end.end() if end else len(self.buffer)) > HEAD_LIMIT:
            raise HeadTooLong("the header block is too long", HEAD_LIMIT)
        if end is None:
            return None
        self.rest = bytes(self.buffer[end.end() :])
        return parse_head(bytes(self.buffer[: end.end()]))

    def close(self):
        """The output has ended: raises HeadCutOff."""
        raise HeadCutOff("the output ends before the empty line", len(self.buffer))


def parse_head(block):
    """The Response of a whole header block (bytes, its empty line included)."""
    cgi, headers, offset = {}, [], 0
    while block[offset:] not in (b"\n", b"\r\n"):
        line = FIELD.match(block, offset)
        if not line:
            raise BadFieldLine("this line is no header field", offset)
        name, value = line[1], line[4]
        key = name.decode().lower()
        if key in cgi:
            raise RepeatedCGIField(f"{key} is there twice", offset)
        if key in CGI_FIELDS:
            cgi[key] = offset, value
        if key != "status":
            headers.append((name, value))
        offset = line.end()
    if not cgi:
        raise NoCGIField("Content-Type, Location or Status is missing", offset)
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
            raise BadStatus(f"{said[:20]!r} is no status code", where)
        status, reason = int(code[1]), code[2] or b""
    elif form == "client redirect with document":
        status = 302
    return Response(form, status, reason, headers, location, len(block))


def build_response(headers, status=None):
    """The header block (bytes) a program prints. headers: (name, value) as bytes; status: b"404 Not Found"."""
    lines = [(b"Status", status)] if status else []
    return b"".join(b"%s: %s\r\n" % field for field in [*lines, *headers]) + b"\r\n"


# ---------------------------------------------------------------- explaining


def explain_environ(block):
    """Every byte of an environment, as a list of Field."""
    parse_environment(block)
    fields = []
    for _, string in strings(block):
        name, _, value = string.decode("latin-1").partition("=")
        sentence, section = meaning(name)
        add(fields, name, "name", name, sentence, section)
        add(fields, "=", "=", "=", "Between the name and the value, by the custom of every Unix.", "environ(7)")
        add(fields, value, name, value, sentence, section)
        add(fields, "\0", "NUL", "0", "Ends the string: no value can hold this byte.", "execve(2)")
    return fields


def explain_stdin(data):
    """Standard input: the body, as it is."""
    fields = []
    add(fields, data.decode("latin-1"), "body", f"{len(data)} bytes",
        "The body of the request, with no framing of its own: CONTENT_LENGTH says where it ends.",
        "RFC 3875 section 4.2")
    return fields


def explain_stdout(data):
    """Every byte of what a program prints, as a list of Field."""
    reader = ResponseReader()
    response = reader.feed(data) or reader.close()
    fields, offset = [], 0
    while line := FIELD.match(data[: response.length], offset):
        name, colon, before, value, after, end = (part.decode("latin-1") for part in line.groups())
        section, sentence = ANSWER_FIELDS.get(name.lower(), ("RFC 3875 section 6.3.4", "Passed on as it is."))
        add(fields, name, "field name", name, sentence, section)
        add(fields, colon + before, ":", ":", "Ends the name of the field.", "RFC 3875 section 6.3")
        add(fields, value, name, value, sentence, section)
        add(fields, after + end, "line end", "CR LF" if "\r" in end else "LF",
            "Ends the field; a server accepts LF and CR LF.", "RFC 3875 section 7.2")
        offset = line.end()
    add(fields, data[offset : response.length].decode("latin-1"), "empty line", "CR LF",
        f"Ends the header fields. This answer is a {response.form}.", "RFC 3875 section 6.2")
    add(fields, data[response.length :].decode("latin-1"), "body", f"{len(data) - response.length} bytes",
        "The body of the answer, until the program closes its standard output.", "RFC 3875 section 6.4")
    return fields


def explain_stderr(data):
    """Standard error, as it is."""
    fields = []
    add(fields, data.decode("latin-1"), "log", f"{len(data)} bytes",
        "What the program says to whoever runs the server; a visitor never sees it.", "not in RFC 3875")
    return fields


ANSWER_FIELDS = {
    "content-type": ("RFC 3875 section 6.3.1", "The media type of the body: needed wherever there is one."),
    "location": ("RFC 3875 section 6.3.2", "Where to go instead: with a path, the server goes there itself."),
    "status": ("RFC 3875 section 6.3.3", "The status code and reason; without it the answer is a 200. The server "
                                  "makes the first line of the HTTP response from it."),
}  # fmt: skip


def add(fields, text, name, value, meaning, section):
    """Add a Field for the text that follows the last one; nothing for no text."""
    if text:
        end = fields[-1].offset + fields[-1].length if fields else 0
        fields.append(Field(end, len(text), name, value, meaning, section))
