"""What a WSGI server has on both sides: HTTP/1.1, byte by byte, and WSGI itself, call by call.

WSGI is a call, not bytes: it has no wire of its own. In front of a server like gunicorn
travels HTTP/1.1, and `explain_request` and `explain_response` name every byte of that.
Behind it the server calls the program, and `trace` writes down who calls whom with what.

    visitor  <-- bytes -->  server  <-- calls -->  program

Our server reads and writes HTTP with h11, so there is no second parser here, only the names.

Left out: line folding and lone LFs, which nobody should send any more (RFC 9112 sections 2.2
and 5.2), transfer codings other than chunked, and the iterator in wsgi.file_wrapper, which
does not survive being traced.
"""

import re
from collections import deque

from exhibits.fields import Field, Malformed

TOKEN = rb"[\w!#$%&'*+.^`|~-]+"  # RFC 9110 section 5.6.2
TEXT = rb"[\t -~\x80-\xff]*"
REQUEST_LINE = re.compile(rb"(%b)( )([!-~]+)( )(HTTP/\d\.\d)(\r\n)" % TOKEN)
STATUS_LINE = re.compile(rb"(HTTP/\d\.\d)( )(\d\d\d)( ?)(%b)(\r\n)" % TEXT)
FIELD_LINE = re.compile(rb"(%b)(:)(%b)(\r\n)" % (TOKEN, TEXT))
CHUNK_LINE = re.compile(rb"([\da-fA-F]{1,15})(%b)(\r\n)" % (rb"(?:[\t ]*;" + TEXT + rb")?"))
DIGITS = re.compile(rb"\d{1,18}")


class BadRequestLine(Malformed):
    """The first line is not: method, space, target, space, version."""


class BadStatusLine(Malformed):
    """The first line is not: version, space, three digits, space, reason."""


class BadFieldLine(Malformed):
    """A line of the head is not: name, colon, value."""


class BadHost(Malformed):
    """An HTTP/1.1 request without Host, or with two of them."""


class BadLength(Malformed):
    """It is not clear how long the body is: this is what request smuggling is made of."""


class BadChunk(Malformed):
    """A chunk does not begin with its size, or does not end where that says."""


class CutOff(Malformed):
    """The bytes end before the message does."""


class Excess(Malformed):
    """Bytes follow the end of an answer."""


# ---------------------------------------------------------------- HTTP: explaining

CRLF = ("CRLF", "The end of the line.", "RFC 9112 section 2.1")
SPACE = ("SP", "A space.", "RFC 9112 section 3")
REQUEST_PARTS = [
    ("method", "What is asked for. In the environ: REQUEST_METHOD.", "RFC 9112 section 3.1"),
    SPACE,
    ("request-target", "The path, still percent-encoded, and the query. In the environ: SCRIPT_NAME and PATH_INFO, "
     "decoded, and QUERY_STRING, as it is.", "RFC 9112 section 3.2"),
    SPACE,
    ("HTTP-version", "The version the visitor speaks. In the environ: SERVER_PROTOCOL.", "RFC 9112 section 2.3"),
    CRLF,
]  # fmt: skip
STATUS_PARTS = [
    ("HTTP-version", "The version the server speaks.", "RFC 9112 section 2.3"),
    ("SP", "A space.", "RFC 9112 section 4"),
    ("status-code", "How it went: the first three characters the program gave to start_response.",
     "RFC 9110 section 15"),
    ("SP", "A space, even where no reason follows.", "RFC 9112 section 4"),
    ("reason-phrase", "The same for people; no program may rely on it.", "RFC 9112 section 4"),
    CRLF,
]  # fmt: skip
NAME = ("field-name", "The name of a header field, in capitals or not.", "RFC 9110 section 5.1")
COLON = (":", "Ends the name. No space may stand before it.", "RFC 9112 section 5.1")
OWS = ("OWS", "White space around a value does not count.", "RFC 9110 section 5.6.3")
CHUNK_PARTS = [
    ("chunk-size", "How many bytes come in this chunk, in hexadecimal.", "RFC 9112 section 7.1"),
    ("chunk-ext", "More about the chunk; everybody ignores it.", "RFC 9112 section 7.1.1"),
    CRLF,
]
LAST_CHUNK = ("last-chunk", "A chunk of no bytes: the body ends here.", "RFC 9112 section 7.1")
BODY = ("message-body", "The body. No byte of it has a meaning for HTTP.", "RFC 9112 section 6")
CHUNK_DATA = ("chunk-data", "A piece of the body.", "RFC 9112 section 7.1")
END_OF_HEAD = ("CRLF", "An empty line: the head ends here.", "RFC 9112 section 2.1")
END_OF_CHUNKS = ("CRLF", "An empty line: the message ends here.", "RFC 9112 section 7.1")

