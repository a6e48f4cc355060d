"""FastCGI 1.0, bytes to messages and back: records, which carry what a CGI program had as environment and streams.

     version  type     requestId  contentLength  paddingLength  reserved
    +--------+--------+----------+--------------+--------------+---------+
    | 1 byte | 1 byte | 2 bytes  | 2 bytes      | 1 byte       | 1 byte  |   big-endian, all numbers
    +--------+--------+----------+--------------+--------------+---------+
    | contentData, contentLength bytes     | paddingData, ignored        |
    +--------------------------------------+-----------------------------+

A request is BEGIN_REQUEST, then PARAMS and STDIN; the answer STDOUT, maybe STDERR, and END_REQUEST.
These four are streams: where one record ends and the next begins means nothing, an empty one ends
the stream. "§" names a section of https://fastcgi-archives.github.io/FastCGI_Specification.html.

Left out: nothing of the protocol. What a record means for a process is in `server.py`.
"""

import struct
from bisect import bisect
from collections.abc import Iterator
from typing import Any, NamedTuple

from exhibits.shared.fields import CutOff, Malformed

# §8. The names there begin with FCGI_.
(BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR, DATA,
 GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE) = range(1, 12)
NAMES = ("", "BEGIN_REQUEST", "ABORT_REQUEST", "END_REQUEST", "PARAMS", "STDIN", "STDOUT", "STDERR", "DATA",
         "GET_VALUES", "GET_VALUES_RESULT", "UNKNOWN_TYPE")
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
KEEP_CONN = 1
REQUEST_COMPLETE, CANT_MPX_CONN, OVERLOADED, UNKNOWN_ROLE = range(4)

VERSION = 1
HEADER = struct.Struct(">BBHHBx")
BEGIN_BODY = struct.Struct(">HB5x")
END_BODY = struct.Struct(">LB3x")
UNKNOWN_BODY = struct.Struct(">B7x")
LONG_LENGTH = struct.Struct(">L")
STREAMS = PARAMS, STDIN, STDOUT, STDERR, DATA
BODIES = {BEGIN_REQUEST: 8, ABORT_REQUEST: 0, END_REQUEST: 8, UNKNOWN_TYPE: 8}  # contentLength, where it is fixed

LONGEST = 0xFFFF  # bytes of content in a record
PARAMS_LIMIT = 256 * 1024  # bytes of the PARAMS records of a request, headers included
REQUESTS_LIMIT = 64  # active requests on a connection


# What is said. Variables and values: str to str, each character standing for a byte, as in a WSGI environ (PEP 3333).


class BeginRequest(NamedTuple):
    id: int
    role: int = RESPONDER
    flags: int = 0


class AbortRequest(NamedTuple):
    id: int


class EndRequest(NamedTuple):
    id: int
    app_status: int = 0
    protocol_status: int = REQUEST_COMPLETE


class Params(NamedTuple):
    """The whole stream of PARAMS. Where a name comes twice, the last one counts, as in `env`."""

    id: int
    variables: dict[str, str]


class Stdin(NamedTuple):
    """The next bytes of a stream, b"" at its end; so too the following three."""

    id: int
    data: bytes


class Stdout(NamedTuple):
    id: int
    data: bytes


class Stderr(NamedTuple):
    id: int
    data: bytes


class Data(NamedTuple):
    id: int
    data: bytes


class GetValues(NamedTuple):
    names: tuple[str, ...]


class GetValuesResult(NamedTuple):
    values: dict[str, str]


class UnknownType(NamedTuple):
    """A management record of a type nobody knows, and also the answer to it (§4.2)."""

    type: int


Message = (BeginRequest | AbortRequest | EndRequest | Params | Stdin | Stdout | Stderr | Data | GetValues
           | GetValuesResult | UnknownType)

# ---------------------------------------------------------------- writing


def build(message: Message) -> bytes:
    """The bytes of a message, whatever it is. ValueError where it does not fit."""
    match message:
        case Stdout(id, data):
            return stream(STDOUT, id, data)
        case EndRequest(id, app_status, protocol_status):
            return record(END_REQUEST, id, END_BODY.pack(app_status, protocol_status))
        case Stderr(id, data):
            return stream(STDERR, id, data)
        case BeginRequest(id, role, flags):
            return record(BEGIN_REQUEST, id, BEGIN_BODY.pack(role, flags))
        case Params(id, variables):
            pairs = encode_pairs(variables)
            return (stream(PARAMS, id, pairs) if pairs else b"") + record(PARAMS, id, b"")
        case Stdin(id, data):
            return stream(STDIN, id, data)
        case Data(id, data):
            return stream(DATA, id, data)
        case AbortRequest(id):
            return record(ABORT_REQUEST, id, b"")
        case GetValues(names):
            return record(GET_VALUES, 0, encode_pairs(dict.fromkeys(names, "")))
        case GetValuesResult(values):
            return record(GET_VALUES_RESULT, 0, encode_pairs(values))
        case UnknownType(type):
            return record(UNKNOWN_TYPE, 0, UNKNOWN_BODY.pack(type))
    raise TypeError(f"{message!r} is no message")


