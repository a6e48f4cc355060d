"""A request of HTTP and its answer: what a program may do with them (ASGI, HTTP & WebSocket, version 2.5)."""

import asyncio
from urllib.parse import unquote

from exhibits.http.wire import Body, End, Response, ResponseWriter, refusal
from exhibits.shared.log import log_exception

DRAINED = 256 * 1024  # bytes of a body nobody receives that are thrown away, for the sake of the next request
VERSIONS = {"version": "3.0", "spec_version": "2.5"}


class Gone(OSError):
    """The visitor has left: what send() raises from then on (ASGI: "Disconnected Client - send exception")."""


class Exchange:
    """A request of HTTP (None: something that is none) and its answer.

    body: what has come of the body and was not received; more: whether some is still to come; told: whether the
    program knows that it is whole. status: of the answer, from when it goes out; complete: nothing of it is missing.
    over: the program gets nothing more from the visitor; lost: nor the visitor from the program.
    """

    def __init__(self, visitor, request):
        self.visitor, self.request, self.writer = visitor, request, ResponseWriter(request)
        self.body, self.more, self.told, self.news = bytearray(), True, False, visitor.news
        self.began, self.head, self.status, self.complete = visitor.server.now(), None, None, False
        self.expected, self.over, self.lost = bool(request and request.waits), False, False

    # ------------------------------------------------ the program

    def scope(self, path):
        """What the program is told, which may change whatever is in it: nothing of it is needed, or another's."""
        visitor, request = self.visitor, self.request
        return {
            "type": "http", "asgi": VERSIONS.copy(), "http_version": request.version.decode(), "scheme": "http",
            "method": request.method.decode(), "path": path, "raw_path": request.path, "query_string": request.query,
            "root_path": visitor.server.mount, "headers": list(request.headers),
            "client": visitor.client, "server": visitor.local, "state": visitor.server.lifespan.state.copy(),
        }

    async def run(self):
        """Call the program. Whatever it raises, before its answer, in it or behind it, ends this call and no more."""
        server, path, failed = self.visitor.server, unquote(self.request.path.decode()), False
        try:
            if self.request.method == b"CONNECT":
                return self.fail(501, "there is no tunnel here")
            if not f"{path}/".startswith(f"{server.mount}/"):
                return self.fail(404, "there is nothing here")
            try:
                await self.visitor.writable.wait()  # who does not read the last answer gets no other
                await server.application(self.scope(path), self.receive, self.send)
            except BaseException as error:
                failed = True
                if not is_gone(error) and not (server.cancels and isinstance(error, asyncio.CancelledError)):
                    log_exception()
            self.end(failed)
        finally:
            server.tasks.discard(self.task)

    async def receive(self):
        visitor = self.visitor
        while not self.body and not self.over and (self.more or self.told):
            if self.more:
                visitor.expect()
                if self.expected:  # the body is wanted now (RFC 9110 section 10.1.1)
                    visitor.write(self.writer.build(Response(100)))
                    self.expected = False
            self.news.clear()
            await self.news.wait()
            if visitor.call is self:
                visitor.silent = None
        if self.body or not (self.more or self.told):
            body, self.body, self.told = bytes(self.body), bytearray(), not self.more
            visitor.balance()
            return {"type": "http.request", "body": body, "more_body": self.more}
        self.lost = self.lost or not self.complete
        return {"type": "http.disconnect"}

    async def send(self, event):
        kind = event["type"]
        if self.lost or (self.visitor.gone and not self.complete):
            raise Gone("the visitor has left")
        if self.complete:
            return  # ASGI: "any further messages sent on the channel will be ignored"
        if kind == "http.response.start" and not self.head:
            # It goes out with the first of the body: until then there can be a 500 instead.
            self.head = Response(event["status"], fields(event.get("headers", ())))
        elif kind == "http.response.body" and self.head:
            more = event.get("more_body", False)
            self.respond(event.get("body", b""), more)
            if more:
                await asyncio.sleep(0)  # to send without end is no reason to forget the others
                await self.visitor.writable.wait()
        else:
            raise RuntimeError(f"{kind} is out of order")

    def respond(self, body, more):
        """Send a part of the answer."""
        data, reader = b"", self.visitor.reader
        if not self.status:
            self.writer.keeps &= reader.ended or (not self.expected and reader.rest <= DRAINED)
            self.expected = False  # who has a final answer waits for no 100 any more
            data = self.writer.build(self.head)
        data += self.writer.build(Body(body))
        whole = not more or self.writer.left == 0  # the visitor waits for no more, whatever the program has
        if whole:
            data += self.writer.build(End())
        self.status = self.head.status
        self.visitor.write(data)
        if whole:
            self.finish()

    def fail(self, status, sentence, fields=()):
        """Answer in the program's place, if it is not too late; it is the last answer of the connection."""
        self.lost = self.over = True
        if self.status:
            return self.cut()
        self.visitor.write(refusal(status, sentence, self.request, fields))
        self.status, self.writer.keeps = status, False
        self.finish()

    def cut(self):
        """Half an answer, or half of its request, shall not pass for a whole one."""
        if self.complete:
            return self.visitor.close()
        self.writer.keeps = False
        self.visitor.abort()  # first: an end that is none of a reset would be the end of the answer
        self.finish()

    def finish(self):
        """The program can send nothing more."""
        self.complete = self.over = True
        if not self.lost:
            self.body, self.told = bytearray(), True
        self.news.set()
        self.visitor.log(self)
        self.visitor.answered()

    def end(self, failed):
        """The program has returned."""
        if self.complete:
            return
        if self.visitor.gone or self.status:
            self.lost = True
            self.cut()
        elif self.visitor.server.cancels:
            self.fail(503, "the server stops")
        else:
            self.fail(500, "the program raised an exception" if failed else "the program did not answer")

    # ------------------------------------------------ the visitor

    @property
    def waiting(self):
        """How many bytes nobody has received yet."""
        return len(self.body)

    def receive_bytes(self, data):
        self.visitor.read(data)

    def receive_body(self, data):
        """More of the body has come; None: that was all."""
        if data is None:
            self.more = False
        if self.complete:  # what nobody wants stands before the next request
            return self.visitor.answered() if data is None else None
        self.body += data or b""
        if self.visitor.silent:
            self.visitor.expect()
        self.news.set()

    def visitor_left(self):
        """Nothing more comes from the visitor."""
        self.over = True
        self.news.set()
        if self.more and not self.complete and not self.visitor.gone:
            self.fail(400, "the connection ended before the message did")

    def overdue(self):
        if self.complete:
            self.visitor.close()
        else:
            self.fail(408, "the body did not come in time")

    def stop(self):
        pass  # an answer may be finished


def fields(headers):
    """The header fields of a program, as bytes: not with bytes(), which makes so many zero bytes of a number."""
    return [(b"%b" % name, b"%b" % value) for name, value in headers]


def is_gone(error):
    """Whether it is Gone, or a group of nothing else, as the tasks of a program make it."""
    return not error.split(Gone)[1] if isinstance(error, BaseExceptionGroup) else isinstance(error, Gone)
