"""HTTP/1.1, bytes to messages and back (RFC 9112): a head of lines, an empty line, a body.

    POST /entries?a=b HTTP/1.1␍␊       request line, or status line: HTTP/1.1 201 Created␍␊
    Host: museum.test␍␊                field lines: name, colon, value
    Transfer-Encoding: chunked␍␊       how long the body is: so, or Content-Length, or until the connection ends
    ␍␊                                 an empty line
    5␍␊Hello␍␊0␍␊␍␊                    the body, here in chunks: size, data, and so on; 0 is the last one

Everything here is bytes. ASGI hands them on as they are; CGI and WSGI write the same bytes as
text, each character standing for one. "§" is a section of RFC 9112 where no other RFC is named.

What is refused, and why, stands in `grammar.py`; the client's half in `client.py`.

Left out: transfer codings other than chunked, tunnels (CONNECT), userinfo before a host.
"""

import re
import time
from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

from exhibits.http import grammar
from exhibits.http.grammar import CHUNKED, TO_THE_END, BadMessage, CutOff, Headers

HEAD_LIMIT = 64 * 1024  # bytes of a head, or of trailer fields
FIELDS_LIMIT = 256  # fields of a head, or of trailers
CHUNK_LIMIT = 1024  # bytes of a line with the size of a chunk
EXTENSIONS_LIMIT = 16 * 1024  # bytes of chunk extensions in a body: a sender could hide any amount there (§7.1.1)
EMPTY_LINES_LIMIT = 4  # that may come before a request (§2.2)
Fields = Sequence[tuple[bytes, bytes]]  # header fields to be sent, each a name and a value
REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class Request(NamedTuple):
    """The head of a request.

    target: as it was sent. version: b"1.0" or b"1.1", which any later 1.x is, too (RFC 9110 section 2.5).
    headers: as they came, names in lower case; Host is what an absolute target says (§3.2.2).
    path, query: of the target, still percent-encoded; the path is b"*" for the server itself, b"" for CONNECT.
    joined: name to value, the values of a repeated field joined by commas (RFC 9110 section 5.3).
    """

    method: bytes
    target: bytes
    version: bytes
    headers: Headers
    path: bytes
    query: bytes
    joined: dict[bytes, bytes]

    @property
    def line(self) -> str:
        """Its first line, for a log."""
        return f"{self.method.decode()} {self.target.decode()} HTTP/{self.version.decode()}"

    @property
    def keeps(self) -> bool:
        """Whether the client would send another request over this connection (§9.3)."""
        said = grammar.options(self.joined)
        return b"close" not in said and (self.version == b"1.1" or b"keep-alive" in said)

    @property
    def waits(self) -> bool:
        """Whether the client waits for a 100 before it sends the body (RFC 9110 section 10.1.1)."""
        return self.version == b"1.1" and self.joined.get(b"expect", b"").lower() == b"100-continue"


class Response(NamedTuple):
    """The head of a response; 1xx come before the one that counts. reason: b"" stands for the usual one."""

    status: int
    headers: Fields = ()
    reason: bytes = b""
    version: bytes = b"1.1"


class Body(NamedTuple):
    """The next bytes of a body, without chunks."""

    data: bytes


class End(NamedTuple):
    """The message is complete. trailers: fields behind the last chunk, never to be mixed with those of the head."""

    trailers: Fields = ()


def check_head(
    method: bytes, target: bytes, version: bytes, headers: Headers, where: grammar.Where = grammar.nowhere
) -> tuple[Request, int]:
    """The Request that the parts of a head make, and how long its body is. Raises BadMessage."""
    joined = grammar.join(headers)
    path, query, host = grammar.split_target(method, target, where)
    named = joined.get(b"host")
    if (named is None and version != b"1.0") or not grammar.is_host(named or b""):  # §3.2; nor do two hosts make one
        raise BadMessage("an HTTP/1.1 request has one Host, with the name or address of a host", where(b"host"))
    if host is not None:  # §3.2.2: what Host says is ignored
        headers = [(b"host", host), *(field for field in headers if field[0] != b"host")]
        joined[b"host"] = host
    length = grammar.body_length(joined, version, where) or 0
    return Request(method, target, version, headers, path, query, joined), length


# ---------------------------------------------------------------- reading


