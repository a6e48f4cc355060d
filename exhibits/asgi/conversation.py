"""A WebSocket: it begins as a request of HTTP, and after the 101 it is messages both ways (ASGI, "WebSocket")."""

from collections import deque

import h11

from exhibits.asgi import wire
from exhibits.asgi.exchange import REASONS, Exchange, Gone


class Conversation(Exchange):
    """A WebSocket. code: why it was closed, None as long as it is not."""

    def __init__(self, visitor, request, key):
        super().__init__(visitor, request)
        self.key, self.frames, self.accepted = key, wire.Reader(from_client=True), False
        self.messages, self.code, self.reason = deque([{"type": "websocket.connect"}]), None, ""

    def scope(self, path, target):
        offered = b",".join(value for name, value in self.request.headers if name == b"sec-websocket-protocol")
        subprotocols = [each.strip() for each in offered.decode("latin-1").split(",") if each.strip()]
        scope = super().scope(path, target) | {"type": "websocket", "scheme": "ws", "subprotocols": subprotocols}
        del scope["method"]
        return scope

    async def receive(self):
        while not self.messages and not self.code and not self.visitor.ended:
            await self.visitor.wait()
        if self.messages:
            event = self.messages.popleft()
            self.visitor.balance()
            return event
        self.code = self.code or 1006  # the connection ended before a close frame came (RFC 6455 section 7.1.5)
        return {"type": "websocket.disconnect", "code": self.code, "reason": self.reason}

    async def send(self, event):
        kind = event["type"].removeprefix("websocket.")
        if self.code or self.visitor.gone:
            raise Gone("the WebSocket is closed")
        if kind == "accept" and not self.accepted:
            self.accept(event.get("subprotocol"), event.get("headers", ()))
        elif kind == "send" and self.accepted:
            text = event.get("text")
            self.visitor.write(wire.build(wire.Message(event["bytes"] if text is None else text)))
        elif kind == "close" and self.accepted:
            self.close(event.get("code") or 1000, event.get("reason") or "")
        elif kind == "close":
            self.code = 1006
            self.refuse(403, "the program does not take this connection")
        else:
            raise RuntimeError(f"{event['type']} is out of order")
        await self.drain()

    def accept(self, subprotocol, headers):
        fields = [(b"upgrade", b"websocket"), (b"connection", b"upgrade"),
                  (b"sec-websocket-accept", wire.accept_key(self.key)), *map(tuple, headers)]  # fmt: skip
        if subprotocol:
            fields.append((b"sec-websocket-protocol", subprotocol.encode()))
        head = h11.InformationalResponse(status_code=101, headers=fields, reason=REASONS[101])
        self.visitor.write(self.http.send(head))
        self.accepted, self.status = True, 101
        self.visitor.buffer[:0] = self.http.trailing_data[0]
        self.visitor.balance()

    def arrived(self):
        """Make events of what has come, unless there are some that nobody has received."""
        if not self.accepted or self.messages or not self.visitor.buffer:
            return
        data = bytes(self.visitor.buffer)
        self.visitor.buffer.clear()
        try:
            for message in self.frames.receive(data) if not self.code else ():
                if isinstance(message, wire.Message):
                    kind = "text" if isinstance(message.data, str) else "bytes"
                    self.messages.append({"type": "websocket.receive", kind: message.data})
                elif isinstance(message, wire.Ping):
                    self.visitor.write(wire.build(wire.Pong(message.data)))
                elif isinstance(message, wire.Close):
                    self.close(*message)  # the code goes back as it came (RFC 6455 section 5.5.1)
                    break
        except wire.WebSocketError as error:
            self.close(error.close_code, str(error))

    def close(self, code, reason=""):
        if not self.code:
            self.visitor.write(wire.build(wire.Close(code, reason)))
            self.code, self.reason = code, reason
            self.visitor.news.set()

    def end(self, failed):
        if self.accepted:
            self.close(1011 if failed else 1000)

    def stop(self):
        if self.accepted:
            self.close(1012, "the server stops")