def record(type: int, id: int, content: bytes) -> bytes:
    """One record, padded to a multiple of eight bytes, as §3.3 recommends."""
    if len(content) > LONGEST:
        raise ValueError(f"{len(content)} bytes do not fit into a record, which has room for {LONGEST}")
    padding = -len(content) % 8
    return HEADER.pack(VERSION, type, id, len(content), padding) + content + bytes(padding)


def stream(type: int, id: int, data: bytes) -> bytes:
    """As many records as the data takes; one, which ends the stream, if there is none."""
    if len(data) <= LONGEST:
        return record(type, id, data)
    return b"".join([record(type, id, data[start:start + LONGEST]) for start in range(0, len(data), LONGEST)])


def encode_pairs(pairs: dict[str, str]) -> bytes:
    """Name-value pairs (§3.4): the two lengths, the name, the value."""
    encoded = bytearray()
    for name, value in pairs.items():
        if "\0" in name or "\0" in value:
            raise ValueError(f"{name!r} contains a null byte")
        for text in name, value:
            encoded += bytes([len(text)]) if len(text) < 0x80 else LONG_LENGTH.pack(len(text) | 1 << 31)
        encoded += name.encode("latin-1") + value.encode("latin-1")
    return bytes(encoded)


# ---------------------------------------------------------------- reading


class Reader:
    """Bytes in, however they are cut, messages out. Buffers one record at most, besides what `receive` was given."""

    def __init__(self) -> None:
        self.buffer = bytearray()  # not yet understood
        self.offset = 0  # how many bytes have been
        self.active: dict[int, Any] = {}  # id: state of the request

    def receive(self, data: bytes) -> Iterator[Message]:
        """Take the next bytes (bytes); return an iterator over the messages they bring. It may raise Malformed."""
        self.buffer += data
        return self.messages()

    def messages(self) -> Iterator[Message]:
        while len(self.buffer) >= HEADER.size:
            type, id, length, padding = read_header(self.buffer, 0, self.offset)
            end = HEADER.size + length
            if end + padding > len(self.buffer):
                return
            message = self.read(type, id, bytes(self.buffer[HEADER.size:end]))
            del self.buffer[:end + padding]
            self.offset += end + padding
            if message:
                yield message

    def read(self, type: int, id: int, content: bytes) -> Message | None:
        """The message of a record: its type, requestId and content. Raises Malformed."""
        raise NotImplementedError

    def is_incomplete(self, request: Any) -> bool:
        """Whether a request, as it is in `active`, has not come to its end."""
        raise NotImplementedError

    def close(self) -> None:
        """The peer has closed the connection. Raises CutOff where something was still to come."""
        if self.buffer or any(self.is_incomplete(request) for request in self.active.values()):
            raise CutOff("the connection ended in the middle of a record or a stream", self.offset + len(self.buffer))


class Incoming:
    """What the application has got of an active request."""

    def __init__(self, role: int) -> None:
        self.turn: int | None = PARAMS  # the stream that is coming (§6.1: one after the other), None after the last
        self.last = DATA if role == FILTER else STDIN
        self.params = bytearray()
        self.pieces: list[tuple[int, int]] = []  # of params: (where it begins in them, where in the connection)
        self.size = 0  # of the records


class ApplicationReader(Reader):
    """Reads what a web server says to an application."""

    def __init__(self, params_limit: int = PARAMS_LIMIT, requests_limit: int = REQUESTS_LIMIT) -> None:
        super().__init__()
        self.params_limit, self.requests_limit = params_limit, requests_limit

    def read(self, type: int, id: int, content: bytes) -> Message | None:
        if type == GET_VALUES:
            return GetValues(tuple(read_pairs(content, [(0, self.offset + HEADER.size)])))
        if type == BEGIN_REQUEST:
            return self.begin(id, content)
        if not 0 < type < len(NAMES):
            return UnknownType(type)
        if type not in (PARAMS, STDIN, DATA, ABORT_REQUEST):
            raise Malformed(f"no web server sends {name_of(type)}", self.offset + 1)
        request = self.active.get(id)
        if not request:
            return None  # "the application ignores records with requestId == R" (§3.3)
        if type == ABORT_REQUEST:
            return AbortRequest(id)
        if type != request.turn:
            raise Malformed(f"{name_of(type)} out of order", self.offset + 1)
        if type == PARAMS:
            return self.read_params(request, id, content)
        if not content:
            request.turn = DATA if type != request.last else None
        return Stdin(id, content) if type == STDIN else Data(id, content)

    def begin(self, id: int, content: bytes) -> BeginRequest:
        role, flags = BEGIN_BODY.unpack(content)
        if id in self.active:
            raise Malformed(f"request {id} has begun already", self.offset)
        if len(self.active) == self.requests_limit:
            raise Malformed(f"more than {self.requests_limit} requests at once", self.offset)
        self.active[id] = Incoming(role)
        return BeginRequest(id, role, flags)

    def read_params(self, request: Incoming, id: int, content: bytes) -> Params | None:
        if not content:
            request.turn = STDIN
            pairs, request.params = bytes(request.params), bytearray()
            return Params(id, read_pairs(pairs, request.pieces or [(0, self.offset)]))
        request.pieces.append((len(request.params), self.offset + HEADER.size))
        request.params += content
        request.size += HEADER.size + len(content)  # with the header: many small records are a lot, too
        if request.size > self.params_limit:
            raise Malformed(f"more than {self.params_limit} bytes of PARAMS", self.offset)
        return None

    def forget(self, id: int) -> None:
        """The application has sent END_REQUEST: whatever else comes of this request does not matter (§3.3)."""
        self.active.pop(id, None)

    def is_incomplete(self, request: Incoming) -> bool:
        return request.turn is not None