class Reader:
    """Bytes in, however they are cut; messages out: a head, `Body` for pieces of a body, `End`.

    A reader reads one side of a connection. Behind an End it stops until `next` is called: what has come of
    another message is kept, so that who sends many at once waits for the answers. No step looks twice at a byte.

    buffer: what has come and has not been read. offset: where in the stream it begins.
    """

    beginning: re.Pattern[bytes]  # what the first byte of a head matches
    empty_lines_limit = 0

    def __init__(self) -> None:
        self.buffer, self.offset = bytearray(), 0
        self.begin()

    def begin(self) -> None:
        self.step = self.read_head
        self.searched = 0  # so many bytes of the buffer hold no end of what is looked for
        self.start = self.end = 0  # of the field lines in the buffer; 0: not known yet
        self.empty_lines = self.left = self.extensions = 0

    @property
    def ended(self) -> bool:
        """Whether the last message is complete, and `next` goes on."""
        return self.step == self.wait

    @property
    def rest(self) -> int:
        """How many bytes the body still has; TO_THE_END where nobody knows."""
        return 0 if self.ended else self.left if self.step == self.read_body else TO_THE_END

    def receive(self, data: bytes | memoryview) -> list:
        """Take the next bytes; return the messages they bring, up to an End. Raises BadMessage."""
        self.buffer += data
        messages: list = []
        while self.step(messages):
            pass
        return messages

    def next(self) -> list:
        """Go on behind an End; return the messages that are there already. Raises BadMessage."""
        self.begin()
        return self.receive(b"") if self.buffer else []

    def close(self) -> list:
        """The peer has said everything: return the messages that this completes. Raises CutOff."""
        if self.left == TO_THE_END:
            self.left, self.step = 0, self.wait
            return [End()]
        if self.ended or (self.step == self.read_head and not self.buffer):
            return []
        raise CutOff("the connection ended before the message did", self.offset + len(self.buffer))

    # ------------------------------------------------ the steps: each is true if the next one can be taken

    def wait(self, messages: list) -> bool:
        return False

    def read_head(self, messages: list) -> bool:
        buffer = self.buffer
        while buffer.startswith(b"\r\n") and self.empty_lines < self.empty_lines_limit:
            self.take(2)
            self.empty_lines += 1
        if not self.start:
            if buffer.find(b"\n", self.searched, HEAD_LIMIT) < 0:
                if buffer and buffer[:2] != b"\r" and not self.beginning.match(buffer, 0, 1):
                    raise self.bad_first_line()
                if len(buffer) >= HEAD_LIMIT:
                    raise BadMessage("the first line is too long", self.offset, 414)
                self.searched = len(buffer)
                return False
            self.start, self.searched = self.read_first_line(), 0
        self.end = end = self.find_end()
        if not end:
            return False
        message, length = self.read_message(self.read_fields(self.start, end - 2))
        messages.append(message)
        self.left = length
        if length == CHUNKED:
            self.take(end - 2)  # the end of this line begins the first line with a size
            self.left, self.step = 0, self.read_chunks
        elif length:
            self.take(end)
            self.step = self.read_body
        else:
            self.take(end)
            self.finish(messages, End())
        return not self.ended

    def read_body(self, messages: list) -> bool:
        data = self.take(min(self.left, len(self.buffer)))
        if data:
            messages.append(Body(data))
        if self.left != TO_THE_END:
            self.left -= len(data)
            if not self.left:
                self.finish(messages, End())
        return False

    def read_chunks(self, messages: list) -> bool:
        buffer, at, pieces = self.buffer, 0, []
        while True:
            if self.left:
                pieces.append(buffer[at : at + self.left])
                at += len(pieces[-1])
                self.left -= len(pieces[-1])
                if self.left:
                    break
            line = grammar.CHUNK_LINE.match(buffer, at, at + CHUNK_LIMIT)
            if not line:
                self.check_chunk_line(at)
                break
            size, extension = line.groups()
            self.left, self.extensions = int(size, 16), self.extensions + len(extension)
            if self.left > grammar.LONGEST or self.extensions > EXTENSIONS_LIMIT:
                raise BadMessage("a chunk, or what is said about chunks, is more than anybody takes",
                                 self.offset + at + 2, 413)
            at = line.end()
            if not self.left:
                self.step, self.start, self.searched = self.read_trailers, 2, 0
                break
            at += 2
        self.take(at)
        if data := b"".join(pieces):  # one Body, however many chunks: who sends tiny ones takes no more of our time
            messages.append(Body(data))
        return self.step == self.read_trailers

    def check_chunk_line(self, at: int) -> None:
        """Raise BadMessage unless more bytes could make a line with a size of what stands there."""
        if not b"\r\n".startswith(self.buffer[at : at + 2]):
            raise BadMessage("a chunk does not end where its size says", self.offset + at)
        if len(self.buffer) - at >= CHUNK_LIMIT or self.buffer.find(b"\n", at + 2) > 0:
            raise BadMessage("a chunk does not begin with its size in hexadecimal", self.offset + at + 2)

    def read_trailers(self, messages: list) -> bool:
        if end := self.find_end():
            trailers = self.read_fields(2, end - 2)
            self.take(end)
            self.finish(messages, End(trailers))
        return False

    # ------------------------------------------------ what requests and responses do apart

    def read_first_line(self) -> int:
        """Read the first line; return where it ends. Raises BadMessage."""
        raise NotImplementedError

    def bad_first_line(self) -> BadMessage:
        """What is wrong with a first line that is none."""
        raise NotImplementedError

    def read_message(self, headers: Headers) -> tuple[Request | Response, int]:
        """The head that the first line and these fields make, and how long the body is. Raises BadMessage."""
        raise NotImplementedError

    # ------------------------------------------------ what the steps share

    def take(self, size: int) -> bytes:
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        self.offset += size
        return data

    def finish(self, messages: list, end: End) -> None:
        self.step = self.wait
        messages.append(end)

    def find_end(self) -> int:
        """Where the field lines end, the empty line included; 0 as long as that has not come."""
        end = self.buffer.find(b"\r\n\r\n", max(self.start - 2, self.searched - 3), HEAD_LIMIT) + 4
        if end > 3:
            return end
        if lone := grammar.LONE_LF.search(self.buffer, max(self.start, self.searched), HEAD_LIMIT):
            self.read_fields(self.start, lone.end())  # raises, for this line or for one before
        if len(self.buffer) >= HEAD_LIMIT:
            raise BadMessage("the header fields are too long", self.offset, 431)
        self.searched = len(self.buffer)
        return 0

    def read_fields(self, start: int, end: int) -> Headers:
        """The field lines in this part of the buffer, names in lower case."""
        fields = grammar.FIELD_LINE.findall(self.buffer, start, end)
        if len(fields) != self.buffer.count(b"\n", start, end):
            raise grammar.bad_field_line(self.buffer, start, self.offset)
        if len(fields) > FIELDS_LIMIT:
            raise BadMessage("there are too many header fields", self.offset + start, 431)
        return [(name.lower(), value.strip(b" \t")) for name, value in fields]

    def where(self, name: bytes) -> int:
        """The offset of the field with this name in the head that is being read, else of the field lines."""
        found = re.compile(rb"^%b:" % name, re.MULTILINE | re.IGNORECASE).search(self.buffer, self.start, self.end)
        return self.offset + (found.start() if found else self.start)


