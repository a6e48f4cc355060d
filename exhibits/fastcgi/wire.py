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
from collections import deque
from typing import NamedTuple

from exhibits.cgi_variables import meaning
from exhibits.fields import Field, Malformed

# §8. The names there begin with FCGI_.
(BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR, DATA,
 GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE) = range(1, 12)  # fmt: skip
NAMES = ("", "BEGIN_REQUEST", "ABORT_REQUEST", "END_REQUEST", "PARAMS", "STDIN", "STDOUT", "STDERR", "DATA",
         "GET_VALUES", "GET_VALUES_RESULT", "UNKNOWN_TYPE")  # fmt: skip
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


class WrongVersion(Malformed):
    """The record is not of version 1; perhaps somebody speaks HTTP here: "GET " has version 71."""


class WrongType(Malformed):
    """A record of a type that this side never gets."""


class WrongId(Malformed):
    """An application record with requestId 0, or a management record with another (§3.3)."""


class WrongLength(Malformed):
    """The content of a record is longer or shorter than its type has it."""


class RepeatedBegin(Malformed):
    """BEGIN_REQUEST for a request that is active already."""


class UnknownRequest(Malformed):
    """An answer to a request that is not active."""


class OutOfOrder(Malformed):
    """A record of a stream that has ended, or whose turn has not come (§6.1)."""


class PairCutOff(Malformed):
    """Name-value pairs end in the middle of one: the lengths say more than there is."""


class NullByte(Malformed):
    """A variable contains a null byte, which no environment can hold (§6.1)."""


class UnknownStatus(Malformed):
    """The protocolStatus of END_REQUEST is none of the four (§5.5)."""


class ParamsTooLong(Malformed):
    """The variables of a request go on beyond the limit."""


class TooManyRequests(Malformed):
    """More requests are active on a connection than the limit."""


class CutOff(Malformed):
    """The connection ended in the middle of a record or a stream."""


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


# ---------------------------------------------------------------- writing


def build(message):
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


def record(type, id, content):
    """One record, padded to a multiple of eight bytes, as §3.3 recommends."""
    if len(content) > LONGEST:
        raise ValueError(f"{len(content)} bytes do not fit into a record, which has room for {LONGEST}")
    padding = -len(content) % 8
    return HEADER.pack(VERSION, type, id, len(content), padding) + content + bytes(padding)


def stream(type, id, data):
    """As many records as the data takes; one, which ends the stream, if there is none."""
    if len(data) <= LONGEST:
        return record(type, id, data)
    return b"".join([record(type, id, data[start:start + LONGEST]) for start in range(0, len(data), LONGEST)])


def encode_pairs(pairs):
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

    def __init__(self):
        self.buffer = bytearray()  # not yet understood
        self.offset = 0  # how many bytes have been
        self.active = {}  # id: state of the request

    def receive(self, data):
        """Take the next bytes (bytes); return an iterator over the messages they bring. It may raise Malformed."""
        self.buffer += data
        return self.messages()

    def messages(self):
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

    def close(self):
        """The peer has closed the connection. Raises CutOff where something was still to come."""
        if self.buffer or any(self.is_incomplete(request) for request in self.active.values()):
            raise CutOff("the connection ended in the middle of a record or a stream", self.offset + len(self.buffer))


class Incoming:
    """What the application has got of an active request."""

    def __init__(self, role):
        self.turn = PARAMS  # the stream that is coming (§6.1: one after the other), None after the last
        self.last = DATA if role == FILTER else STDIN
        self.params = bytearray()
        self.pieces = []  # of params: (where it begins in them, where in the connection)
        self.size = 0  # of the records


