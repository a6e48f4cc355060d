"""The name and the meaning of each byte of FastCGI, for people: lists of `Field`."""

from bisect import bisect
from collections import deque
from collections.abc import Iterator

from exhibits.cgi.explain import explain_answer
from exhibits.fastcgi import wire
from exhibits.shared.cgi_variables import meaning
from exhibits.shared.fields import CutOff, Field, Malformed, shown

# Meanings with their sections of the specification.
TYPES = {
    wire.BEGIN_REQUEST: ("A request begins.", "5.1"),
    wire.ABORT_REQUEST: ("The web server aborts this request, as when the visitor has left.", "5.4"),
    wire.END_REQUEST: ("The request is over: processed, or rejected.", "5.5"),
    wire.PARAMS: ("The variables that CGI puts into the environment.", "6.2"),
    wire.STDIN: ("Standard input as CGI has it: the body of the request.", "6.2"),
    wire.STDOUT: ("Standard output as CGI has it: the answer.", "6.2"),
    wire.STDERR: ("Standard error: errors of the application, reported.", "6.1"),
    wire.DATA: ("The file that the application is to filter.", "6.4"),
    wire.GET_VALUES: ("The web server asks for variables of the application.", "4.1"),
    wire.GET_VALUES_RESULT: ("The application answers with its variables.", "4.1"),
    wire.UNKNOWN_TYPE: ("The application does not understand a record's type.", "4.2"),
}
ROLES = {
    wire.RESPONDER: ("FCGI_RESPONDER", "The application does what a CGI program does.", "6.2"),
    wire.AUTHORIZER: ("FCGI_AUTHORIZER", "The application decides whether the request is authorized.", "6.3"),
    wire.FILTER: ("FCGI_FILTER", "The application filters a file of the web server.", "6.4"),
}
NO_ROLE = "", "A role that is not defined.", "5.1"
KEEPS = {
    True: "The application leaves the connection open after the answer.",
    False: "The application closes the connection after the answer.",
}
STATUSES = {
    wire.REQUEST_COMPLETE: ("FCGI_REQUEST_COMPLETE", "The normal end of a request."),
    wire.CANT_MPX_CONN: ("FCGI_CANT_MPX_CONN",
                         "Rejected: the application takes one request at a time on a connection."),
    wire.OVERLOADED: ("FCGI_OVERLOADED", "Rejected: the application has run out of something it needs."),
    wire.UNKNOWN_ROLE: ("FCGI_UNKNOWN_ROLE", "Rejected: the application does not know this role."),
}
NO_STATUS = "", "A status that is not defined."
VALUES = {
    "FCGI_MAX_CONNS": "How many connections at once the application accepts.",
    "FCGI_MAX_REQS": "How many requests at once the application accepts.",
    "FCGI_MPXS_CONNS": "Whether the application takes more than one request at a time on a connection.",
}
OF_FILTERS = {
    "FCGI_DATA_LENGTH": "How many bytes of the file come, at most.",
    "FCGI_DATA_LAST_MOD": "When the file was changed last, in seconds since the beginning of 1970.",
}
RESERVED = "Reserved."
Record = tuple[int, int, int, int, int]  # start, type, id, contentLength, paddingLength
Pieces = list[tuple[int, int]]  # of a stream: where in the stream, where in the connection


def explain(data: bytes) -> list[Field]:
    """Every byte of some records (bytes), of one direction or of both, as a list of `Field`. Raises Malformed."""
    records = list(read_records(data))
    fields: list[Field] = []
    pieces = deque(explain_streams(data, records))
    for start, type, id, length, padding in records:
        end = start + wire.HEADER.size + length
        fields += explain_header(start, type, id, length, padding)
        while pieces and pieces[0].offset < end:
            fields.append(pieces.popleft())
        known = fields[-1].offset + fields[-1].length
        if known < end:  # the body of an answer begins in the record that holds the end of its header fields
            fields += explain_content(type, known, data[known:end])
        if padding:
            fields.append(named(end, padding, "paddingData", f"{padding} bytes",
                                "Ignored. A sender may pad to keep its data aligned.", "3.3"))
    return fields


def named(offset: int, length: int, name: str, value: str, meaning: str, section: str) -> Field:
    return Field(offset, length, name, value, meaning, f"FastCGI 1.0 section {section}")


def read_records(data: bytes) -> Iterator[Record]:
    """Where each record is, and what its header says."""
    start = 0
    while start < len(data):
        if len(data) - start < wire.HEADER.size:
            raise CutOff("the header of a record is not complete", len(data))
        found = wire.read_header(data, start, start)
        yield start, *found
        start += wire.HEADER.size + found[2] + found[3]
    if start > len(data):
        raise CutOff("a record is not complete", len(data))


def explain_header(start: int, type: int, id: int, length: int, padding: int) -> list[Field]:
    unknown = "A management record of a type that this version does not have.", "4.2"
    known = f"FCGI_{wire.name_of(type)}" if type in TYPES else ""
    ends = type in wire.STREAMS and not length
    return [
        named(start, 1, "version", str(wire.VERSION), "The version of the FastCGI protocol.", "3.3"),
        named(start + 1, 1, "type", f"{type} {known}".strip(), *TYPES.get(type, unknown)),
        named(start + 2, 2, "requestId", str(id), "The request it belongs to." if id else
              "No request: this is a management record.", "3.3"),
        named(start + 4, 2, "contentLength", str(length), "An empty record: the stream ends here." if ends else
              "How many bytes contentData has.", "3.3"),
        named(start + 6, 1, "paddingLength", str(padding), "How many bytes paddingData has.", "3.3"),
        named(start + 7, 1, "reserved", "", RESERVED, "3.3"),
    ]


