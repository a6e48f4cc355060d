"""The client's half of HTTP/1.1: requests written, responses read. Serving needs none of it."""

import re

from exhibits.http import grammar
from exhibits.http.grammar import TO_THE_END, BadMessage, CutOff, Headers
from exhibits.http.wire import End, Reader, Request, Response, Writer, build_fields, check_head


class ResponseReader(Reader):
    """What a server answers to requests, the first with this method. Behind a 101 the rest is in `buffer`."""

    beginning = re.compile(b"H")

    def __init__(self, method: bytes = b"GET") -> None:
        super().__init__()
        self.method = method

    def next(self, method: bytes = b"GET") -> list:
        self.method = method
        return super().next()

    def close(self) -> list:
        if self.step == self.read_head:  # an answer was to come
            raise CutOff("the connection ended before the answer came", self.offset + len(self.buffer))
        return super().close()

    def read_first_line(self) -> int:
        line = grammar.STATUS_LINE.match(self.buffer)
        if not line:
            raise self.bad_first_line()
        version, major, minor, _, status, _, self.reason, _ = line.groups()
        if major != b"1":
            raise BadMessage(f"{version.decode()} is not spoken here", self.offset, 505)
        self.status, self.version = int(status), b"1.0" if minor == b"0" else b"1.1"
        return line.end()

    def bad_first_line(self) -> BadMessage:
        return BadMessage("the first line is not: HTTP/1.1, space, status, space, reason", self.offset)

    def read_message(self, headers: Headers) -> tuple[Response, int]:
        return Response(self.status, headers, self.reason, self.version), self.read_length(headers)

    def read_length(self, headers: Headers) -> int:
        if self.method == b"HEAD" or self.status < 200 or self.status in grammar.NO_BODY:
            return 0
        length = grammar.body_length(grammar.join(headers), self.version, self.where)
        return TO_THE_END if length is None else length

    def finish(self, messages: list, end: End) -> None:
        if not 100 <= self.status < 200:
            super().finish(messages, end)
        elif self.status == 101:
            self.step = self.wait  # this is no HTTP any more (RFC 9110 section 15.2.2)
        else:
            self.begin()


class RequestWriter(Writer):
    """Writes one request, as a client does."""

    def build_head(self, request: Request) -> bytes:
        method, target, version, headers = request[:4]
        line = b"%b %b HTTP/%b\r\n" % (method, target, version)
        if not grammar.REQUEST_LINE.fullmatch(line):
            raise ValueError(f"{line!r} is no request-line")
        _, self.left = check_head(method, target, version, [(name.lower(), value) for name, value in headers])
        return b"%b%b\r\n" % (line, build_fields(headers))
