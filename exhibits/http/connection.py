"""A client's connection with a server that gives it a thread: requests in, one after the other, their answers out."""

import contextlib
import socket
import tempfile
import time
from typing import BinaryIO

from exhibits.http.grammar import LONGEST, BadMessage
from exhibits.http.wire import Body, End, Fields, Request, RequestReader, Response, ResponseWriter, refusal
from exhibits.shared import sockets
from exhibits.shared.ends import resets

PIECE = 64 * 1024  # bytes to read at once
DRAINED = 256 * 1024  # bytes of a body nobody has read that are thrown away, for the sake of the next request


class Connection:
    """request: the one that is being answered. status: of its answer; "-" as long as there is none.

    timeout: how long the client may be silent, and take to send the head of a request, in seconds.
    """

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets.bound(sock, timeout)
        self.socket, self.timeout, self.reader, self.messages = sock, timeout, RequestReader(), []
        self.request: Request | None = None
        self.writer: ResponseWriter | None = None
        self.status = "-"

    def next_request(self) -> Request | None:
        """The next request; None where the client has said everything. Raises BadMessage, and OSError where it left.

        TimeoutError: it is silent, or sends byte after byte for too long.
        """
        self.request = self.writer = None
        self.status = "-"
        self.messages, begun = self.reader.next(), None
        while not self.messages:
            if not self.receive():
                return None
            if begun and time.monotonic() - begun > self.timeout:
                raise TimeoutError("the client is too slow")
            begun = begun or time.monotonic()
        self.request = self.messages.pop(0)
        self.writer = ResponseWriter(self.request)
        self.expected = self.request.waits and not self.reader.ended
        return self.request

    def read(self) -> bytes:
        """The next bytes of the body, b"" at its end. Raises as `next_request` does; half a body is a BadMessage."""
        while not self.messages:
            if self.reader.ended:
                return b""
            if self.expected:  # the body is wanted (RFC 9110 section 10.1.1)
                self.send(Response(100))
                self.expected = False
            self.receive()
        message = self.messages.pop(0)
        return message.data if type(message) is Body else b""

    def read_to_file(self, limit: int = LONGEST) -> BinaryIO | None:
        """The whole body as a file, at its end; None where it is empty.

        BadMessage too where it is longer than that, or there is no room for it.
        """
        body = None
        while data := self.read():
            try:
                body = body or tempfile.TemporaryFile()
                body.write(data)
                body.flush()  # or the disk's refusal would come to who reads it
            except OSError as error:  # as the client's leaving is one
                raise BadMessage(f"the body cannot be kept: {error.strerror}", self.reader.offset, 503) from None
            if body.tell() > limit:
                raise BadMessage("the body is too long", self.reader.offset, 413)
        return body

    def receive(self) -> bool:
        """Take what has come; false at the end of what the client says."""
        try:
            data = self.socket.recv(PIECE)
        except BlockingIOError:
            raise TimeoutError("the client is silent") from None
        self.messages += self.reader.receive(data) if data else self.reader.close()
        return bool(data)

    def send(self, *messages: Response | Body | End) -> None:
        """Send an answer, or a part of it. Raises OSError where the client left or reads nothing."""
        first = messages[0]
        begins = type(first) is Response and first.status >= 200
        if begins:
            self.writer.keeps &= self.reader.ended or (not self.expected and self.reader.rest <= DRAINED)
            self.expected = False  # who has a final answer waits for no 100 any more
        data = b"".join([self.writer.build(message) for message in messages])
        if begins:
            self.status = first.status
        if data:
            self.send_bytes(data)

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are. Raises as `send` does, and then nobody knows how much of them went out."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            if self.writer:
                self.writer.keeps = False
            if isinstance(error, BlockingIOError):
                raise TimeoutError("the client reads nothing") from None
            raise

    def refuse(self, status: int, sentence: str, fields: Fields = ()) -> None:
        """Send the server's own answer instead of the program's; it is the last one."""
        self.status = status
        if self.writer:
            self.writer.keeps = False
        with contextlib.suppress(OSError):
            self.socket.sendall(refusal(status, sentence, self.request, fields))

    def finish(self) -> bool:
        """Throw away what nobody has read of the request; true if the connection can carry another one."""
        if not self.writer:
            return False
        begun = time.monotonic()
        try:
            while self.writer.keeps and not self.reader.ended and time.monotonic() - begun < self.timeout:
                self.read()
        except (OSError, ValueError):
            return False
        return self.writer.complete and self.writer.keeps and self.reader.ended

    def abort(self) -> None:
        """Reset the connection: half an answer shall not pass for a whole one."""
        resets(self.socket)
        self.socket.close()

    def hang_up(self) -> None:
        """Close in two steps (RFC 9112 §9.6): closing resets what is unread, and the reset can overtake the answer."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
            end = time.monotonic() + 1
            while (left := end - time.monotonic()) > 0:
                self.socket.settimeout(left)
                if not self.socket.recv(PIECE):
                    break
        self.socket.close()
