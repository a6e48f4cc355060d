"""The door of the museum: what visitors talk to. Behind it are the lobby, and each stage below its name.

    /                      the lobby, a page
    /lobby/strip           the requests that pass, as server-sent events
    /lobby/journeys/7      what one of them did (JSON)
    /lobby/stages          the stages, and the processes behind them (JSON)
    /lobby/ask             POST {"stage": …, "request": …}: bytes to a stage, as they are, and what they did
    /wsgi/…                the stage of this name, its own server, also for WebSockets

The stages guard themselves (`exhibits/guarding.py`); the lobby does so here.
"""

import asyncio
import contextlib
import json
import threading

from exhibits import guarding
from exhibits.backstage.museum.passing import PIECE
from exhibits.backstage.museum.question import Question
from exhibits.backstage.museum.strip import Strip, as_json
from exhibits.backstage.museum.visit import Reply, Visit
from exhibits.http.wire import refusal
from exhibits.messages import Refused
from exhibits.shared import sockets
from exhibits.shared.log import Complaints

VISITORS = 200  # connections at once, each of which may take four file descriptors: one more is told to come back
ASKS = 24  # questions of the lobby that are answered at once
HEARTBEAT = 10  # seconds between two signs of life in the strip
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "base-uri 'none'; form-action 'self'; frame-ancestors 'none'")


class Door:
    """Listens, in a thread of its own, from `start` to `stop`.

    house: see `house.House`; it is asked for its stages, and for what their taps have seen.
    pages: {path: (media type, bytes)}, what the lobby is made of.
    """

    def __init__(self, house, host, port, pages):
        self.house, self.host, self.port, self.pages = house, host, port, pages
        self.strip, self.visitors, self.asking, self.thread = Strip(), set(), 0, None

    # ---------------------------------------------------------------- from other threads

    def start(self):
        """Listen; OSError where that cannot be."""
        self.listener = sockets.listener(self.host, self.port)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(Complaints(asyncio.StreamReaderProtocol))
        server = self.loop.run_until_complete(asyncio.start_server(self.visit, sock=self.listener, limit=PIECE))
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        with contextlib.suppress(TimeoutError):
            self.loop.run_until_complete(self.emptied())
        self.loop.close()

    async def emptied(self):
        async with asyncio.timeout(1):
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)

    def stop(self):
        """Let everybody go."""
        if self.thread is None:
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(2)

    # ---------------------------------------------------------------- visitors

    async def visit(self, reader, writer):
        visit = Visit(self, reader, writer)
        if len(self.visitors) >= VISITORS:
            return await visit.leave(refusal(503, "there are too many visitors at once", None,
                                             [(b"Retry-After", b"1")]))
        self.visitors.add(visit)
        try:
            await visit.stay()
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self.visitors.discard(visit)

    def place(self, path):
        """The stage below whose name a path (bytes) is, and what of the path its server gets; None, path elsewhere."""
        name, slash, rest = path[1:].partition(b"/")
        place = self.house.places.get(name.decode("latin-1"))
        if place is None:
            return None, path
        return place, (slash + rest if place.stack.mount_is_stripped else path)

    # ---------------------------------------------------------------- the lobby

    def answer(self, request, body):
        """What the lobby says to a request, as a Reply or an awaitable of one. Refused: it does not."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.joined.items()}
        method, path = request.method.decode(), request.path.decode("latin-1")
        try:
            guarding.guard(method, headers.get, ())
        except Refused as refused:
            sentence = "the lobby has the names of this machine only" if refused.status == 421 else refused.sentence
            raise Refused(refused.status, sentence) from None
        if path == "/lobby/ask":
            demand(method, "POST")
            return self.ask(body)
        demand(method, "GET", "HEAD")
        if path == "/lobby/strip":
            return self.watch()
        if path == "/lobby/stages":
            return self.stages()
        if path.startswith("/lobby/journeys/"):
            return self.journey(path.removeprefix("/lobby/journeys/"))
        name = path.removeprefix("/").removesuffix("/")
        if name in self.house.places:
            raise Refused(308, "the stage is one slash further", ("Location", f"/{name}/"))
        if path in self.pages:
            kind, content = self.pages[path]
            return Reply(content, kind, [("Content-Security-Policy", POLICY)] if kind.startswith("text/html") else [])
        raise Refused(404, f"there is the lobby at /, and the stages at /{'/, /'.join(self.house.places)}/")

    async def stages(self):
        going = [each for each in self.strip.passings if each.took is None]
        return as_reply(await asyncio.to_thread(self.house.look, going))

    async def journey(self, text):
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
        passing = self.strip.find(number)
        if passing is None:
            raise Refused(404, "this request is not remembered any more, or has never been")
        return as_reply(await asyncio.to_thread(self.house.drawn, passing, f"journey-{number}"))

    def watch(self):
        queue = self.strip.watch()
        if queue is None:
            raise Refused(503, "too many pages watch already", ("Retry-After", "5"))
        return Reply(self.events(queue), "text/event-stream")

    async def events(self, queue):
        try:
            for passing in list(self.strip.passings):
                yield event(passing)
            yield b": these were the ones before\n\n"
            while queue in self.strip.watchers:
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        yield event(await queue.get())
                except TimeoutError:
                    yield b":\n\n"
        finally:
            self.strip.watchers.discard(queue)

    def lanes(self, heard):
        """What became of many visitors at once: when each came, when its program began, when pieces of answers came."""
        found, first = [], min(each.passing.zero for each in heard)
        for passing in (each.passing for each in heard):
            arrived = passing.zero - first
            links = self.house.journey(passing)["links"][1:]
            moments = [moment.get("began", moment.get("at")) for link in links
                       for moment in (link, *link.get("pieces", ()), *link.get("calls", ()))]
            began = min((each for each in moments if each is not None), default=0)
            pieces = [at - first for at, by, _ in passing.pieces if by == 1]
            found.append({"arrived": arrived, "began": arrived + began, "ended": arrived + passing.took,
                          "pieces": pieces})
        return found

    async def ask(self, body):
        """Send bytes to a stage, as they are, and return what they did."""
        question = Question(body)
        place = self.house.places.get(question.stage)
        if place is None:
            raise Refused(422, f"there is no stage {question.stage!r}; there are {', '.join(self.house.places)}")
        if not place.is_open:
            raise Refused(503, f"{place.name} does not run: {place.reason}")
        if self.asking + question.count > ASKS:
            raise Refused(503, f"{self.asking} questions are being answered", ("Retry-After", "1"))
        self.asking += question.count
        try:
            first, *others = await asyncio.gather(*(question.put(place, self.strip) for _ in range(question.count)))
        finally:
            self.asking -= question.count
        if others:
            return as_reply({"lanes": await asyncio.to_thread(self.lanes, [first, *others])})
        found = await asyncio.to_thread(self.house.drawn, first.passing, f"ask-{first.passing.number}")
        return as_reply({"number": first.passing.number, **found, "response": first.received.decode("latin-1"),
                         "over": first.over, "log": place.said_since(first.passing.zero)})


def as_reply(value):
    return Reply(json.dumps(value).encode(), "application/json")


def event(passing):
    return f"data: {json.dumps(as_json(passing))}\n\n".encode()


def demand(method, *allowed):
    if method not in allowed:
        raise Refused(405, f"ask with {' or '.join(allowed)}", ("Allow", ", ".join(allowed)))