class ApplicationReader(Reader):
    """Reads what a web server says to an application."""

    def __init__(self, params_limit=PARAMS_LIMIT, requests_limit=REQUESTS_LIMIT):
        super().__init__()
        self.params_limit, self.requests_limit = params_limit, requests_limit

    def read(self, type, id, content):
        """The message of a record (type, int; requestId, int; content, bytes), or None."""
        if type == GET_VALUES:
            return GetValues(tuple(read_pairs(content, [(0, self.offset + HEADER.size)])))
        if type == BEGIN_REQUEST:
            return self.begin(id, content)
        if not 0 < type < len(NAMES):
            return UnknownType(type)
        if type not in (PARAMS, STDIN, DATA, ABORT_REQUEST):
            raise WrongType(f"no web server sends {name_of(type)}", self.offset + 1)
        request = self.active.get(id)
        if not request:
            return None  # "the application ignores records with requestId == R" (§3.3)
        if type == ABORT_REQUEST:
            return AbortRequest(id)
        if type != request.turn:
            raise OutOfOrder(f"{name_of(type)} out of order", self.offset + 1)
        if type == PARAMS:
            return self.read_params(request, id, content)
        if not content:
            request.turn = DATA if type != request.last else None
        return Stdin(id, content) if type == STDIN else Data(id, content)

    def begin(self, id, content):
        role, flags = BEGIN_BODY.unpack(content)
        if id in self.active:
            raise RepeatedBegin(f"request {id} has begun already", self.offset)
        if len(self.active) == self.requests_limit:
            raise TooManyRequests(f"more than {self.requests_limit} requests at once", self.offset)
        self.active[id] = Incoming(role)
        return BeginRequest(id, role, flags)

    def read_params(self, request, id, content):
        if not content:
            request.turn = STDIN
            pairs, request.params = bytes(request.params), b""
            return Params(id, read_pairs(pairs, request.pieces or [(0, self.offset)]))
        request.pieces.append((len(request.params), self.offset + HEADER.size))
        request.params += content
        request.size += HEADER.size + len(content)  # with the header: many small records are a lot, too
        if request.size > self.params_limit:
            raise ParamsTooLong(f"more than {self.params_limit} bytes of PARAMS", self.offset)
        return None

    def forget(self, id):
        """The application has sent END_REQUEST: whatever else comes of this request does not matter (§3.3)."""
        self.active.pop(id, None)

    def is_incomplete(self, request):
        return request.turn is not None


class WebServerReader(Reader):
    """Reads what an application says to a web server."""

    def begin(self, id):
        """The web server has sent BEGIN_REQUEST: answers may come."""
        self.active[id] = {STDOUT, STDERR}  # the streams that have not ended

    def read(self, type, id, content):
        """The message of a record (type, int; requestId, int; content, bytes)."""
        if type == GET_VALUES_RESULT:
            return GetValuesResult(read_pairs(content, [(0, self.offset + HEADER.size)]))
        if type == UNKNOWN_TYPE:
            return UnknownType(*UNKNOWN_BODY.unpack(content))
        if type not in (STDOUT, STDERR, END_REQUEST):
            raise WrongType(f"no application sends {name_of(type)}", self.offset + 1)
        if id not in self.active:
            raise UnknownRequest(f"there is no request {id}", self.offset + 2)
        if type == END_REQUEST:
            app_status, protocol_status = END_BODY.unpack(content)
            if protocol_status > UNKNOWN_ROLE:
                raise UnknownStatus(f"there is no protocolStatus {protocol_status}", self.offset + HEADER.size + 4)
            del self.active[id]
            return EndRequest(id, app_status, protocol_status)
        if type not in self.active[id]:
            raise OutOfOrder(f"{name_of(type)} after its end", self.offset + 1)
        if not content:
            self.active[id].discard(type)
        return Stdout(id, content) if type == STDOUT else Stderr(id, content)

    def is_incomplete(self, request):
        return True  # its END_REQUEST has not come


def name_of(type):
    return NAMES[type] if 0 < type < len(NAMES) else f"type {type}"


def read_header(data, start, offset):
    """(type, id, contentLength, paddingLength) of the record that begins at start and has its header there."""
    version, type, id, length, padding = HEADER.unpack_from(data, start)
    if version != VERSION:
        raise WrongVersion(f"version {version}, and there is only 1", offset)
    if not 0 < type < len(NAMES):
        if id:  # of management records there may be more types one day (§4.2), but not of these
            raise WrongType(f"there is no type {type}", offset + 1)
    elif (id != 0) != (type < GET_VALUES):
        raise WrongId(f"{name_of(type)} with requestId {id}", offset + 2)
    if length != BODIES.get(type, length):
        raise WrongLength(f"{name_of(type)} with {length} bytes of content, and not {BODIES[type]}", offset + 4)
    return type, id, length, padding


def read_pairs(block, pieces):
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
        raise PairCutOff("the pairs end in the middle of one", locate(begin, pieces))
    if "\0" in "".join(pairs) or "\0" in "".join(pairs.values()):
        raise NullByte("a null byte in a variable", locate(find_null(block), pieces))
    return pairs