class RequestReader(Reader):
    """What a client says: requests."""

    beginning, empty_lines_limit = re.compile(grammar.TOKEN), EMPTY_LINES_LIMIT

    def read_first_line(self) -> int:
        line = grammar.REQUEST_LINE.match(self.buffer)
        if not line:
            raise self.bad_first_line()
        self.method, _, self.target, _, version, major, minor, _ = line.groups()
        if major != b"1":
            raise BadMessage(f"{version.decode()} is not spoken here", self.offset + line.start(5), 505)
        self.version = b"1.0" if minor == b"0" else b"1.1"
        return line.end()

    def bad_first_line(self) -> BadMessage:
        return BadMessage("the first line is not: method, space, target, space, HTTP/1.1", self.offset)

    def read_message(self, headers: Headers) -> tuple[Request, int]:
        return check_head(self.method, self.target, self.version, headers, self.where)

    def where(self, name: bytes) -> int:
        return super().where(name) if name else self.offset + len(self.method) + 1


# ---------------------------------------------------------------- writing


class Writer:
    """Messages in, bytes out: a head, any number of `Body`, `End`. Raises ValueError where it must not be sent."""

    left: int | None = None  # bytes that the body still has; None before the head
    complete = False

    def build(self, message: Request | Response | Body | End) -> bytes:
        """The bytes of a message."""
        if type(message) is Body:
            return self.build_body(message.data)
        if type(message) is End:
            return self.build_end(message.trailers)
        return self.build_head(message)

    def build_head(self, message: Any) -> bytes:
        raise NotImplementedError

    def build_body(self, data: bytes) -> bytes:
        if self.left is None or self.complete:
            raise ValueError("a body is sent behind a head, and not behind an end")
        if self.left == CHUNKED:
            return b"%x\r\n%b\r\n" % (len(data), data) if data else b""  # a chunk of no bytes would be the last
        if self.left != TO_THE_END:
            if len(data) > self.left:
                raise ValueError(f"{len(data)} bytes of a body, and {self.left} are left of its Content-Length")
            self.left -= len(data)
        return data

    def build_end(self, trailers: Fields) -> bytes:
        if self.left is None or 0 < self.left < TO_THE_END:
            raise ValueError(f"the Content-Length promised {self.left} bytes more")
        self.complete = True
        return b"0\r\n%b\r\n" % build_fields(trailers) if self.left == CHUNKED else b""


