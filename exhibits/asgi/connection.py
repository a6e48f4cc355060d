"""One visitor of our ASGI server: bytes come in, requests are made of them, and each is answered by a task."""

import asyncio
import contextlib

from exhibits.asgi import wire
from exhibits.asgi.conversation import Conversation
from exhibits.asgi.exchange import Exchange
from exhibits.http.grammar import BadMessage
from exhibits.http.wire import Body, Request, RequestReader
from exhibits.shared.ends import resets
from exhibits.shared.log import log

PIECE = 16 * 1024  # bytes to read at once: between two pieces everybody else has a turn
AHEAD = 128 * 1024  # bytes to keep of what nobody has received yet
TIMEOUT = 30  # seconds that a visitor may be silent, read nothing, or take for the head of a request
LINGER = 1  # seconds to listen to a visitor who has got all there is


class Connection(asyncio.BufferedProtocol):
    """A visitor, whose requests are answered one after the other.

    call: what answers the request that came last. news: set when something happens that it may wait for.
    ended: nothing more comes from the visitor. gone: nobody is there. full: nothing is read for now.
    silent: until when the visitor may be silent; stuck: until when it may read nothing (times of the loop, or None).
    unread: how many bytes it had to read when that time began.
    """

    def __init__(self, server):
        self.server, self.reader, self.call = server, RequestReader(), None
        self.ended = self.gone = self.closing = False
        self.writable, self.news, self.full = asyncio.Event(), asyncio.Event(), False
        self.writable.set()
        self.silent = self.stuck = None
        self.unread = 0

    # ------------------------------------------------ what the loop calls

    def connection_made(self, transport):
        self.transport, self.write = transport, transport.write
        self.client, self.local = (transport.get_extra_info(name)[:2] for name in ("peername", "sockname"))
        self.server.connections.add(self)
        self.expect()

    def get_buffer(self, sizehint):
        return self.server.piece  # a memoryview, one for all: what is in it is taken at once

    def buffer_updated(self, size):
        if self.closing:
            return
        if self.call is None and not self.reader.buffer:
            self.expect()  # from its first byte on a request has to come in time
        (self.call.receive_bytes if self.call else self.read)(self.server.piece[:size])

    def eof_received(self):
        self.ended = True
        if self.closing:
            self.close()
        elif self.call:
            self.call.visitor_left()
        else:
            self.end()
        return True  # the other direction stays open: who has said everything can still be answered

    def connection_lost(self, error):
        self.ended = self.gone = True
        self.writable.set()
        self.server.connections.discard(self)
        if self.call:
            self.call.visitor_left()

    def pause_writing(self):
        self.writable.clear()
        self.wait_for_reader()
        self.balance()

    def resume_writing(self):
        self.writable.set()
        self.stuck = self.stuck if self.closing else None
        self.balance()

    # ------------------------------------------------ requests

    def expect(self, seconds=None):
        """The visitor has to say something within this time."""
        self.silent = self.server.now() + (seconds or TIMEOUT)

    def read(self, data):
        """Read the next bytes as HTTP."""
        try:
            self.take(self.reader.receive(data))
        except BadMessage as error:
            self.fail(error.status, error.sentence)

    def take(self, messages):
        for message in messages:
            if type(message) is Request:
                self.begin(message)
            else:
                self.call.receive_body(message.data if type(message) is Body else None)
        self.balance()

    def begin(self, request):
        """Start a task that answers the request: before it runs everybody else has a turn."""
        self.silent, self.call = None, Exchange(self, request)
        try:
            if key := wire.handshake(request.method, request.version, request.joined):
                self.call = Conversation(self, request, key)
            self.server.start(self.call)
        except wire.BadHandshake as error:
            self.fail(error.status, str(error), error.fields)

    def answered(self):
        """The answer is complete: go on to the next request, once nothing of this one is in the way."""
        if not self.call.writer.keeps or self.server.stopping.is_set():
            self.close()
        elif self.reader.ended:
            self.call = None
            self.expect()
            try:
                self.take(self.reader.next())
            except BadMessage as error:
                self.fail(error.status, error.sentence)
            if self.ended and not self.call:
                self.end()
        else:
            self.expect()  # the rest of the body; whoever does not send it is not waited for

    def end(self):
        """The visitor has said everything, and everything is answered; half a request is none."""
        try:
            self.reader.close()
            self.close()
        except BadMessage as error:
            self.fail(error.status, error.sentence)

    def fail(self, status, sentence, fields=()):
        """Answer what is no request, or not all of one."""
        self.call = self.call or Exchange(self, None)
        self.call.fail(status, sentence, fields)

    # ------------------------------------------------ limits

    def balance(self):
        """Read no faster than the program receives, and nothing from a visitor who reads nothing."""
        waiting = len(self.reader.buffer) + (self.call.waiting if self.call else 0)
        full = not self.closing and (waiting > AHEAD or not self.writable.is_set())
        if full != self.full:
            self.full = full
            (self.transport.pause_reading if full else self.transport.resume_reading)()

    def wait_for_reader(self):
        """The visitor has to read something within TIMEOUT, and not all of it: nobody knows how slow its network is."""
        self.stuck, self.unread = self.server.now() + TIMEOUT, self.transport.get_write_buffer_size()

    def overdue(self, now):
        """Do something about a visitor who takes too long; asked again and again."""
        if self.stuck and now > self.stuck:
            (self.wait_for_reader if self.transport.get_write_buffer_size() < self.unread else self.abort)()
        elif self.silent and now > self.silent:
            if self.closing and self.transport.get_write_buffer_size():
                self.expect(LINGER)  # it has not got all there is
            elif self.closing:
                self.transport.abort()
            elif self.call:
                self.call.overdue()
            elif self.reader.buffer:
                self.fail(408, "no whole request came in time")
            else:
                self.close()

    def close(self):
        """Close in two steps: to close now would reset what still comes, and with it the answer (RFC 9112 §9.6)."""
        if self.closing and not self.ended:
            return
        self.closing = True
        self.wait_for_reader()
        if self.ended:
            return self.transport.close()
        self.expect(LINGER)
        self.balance()
        with contextlib.suppress(OSError):  # the visitor has left
            self.transport.write_eof()

    def abort(self):
        """Reset the connection: half an answer shall not pass for a whole one."""
        self.closing = True
        resets(self.transport.get_extra_info("socket"))
        self.transport.abort()

    def stop(self):
        """The server stops: an answer may be finished."""
        if self.call:
            self.call.stop()
        else:
            self.close()

    def log(self, call):
        if self.server.access_log:
            line, took = call.request.line if call.request else "-", (self.server.now() - call.began) * 1000
            log(f'{self.client[0]} "{line}" {call.status or "-"} {took:.0f} ms')