def explain_content(type: int, at: int, content: bytes) -> list[Field]:
    """What is in a record (bytes that begin at at), other than name-value pairs and the header fields of an answer."""
    if type == wire.BEGIN_REQUEST:
        role, flags = wire.BEGIN_BODY.unpack(content)
        name, sentence, section = ROLES.get(role, NO_ROLE)
        keeps = bool(flags & wire.KEEP_CONN)
        return [
            named(at, 2, "role", f"{role} {name}".strip(), sentence, section),
            named(at + 2, 1, "flags", f"{flags} FCGI_KEEP_CONN" if keeps else str(flags), KEEPS[keeps], "5.1"),
            named(at + 3, 5, "reserved", "", RESERVED, "5.1"),
        ]
    if type == wire.END_REQUEST:
        app_status, protocol_status = wire.END_BODY.unpack(content)
        name, sentence = STATUSES.get(protocol_status, NO_STATUS)
        return [
            named(at, 4, "appStatus", str(app_status), "What a CGI program would have returned by exit.", "6.2"),
            named(at + 4, 1, "protocolStatus", f"{protocol_status} {name}".strip(), sentence, "5.5"),
            named(at + 5, 3, "reserved", "", RESERVED, "5.5"),
        ]
    if type == wire.UNKNOWN_TYPE:
        return [
            named(at, 1, "type", str(content[0]), "The type that is not understood.", "4.2"),
            named(at + 1, 7, "reserved", "", RESERVED, "4.2"),
        ]
    return [named(at, len(content), "contentData", shown(content), "The next bytes of the stream.", "3.3")]


def explain_streams(data: bytes, records: list[Record]) -> list[Field]:
    """The fields of all name-value pairs and of all answers' header fields, in order; what records cut is many."""
    fields: list[Field] = []
    for pieces, block in streams(data, records, wire.PARAMS):
        fields += explain_block(block, pieces)
    for pieces, block in streams(data, records, wire.STDOUT):
        try:
            head, _ = explain_answer(block)
        except Malformed:  # no answer as CGI has it: bytes of a stream
            continue
        fields += [piece for field in head for piece in cut(pieces, field)]
    for start, type, _, length, _ in records:
        if type in (wire.GET_VALUES, wire.GET_VALUES_RESULT):
            at = start + wire.HEADER.size
            fields += explain_block(data[at:at + length], [(0, at)])
    return sorted(fields)


def streams(data: bytes, records: list[Record], kind: int) -> list[tuple[Pieces, bytes]]:
    """The streams of a type: for each its pieces, as (where in the stream, where in the connection), and its bytes."""
    coming: dict[int, tuple[Pieces, bytearray]] = {}
    found: list[tuple[Pieces, bytearray]] = []
    for start, type, id, length, _ in records:
        at = start + wire.HEADER.size
        if type == kind and length:
            if id not in coming:
                found.append(coming.setdefault(id, ([], bytearray())))
            pieces, block = coming[id]
            pieces.append((len(block), at))
            block += data[at:at + length]
        elif type in (kind, wire.BEGIN_REQUEST, wire.END_REQUEST):  # it ends, or was left unfinished
            coming.pop(id, None)
    return [(pieces, bytes(block)) for pieces, block in found]


def explain_block(block: bytes, pieces: Pieces) -> list[Field]:
    """The fields of name-value pairs (bytes). pieces: where they stand, as `streams` has it."""
    wire.read_pairs(block, pieces)  # raises Malformed
    fields, end = [], 0
    while end < len(block):
        begin = end
        name, value, end = wire.read_lengths(block, begin)
        middle = begin + (4 if block[begin] > 0x7F else 1)
        text = block[name:value].decode("latin-1")
        sentence, section = SPECIAL.get(text) or meaning(text)
        for field in (
            named(begin, middle - begin, "nameLength", str(value - name), LENGTHS[middle - begin], "3.4"),
            named(middle, name - middle, "valueLength", str(end - value), LENGTHS[name - middle], "3.4"),
            Field(name, value - name, "nameData", text, sentence, section),
            Field(value, end - value, "valueData", shown(block[value:end]), sentence, section),
        ):
            fields += cut(pieces, field)
    return fields


SPECIAL = {  # variables that are FastCGI's own
    **{name: (sentence, "FastCGI 1.0 section 4.1") for name, sentence in VALUES.items()},
    **{name: (sentence, "FastCGI 1.0 section 6.4") for name, sentence in OF_FILTERS.items()},
}
LENGTHS = {  # by how many bytes they take
    1: "A length up to 127: one byte.", 4: "A longer length: four bytes, the highest bit set.",
}


def cut(pieces: Pieces, field: Field) -> Iterator[Field]:
    """A field of a stream as it stands in the connection: in one part, or in more where a record ends within it."""
    start, stop = field.offset, field.offset + field.length
    while start < stop:
        end = min([stop, *map(wire.first, pieces[(after := bisect(pieces, start, key=wire.first)):after + 1])])
        yield field._replace(offset=wire.locate(start, pieces), length=end - start)
        start = end
