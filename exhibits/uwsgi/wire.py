"""The uwsgi protocol, bytes to messages and back: a packet of binary variables, then the body of the request.

     modifier1   datasize, little-endian   modifier2
    +----------+-------------------------+----------+
    | 1 byte   | 2 bytes                 | 1 byte   |   uwsgi_packet_header
    +----------+-------------------------+----------+
    | key_size  2 bytes, little-endian  | key       |   uwsgi_var, as often as datasize has room for
    | val_size  2 bytes, little-endian  | val       |
    +-----------------------------------------------+
    | the body, CONTENT_LENGTH bytes of it          |
    +-----------------------------------------------+

The answer is not packed at all: an HTTP response, which ends where its Content-Length
says or where the connection does. "§" names a section of "The uwsgi Protocol",
https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html.

Left out: every modifier1 but 0. uWSGI has about forty, for other languages, pings, caches
and remote calls; 22 runs the Python code in the packet, so nobody else may reach its socket.
"""

import re
import struct
from typing import NamedTuple

from exhibits.cgi_variables import meaning
from exhibits.fields import Field, Malformed

HEADER = struct.Struct("<BHB")
LENGTH = struct.Struct("<H")
LONGEST = 0xFFFF  # bytes in all variables of a packet, or in one of them
HEAD_LIMIT = 64 * 1024  # bytes of an answer before its body
NO_BODY = 204, 304  # have none, whatever their header fields say (RFC 9112 section 6.3)

HTTP = re.compile(rb"[A-Z]{3}[A-Z ]")  # "GET ", "POST", but "HTTP" too
STATUS_LINE = re.compile(rb"(HTTP/\d\.\d)( )(\d{3})( ?)([^\r\n\0]*)(\r\n)")
FIELD_LINE = re.compile(rb"([\w!#$%&'*+.^`|~-]+)(:)([^\r\n\0]*)(\r\n)")
DIGITS = re.compile(r"\d{1,18}", re.ASCII)


class HTTPSpoken(Malformed):
    """Somebody speaks HTTP here: "GET " makes datasize 21573, the number in uWSGI's log that everybody looks up."""


class UnknownModifier(Malformed):
    """modifier1 is not 0: no request for a WSGI program."""


class SizeCutOff(Malformed):
    """The packet ends inside a key_size or val_size, or where a val_size has to follow."""


class Overrun(Malformed):
    """A key or value is longer than what is left of the packet."""


class EmptyKey(Malformed):
    """A variable has no name."""


class RepeatedKey(Malformed):
    """A variable comes twice, but "the uwsgi block vars represent a dictionary" (§ The uwsgi vars)."""


class BadContentLength(Malformed):
    """The length of the body is no whole number, or there are two."""


class CutOff(Malformed):
    """The connection ended before the message did."""


class Excess(Malformed):
    """Bytes follow the end of an answer."""


class NoStatusLine(Malformed):
    """The answer does not begin like an HTTP response."""


class BadFieldLine(Malformed):
    """A line in the head of the answer is no header field."""


class HeadTooLong(Malformed):
    """The head of the answer goes on for more than 64 KiB."""


class Request(NamedTuple):
    """A packet. variables: str to str, each character standing for a byte, as in a WSGI environ (PEP 3333)."""

    variables: dict[str, str]
    modifier2: int = 0


class Response(NamedTuple):
    """The head of an answer. headers: (name, value) pairs, each character standing for a byte."""

    status: int
    reason: str
    headers: list[tuple[str, str]]


class Body(NamedTuple):
    """The next bytes of a body."""

    data: bytes


class End(NamedTuple):
    """The message is complete."""


# ---------------------------------------------------------------- writing


def build_request(variables, modifier2=0):
    """The packet (bytes) of a request; its body follows as it is. ValueError where 16 bits do not suffice."""
    block = b"".join(
        LENGTH.pack(len(text)) + text.encode("latin-1")
        for variable in variables.items()
        for text in variable
        if len(text) <= LONGEST or too_long(text)
    )
    return HEADER.pack(0, len(block) if len(block) <= LONGEST else too_long(block), modifier2) + block


def too_long(what):
    raise ValueError(f"{len(what)} bytes do not fit into a packet, which has room for {LONGEST}")


def build_response(status, headers):
    """The head (bytes) of an answer. status: code and reason ("200 OK"); headers: as in `Response`."""
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode("latin-1")


# ---------------------------------------------------------------- reading


class Reader:
    """Bytes in, however they are cut, messages out: a head, `Body` for each piece of a body, `End`.

    One reader reads one message. `rest` holds the bytes that came behind it.
    """

    def __init__(self):
        self.buffer = bytearray()  # of the head, until it is whole
        self.left = None  # bytes of the body still to come, None until the head is whole
        self.offset = 0  # how many bytes have been understood
        self.rest = b""
        self.ended = False

    def receive(self, data):
        """Take the next bytes (bytes); return a list of the messages they bring."""
        messages = []
        if self.left is None:
            self.buffer += data
            head, size = self.read_head()
            if head is None:
                return []
            messages.append(head)
            self.offset, data = size, bytes(self.buffer[size:])
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
        """The peer has closed the connection: return the messages this completes. Raises CutOff."""
        if self.ended:
            return []
        raise CutOff("the connection ended before the message did", self.offset + len(self.buffer))