VALUES = {
    b"host": ("Which of its sites the server is asked for.", "RFC 9110 section 7.2"),
    b"user-agent": ("Who asks.", "RFC 9110 section 10.1.5"),
    b"accept": ("Which kinds of content are welcome.", "RFC 9110 section 12.5.1"),
    b"accept-encoding": ("Which compressions are welcome.", "RFC 9110 section 12.5.3"),
    b"connection": ("What becomes of the connection: for the next hop only.", "RFC 9110 section 7.6.1"),
    b"content-type": ("What kind of body follows.", "RFC 9110 section 8.3"),
    b"content-length": ("How many bytes of body follow.", "RFC 9110 section 8.6"),
    b"transfer-encoding": ("The body comes in chunks, for nobody knew its length.", "RFC 9112 section 6.1"),
    b"expect": ("The visitor waits for a 100 before it sends the body.", "RFC 9110 section 10.1.1"),
    b"cookie": ("The cookies the visitor keeps for this site.", "RFC 6265 section 5.4"),
    b"set-cookie": ("A cookie for the visitor to keep.", "RFC 6265 section 4.1"),
    b"date": ("When the answer was made.", "RFC 9110 section 6.6.1"),
    b"server": ("Who answers.", "RFC 9110 section 10.2.4"),
    b"location": ("Where to go next, or where the new thing is.", "RFC 9110 section 10.2.2"),
    b"etag": ("The version of what follows: who has it need not get it again.", "RFC 9110 section 8.8.3"),
    b"upgrade": ("To which protocol the connection could change.", "RFC 9110 section 7.8"),
}


def explain_request(data):
    """Every byte of the requests (bytes) on a connection, as a list of `Field`."""
    fields, end = [], 0
    while end < len(data):
        start = end
        line, headers, end = explain_head(data, start, REQUEST_LINE, REQUEST_PARTS, BadRequestLine, fields)
        if line[5] != b"HTTP/1.0" and len(headers.get(b"host", ())) != 1:
            raise BadHost("an HTTP/1.1 request has one Host", start)  # RFC 9112 section 3.2
        end = explain_body(data, start, end, line[5], headers, 0, fields)
    return fields


def explain_response(data, method="GET"):
    """Every byte of the answer (bytes) to a request with this method, as a list of `Field`."""
    fields, end, status = [], 0, 100
    # Any number of 1xx come before the answer, but after 101 HTTP is over (RFC 9110 section 15.2).
    while 100 <= status <= 199 and status != 101:
        start = end
        line, headers, end = explain_head(data, start, STATUS_LINE, STATUS_PARTS, BadStatusLine, fields)
        status = int(line[3])
        if method == "HEAD" or status < 200 or status in (204, 304):  # RFC 9112 section 6.3
            headers = {}
            end = explain_body(data, start, end, line[1], headers, 0, fields)
        else:
            end = explain_body(data, start, end, line[1], headers, len(data) - end, fields)
    if end < len(data):
        raise Excess("the answer ends before the bytes do", end)
    return fields


def explain_head(data, start, pattern, parts, error, fields):
    """Name the bytes of a head; return its first line (a match), the values by name, and where it ends."""
    line = match(data, start, pattern, error)
    name_groups(line, parts, fields)
    headers, end = explain_fields(data, line.end(), pattern is REQUEST_LINE, END_OF_HEAD, fields)
    return line, headers, end


def explain_fields(data, start, in_request, empty_line, fields):
    """Name the bytes of header fields or trailer fields, and of the empty line behind them."""
    headers = {}
    while not data.startswith(b"\r\n", start):
        line = match(data, start, FIELD_LINE, BadFieldLine)
        name, text = line[1].lower(), line[3].strip(b"\t ")
        value = line.start(3) + len(line[3]) - len(line[3].lstrip(b"\t "))
        meaning, section = VALUES.get(name, ("What it says.", "RFC 9110 section 5.5"))
        where = NAME
        if in_request:
            where = (NAME[0], f"{NAME[1]} In the environ: {variable(name)}.", NAME[2])
        add(fields, data, line.start(1), line.end(1), where)
        add(fields, data, line.start(2), line.end(2), COLON)
        add(fields, data, line.start(3), value, OWS)
        add(fields, data, value, value + len(text), ("field-value", meaning, section))
        add(fields, data, value + len(text), line.end(3), OWS)
        add(fields, data, line.start(4), line.end(4), CRLF)
        headers.setdefault(name, []).append(text)
        start = line.end()
    add(fields, data, start, start + 2, empty_line)
    return headers, start + 2


def variable(name):
    """What a header field is called in an environ (PEP 3333, environ Variables)."""
    key = name.decode().upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def explain_body(data, start, end, version, headers, otherwise, fields):
    """Name the bytes of the body behind a head; return where it ends (RFC 9112 section 6.3).

    otherwise: how long it is where no header field says so.
    """
    codings, lengths = headers.get(b"transfer-encoding"), headers.get(b"content-length")
    if codings:
        if lengths or version == b"HTTP/1.0" or [coding.lower() for coding in codings] != [b"chunked"]:
            raise BadLength("it is not clear where the body ends", start)
        return explain_chunks(data, end, fields)
    length = otherwise
    if lengths:
        if len(lengths) > 1 or not DIGITS.fullmatch(lengths[0]):
            raise BadLength("the Content-Length is not one whole number", start)
        length = int(lengths[0])
    if length > len(data) - end:
        raise CutOff("the body is not complete", len(data))
    add(fields, data, end, end + length, BODY)
    return end + length


