"""A WebSocket: it begins as a request of HTTP, and after the 101 it is messages both ways (ASGI, "WebSocket")."""

import asyncio
import re
from collections import deque

from exhibits.asgi import wire
from exhibits.asgi.exchange import Exchange, Gone, fields
from exhibits.http.wire import Response

# Fields of the handshake, each of which is there once and is the server's to send (RFC 6455 section 4.2.2).
HANDSHAKE = re.compile(rb"upgrade$|sec-websocket-(accept|protocol|extensions|version)$", re.IGNORECASE)
PATIENCE = 20  # seconds between two questions whether somebody is there; who says nothing in between is gone


class Conversation(Exchange):
    """A WebSocket. code: why it was closed, None as long as it is not."""

    def __init__(self, visitor, request, key):
        super().__init__(visitor, request)
        self.key, self.frames, self.accepted, self.pinged = key, wire.Reader(from_client=True), False, False
        self.messages, self.code, self.reason = deque([{"type": "websocket.connect"}]), None, ""
        self.size = size(self.messages[0])  # of what waits

    @property
    def subprotocols(self):
        offered = self.request.joined.get(b"sec-websocket-protocol", b"").decode("latin-1")
        return [each.strip() for each in offered.split(",") if each.strip()]

    def scope(self, path):
        scope = super().scope(path) | {"type": "websocket", "scheme": "ws", "subprotocols": self.subprotocols}
        del scope["method"]
        return scope

    # ------------------------------------------------ the program

    async def receive(self):
        while not self.messages and not self.over:
            self.news.clear()
            await self.news.wait()
        if self.messages:
            event = self.messages.popleft()
            self.size -= size(event)
            self.visitor.balance()
            return event
        self.code = self.code or 1006  # the connection ended before a close frame came (RFC 6455 section 7.1.5)
        return {"type": "websocket.disconnect", "code": self.code, "reason": self.reason}

    async def send(self, event):
        kind = event["type"].removeprefix("websocket.")
        if self.code or self.over:
            raise Gone("the WebSocket is closed")
        if kind == "accept" and not self.accepted:
            self.accept(event.get("subprotocol"), event.get("headers", ()))
        elif kind == "send" and self.accepted:
            text = event.get("text")
            self.visitor.write(wire.build(wire.Message(event["bytes"] if text is None else text)))
            await asyncio.sleep(0)  # to send without end is no reason to forget the others
        elif kind == "close" and self.accepted:
            self.close(event.get("code") or 1000, event.get("reason") or "")
        elif kind == "close":
            self.code = 1006
            self.fail(403, "the program does not take this connection")
        else:
            raise RuntimeError(f"{event['type']} is out of order")
        await self.visitor.writable.wait()

    def accept(self, subprotocol, headers):
        own = [(b"Upgrade", b"websocket"), (b"Sec-WebSocket-Accept", wire.accept_key(self.key)),
               *(field for field in fields(headers) if not HANDSHAKE.match(field[0]))]
        if subprotocol and subprotocol not in self.subprotocols:
            raise ValueError(f"the visitor has not offered the subprotocol {subprotocol!r} (RFC 6455 section 4.2.2)")
        if subprotocol:
            own.append((b"Sec-WebSocket-Protocol", subprotocol.encode()))
        self.visitor.write(self.writer.build(Response(101, own)))
        self.accepted, self.status, self.writer.keeps = True, 101, False
        self.visitor.expect(PATIENCE)
        self.receive_bytes(self.visitor.reader.take(len(self.visitor.reader.buffer)))

    def close(self, code, reason=""):
        """Say why, once; the program can still receive what came before."""
        if not self.code:
            self.visitor.write(wire.build(wire.Close(code, reason)))
            self.code, self.reason, self.over = code, reason, True
            self.news.set()
            self.visitor.close()

    def end(self, failed):
        if self.accepted:
            self.close(1011 if failed else 1000)
            self.visitor.log(self)
        else:
            super().end(failed)

    # ------------------------------------------------ the visitor

    @property
    def waiting(self):
        return self.size

    def receive_bytes(self, data):
        """Make events of what has come. Pings and closes are answered also while the program receives nothing."""
        if not self.accepted:
            return super().receive_bytes(data)  # early: it is kept
        self.pinged = False
        try:
            while not self.code and (messages := self.frames.receive(data)):
                self.take(messages)
                data = b""  # what was wrong behind the last message comes out now
        except wire.WebSocketError as error:
            self.close(error.close_code, str(error))
        self.visitor.balance()

    def take(self, messages):
        pongs = []  # sent at once: thousands of pings fit into what is read in one go
        for message in messages:
            if isinstance(message, wire.Message):
                kind = "text" if isinstance(message.data, str) else "bytes"
                self.messages.append({"type": "websocket.receive", kind: message.data})
                self.size += size(self.messages[-1])
            elif isinstance(message, wire.Ping):
                pongs.append(wire.build(wire.Pong(message.data)))
            elif isinstance(message, wire.Close):
                break
        self.news.set()
        if pongs:
            self.visitor.write(b"".join(pongs))
        if isinstance(message, wire.Close):
            self.close(*message)  # the code goes back as it came (RFC 6455 section 5.5.1)

    def visitor_left(self):
        self.over = True
        self.news.set()
        self.visitor.close()

    def overdue(self):
        if self.waiting:
            self.visitor.expect(PATIENCE)  # it may well speak: we read nothing while the program does not
        elif self.pinged:
            self.over = True
            self.news.set()
            self.visitor.abort()
        else:
            self.pinged = True
            self.visitor.write(wire.build(wire.Ping(b"")))
            self.visitor.expect(PATIENCE)

    def stop(self):
        if self.accepted:
            self.close(1012, "the server stops")


def size(event):
    """How much an event counts of what may wait: a message of no bytes takes room as well."""
    return 100 + len(event.get("text") or event.get("bytes") or "")