def read_lengths(block, begin):
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


def find_null(block):
    end = 0
    while True:
        name, _, end = read_lengths(block, end)
        if 0 in block[name:end]:
            return block.index(0, name)


def locate(position, pieces):
    """Where in the connection stands what is at this position of a stream in pieces."""
    start, offset = pieces[bisect(pieces, position, key=first) - 1]
    return offset + position - start


def first(piece):
    return piece[0]


# ---------------------------------------------------------------- explaining

RECORD, PAIRS, STREAM = "FastCGI 1.0 section 3.3", "FastCGI 1.0 section 3.4", "FastCGI 1.0 section 5.3"
TYPES = {
    BEGIN_REQUEST: ("A request begins; the web server has chosen a number for it.", "5.1"),
    ABORT_REQUEST: ("The web server wants no more of this request, perhaps because the visitor left.", "5.4"),
    END_REQUEST: ("The answer is complete, or the request refused; its number is free again.", "5.5"),
    PARAMS: ("Variables, which CGI put into the environment of a process.", "5.2"),
    STDIN: ("Standard input: the body of the request.", "5.3"),
    STDOUT: ("Standard output: what a CGI program would have printed.", "5.3"),
    STDERR: ("Standard error: a message for the log of the web server.", "5.3"),
    DATA: ("A file that the application is to filter.", "5.3"),
    GET_VALUES: ("The web server asks what the application can do.", "4.1"),
    GET_VALUES_RESULT: ("The application says what it can do.", "4.1"),
    UNKNOWN_TYPE: ("The application does not know a type of record it was sent.", "4.2"),
}
ROLES = {RESPONDER: "RESPONDER", AUTHORIZER: "AUTHORIZER", FILTER: "FILTER"}
STATUSES = "REQUEST_COMPLETE", "CANT_MPX_CONN", "OVERLOADED", "UNKNOWN_ROLE"


def explain(data):
    """Every byte of some records (bytes), of one direction or of both, as a list of `Field`. Raises Malformed."""
    records = list(read_records(data))
    fields, pairs = [], deque(explain_pairs(data, records))
    for start, type, id, length, padding in records:
        content, end = start + HEADER.size, start + HEADER.size + length
        fields += explain_header(start, type, id, length, padding)
        if type in (PARAMS, GET_VALUES, GET_VALUES_RESULT):
            while pairs and pairs[0].offset < end:
                fields.append(pairs.popleft())
        elif length:
            fields += explain_content(type, content, data[content:end])
        if padding:
            fields.append(Field(end, padding, "paddingData", f"{padding} bytes",
                                "Ignored. It makes the next record begin at a multiple of eight bytes.", RECORD))
    return fields


def read_records(data):
    """(start, type, id, contentLength, paddingLength) of each record."""
    start = 0
    while start < len(data):
        if len(data) - start < HEADER.size:
            raise CutOff("the header of a record is not complete", len(data))
        found = read_header(data, start, start)
        yield start, *found
        start += HEADER.size + found[2] + found[3]
    if start > len(data):
        raise CutOff("a record is not complete", len(data))


def explain_header(start, type, id, length, padding):
    what, section = TYPES.get(type, ("A management record of a type that FastCGI 1.0 does not have.", "4.2"))
    return [
        Field(start, 1, "version", str(VERSION), "The version of FastCGI; there was never another.", RECORD),
        Field(start + 1, 1, "type", f"{type} {name_of(type)}", what, f"FastCGI 1.0 section {section}"),
        Field(start + 2, 2, "requestId", str(id), "Which request of this connection it belongs to; 0: none.", RECORD),
        Field(start + 4, 2, "contentLength", str(length), "How many bytes of content follow the header."
              if length or type not in STREAMS else "No bytes of content: the stream ends here.", RECORD),
        Field(start + 6, 1, "paddingLength", str(padding), "How many bytes of padding follow the content.", RECORD),
        Field(start + 7, 1, "reserved", "", "Kept free for later versions.", "FastCGI 1.0 section 8"),
    ]  # fmt: skip


