"""Visitors who send exact bytes, where a normal HTTP client would tidy them up, and the places that they visit."""

import socket
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import h11

LAST, MOST = 60, 16 << 20  # seconds and bytes after which an answer is taken to have no end
LINGER = 0.05  # seconds in which a server is heard behind its last answer, where it need not close
# What the contract does not compare: who answered, when and how fast, where else it can be reached, and how the
# bytes were framed.
NOT_COMPARED = {"server", "date", "server-timing", "alt-svc", "connection", "keep-alive", "transfer-encoding"}


@dataclass
class Answer:
    """What came back.

    status: the status code, 0 where no answer came at all.
    headers: (name in lower case, value) in the order they came.
    complete: the body reached the end its framing announced.
    informational: the 1xx codes that came before.
    raw: every byte of it, interim answers included; None where it came in other bytes than those of HTTP/1.1.
    """

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False
    informational: list[int] = field(default_factory=list)
    raw: bytes | None = None

    def compared(self):
        """The header fields the contract compares: sorted by name, repeats joined but for Set-Cookie."""
        fields = {}
        for name, value in self.headers:
            if name not in NOT_COMPARED:
                fields.setdefault(name, []).append(value)
        return {name: values if name == "set-cookie" else ", ".join(values) for name, values in sorted(fields.items())}


class Kept:
    """A connection kept open between requests, to the end of a `with` block. socket: None while it is closed."""

    socket = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def rest(self, closes):
        """What comes behind the last answer: (bytes, whether the connection has ended); None: nobody can tell."""
        return b"", None