class WebServerReader(Reader):
    """Reads what an application says to a web server."""

    def begin(self, id: int) -> None:
        """The web server has sent BEGIN_REQUEST: answers may come."""
        self.active[id] = {STDOUT, STDERR}  # the streams that have not ended

    def read(self, type: int, id: int, content: bytes) -> Message | None:
        if type == GET_VALUES_RESULT:
            return GetValuesResult(read_pairs(content, [(0, self.offset + HEADER.size)]))
        if type == UNKNOWN_TYPE:
            return UnknownType(*UNKNOWN_BODY.unpack(content))
        if type not in (STDOUT, STDERR, END_REQUEST):
            raise Malformed(f"no application sends {name_of(type)}", self.offset + 1)
        if id not in self.active:
            raise Malformed(f"there is no request {id}", self.offset + 2)
        if type == END_REQUEST:
            app_status, protocol_status = END_BODY.unpack(content)
            if protocol_status > UNKNOWN_ROLE:
                raise Malformed(f"there is no protocolStatus {protocol_status}", self.offset + HEADER.size + 4)
            del self.active[id]
            return EndRequest(id, app_status, protocol_status)
        if type not in self.active[id]:
            raise Malformed(f"{name_of(type)} after its end", self.offset + 1)
        if not content:
            self.active[id].discard(type)
        return Stdout(id, content) if type == STDOUT else Stderr(id, content)

    def is_incomplete(self, request: set[int]) -> bool:
        return True  # its END_REQUEST has not come


def name_of(type: int) -> str:
    return NAMES[type] if 0 < type < len(NAMES) else f"type {type}"


def read_header(data: bytes | bytearray, start: int, offset: int) -> tuple[int, int, int, int]:
    """(type, id, contentLength, paddingLength) of the record that begins at start and has its header there."""
    version, type, id, length, padding = HEADER.unpack_from(data, start)
    if version != VERSION:
        raise Malformed(f"version {version}, and there is only 1", offset)
    if not 0 < type < len(NAMES):
        if id:  # of management records there may be more types one day (§4.2), but not of these
            raise Malformed(f"there is no type {type}", offset + 1)
    elif (id != 0) != (type < GET_VALUES):
        raise Malformed(f"{name_of(type)} with requestId {id}", offset + 2)
    if length != BODIES.get(type, length):
        raise Malformed(f"{name_of(type)} with {length} bytes of content, and not {BODIES[type]}", offset + 4)
    return type, id, length, padding


def read_pairs(block: bytes, pieces: list[tuple[int, int]]) -> dict[str, str]:
    """Name-value pairs (bytes) as a dict. pieces: where they stand in the connection, as `Incoming` has it."""
    text = block.decode("latin-1")  # at once: cutting a str is cheaper than decoding every piece
    pairs, begin, end, size = {}, 0, 0, len(block)
    try:
        while end < size:
            begin = end
            name, value = begin + 2, begin + 2 + block[begin]
            end = value + block[begin + 1]
            if block[begin] > 0x7F or block[begin + 1] > 0x7F:
                name, value, end = read_lengths(block, begin)
            pairs[text[name:value]] = text[value:end]
    except (IndexError, struct.error):
        end = size + 1
    if end > size:
        raise Malformed("the pairs end in the middle of one", locate(begin, pieces))
    if "\0" in "".join(pairs) or "\0" in "".join(pairs.values()):
        raise Malformed("a null byte in a variable", locate(find_null(block), pieces))
    return pairs


def read_lengths(block: bytes, begin: int) -> tuple[int, int, int]:
    """Where the name, the value and the end are of the pair that begins at begin."""
    lengths, at = [], begin
    for _ in range(2):
        if block[at] > 0x7F:  # "a high-order zero implies a one-byte encoding, a one a four-byte encoding" (§3.4)
            lengths.append(LONG_LENGTH.unpack_from(block, at)[0] & 0x7FFFFFFF)
            at += 4
        else:
            lengths.append(block[at])
            at += 1
    return at, at + lengths[0], at + sum(lengths)


def find_null(block: bytes) -> int:
    end = 0
    while True:
        name, _, end = read_lengths(block, end)
        if 0 in block[name:end]:
            return block.index(0, name)


def locate(position: int, pieces: list[tuple[int, int]]) -> int:
    """Where in the connection stands what is at this position of a stream in pieces."""
    start, offset = pieces[bisect(pieces, position, key=first) - 1]
    return offset + position - start


def first(piece: tuple[int, int]) -> int:
    return piece[0]
