"""A request on its way through the door to a stage, and its answer: handed on as the bytes they are, and kept."""

import asyncio
import time

from exhibits.http import grammar
from exhibits.http.client import ResponseReader
from exhibits.http.grammar import BadMessage
from exhibits.http.wire import Response
from exhibits.shared.ends import resets

PIECE = 64 * 1024  # bytes to read at once
KEPT = 256 * 1024  # bytes of a request and its answer that are remembered; what comes behind them passes, too
TIMEOUT = 30  # seconds that somebody may be silent in the middle of a request, or read nothing
CONNECT = 5  # seconds for a stage to take a connection


class Passing:
    """What passes between a visitor and a stage, for one request.

    number: of this request among all. line: its first line. port: of the connection that carries it, by which
    taps know it; 0 before there is one. zero: the time (monotonic) of its first byte. pieces: (time, 0 of the
    visitor or 1 of the stage, bytes). status: of the answer, 0 before it comes. kept: how many bytes the pieces
    have; cut: more came. took: seconds it took, None as long as it goes on.
    """

    def __init__(self, number, stage, line):
        self.number, self.stage, self.line, self.zero = number, stage, line, time.monotonic()
        self.port = self.status = self.kept = 0
        self.pieces, self.cut, self.took = [], False, None

    def note(self, by, data):
        room = KEPT - self.kept
        self.cut |= len(data) > room
        if data[:room]:
            self.pieces.append((time.monotonic(), by, bytes(data[:room])))
            self.kept += len(self.pieces[-1][2])

    def end(self):
        self.took = round(time.monotonic() - self.zero, 4)


class Answer:
    """Reads the answer to a request as it passes.

    method: of the request. head: of the answer that counts. ended: all of it is there; switched: what follows is
    another protocol (101). Bytes that are no HTTP are handed on to the end of the connection, for who can read them.
    """

    def __init__(self, method):
        self.reader, self.head, self.is_http = ResponseReader(method), None, True

    @property
    def ended(self):
        return self.is_http and self.reader.ended and self.head is not None

    @property
    def switched(self):
        return self.head is not None and self.head.status == 101

    @property
    def keeps(self):
        """Whether it says that the connection can carry another request (RFC 9112 section 9.3)."""
        return self.ended and self.head.version == b"1.1" and b"close" not in grammar.options(
            grammar.join([(name.lower(), value) for name, value in self.head.headers]))

    def receive(self, data):
        """How many of these bytes belong to the answer to this request; the rest are of what is behind it."""
        if self.is_http:
            try:
                for message in self.reader.receive(data):
                    if type(message) is Response and (message.status >= 200 or message.status == 101):
                        self.head = message
            except BadMessage:
                self.is_http = False
        return len(data) - len(self.reader.buffer) if self.ended or self.switched else len(data)


async def connect(place, passing):
    """A connection to the server of a stage, as (reader, writer). OSError where there is none."""
    async with asyncio.timeout(CONNECT):
        reader, writer = await asyncio.open_connection(place.host, place.port, limit=PIECE)
    passing.port = writer.get_extra_info("sockname")[1]
    return reader, writer


async def send(writer, data):
    """Write, and wait until it can be written more. TimeoutError where the other reads nothing."""
    if data:
        writer.write(data)
        async with asyncio.timeout(TIMEOUT):
            await writer.drain()


def say_all(writer):
    """Say that nothing more comes, and go on listening."""
    if not writer.is_closing() and writer.can_write_eof():
        writer.write_eof()


def reset(writer):
    """Reset the connection: half an answer shall not pass for a whole one."""
    resets(writer.get_extra_info("socket"))
    writer.transport.abort()