class RequestReader(Reader):
    """Reads a request, up to the end of its body."""

    def read_head(self):
        if len(self.buffer) < HEADER.size:
            return None, 0
        size, modifier2 = read_header(self.buffer, 0)
        if len(self.buffer) < size:
            return None, 0
        variables, self.left = read_variables(bytes(self.buffer[HEADER.size:size]), HEADER.size)
        return Request(variables, modifier2), size


class ResponseReader(Reader):
    """Reads the answer to a request with this method."""

    def __init__(self, method="GET"):
        super().__init__()
        self.method, self.to_the_end = method, False

    def read_head(self):
        size = self.buffer.find(b"\r\n\r\n") + 4
        if max(size, len(self.buffer) if size < 4 else 0) > HEAD_LIMIT:
            raise HeadTooLong("the header fields do not end", HEAD_LIMIT)
        if size < 4:
            return None, 0
        status, *fields = read_lines(bytes(self.buffer[:size]))
        headers = [(field[1].decode(), field[3].strip(b" \t").decode("latin-1")) for field in fields]
        self.left = response_length(int(status[3]), fields, self.method)
        self.to_the_end = self.left == END_OF_CONNECTION
        return Response(int(status[3]), status[5].decode("latin-1"), headers), size

    def close(self):
        if self.to_the_end and not self.ended:
            self.ended = True
            return [End()]
        return super().close()


END_OF_CONNECTION = 1 << 62  # stands for the length of a body that the end of the connection ends


def read_header(data, start):
    """(where the packet ends, modifier2) of the packet that begins at start (int) and has its header there."""
    modifier1, size, modifier2 = HEADER.unpack_from(data, start)
    if modifier1:
        word = bytes(data[start:start + HEADER.size])
        if HTTP.fullmatch(word):
            raise HTTPSpoken(
                f'this is HTTP: "{word.decode("latin-1")}" means modifier1 {modifier1} and datasize {size} '
                f'("{word[1:3].decode()}") in uwsgi', start)  # fmt: skip
        raise UnknownModifier(f"modifier1 is {modifier1}, and only 0 is a request for a WSGI program", start)
    return start + HEADER.size + size, modifier2


def read_variables(block, offset):
    """The variables in a block (bytes) that stands at offset in the stream, and the length of the body."""
    text = block.decode("latin-1")  # at once: cutting a str is cheaper than decoding every piece
    variables, length = {}, 0
    for key, key_end, value, value_end in positions(block, offset):
        name = text[key:key_end]
        if name in variables:
            raise RepeatedKey(f"the variable {name} comes twice", offset + key)
        variables[name] = text[value:value_end]
        if name == "CONTENT_LENGTH":
            length = read_length(variables[name] or "0", offset + value)
    return variables, length


def positions(block, offset):
    """Where each key and value stands in a block: (start, end, start, end)."""
    start, end = 0, len(block)
    while start < end:
        try:
            key = start + 2
            key_end = key + (block[start] | block[start + 1] << 8)
            value = key_end + 2
            value_end = value + (block[key_end] | block[key_end + 1] << 8)
        except IndexError:
            value_end = end + 1
        if value_end > end:
            raise beyond_the_end(block, start, offset)
        if key == key_end:
            raise EmptyKey("a variable has no name", offset + start)
        yield key, key_end, value, value_end
        start = value_end


def beyond_the_end(block, start, offset):
    """What is wrong with the variable at start, which does not fit into its block."""
    for what in "key", "value":
        if start + 2 > len(block):
            return SizeCutOff(f"the packet ends where the size of a {what} belongs", offset + start)
        size = block[start] | block[start + 1] << 8
        if size > len(block) - start - 2:
            return Overrun(f"a {what} of {size} bytes, and {len(block) - start - 2} are left", offset + start)
        start += 2 + size


def read_length(text, offset):
    if not DIGITS.fullmatch(text):
        raise BadContentLength(f"{text[:40]!r} is not the length of a body", offset)
    return int(text)


def read_lines(head):
    """The lines of an answer's head (bytes), as matches of STATUS_LINE and FIELD_LINE; the empty one is left out."""
    line = STATUS_LINE.match(head)
    if not line:
        raise NoStatusLine("the answer does not begin with a status line", 0)
    while line:
        yield line
        end = line.end()
        line = FIELD_LINE.match(head, end)
    if end != len(head) - 2:
        raise BadFieldLine("a line is no header field", end)


