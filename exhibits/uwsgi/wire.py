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

Left out: every modifier1 but 0, which uWSGI has for other languages, pings, caches and remote
calls. Nobody else may reach the socket of uWSGI: in a packet with modifier1 0 the variable
UWSGI_FILE names a file that it loads and runs.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from exhibits.shared.fields import CutOff, Malformed

HEADER = struct.Struct("<BHB")
LENGTH = struct.Struct("<H")
LONGEST = 0xFFFF  # bytes in all variables of a packet, or in one of them
HEAD_LIMIT = 64 * 1024  # bytes of an answer before its body
NO_BODY = 204, 304  # have none, whatever their header fields say (RFC 9112 section 6.3)

HTTP = re.compile(rb"[A-Z]{3}[A-Z ]")  # "GET ", "POST", but "HTTP" too
STATUS_LINE = re.compile(rb"(HTTP/\d\.\d)( )(\d{3})( ?)([^\r\n\0]*)(\r\n)")
FIELD_LINE = re.compile(rb"([\w!#$%&'*+.^`|~-]+)(:)([^\r\n\0]*)(\r\n)")
DIGITS = re.compile(r"\d{1,18}", re.ASCII)


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


def build_request(variables: dict[str, str], modifier2: int = 0) -> bytes:
    """The packet (bytes) of a request; its body follows as it is. ValueError where 16 bits do not suffice."""
    block = b"".join(
        LENGTH.pack(len(text)) + text.encode("latin-1")
        for variable in variables.items()
        for text in variable
        if len(text) <= LONGEST or too_long(text)
    )
    return HEADER.pack(0, len(block) if len(block) <= LONGEST else too_long(block), modifier2) + block


def too_long(what: str | bytes) -> NoReturn:
    raise ValueError(f"{len(what)} bytes do not fit into a packet, which has room for {LONGEST}")


def build_response(status: str, headers: list[tuple[str, str]]) -> bytes:
    """The head (bytes) of an answer. status: code and reason ("200 OK"); headers: as in `Response`."""
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode("latin-1")


# ---------------------------------------------------------------- reading


class Reader:
    """Bytes in, however they are cut, messages out: a head, `Body` for each piece of a body, `End`.

    One reader reads one message. `rest` holds the bytes that came behind it.
    """

    def __init__(self) -> None:
        self.buffer = bytearray()  # of the head, until it is whole
        self.left: int | None = None  # bytes of the body still to come, None until the head is whole
        self.offset = 0  # how many bytes have been understood
        self.rest = bytearray()
        self.ended = False

    def receive(self, data: bytes) -> list[Request | Response | Body | End]:
        """Take the next bytes (bytes); return a list of the messages they bring."""
        messages: list[Request | Response | Body | End] = []
        if self.left is None:
            self.buffer += data
            head, size = self.read_head()
            if head is None:
                return []
            messages.append(head)
            self.offset, data = size, bytes(self.buffer[size:])
            self.buffer.clear()
        left = self.left or 0
        body, data = data[:left], data[left:]
        if body:
            messages.append(Body(body))
            self.left = left - len(body)
            self.offset += len(body)
        if not self.left and not self.ended:
            self.ended = True
            messages.append(End())
        self.rest += data
        return messages

    def read_head(self) -> tuple[Request | Response | None, int]:
        """The head in the buffer and how many bytes it has, (None, 0) while it is not whole; sets `left`."""
        raise NotImplementedError

    def close(self) -> list[End]:
        """The peer has closed the connection: return the messages this completes. Raises CutOff."""
        if self.ended:
            return []
        raise CutOff("the connection ended before the message did", self.offset + len(self.buffer))


class RequestReader(Reader):
    """Reads a request, up to the end of its body."""

    def read_head(self) -> tuple[Request | None, int]:
        if len(self.buffer) < HEADER.size:
            return None, 0
        size, modifier2 = read_header(self.buffer, 0)
        if len(self.buffer) < size:
            return None, 0
        variables, self.left = read_variables(bytes(self.buffer[HEADER.size:size]), HEADER.size)
        return Request(variables, modifier2), size


