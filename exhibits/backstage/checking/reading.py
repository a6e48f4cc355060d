"""Reading answers byte by byte: what a visitor's parser makes of them, and what it forgives.

The parser is h11, which no server here uses: a fault of our own HTTP does not look right to it. What h11 lets pass is
looked for in the bytes. "§" is a section of RFC 9112 where no other RFC is named.
"""

import re
import select
import socket
import time
from dataclasses import dataclass, field

import h11

from exhibits.backstage.visiting import LAST, MOST

STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9]\d\d(?: [\t -~\x80-\xff]*)?")
TOKEN = rb"[\w!#$%&'*+.^`|~-]+"
FIELD_LINE = re.compile(TOKEN + rb":[\t -~\x80-\xff]*", re.ASCII)
LF = b"\n"
HEAD_END = re.compile(rb"\r?\n\r?\n")  # as h11 finds it
QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
CHUNK_LINE = re.compile(
    rb"([\da-fA-F]+)(?:[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?)*\r\n" % (TOKEN, TOKEN, QUOTED), re.ASCII)
INTERIM = re.compile(rb"HTTP/1\.\d 1(?!01)\d\d\b")
# Fields with one value, which is none if it is there twice (RFC 9110 section 5.3).
SINGLE = ("content-length", "content-type", "date", "location", "server", "sec-websocket-accept", "upgrade")
LENGTHS = "content-length", "transfer-encoding"
# What concerns one connection (RFC 9110 section 7.6.1), or says who answered and when.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "date", "server", "via"}
NO_DATE = "no Date (RFC 9110 section 6.6.1)"
INJECTED = "x-injected"  # the field that no program has sent: who sees it took a part of a value for a field


@dataclass
class Answer:
    """What came back.

    raw: every byte, interim answers included. status: 0 where there is none. fields: (name in lower case, value).
    end: "whole", "cut" where the connection ended before, "nothing" where it did so without a byte, "silence" where
    nothing more came in time. closes: whether the connection is to be closed now, as far as the answer says.
    faults: what no server may send, in sentences.
    """

    raw: bytes = b""
    status: int = 0
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    end: str = "silence"
    closes: bool = False
    faults: list[str] = field(default_factory=list)

    def values(self, name):
        return [value for each, value in self.fields if each == name]

    @property
    def options(self):
        """What Connection says, in lower case."""
        said = ",".join(self.values("connection")).lower().split(",")
        return {each.strip(" \t") for each in said} - {""}

    def __str__(self):
        return f"{self.status} {self.body.decode('latin-1')}" if self.end == "whole" else self.end