def response_length(status, fields, method):
    """How long the body is (RFC 9112 section 6.3); nobody sends chunks over uwsgi."""
    lengths = [field for field in fields if field[1].lower() == b"content-length"]
    if len(lengths) > 1:
        raise BadContentLength("there are two lengths of the body", lengths[1].start())
    if method == "HEAD" or status in NO_BODY:
        return 0
    if not lengths:
        return END_OF_CONNECTION
    return read_length(lengths[0][3].strip(b" \t").decode("latin-1"), lengths[0].start(3))


# ---------------------------------------------------------------- explaining

PACKET, VARS = "The uwsgi Protocol § uwsgi packet header", "The uwsgi Protocol § The uwsgi vars"
TYPES = "The uwsgi Protocol § Packet descriptions"


def shown(data, longest=60):
    """Bytes as text for people, cut where it gets long."""
    text = data[:longest].decode("latin-1")
    return text if len(data) <= longest else f"{text}… ({len(data)} bytes)"


def explain_request(data):
    """Every byte of one request (bytes) or of several, as a list of `Field`."""
    fields, start = [], 0
    while start < len(data):
        if len(data) - start < HEADER.size:
            raise CutOff("the packet header is not complete", len(data))
        end, modifier2 = read_header(data, start)
        if len(data) < end:
            raise CutOff("the variables are not complete", len(data))
        fields += [
            Field(start, 1, "modifier1", "0", "The type of the packet: 0 is a request for a WSGI program.", TYPES),
            Field(start + 1, 2, "datasize", str(end - start - 4),
                  "How many bytes of variables follow, the low byte first: 65535 at most.", PACKET),
            Field(start + 3, 1, "modifier2", str(modifier2), "More about the type; 0 for WSGI.", PACKET),
        ]  # fmt: skip
        block, offset = data[start + 4:end], start + 4
        _, length = read_variables(block, offset)
        for key, key_end, value, value_end in positions(block, offset):
            name, text = block[key:key_end].decode("latin-1"), shown(block[value:value_end])
            sentence, section = meaning(name)
            fields += [
                Field(offset + key - 2, 2, "key_size", str(key_end - key),
                      "The length of the name that follows, the low byte first.", VARS),
                Field(offset + key, key_end - key, "key", name, sentence, section),
                Field(offset + value - 2, 2, "val_size", str(value_end - value),
                      "The length of the value that follows, the low byte first.", VARS),
            ]  # fmt: skip
            if value < value_end:  # an empty value takes no bytes
                fields.append(Field(offset + value, value_end - value, "val", text, f"The value of {name}.", section))
        start = end + length
        if start > len(data):
            raise CutOff("the body is not complete", len(data))
        if length:
            fields.append(Field(end, length, "body", shown(data[end:start]),
                                "The body of the request, as long as CONTENT_LENGTH says.", TYPES))  # fmt: skip
    return fields


def explain_response(data, method="GET"):
    """Every byte of the answer (bytes) to a request with this method, as a list of `Field`."""
    reader = ResponseReader(method)
    reader.receive(data)
    if not reader.offset:
        reader.close()  # raises CutOff
    size = data.index(b"\r\n\r\n") + 4
    if not reader.ended and not reader.to_the_end:
        raise CutOff("the body is not complete", len(data))
    if reader.rest:
        raise Excess("the answer is longer than its Content-Length", reader.offset)
    fields = []
    for line in read_lines(data[:size]):
        fields += [
            Field(line.start(group), len(line[group]), name, shown(line[group].strip()), meaning, section)
            for group, (name, meaning, section) in enumerate(STATUS_PARTS if line.re is STATUS_LINE else FIELD_PARTS, 1)
            if line[group]
        ]
    fields.append(Field(size - 2, 2, "CRLF", "", "An empty line: here the head ends.", "RFC 9112 section 2.1"))
    if size < len(data):
        fields.append(Field(size, len(data) - size, "body", shown(data[size:]),
                            "The body of the answer, up to its Content-Length or the end of the connection.",
                            "RFC 9112 section 6.3"))  # fmt: skip
    return fields


STATUS_PARTS = [
    ("HTTP-version", 'The answer is HTTP. Read as a uwsgi packet it would have modifier1 72, "H".', TYPES),
    ("SP", "A space.", "RFC 9112 section 4"),
    ("status-code", "How it went.", "RFC 9110 section 15"),
    ("SP", "A space.", "RFC 9112 section 4"),
    ("reason-phrase", "The same for people; no program may rely on it.", "RFC 9112 section 4"),
    ("CRLF", "The end of the line.", "RFC 9112 section 2.1"),
]
FIELD_PARTS = [
    ("field-name", "The name of a header field, in capitals or not.", "RFC 9110 section 5.1"),
    (":", "Ends the name.", "RFC 9112 section 5"),
    ("field-value", "What it says; white space around it does not count.", "RFC 9110 section 5.5"),
    ("CRLF", "The end of the line.", "RFC 9112 section 2.1"),
]