class ResponseReader(Reader):
    """Reads the answer to a request with this method."""

    def __init__(self, method: str = "GET") -> None:
        super().__init__()
        self.method, self.to_the_end = method, False
        self.searched = 0  # bytes of the buffer in which no empty line begins

    def read_head(self) -> tuple[Response | None, int]:
        size = self.buffer.find(b"\r\n\r\n", self.searched) + 4
        self.searched = max(0, len(self.buffer) - 3)
        if max(size, len(self.buffer) if size < 4 else 0) > HEAD_LIMIT:
            raise Malformed("the header fields do not end", HEAD_LIMIT)
        if size < 4:
            return None, 0
        status, *fields = read_lines(bytes(self.buffer[:size]))
        headers = [(field[1].decode(), field[3].strip(b" \t").decode("latin-1")) for field in fields]
        self.left = response_length(int(status[3]), fields, self.method)
        self.to_the_end = self.left == END_OF_CONNECTION
        return Response(int(status[3]), status[5].decode("latin-1"), headers), size

    def close(self) -> list[End]:
        if self.to_the_end and not self.ended:
            self.ended = True
            return [End()]
        return super().close()


END_OF_CONNECTION = 1 << 62  # stands for the length of a body that the end of the connection ends


def read_header(data: bytes | bytearray, start: int) -> tuple[int, int]:
    """(where the packet ends, modifier2) of the packet that begins at start (int) and has its header there."""
    modifier1, size, modifier2 = HEADER.unpack_from(data, start)
    if modifier1:
        word = bytes(data[start:start + HEADER.size])
        if HTTP.fullmatch(word):
            raise Malformed(
                f'this is HTTP: "{word.decode("latin-1")}" means modifier1 {modifier1} and datasize {size} '
                f'("{word[1:3].decode()}") in uwsgi', start)
        raise Malformed(f"modifier1 is {modifier1}, and only 0 is a request for a WSGI program", start)
    return start + HEADER.size + size, modifier2


def read_variables(block: bytes, offset: int) -> tuple[dict[str, str], int]:
    """The variables in a block (bytes) that stands at offset in the stream, and the length of the body."""
    text = block.decode("latin-1")  # at once: cutting a str is cheaper than decoding every piece
    variables, length = {}, 0
    for key, key_end, value, value_end in positions(block, offset):
        name = text[key:key_end]
        if name in variables:
            raise Malformed(f"the variable {name} comes twice", offset + key)
        variables[name] = text[value:value_end]
        if name == "CONTENT_LENGTH":
            length = read_length(variables[name] or "0", offset + value)
    return variables, length


def positions(block: bytes, offset: int) -> Iterator[tuple[int, int, int, int]]:
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
            raise Malformed("a variable has no name", offset + start)
        yield key, key_end, value, value_end
        start = value_end


def beyond_the_end(block: bytes, start: int, offset: int) -> Malformed:
    """What is wrong with the variable at start, which does not fit into its block."""
    what = "key"
    while start + 2 <= len(block):
        size, left = block[start] | block[start + 1] << 8, len(block) - start - 2
        if size > left:
            return Malformed(f"a {what} of {size} bytes, and {left} are left", offset + start)
        start, what = start + 2 + size, "value"
    return Malformed(f"the packet ends where the size of a {what} belongs", offset + start)


def read_length(text: str, offset: int) -> int:
    if not DIGITS.fullmatch(text):
        raise Malformed(f"{text[:40]!r} is not the length of a body", offset)
    return int(text)


def read_lines(head: bytes) -> Iterator[re.Match[bytes]]:
    """The lines of an answer's head (bytes), as matches of STATUS_LINE and FIELD_LINE; the empty one is left out."""
    line = STATUS_LINE.match(head)
    if not line:
        raise Malformed("the answer does not begin with a status line", 0)
    while line:
        yield line
        end = line.end()
        line = FIELD_LINE.match(head, end)
    if end != len(head) - 2:
        raise Malformed("a line is no header field", end)


def response_length(status: int, fields: list[re.Match[bytes]], method: str) -> int:
    """How long the body is (RFC 9112 section 6.3); nobody sends chunks over uwsgi."""
    lengths = [field for field in fields if field[1].lower() == b"content-length"]
    if len(lengths) > 1:
        raise Malformed("there are two lengths of the body", lengths[1].start())
    if method == "HEAD" or status in NO_BODY:
        return 0
    if not lengths:
        return END_OF_CONNECTION
    return read_length(lengths[0][3].strip(b" \t").decode("latin-1"), lengths[0].start(3))
