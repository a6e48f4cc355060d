"""A connection of a visitor: requests are read one after the other, and answered by the lobby or handed to a stage."""

import asyncio
import contextlib

from exhibits.backstage.museum import passing as ways
from exhibits.backstage.museum.passing import PIECE, TIMEOUT, Answer, reset, say_all, send
from exhibits.http.grammar import BadMessage, CutOff
from exhibits.http.wire import Body, End, RequestReader, Response, ResponseWriter, refusal
from exhibits.messages import Refused, reason
from exhibits.shared.log import log_exception

LONGEST = 4 << 20  # bytes of the body of a request to the lobby
LINGER = 1  # seconds to listen to a visitor who has got all there is


class Reply:
    """What the lobby answers: bytes, or an asynchronous iterator of them that goes on and on."""

    def __init__(self, content, kind, fields=(), status=200):
        self.content, self.status = content, status
        self.fields = [("Content-Type", kind), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
                       *fields]


class Visit:
    """A connection of a visitor, whose requests are answered one after the other."""

    def __init__(self, door, reader, writer):
        self.door, self.reader, self.writer, self.http = door, reader, writer, RequestReader()
        self.raw, self.at = bytearray(), 0  # what has come and is not handed on; where in the stream that begins

    async def stay(self):
        """Answer until the visitor leaves, or has to."""
        try:
            while (messages := await self.next_request()) and await self.serve(messages[0], messages[1:]):
                pass
        except BadMessage as error:
            return await self.leave(refusal(error.status, error.sentence))
        except TimeoutError:
            return await self.leave(refusal(408, "no whole request came in time") if self.raw else b"")
        await self.leave(b"")

    async def next_request(self):
        """The messages that begin with the next request; [] where there is none."""
        messages = self.http.next()
        async with asyncio.timeout(TIMEOUT):
            while not messages:
                data = await self.reader.read(PIECE)
                if not data:
                    return self.http.close()
                messages = self.take(data)
        return messages

    def take(self, data):
        self.raw += data
        return self.http.receive(data)

    def passed(self):
        """The bytes, as they came, that belong to the request and have not been handed on."""
        size = self.http.offset - self.at if self.http.ended else len(self.raw)
        data = bytes(self.raw[:size])
        self.at += size
        del self.raw[:size]
        return data

    async def serve(self, request, messages):
        """Answer a request; whether the connection can carry another. messages: what has come behind its head."""
        place, path = self.door.place(request.path)
        if place is None or not path:
            return await self.greet(request, messages)
        head = with_path(self.passed(), request, path)
        passing = self.door.strip.begin(place.name, request.line)
        try:
            if not place.is_open:
                raise Refused(503, f"{place.name} does not run: {place.reason}", ("Retry-After", "2"))
            try:
                reader, writer = await ways.connect(place, passing)
            except (OSError, TimeoutError):
                raise Refused(502, f"{place.name} takes no connection just now", ("Retry-After", "2")) from None
            try:
                return await Exchange(self, request, passing, reader, writer).run(head)
            finally:
                writer.transport.abort()
        except Refused as refused:
            passing.status = refused.status
            await self.leave(refusal(refused.status, refused.sentence, request, encoded(refused.headers)))
            return False
        finally:
            self.door.strip.end(passing)

    async def greet(self, request, messages):
        """Answer in the lobby."""
        writer = ResponseWriter(request)
        try:
            body = await self.body(request, messages)
            reply = self.door.answer(request, body)
            if asyncio.iscoroutine(reply):
                reply = await reply
        except (BadMessage, OSError):
            raise
        except Exception as error:
            refused = error if isinstance(error, Refused) else Refused(500, "the lobby fails here; its log says why")
            if refused is not error:
                log_exception()
            text = f"{refused.status} {reason(refused.status)}: {refused.sentence}\n"
            reply = Reply(text.encode(), "text/plain; charset=utf-8", refused.headers, refused.status)
        self.passed()
        fields = list(reply.fields)
        if isinstance(reply.content, bytes):
            fields.append(("Content-Length", str(len(reply.content))))
            await send(self.writer, writer.build(Response(reply.status, encoded(fields)))
                       + writer.build(Body(reply.content)) + writer.build(End()))
            return writer.keeps
        writer.keeps = False
        await send(self.writer, writer.build(Response(reply.status, encoded(fields))))
        gone = asyncio.ensure_future(self.reader.read(1))  # nothing more comes but the visitor's end
        try:
            async with contextlib.aclosing(reply.content) as pieces:
                async for piece in pieces:
                    await send(self.writer, writer.build(Body(piece)))
                    if gone.done():
                        break
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        return False

    async def body(self, request, messages):
        """The whole body of a request to the lobby. Refused where it is longer than the lobby takes."""
        body = bytearray()
        async with asyncio.timeout(TIMEOUT):
            while True:
                for message in messages:
                    body += message.data if type(message) is Body else b""
                if len(body) > LONGEST:
                    raise BadMessage("the lobby takes no such body", self.http.offset, 413)
                if self.http.ended:
                    return bytes(body)
                if request.waits:
                    await send(self.writer, b"HTTP/1.1 100 Continue\r\n\r\n")
                    request = request._replace(joined={})
                data = await self.reader.read(PIECE)
                if not data:
                    raise CutOff("the connection ended before the request did", self.http.offset)
                messages = self.take(data)

    async def leave(self, said):
        """Say this last, and close in two steps (RFC 9112 section 9.6)."""
        with contextlib.suppress(OSError, TimeoutError):
            await send(self.writer, said)
            say_all(self.writer)
            async with asyncio.timeout(LINGER):
                while await self.reader.read(PIECE):
                    pass
        self.writer.close()


