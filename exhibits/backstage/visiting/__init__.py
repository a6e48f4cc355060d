"""A visitor who sends exact bytes, where a normal HTTP client would tidy them up."""

import socket
from dataclasses import dataclass, field

import h11

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
    """

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False
    informational: list[int] = field(default_factory=list)

    def compared(self):
        """The header fields the contract compares: sorted, repeats joined but for Set-Cookie."""
        fields = {}
        for name, value in self.headers:
            if name not in NOT_COMPARED:
                fields.setdefault(name, []).append(value)
        return {
            name: sorted(values) if name == "set-cookie" else ", ".join(values)
            for name, values in sorted(fields.items())
        }


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


class Visitor(Kept):
    """One visitor's connection to host and port, kept open between requests where the server does so."""

    def __init__(self, host, port, timeout=5):
        self.address, self.timeout = (host, port), timeout

    def ask(self, request, *, then=(), hang_up=False):
        """Send a request (bytes) and return the Answer.

        then: further pieces (bytes), each sent once the ones before are on their way
            and, where the request expects it, after "100 Continue".
        hang_up: close our side after the last piece, as a client that breaks off does.
        """
        if self.socket is None:
            self.socket = socket.create_connection(self.address, self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        self.pretend(request)
        answer = Answer()
        try:
            self.socket.sendall(request)
            if b"100-continue" in request:
                self.await_continue(answer)
            for piece in then:
                self.socket.sendall(piece)
            if hang_up:
                self.socket.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has answered already and wants no more
        try:
            self.read(answer, until=h11.EndOfMessage)
        except (ConnectionError, TimeoutError, h11.RemoteProtocolError):
            pass  # what has come so far is the answer, and it is not complete
        if answer.complete and not hang_up and self.h11.our_state is self.h11.their_state is h11.DONE:
            self.h11.start_next_cycle()
        else:
            self.close()
        return answer

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
        self.h11.send(h11.Request(method=method, target="/", headers=[("Host", "museum.test")]))
        self.h11.send(h11.EndOfMessage())

    def read(self, answer, until):
        while True:
            event = self.h11.next_event()
            if event is h11.NEED_DATA:
                data = self.socket.recv(65536)
                self.h11.receive_data(data)
            elif isinstance(event, h11.InformationalResponse):
                answer.informational.append(event.status_code)
            elif isinstance(event, h11.Response):
                answer.status = event.status_code
                answer.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
            elif isinstance(event, h11.Data):
                answer.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                answer.complete = True
            if isinstance(event, (until, h11.EndOfMessage, h11.ConnectionClosed)) or event is h11.PAUSED:
                return


def request(method, path, *headers, body=b"", version="1.1"):
    """The bytes of a request: path and headers ("Name: value") are latin-1 text, nothing is tidied.

    "Content-Length" is added where there is a body and no header announces it.
    """
    lines = [f"{method} {path} HTTP/{version}", *(["Host: museum.test"] if version == "1.1" else []), *headers]
    framed = any(header.lower().startswith(("content-length:", "transfer-encoding:")) for header in headers)
    if body and not framed:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
