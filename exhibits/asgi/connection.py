"""One visitor of our ASGI server: what comes in is read as HTTP by h11, request after request."""

import asyncio
import sys
import time
from contextlib import suppress

import h11

from exhibits.asgi import wire
from exhibits.asgi.conversation import Conversation
from exhibits.asgi.exchange import Exchange

HEAD_LIMIT, AHEAD = 64 * 1024, 128 * 1024  # bytes of a request before its body; bytes to read ahead
PIECE = 16 * 1024  # bytes for h11 at once: it looks at HEAD_LIMIT between them
TIMEOUT = 30  # seconds that a visitor may be silent inside a request


class Connection(asyncio.Protocol):
    """A visitor, whose requests are answered one after the other; `call` is the one in progress.

    ended: nothing more comes from there. gone: nobody is there any more.
    """

    def __init__(self, server):
        self.server, self.call, self.buffer, self.news = server, None, bytearray(), asyncio.Event()
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        self.writable, self.ended, self.gone = True, False, False

    def connection_made(self, transport):
        self.transport, self.write = transport, transport.write
        self.client, self.local = (list(transport.get_extra_info(name)[:2]) for name in ("peername", "sockname"))
        self.server.tasks[self] = asyncio.create_task(self.serve())

    def data_received(self, data):
        self.buffer += data
        self.balance()

    def eof_received(self):
        self.ended = True
        self.news.set()
        return True  # the other direction stays open: who has said everything can still be answered

    def connection_lost(self, error):
        self.ended = self.gone = self.writable = True
        self.news.set()

    def pause_writing(self):
        self.writable = False

    def resume_writing(self):
        self.writable = True
        self.balance()

    def balance(self):
        """Read no faster than the program receives, and nothing from a visitor who reads nothing."""
        if self.call:
            self.call.arrived()
        full = len(self.buffer) > AHEAD or not self.writable
        (self.transport.pause_reading if full else self.transport.resume_reading)()
        self.news.set()

    async def wait(self):
        """Wait until something of the above happens."""
        self.news.clear()
        await self.news.wait()

    def take(self, size):
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        self.balance()
        return data

    async def next_event(self):
        """The next event of HTTP; h11.RemoteProtocolError where it is none, TimeoutError where it does not come."""
        async with asyncio.timeout(TIMEOUT):
            while (event := self.http.next_event()) is h11.NEED_DATA:
                if self.http.they_are_waiting_for_100_continue:  # the body is wanted now (RFC 9110 section 10.1.1)
                    self.write(self.http.send(h11.InformationalResponse(status_code=100, headers=[])))
                while not self.buffer and not self.ended:
                    await self.wait()
                self.http.receive_data(self.take(PIECE))
        return event

    async def serve(self):
        try:
            while await self.exchange():
                self.http.start_next_cycle()
            # To close now would reset what still comes, and with it the answer (RFC 9112 section 9.6).
            self.transport.write_eof()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while not self.ended:
                        self.take(AHEAD)
                        await self.wait()
        except asyncio.CancelledError:
            self.transport.abort()
        finally:
            self.transport.close()
            del self.server.tasks[self]

    async def exchange(self):
        """Answer one request and log it; true if the connection can carry another one."""
        start, line, self.call = time.monotonic(), "-", None
        try:
            if type(request := await self.next_event()) is h11.ConnectionClosed:
                return False
            start = time.monotonic()
            line = f"{request.method.decode()} {request.target.decode()} HTTP/{request.http_version.decode()}"
            headers = dict(request.headers)
            if b"transfer-encoding" in headers and (b"content-length" in headers or request.http_version < b"1.1"):
                raise h11.RemoteProtocolError("it is not clear where the body ends")  # smuggling, RFC 9112 section 6.1
            key = wire.handshake(request.method, request.http_version, headers)
            call = self.call = Conversation(self, request, key) if key else Exchange(self, request)
            await call.run()
        except TimeoutError:
            if not self.http.trailing_data[0]:
                return False
            call = refused(self, 408, "no whole request came in time")
        except h11.RemoteProtocolError as error:
            call = refused(self, error.error_status_hint, error)
        except wire.BadHandshake as error:
            call = refused(self, error.status, error, error.fields)
        self.call = None
        if self.server.access_log:
            took = f"{(time.monotonic() - start) * 1000:.0f} ms"
            print(f'{self.client[0]} "{line}" {call.status or "-"} {took}', file=sys.stderr, flush=True)
        return self.http.our_state is self.http.their_state is h11.DONE and not self.server.stopping.is_set()


def refused(visitor, *refusal):
    """The Exchange of something that is no request."""
    exchange = Exchange(visitor, None)
    exchange.refuse(*refusal)
    return exchange