class Exchange:
    """A request on its way to a stage, and the answer on its way back: two tasks, one for each direction."""

    def __init__(self, visit, request, passing, reader, writer):
        self.visit, self.request, self.passing = visit, request, passing
        self.reader, self.writer, self.answer = reader, writer, Answer(request.method)
        self.decided = asyncio.Event()  # the answer is over, or speaks another protocol

    async def run(self, head):
        """Whether the visitor's connection can carry another request."""
        up, down = asyncio.ensure_future(self.upward(head)), asyncio.ensure_future(self.downward())
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if up.done() and isinstance(error := up.exception(), (BadMessage, TimeoutError)) and not down.done():
                self.passing.status = self.passing.status or getattr(error, "status", 408)
                if self.answer.head:
                    reset(self.visit.writer)
                    return False
                raise error
            return await down
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def upward(self, head):
        """What the visitor says. BadMessage: it is no HTTP."""
        http, data = self.visit.http, head
        while True:
            self.passing.note(0, data)
            await send(self.writer, data)
            if http.ended:
                break
            async with asyncio.timeout(TIMEOUT):
                data = await self.visit.reader.read(PIECE)
            if not data:
                return say_all(self.writer)
            self.visit.take(data)
            data = self.visit.passed()
        while data := await self.visit.reader.read(PIECE):  # the next request, or another protocol
            if self.answer.switched:
                self.passing.note(0, data)
                await send(self.writer, data)
            else:
                self.visit.take(data)
                if len(self.visit.raw) > PIECE:
                    await self.decided.wait()
        if self.visit.raw:
            await self.decided.wait()  # that may be for the stage, and then goes to it before the end of it all
        say_all(self.writer)

    async def downward(self):
        """What the stage answers; whether the connection can carry another request."""
        visitor = self.visit.writer
        while True:
            try:
                data = await self.reader.read(PIECE)
            except OSError:
                reset(visitor)
                return False
            if not data:
                break
            switched = self.answer.switched
            size = len(data) if switched else self.answer.receive(data)
            size = len(data) if self.answer.switched else size
            self.passing.note(1, data[:size])
            if self.answer.head and not self.passing.status:
                self.passing.status = self.answer.head.status
                self.visit.door.strip.tell(self.passing)
            if self.answer.switched and not switched:
                self.passing.note(0, self.visit.raw)  # what came before it was known that this is no HTTP any more
                await send(self.writer, bytes(self.visit.raw))
                self.visit.raw.clear()
                self.decided.set()
            await send(visitor, data[:size])
            if self.answer.ended and not self.answer.switched:
                self.decided.set()
                return self.request.keeps and self.answer.keeps and self.visit.http.ended and size == len(data)
        return False


def with_path(head, request, path):
    """The bytes of a request with this path in the place of its own."""
    if path == request.path:
        return head
    target = request.target
    named = len(target.partition(b"?")[0])  # an absolute target has a host in front of the path
    return head.replace(target, target[: named - len(request.path)] + path + target[named:], 1)


def encoded(fields):
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