def explain_content(type, at, content):
    """What is in a record (bytes that begin at at), other than name-value pairs."""
    if type == BEGIN_REQUEST:
        role, flags = BEGIN_BODY.unpack(content)
        return [
            Field(at, 2, "role", f"{role} {ROLES.get(role, '')}".strip(),
                  "What the application is to do; a RESPONDER does what a CGI program does.", "FastCGI 1.0 section 6"),
            Field(at + 2, 1, "flags", f"{flags} KEEP_CONN" if flags & KEEP_CONN else str(flags),
                  "Whether the connection stays open after the answer.", "FastCGI 1.0 section 5.1"),
            Field(at + 3, 5, "reserved", "", "Kept free for later versions.", "FastCGI 1.0 section 5.1"),
        ]  # fmt: skip
    if type == END_REQUEST:
        app_status, protocol_status = END_BODY.unpack(content)
        status = STATUSES[protocol_status] if protocol_status < len(STATUSES) else ""
        return [
            Field(at, 4, "appStatus", str(app_status),
                  "The exit code that a CGI program would have ended with.", "FastCGI 1.0 section 6.2"),
            Field(at + 4, 1, "protocolStatus", f"{protocol_status} {status}".strip(),
                  "Whether the request was carried out, or why not.", "FastCGI 1.0 section 5.5"),
            Field(at + 5, 3, "reserved", "", "Kept free for later versions.", "FastCGI 1.0 section 5.5"),
        ]  # fmt: skip
    if type == UNKNOWN_TYPE:
        return [
            Field(at, 1, "type", str(content[0]), "The type that is not known.", "FastCGI 1.0 section 4.2"),
            Field(at + 1, 7, "reserved", "", "Kept free for later versions.", "FastCGI 1.0 section 4.2"),
        ]
    return [Field(at, len(content), "contentData", shown(content), "The next bytes of the stream.", STREAM)]


def explain_pairs(data, records):
    """The fields of all name-value pairs, in order; those that records cut are as many fields as pieces."""
    streams, fields = {}, []
    for start, type, id, length, _ in records:
        at = start + HEADER.size
        pieces = streams.setdefault(id, [])
        if type == BEGIN_REQUEST:  # an earlier request with this number was left unfinished
            fields += explain_stream(data, streams.pop(id))
        elif type in (GET_VALUES, GET_VALUES_RESULT):
            fields += explain_block(data[at:at + length], [(0, at)])
        elif type == PARAMS and length:
            pieces.append((at, at + length))
        elif type == PARAMS:
            fields += explain_stream(data, streams.pop(id))
    for pieces in streams.values():  # the end of which is not in the data
        fields += explain_stream(data, pieces)
    return sorted(fields)


def explain_stream(data, spans):
    pieces, size = [], 0
    for start, end in spans:
        pieces.append((size, start))
        size += end - start
    return explain_block(b"".join([data[start:end] for start, end in spans]), pieces)


def explain_block(block, pieces):
    """The fields of name-value pairs (bytes). pieces: where they stand, as `Incoming` has it."""
    read_pairs(block, pieces)  # raises Malformed
    fields, end = [], 0
    while end < len(block):
        begin = end
        name, value, end = read_lengths(block, begin)
        middle = begin + (4 if block[begin] > 0x7F else 1)
        text = block[name:value].decode("latin-1")
        sentence, section = meaning(text)
        for start, stop, what, said, says, where in (
            (begin, middle, "nameLength", str(value - name), "How long the name is: one byte up to 127, "
             "otherwise four, of which the highest bit is set.", PAIRS),
            (middle, name, "valueLength", str(end - value), "The same for the value.", PAIRS),
            (name, value, "nameData", text, sentence, section),
            (value, end, "valueData", shown(block[value:end]), f"The value of {text}.", section),
        ):
            fields += cut(pieces, Field(start, stop - start, what, said, says, where))
    return fields


def cut(pieces, field):
    """A field of a stream as it stands in the connection: in one part, or in more where a record ends within it."""
    start, stop = field.offset, field.offset + field.length
    while start < stop:
        end = min([stop, *map(first, pieces[(after := bisect(pieces, start, key=first)):after + 1])])
        yield field._replace(offset=locate(start, pieces), length=end - start)
        start = end


def shown(data, longest=60):
    """Bytes as text for people, cut where it gets long."""
    text = data[:longest].decode("latin-1")
    return text if len(data) <= longest else f"{text}… ({len(data)} bytes)"