class ResponseWriter(Writer):
    """Writes the answer to a request (None: to something that was none), framed as that allows.

    It adds Date, and what concerns the connection alone: Connection, Transfer-Encoding.
    keeps: whether the connection can carry another request; who knows that it cannot sets it before the head.
    """

    def __init__(self, request: Request | None) -> None:
        self.request, self.bodiless = request, bool(request and request.method == b"HEAD")
        self.chunks = bool(request and request.version == b"1.1")
        self.keeps = bool(request and request.keeps)

    def build_head(self, response: Response) -> bytes:
        status, headers, reason, _ = response
        if self.left is not None:
            raise ValueError("a response has one head")
        line = status_line(status, reason)
        said = grammar.join([(name.lower(), value) for name, value in headers])
        withheld = OWN | {b"content-length"} if status < 200 or status == 204 else OWN  # RFC 9110 section 8.6
        if not withheld.isdisjoint(said):
            headers = [field for field in headers if field[0].lower() not in withheld]
        lines = build_fields(headers)  # before anything is decided: there can still be another response
        own, connection = [], []
        if status >= 200:
            self.decide_length(status, said.get(b"content-length"))
            self.keeps &= b"close" not in grammar.options(said)
            if b"date" not in said:  # RFC 9110 section 6.6.1
                own.append(b"Date: %b\r\n" % date(int(time.time())))
            if self.left == CHUNKED:
                own.append(b"Transfer-Encoding: chunked\r\n")
            if not self.keeps:
                connection.append(b"close")
            elif not self.chunks:  # HTTP/1.0 closes where nobody says otherwise (§9.3)
                connection.append(b"keep-alive")
        if b"upgrade" in said:  # they go together (RFC 9110 section 7.8)
            connection.append(b"upgrade")
        if connection:
            own.append(b"Connection: %b\r\n" % b", ".join(connection))
        return b"%b%b%b\r\n" % (line, lines, b"".join(own))

    def decide_length(self, status: int, announced: bytes | None) -> None:
        """Decide how the end of the body will be told (§6.3)."""
        length = grammar.body_length({b"content-length": announced}, b"1.1") if announced is not None else None
        self.bodiless |= status in grammar.NO_BODY
        if self.bodiless:
            self.left = 0
        elif length is None and not self.chunks:
            self.left, self.keeps = TO_THE_END, False
        else:
            self.left = CHUNKED if length is None else length

    def build_body(self, data: bytes) -> bytes:
        return b"" if self.bodiless else super().build_body(data)


OWN = {b"connection", b"keep-alive", b"transfer-encoding"}  # are the writer's to send, and nobody else's


def refusal(status: int, sentence: str, request: Request | None = None, fields: Fields = ()) -> bytes:
    """A whole response that says in a sentence why there is no other, the last one of its connection."""
    writer, body = ResponseWriter(request), f"{sentence}\n".encode()
    writer.keeps = False
    headers = [(b"Content-Type", b"text/plain"), (b"Content-Length", b"%d" % len(body)), *fields]
    return writer.build(Response(status, headers)) + writer.build(Body(body)) + writer.build(End())


@lru_cache(maxsize=64)
def status_line(status: int, reason: bytes) -> bytes:
    """The first line of a response. ValueError where it would be none."""
    line = b"HTTP/1.1 %d %b\r\n" % (status, reason or REASONS.get(status, b""))
    if not grammar.STATUS_LINE.fullmatch(line):
        raise ValueError(f"{line!r} is no status-line")
    return line


@lru_cache(maxsize=1)
def date(second: int) -> bytes:
    """The value of a Date field (RFC 9110 section 5.6.7). second: since 1970."""
    return formatdate(second, usegmt=True).encode()


def build_fields(fields: Fields) -> bytes:
    """The lines (bytes) of header fields. ValueError where one would be read otherwise."""
    lines = b"".join([b"%b: %b\r\n" % field for field in fields])
    read = grammar.FIELD_LINE.findall(lines)
    if [name for name, _ in read] != [name for name, _ in fields] or lines.count(b"\n") != len(read):
        raise ValueError(f"{fields!r} are no header fields")
    return lines
