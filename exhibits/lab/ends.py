"""Ends of connections that are none: what a server does with a socket, or with a transport, and no network.

Whoever speaks with the server has said in advance what he will say. He says the next piece when the server reads,
and where he has nothing more to say he is silent for longer than anybody waits: that time passes at once.
"""

import asyncio
import os
from collections import deque

HOST, PORT, VISITOR = "127.0.0.1", 8000, 50000
QUIET = 0.03  # seconds without a word from a server, after which a visitor of an event loop says the next thing


class Socket:
    """The server's end. pieces: what comes, in pieces (bytes); heard: called with what the server sends.

    said: called with each piece when it passes. hangs_up: whether nothing more comes then; else there is silence.
    gone: the other side has left, and who sends to it gets an OSError.
    """

    def __init__(self, pieces, heard, said=lambda piece: None, hangs_up=False):
        self.pieces, self.heard, self.said, self.hangs_up = deque(pieces), heard, said, hangs_up
        self.rest, self.gone, self.bell = b"", False, None

    def recv(self, size):
        if not self.rest and self.pieces:
            self.rest = self.pieces.popleft()
            self.said(self.rest)
        elif not self.rest and self.gone:
            raise ConnectionResetError("the other side has left")
        elif not self.rest and not self.hangs_up:
            raise BlockingIOError("silence")
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def sendall(self, data):
        for piece in pieces_of(data):
            if self.gone:
                raise BrokenPipeError("the other side has left")
            self.heard(piece)

    def shutdown(self, how):
        pass

    def close(self):
        for end in self.bell or ():
            os.close(end)
        self.bell = None

    def setsockopt(self, *option):
        pass

    def settimeout(self, seconds):
        pass

    def setblocking(self, blocks):
        pass

    def getsockname(self):
        return HOST, PORT

    def interrupt(self, piece):
        """The other side says something although nobody has asked: `select` shows that it is there."""
        self.pieces.append(piece)
        self.fileno()
        os.write(self.bell[1], b"!")

    def fileno(self):
        """A file descriptor which can be read from when something has come by `interrupt`."""
        self.bell = self.bell or os.pipe()
        return self.bell[0]


class Transport(asyncio.Transport):
    """The server's end in an event loop. heard: called with what the server sends; whether the visitor leaves then."""

    def __init__(self, protocol, heard):
        super().__init__({"peername": (HOST, VISITOR), "sockname": (HOST, PORT), "socket": Socket((), heard)})
        self.protocol, self.heard, self.ended = protocol, heard, asyncio.Event()
        self.closed, self.leaves, self.news = False, False, asyncio.Event()
        protocol.connection_made(self)

    def write(self, data):
        for piece in pieces_of(data):
            if not (self.closed or self.leaves):
                self.leaves = self.heard(piece)
                self.news.set()
        if self.leaves:
            asyncio.get_running_loop().call_soon(self.leave)

    def write_eof(self):
        self.end()

    def get_write_buffer_size(self):
        return 0  # what is written has been heard

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def is_closing(self):
        return self.closed

    def close(self):
        self.end()
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close

    # ------------------------------------------------ the visitor

    def say(self, data):
        """The visitor sends these bytes."""
        for start in range(0, len(data), PIECE):
            piece = data[start:start + PIECE]
            self.protocol.get_buffer(len(piece))[:len(piece)] = piece
            self.protocol.buffer_updated(len(piece))

    async def listen(self, seconds=QUIET):
        """Until the server says something, or nothing for a moment: whether it has said something."""
        if self.ended.is_set():
            return False
        self.news.clear()
        try:
            await asyncio.wait_for(self.news.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def quiet(self, seconds=QUIET):
        """Until the server says nothing for so long."""
        while await self.listen(seconds):
            pass

    def leave(self):
        """The visitor is gone."""
        if not self.closed:
            self.closed = True
            self.end()
            self.protocol.connection_lost(ConnectionResetError())

    def end(self):
        self.ended.set()
        self.news.set()


PIECE = 16 * 1024  # bytes that an event loop reads at once
AT_ONCE = 256 * 1024  # bytes that a connection or a pipe takes before the other side has to read


def pieces_of(data):
    """The bytes as they pass; none where there are none."""
    for start in range(0, len(data), AT_ONCE):
        yield bytes(data[start : start + AT_ONCE])
