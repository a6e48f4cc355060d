"""A question of the lobby: bytes that go to a stage as they are, and what came back."""

import asyncio
import contextlib
import json
import os

from exhibits.asgi import wire
from exhibits.backstage.museum import passing as ways
from exhibits.backstage.museum.passing import PIECE, Answer, send
from exhibits.http.grammar import BadMessage
from exhibits.http.wire import RequestReader
from exhibits.messages import Refused

LONGEST = 1 << 20  # bytes that are sent, and of what comes back
PATIENCE = 15  # seconds in which all has to be over
QUIET = 1  # seconds of silence after which a WebSocket, or what is not one request, is taken to be answered
SILENT = 3  # the same where nothing has come at all
MOST = {"count": 8, "leaves": 1000, "messages": 20}


class Question:
    """What somebody wants to know.

    stage: whom to ask. sent: the bytes. messages: texts for a WebSocket, once it is open. leaves: after so many
    pieces of the answer the visitor leaves; 0: never. count: so many visitors ask it at once.
    """

    def __init__(self, body):
        """body: JSON, {"stage": a name, "request": text of which each character is a byte, …}. Refused: it is not."""
        try:
            asked = json.loads(body)
            self.stage, self.sent = str(asked["stage"]), asked["request"].encode("latin-1")
            self.count, self.leaves = int(asked.get("count") or 1), int(asked.get("leaves") or 0)
            self.messages = [str(each) for each in asked.get("messages") or ()]
            program = asked.get("program") or "guestbook"
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise Refused(422, 'ask with {"stage": a name, "request": bytes, each as a character}') from None
        if program != "guestbook":
            raise Refused(422, "at home the program stays the guestbook: `serve --app` starts a stage with your own")
        if len(self.sent) + sum(map(len, self.messages)) > LONGEST:
            raise Refused(413, f"a request of the lobby has {LONGEST} bytes at most")
        for name, value in ("count", self.count), ("leaves", self.leaves), ("messages", len(self.messages)):
            if not 0 <= value <= MOST[name]:
                raise Refused(422, f"{name} is 0 to {MOST[name]}")

    async def put(self, place, strip):
        """Ask a stage; return what was Heard."""
        sent = place.mounted(self.sent)
        passing = strip.begin(place.name, sent.split(b"\r\n", 1)[0][:300].decode("latin-1"))
        heard = Heard(self, passing, sent, lambda: strip.tell(passing))
        try:
            reader, writer = await ways.connect(place, passing)
        except (OSError, TimeoutError):
            strip.end(passing)
            heard.over = f"{place.name} takes no connection just now"
            return heard
        try:
            async with asyncio.timeout(PATIENCE):
                heard.over = await heard.listen(reader, writer)
        except TimeoutError:
            heard.over = f"the answer had no end within {PATIENCE} s"
        except OSError:
            heard.over = "the connection was reset"
        finally:
            writer.transport.abort()
            strip.end(passing)
        return heard


class Heard:
    """One visitor with a Question. received: all that came. over: why there is no more, "" where all is as it should.

    is_one: it is one request, of which is known how many answers it gets: one.
    """

    def __init__(self, question, passing, sent, changed):
        self.question, self.passing, self.changed = question, passing, changed
        self.received, self.over = bytearray(), ""
        self.request, self.answer, head = RequestReader(), Answer(b"GET"), None
        with contextlib.suppress(BadMessage):
            for head in self.request.receive(sent)[:1]:
                self.answer = Answer(head.method)
        self.now, self.later = sent, b""
        if self.request.ended and b"upgrade" in head.joined:  # what is behind has to wait for the answer
            self.later = bytes(self.request.buffer)
            self.now = sent[: len(sent) - len(self.later)]
        self.is_one = self.request.ended and len(self.later) == len(self.request.buffer)

    @property
    def ended(self):
        return self.is_one and self.answer.ended and not self.answer.switched

    async def listen(self, reader, writer):
        """Say all, and listen until nothing more is to come; return what was wrong with that, or ""."""
        self.passing.note(0, self.now)
        saying, pieces = asyncio.ensure_future(send(writer, self.now)), 0
        try:
            while not self.ended:
                patience = None if self.is_one and not self.answer.switched else QUIET if self.received else SILENT
                try:
                    async with asyncio.timeout(patience):
                        data = await reader.read(PIECE)
                except TimeoutError:
                    return "" if self.received else f"nothing came for {SILENT} s: the server waits for more, it seems"
                if not data:
                    return "" if self.received else "the connection was closed without a word"
                if self.take(data):
                    saying = asyncio.ensure_future(self.converse(writer))
                pieces += 1
                if pieces == self.question.leaves:
                    return "the visitor left"
                if len(self.received) > LONGEST:
                    return f"more than {LONGEST} bytes came"
            return ""
        finally:
            saying.cancel()
            await asyncio.gather(saying, return_exceptions=True)

    def take(self, data):
        """Keep what has come; whether with it a WebSocket has opened."""
        self.received += data
        switched = self.answer.switched
        if not switched:
            self.answer.receive(data)
        if self.answer.head and not self.passing.status:
            self.passing.status = self.answer.head.status
            self.changed()
        self.passing.note(1, data)
        return self.answer.switched and not switched

    async def converse(self, writer):
        """Say what is to be said over a WebSocket, and at last that it is over."""
        frames = [wire.build(wire.Message(text), os.urandom(4)) for text in self.question.messages]
        for data in (self.later, *frames):
            if data:
                self.passing.note(0, data)
                await send(writer, data)
                await asyncio.sleep(QUIET / 4)  # for an answer
        if not self.later:
            await asyncio.sleep(QUIET / 4)
            goodbye = wire.build(wire.Close(1000, ""), os.urandom(4))
            self.passing.note(0, goodbye)
            await send(writer, goodbye)