class Talk:
    """A connection to a server on which nothing is tidied, to the end of a `with` block.

    patience: seconds of silence until an answer is given up. After LAST seconds, or MOST bytes, it is taken for silence
    what is still said: there are answers without end.
    """

    def __init__(self, host, port, patience):
        self.socket = socket.create_connection((host, port), patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.patience, self.ended, self.is_reset = patience, False, False
        self.came, self.last = 0, time.monotonic() + LAST
        self.unread = b""  # what has come and belongs to no answer yet

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    def exchange(self, data=b"", seconds=None):
        """Send what is to be sent and wait for what comes: (bytes, unsent); no bytes where it ended, or in silence."""
        deadline = min(self.last, time.monotonic() + (self.patience if seconds is None else seconds))
        while not self.ended and self.came < MOST and time.monotonic() < self.last:
            left = deadline - time.monotonic()
            readable, writable, _ = select.select([self.socket], [self.socket] if data else [], [], max(0, left))
            try:
                if readable:
                    came = self.socket.recv(65536)
                    self.ended, self.came = not came, self.came + len(came)
                    return came, data
                if writable:
                    data = data[self.socket.send(data):]
                elif left <= 0:
                    break
            except BlockingIOError:
                pass
            except OSError as error:
                if readable or not isinstance(error, BrokenPipeError):
                    self.ended, self.is_reset = True, True
                data = b""  # nobody takes it; what was answered may still come
        return b"", data

    def ask(self, request, method="GET", body=b"", sending="at once"):
        """Send a request (bytes: its head) and its body; return the Answer. sending: see `rude.Behaviour`."""
        answer, parser = Answer(), parser_for(method, b"\r\nUpgrade: websocket\r\n" in request)
        later = body if sending in ("late", "expected") else b""
        unsent = request + (b"" if later else body)
        came, self.unread = self.unread, b""
        while True:
            answer.raw += came
            if came:
                parser.receive_data(came)
            if self.ended and not came:
                parser.receive_data(b"")
            if take(parser, answer) or (self.ended and not came):
                break
            if later and (continued(answer.raw) if sending == "expected" else not came and not unsent):
                unsent, later = later, b""
            patience = min(0.2, self.patience) if later and sending == "late" else None
            came, unsent = self.exchange(unsent, patience)
            if not came and not self.ended and not (later and sending == "late"):
                break
        if self.ended and answer.end != "whole":
            answer.end = "cut" if answer.raw else "nothing"
        self.unread = bytes(parser.trailing_data[0])
        inspect(answer, method, sending == "expected")
        if self.is_reset and answer.end == "whole" and until_close(answer, method):
            answer.end = "cut"
        if answer.end == "whole" and not answer.closes:
            self.send(unsent + later)  # the rest of the request stands before the next one
        return answer

    def send(self, data):
        """Send all of it; what comes meanwhile is kept."""
        while data and not self.ended:
            came, left = self.exchange(data)
            self.unread += came
            if not came and left == data:
                return
            data = left

    def rest(self, seconds=None):
        """What comes until the connection ends, or until there is silence for so long."""
        came, self.unread = self.unread, b""
        while True:
            more, _ = self.exchange(seconds=seconds)
            came += more
            if not more:
                return came


def read(data, methods, ended, waits=False):
    """The Answers (list) that these bytes are, and the bytes behind the last one that can be read.

    methods: of the requests they answer, in order; GET for those behind. ended: nothing more comes.
    waits: whether an interim 100 was asked for.
    """
    answers, methods = [], iter(methods)
    while data:
        method = next(methods, "GET")
        method = method.decode("latin-1") if isinstance(method, bytes) else method
        answer, parser = Answer(), parser_for(method, upgrades=True)
        parser.receive_data(data)
        if not take(parser, answer) and ended:
            parser.receive_data(b"")
            take(parser, answer)
        rest = bytes(parser.trailing_data[0]) if answer.end == "whole" else b""
        answer.raw = data.removesuffix(rest)
        inspect(answer, method, waits)
        answers.append(answer)
        if answer.end != "whole" or answer.status == 101:
            return answers, rest
        data = rest
    return answers, data


def parser_for(method, upgrades):
    """h11, told that a request with this method was sent, maybe one for a WebSocket."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    fields = [("Host", "localhost"), *([("Upgrade", "websocket"), ("Connection", "Upgrade")] if upgrades else [])]
    parser.send(h11.Request(method=method, target="/", headers=fields))
    parser.send(h11.EndOfMessage())
    return parser


def take(parser, answer):
    """Read on; true when the answer is at its end."""
    body = [answer.body]  # joined once: an answer may come in millions of pieces
    try:
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Response):
                answer.status = event.status_code
                answer.fields = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in event.headers]
            elif isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                answer.status, answer.end = 101, "whole"
                answer.fields = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in event.headers]
                return True
            elif isinstance(event, h11.Data):
                body.append(event.data)
            elif isinstance(event, h11.EndOfMessage):
                answer.end = "whole"
                if event.headers:
                    answer.faults.append("trailer fields nobody has asked for (RFC 9110 section 6.5.1)")
                return True
            elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return False
    except h11.RemoteProtocolError as error:
        if not parser_ended(parser):
            answer.faults.append(f"no HTTP: {error}")
        answer.end = "cut"
        return True
    finally:
        answer.body = b"".join(body)


def parser_ended(parser):
    """Whether h11 complains of the end of the connection only: what is cut off is no fault of its bytes."""
    return parser.trailing_data[1]


def continued(raw):
    return raw.startswith(b"HTTP/1.1 100 ")


def heads(raw):
    """The heads in the bytes of an answer, each as lines: interim ones, then the one that counts, [] without an end."""
    return parts(raw)[0]


def parts(raw):
    """The `heads`, and where the last one ends. An end that is not CR LF CR LF stays a part of the last line."""
    found, start = [], 0
    while end := HEAD_END.search(raw, start):
        lines = raw[start:end.start()].split(b"\r\n")
        if end[0] != b"\r\n\r\n":
            lines[-1] += end[0]
        found.append(lines)
        if not INTERIM.match(raw, start):
            return found, end.end()
        start = end.end()
    return [*found, []], len(raw)


def chunk_faults(data, at):
    """What is wrong with the chunks from there on, as sentences; h11 has found an end of them."""
    while line := CHUNK_LINE.match(data, at):
        size = int(line[1], 16)
        at = line.end() + (size + 2 if size else 0)
        if not size:
            if data.startswith(b"\n", at):
                yield "LF alone behind the last chunk (§7.1)"
            return
    yield f"{data[at:at + 60].partition(LF)[0]!r} is no line with a size (§7.1)"


def fields_of(lines):
    """The fields of a head (lines): (name in lower case, value)."""
    return [(name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1"))
            for name, _, value in (line.partition(b":") for line in lines[1:])]


def has_body(answer, method):
    return method != "HEAD" and answer.status not in (101, 204, 304)


def until_close(answer, method):
    return has_body(answer, method) and not any(map(answer.values, LENGTHS))


def inspect(answer, method, waits):
    """Add the faults that h11 forgives."""
    faults = answer.faults
    (*interim, lines), body = parts(answer.raw)
    faults += dict.fromkeys(f"{each[0].decode('latin-1')}, which nobody has asked for (RFC 9110 section 15.2)"
                            for each in interim if not (waits and continued(each[0])))
    wrong = [f"{head[0][:60]!r} is no status line (§4)" for head in (*interim, lines)
             if head and not STATUS_LINE.fullmatch(head[0])]
    wrong += [f"{line[:60]!r} is no field line (§5)" for head in (*interim, lines)
              for line in head[1:] if not FIELD_LINE.fullmatch(line)]
    faults += dict.fromkeys(wrong)
    if any(name in LENGTHS for each in interim for name, _ in fields_of(each)):
        faults.append("a length with an interim answer (RFC 9110 section 8.6, §6.1)")
    if not lines:
        return  # nothing, or not even a whole head
    answer.fields = fields_of(lines)
    faults += [f"{name} is there {len(values)} times (RFC 9110 section 5.3)"
               for name in SINGLE if len(values := answer.values(name)) > 1]
    if answer.values(INJECTED):
        faults.append("a part of a value has become a field (RFC 9110 section 5.5)")
    lengths, coded = map(answer.values, LENGTHS)
    if lengths and coded:
        faults.append("Content-Length and Transfer-Encoding (§6.2)")
    if not all(re.fullmatch("[0-9]+", length) for length in lengths):
        faults.append(f"a Content-Length of {lengths[0]!r} (RFC 9110 section 8.6)")
    if (lengths or coded) and answer.status in (101, 204):
        faults.append(f"a length with {answer.status} (RFC 9110 section 8.6, §6.1)")
    if coded and answer.end == "whole" and has_body(answer, method):
        faults += chunk_faults(answer.raw, body)
    if not answer.values("date") and answer.status >= 200 and answer.status < 500:
        faults.append(NO_DATE)
    said = answer.options
    old = lines[0].startswith(b"HTTP/1.0")
    answer.closes = "close" in said or (old and "keep-alive" not in said)
    if "close" in said and "keep-alive" in said:
        faults.append("Connection says close and keep-alive (§9.3)")
    if until_close(answer, method) and answer.end == "whole":
        if not answer.closes:
            faults.append("the connection ends the body, and was not announced to be closed (§9.3)")
        answer.closes = True