def explain_chunks(data, start, fields):
    """Name the bytes of a chunked body (RFC 9112 section 7.1)."""
    size = None
    while size != 0:
        line = match(data, start, CHUNK_LINE, BadChunk)
        size = int(line[1], 16)
        name_groups(line, CHUNK_PARTS if size else [LAST_CHUNK, *CHUNK_PARTS[1:]], fields)
        start = line.end() + size
        if size:
            if len(data) < start + 2:
                raise CutOff("a chunk is not complete", len(data))
            if not data.startswith(b"\r\n", start):
                raise BadChunk("a chunk does not end where its size says", start)
            add(fields, data, line.end(), start, CHUNK_DATA)
            add(fields, data, start, start + 2, CRLF)
            start += 2
    return explain_fields(data, start, False, END_OF_CHUNKS, fields)[1]


def match(data, start, pattern, error):
    """The line at start as a match of pattern; else it is wrong, or not complete."""
    found = pattern.match(data, start)
    if not found:
        if data.find(b"\n", start) < 0:
            raise CutOff("the bytes end in the middle of a line", len(data))
        raise error(error.__doc__.rstrip("."), start)
    return found


def name_groups(line, parts, fields):
    for group, part in enumerate(parts, 1):
        add(fields, line.string, line.start(group), line.end(group), part)


def add(fields, data, start, end, part):
    if start < end:
        name, meaning, section = part
        fields.append(Field(start, end - start, name, shown(data[start:end]), meaning, section))


def shown(data, longest=60):
    """Bytes as text for people, cut where it gets long."""
    text = data[:longest].decode("latin-1")
    return "" if text.isspace() else text if len(data) <= longest else f"{text}… ({len(data)} bytes)"


# ---------------------------------------------------------------- WSGI: tracing


def trace(application):
    """Middleware that writes down each call between a server and a program: see `Traced`."""
    return Traced(application)


class Traced:
    """A program whose calls are written down.

    traces: the latest requests; each is a list of steps, and a step is a dict that JSON
    can hold: "by" (who calls: "server" or "program"), "call" (what), "arguments", and how
    it ended: "returns" or "raises". A step stands where its call began, so what the program
    does inside a call comes behind it. What is long is cut, after 1,000 steps nothing is added.
    """

    def __init__(self, application):
        self.application, self.traces = application, deque(maxlen=100)

    def __call__(self, environ, start_response):
        steps = []
        self.traces.append(steps)

        def call(by, name, function, *arguments):
            step = {"by": by, "call": name, "arguments": plain(arguments)}
            if len(steps) < 1000:
                steps.append(step)
            try:
                result = function(*arguments)
            except BaseException as error:
                step["raises"] = ": ".join(filter(None, (type(error).__name__, str(error))))
                raise
            step["returns"] = plain(result)
            return result

        def starting(*arguments):
            write = call("program", "start_response", start_response, *arguments)
            return lambda block: call("program", "write", write, block)

        def calling(environ, start_response):
            inside = {**environ, "wsgi.input": TracedInput(environ["wsgi.input"], call)}
            return self.application(inside, starting)

        return TracedBlocks(call("server", "application", calling, environ, start_response), call)


class TracedInput:
    """wsgi.input, with every read written down."""

    def __init__(self, stream, call):
        self.stream, self.call = stream, call

    def read(self, *size):
        return self.call("program", "wsgi.input.read", self.stream.read, *size)

    def readline(self, *size):
        return self.call("program", "wsgi.input.readline", self.stream.readline, *size)

    def readlines(self, *hint):
        return self.call("program", "wsgi.input.readlines", self.stream.readlines, *hint)

    def __iter__(self):
        return iter(self.readline, b"")


class TracedBlocks:
    """What the program returned, with every call of the server written down."""

    def __init__(self, blocks, call):
        self.blocks, self.call, self.iterator = blocks, call, None

    def __len__(self):
        return self.call("server", "len", lambda: len(self.blocks))

    def __iter__(self):
        self.iterator = self.call("server", "iter", lambda: iter(self.blocks))
        return self

    def __next__(self):
        return self.call("server", "next", lambda: next(self.iterator))

    def __getattr__(self, name):
        if name != "close":
            raise AttributeError(name)
        close = self.blocks.close  # AttributeError where the program has none: then there is none here
        return lambda: self.call("server", "close", close)


def plain(value):
    """A value as JSON can hold it."""
    if isinstance(value, dict):
        return {plain(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value[:100]]
    if isinstance(value, bytes):
        return repr(value) if len(value) <= 200 else f"{value[:200]!r}… ({len(value)} bytes)"
    if isinstance(value, str):
        return value if len(value) <= 1000 else f"{value[:1000]}… ({len(value)} characters)"
    if value is None or isinstance(value, (int, float)):
        return value
    return f"<{type(value).__name__}>"