class Visitor(Kept):
    """One visitor's connection to host and port, kept open between requests where the server does so."""

    def __init__(self, host, port, timeout=5):
        self.address, self.timeout = (host, port), timeout
        self.is_last = False  # whether the connection has had its last answer
        self.ahead = b""  # what was sent already and not asked for yet

    def ask(self, request, *, then=(), hang_up=False, behind=b"", within=LAST):
        """Send a request (bytes) and return the Answer.

        then: further pieces (bytes), each sent once the ones before are on their way
            and, where the request expects it, after "100 Continue".
        hang_up: close our side after the last piece, as a client that breaks off does.
        behind: the requests that are asked next, sent in the same bytes (RFC 9112 section 9.3.2).
        within: so many seconds the answer may take in all, what has come then is not complete.
        """
        self.deadline = time.monotonic() + within
        if self.is_last:
            self.close()
        if self.socket is None:
            self.socket = socket.create_connection(self.address, self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
            self.ahead, self.is_last = b"", False
        self.pretend(request)
        answer = Answer(raw=bytes(self.h11.trailing_data[0]))
        unsent = b"" if self.ahead.startswith(request) else request + behind
        self.ahead = (self.ahead or request + behind)[len(request):]
        try:
            self.socket.sendall(unsent)
            if b"100-continue" in request:
                self.await_continue(answer)
            for piece in then:
                self.socket.sendall(piece)
            if hang_up:
                self.socket.shutdown(socket.SHUT_WR)
        except (ConnectionError, TimeoutError, h11.RemoteProtocolError):
            pass  # the server wants no more: it has answered already, or says what is no HTTP
        try:
            self.read(answer, until=h11.EndOfMessage)
        except (ConnectionError, TimeoutError, h11.RemoteProtocolError):
            pass  # what has come so far is the answer, and it is not complete
        if answer.complete:
            answer.raw = answer.raw.removesuffix(bytes(self.h11.trailing_data[0]))
        if answer.complete and not hang_up and self.h11.our_state is self.h11.their_state is h11.DONE:
            self.h11.start_next_cycle()
        elif answer.complete and not hang_up:
            self.is_last = True
        else:
            self.close()
        return answer

    def rest(self, closes):
        """What comes behind the last answer: (bytes, whether the connection has ended), and close.

        closes: the server is to close by itself. Else it is told that nobody asks any more, and a moment has to do.
        """
        if self.socket is None:
            return b"", None
        came, ended = bytes(self.h11.trailing_data[0]), False
        try:
            if not closes:
                self.socket.shutdown(socket.SHUT_WR)
                self.socket.settimeout(LINGER)
            while data := self.receive(came):
                came += data
            ended = True
        except TimeoutError:
            pass
        except OSError:  # it does not wait for our side
            ended = True
        self.close()
        return came, ended

    def receive(self, came):
        """What comes behind all that has come. TimeoutError: nothing does, or it has no end."""
        if len(came) > MOST or time.monotonic() > self.deadline:
            raise TimeoutError("it has no end")
        return self.socket.recv(65536)

    def await_continue(self, answer):
        """A client does not wait for "100 Continue" without end (RFC 9110 section 10.1.1)."""
        self.socket.settimeout(2)
        try:
            self.read(answer, until=h11.InformationalResponse)
        except TimeoutError:
            pass
        self.socket.settimeout(self.timeout)

    def pretend(self, request):
        """Tell h11 that it sent a request with this method: how the answer is framed depends on it."""
        method = request.lstrip().split(b" ")[0]
        self.h11.send(h11.Request(method=method, target="/", headers=[("Host", "localhost")]))
        self.h11.send(h11.EndOfMessage())

    def read(self, answer, until):
        body = [answer.body]  # joined once: an answer may come in millions of pieces
        try:
            while True:
                event = self.h11.next_event()
                if event is h11.NEED_DATA:
                    data = self.receive(answer.raw)
                    answer.raw += data
                    self.h11.receive_data(data)
                elif isinstance(event, h11.InformationalResponse):
                    answer.informational.append(event.status_code)
                elif isinstance(event, h11.Response):
                    answer.status = event.status_code
                    answer.headers = [(name.decode("latin-1"), value.decode("latin-1"))
                                      for name, value in event.headers]
                elif isinstance(event, h11.Data):
                    body.append(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    answer.complete = True
                if isinstance(event, (until, h11.EndOfMessage, h11.ConnectionClosed)) or event is h11.PAUSED:
                    return
        finally:
            answer.body = b"".join(body)


@dataclass(eq=False)
class Place:
    """Where a server is asked, and what is known of it.

    guestbook: the SQLite file it uses; None: nobody can reach it, and what stands in it is not known.
    mount: the path the program is mounted at, as it sees it; mount_is_stripped: visitors see none of that.
    encrypted: as `catalog.Stack` has it, and trusts the file with the authority to believe then.
    interface, carrier: as `catalog.Stack` has them; "" where that is not known.
    """

    host: str
    port: int
    guestbook: Path | None = None
    mount: str = ""
    mount_is_stripped: bool = False
    encrypted: str = ""
    trusts: Path | None = None
    interface: str = ""
    carrier: str = "HTTP/1.1"

    def visitor(self, timeout=5):
        """A visitor, to be used in a `with` block, who speaks what visitors speak here."""
        if not self.encrypted:
            return Visitor(self.host, self.port, timeout)
        from exhibits.backstage.visiting.encrypted import VISITORS

        return VISITORS[self.encrypted](self.host, self.port, timeout, self.trusts)

    @property
    def seen(self):
        """The mount point as visitors see it."""
        return "" if self.mount_is_stripped else self.mount

    @cached_property
    def fillings(self):
        """What {…} stands for in the contract's answers."""
        return {"mount": self.mount, "seen": self.seen, "scheme": "https" if self.encrypted else "http",
                "port": str(self.port), "protocol": self.protocol}

    @property
    def protocol(self):
        return self.carrier if self.carrier in ("HTTP/2", "HTTP/3") else "HTTP/1.1"

    @property
    def tells_reasons(self):
        """Whether the interface carries a reason phrase, and so does all that stands behind it."""
        return self.has_variables and self.protocol == "HTTP/1.1"

    @property
    def has_variables(self):
        """Whether the program is told of a request by the variables of CGI."""
        return self.interface.startswith(("CGI", "WSGI"))
