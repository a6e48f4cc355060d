"""A request of HTTP and its answer: what a program may do with them (ASGI, HTTP & WebSocket, version 2.5)."""

import re
import traceback
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import unquote

import h11

VERSIONS = {"version": "3.0", "spec_version": "2.5"}
TARGET = re.compile(rb"(?:(?i:https?)://[^/?#]+)?(/[^?#]*)(?:\?([^#]*))?")  # RFC 9112 section 3.2
REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class Gone(OSError):
    """The visitor has left: what send() raises from then on (ASGI: "Disconnected Client - send exception")."""


class Exchange:
    """A request of HTTP and its answer."""

    def __init__(self, visitor, request):
        self.visitor, self.http, self.request = visitor, visitor.http, request
        self.head, self.status, self.complete = None, None, False

    def scope(self, path, target):
        visitor, request = self.visitor, self.request
        return {
            "type": "http", "asgi": VERSIONS, "http_version": request.http_version.decode(), "scheme": "http",
            "method": request.method.decode(), "path": path, "raw_path": target[1], "query_string": target[2] or b"",
            "root_path": visitor.server.mount, "headers": list(request.headers),
            "client": visitor.client, "server": visitor.local, "state": visitor.server.state.copy(),
        }  # fmt: skip

    async def run(self):
        """Call the program."""
        target = TARGET.fullmatch(self.request.target) or (b"*", b"*", b"")
        path, failed = unquote(target[1].decode()), False
        if not f"{path}/".startswith(f"{self.visitor.server.mount}/"):
            return self.refuse(404, "there is nothing here")
        try:
            await self.visitor.server.application(self.scope(path, target), self.receive, self.send)
        except (Exception, SystemExit) as error:
            failed = True
            if not is_gone(error):
                traceback.print_exc()
        if not self.status and not self.visitor.gone:
            self.refuse(500, "the program raised an exception" if failed else "the program did not answer")
        self.end(failed)

    async def receive(self):
        visitor = self.visitor
        if self.http.their_state is h11.SEND_BODY and not visitor.gone:
            try:
                event = await visitor.next_event()
                more = type(event) is h11.Data
                return {"type": "http.request", "body": bytes(event.data) if more else b"", "more_body": more}
            except (TimeoutError, h11.RemoteProtocolError) as error:
                if not self.status:
                    self.refuse(getattr(error, "error_status_hint", 408), error or "the body did not come in time")
                visitor.gone = True  # who has half a request must not take it for all of it
        while not visitor.ended and not self.complete:
            await visitor.wait()
        visitor.gone = visitor.gone or not self.complete
        return {"type": "http.disconnect"}

    async def send(self, event):
        kind = event["type"]
        if self.visitor.gone:
            raise Gone("the visitor has left")
        if self.complete:
            return  # ASGI: "any further messages sent on the channel will be ignored"
        if kind == "http.response.start" and not self.head:
            # It goes out with the first of the body: until then there can be a 500 instead.
            self.head = self.response(event)
        elif kind == "http.response.body" and self.head:
            self.write(event.get("body", b""), event.get("more_body", False))
            await self.drain()
        else:
            raise RuntimeError(f"{kind} is out of order")

    def response(self, event):
        status, headers = event["status"], [tuple(field) for field in event.get("headers", ())]
        names = {bytes(name).lower() for name, _ in headers}
        if b"date" not in names:
            headers.append((b"date", formatdate(usegmt=True).encode()))  # RFC 9110 section 6.6.1
        if b"upgrade" in names:
            headers.append((b"connection", b"upgrade"))  # they go together (RFC 9110 section 7.8)
        return h11.Response(status_code=status, headers=headers, reason=REASONS.get(status, b""))

    def write(self, body, more):
        events = [] if self.status else [self.head]
        if body and self.request.method != b"HEAD" and self.head.status_code not in (204, 304):
            events.append(h11.Data(data=body))
        if not more:
            events.append(h11.EndOfMessage())
        self.visitor.write(b"".join([self.http.send(event) for event in events]))
        self.status, self.complete = self.head.status_code, not more

    async def drain(self):
        while not self.visitor.writable:
            await self.visitor.wait()

    def refuse(self, status, sentence, fields=()):
        """Answer in the program's place; it is the last answer of this connection."""
        body = f"{sentence}\n".encode()
        fields = [*fields, (b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body)),
                  (b"connection", b"close")]  # fmt: skip
        head = [b"HTTP/1.1 %d %b" % (status, REASONS[status]), *(b"%b: %b" % field for field in fields)]
        self.visitor.write(b"\r\n".join([*head, b"", b"" if self.request and self.request.method == b"HEAD" else body]))
        self.status, self.complete = status, True

    def end(self, failed):
        if not self.complete:
            self.visitor.transport.abort()  # nobody shall take what there is of the answer for all of it
        with suppress(h11.RemoteProtocolError):  # a program need not read the body: what has come is thrown away
            while self.http.their_state is h11.SEND_BODY and (self.http.next_event() is not h11.NEED_DATA):
                pass

    def arrived(self):
        pass  # it is for who receives

    def stop(self):
        pass  # an answer may be finished


def is_gone(error):
    """Whether it is Gone, or a group of nothing else, as the tasks of a program make it."""
    return not error.split(Gone)[1] if isinstance(error, BaseExceptionGroup) else isinstance(error, Gone)
