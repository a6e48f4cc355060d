"""One request to one stage, answered by the museum's own code, and its journey (see `exhibits/journey.py`)."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from types import SimpleNamespace

from exhibits.asgi import wire as websocket
from exhibits.asgi.connection import Connection
from exhibits.asgi.server import Server
from exhibits.asgi.wire import trace as trace_asgi
from exhibits.lab import front, programs
from exhibits.lab.ends import HOST, VISITOR, Socket, Transport
from exhibits.wsgi.server import Visitor
from exhibits.wsgi.wire import trace as trace_wsgi

# After so many pieces of an answer, or bytes, a visitor leaves too: nobody looks at more, and some have no end.
MOST, LARGEST = 1000, 4 << 20
PATIENCE = 12  # seconds after which a visitor leaves: an answer of the guestbook that ends does so in 10
ENDLESS = f"the answer had no end within {PATIENCE} s"
ENDS = 1  # seconds in which a program whose visitor has left ends
SPEAKS = 0.15  # seconds in which a program has said what it says to a message: it looks for new entries every 0.05
MASK = bytes.fromhex("37fa213d")  # the one that RFC 6455 section 5.7 uses in its examples


@dataclass(frozen=True)
class Stage:
    """shape: of its programs (see `programs.py`). serve: a coroutine function of a `Journey`, an `Asked` and a program.

    gives_way: whether others are served while its program waits. Elsewhere that takes threads or processes.
    """

    shape: str
    serve: object
    gives_way: bool = False


@dataclass(frozen=True)
class Asked:
    """What a visitor does.

    pieces: what he sends (bytes), the next one when the server reads on. hangs_up: he says then that nothing more
    comes. leaves: he leaves when so many pieces of the answer have come; 0: he does not. messages: what he says once
    a WebSocket is open (str).
    """

    pieces: tuple[bytes, ...]
    program: str = "guestbook"
    hangs_up: bool = False
    leaves: int = 0
    messages: tuple[str, ...] = ()


class Journey:
    """The links that a request passes, written down as it does. environ: variables of the server's process.

    over: why the visitor has left before the answer was over, "" where he has not.
    """

    def __init__(self, environ=None):
        self.environ, self.links, self.logged, self.began, self.over = environ or {}, [], [], None, ""
        self.ended, self.heard, self.size = None, 0, 0  # when the last piece of the answer came; how many, of how much

    def now(self):
        """Seconds since the visitor's first byte."""
        if self.began is None:
            self.began = time.perf_counter()
        return round(time.perf_counter() - self.began, 6)

    def link(self, one, carrier, **more):
        """A new link between two; how it ends is added later. What carries bytes at home is not here: the page does."""
        link = {"between": one, "carrier": carrier, "on": "the page", **more, "pieces": []}
        self.links.append(link)
        return link

    def say(self, link, by, what, data):
        self.ended = time.perf_counter()
        link["pieces"].append({"at": self.now(), "by": by, "what": what, "bytes": data.decode("latin-1")})

    def hear(self, link, what, data, leaves):
        """A piece of the answer comes; return whether the visitor leaves then."""
        self.heard, self.size = self.heard + 1, self.size + len(data)
        self.say(link, 1, what, data)
        if self.heard == leaves:
            self.over = "the visitor left"
        elif self.heard >= MOST or self.size >= LARGEST:
            self.over = f"the visitor left, with {self.heard:,} pieces and {self.size:,} bytes"
        elif self.now() > PATIENCE:
            self.over = ENDLESS
        return bool(self.over)

    def log(self, data):
        self.logged.append(data.decode("utf-8", "replace"))

    def calls(self, between, carrier, traced):
        """The link of the calls that a traced program has seen."""
        for calls in traced.traces:
            self.links.append({"between": between, "carrier": carrier, "calls": calls})


async def ask(name, asked, environ=None):
    """Ask the stage of this name (str): the `Journey`. Raises `programs.Unfit`."""
    stage, journey = STAGES[name], Journey(environ)
    program = programs.load(asked.program, stage.shape, name)
    await stage.serve(journey, asked, program)
    return journey


async def ask_at_once(name, asked, count, environ=None):
    """Ask the stage with so many visitors, who all come at the same time; what comes of each, as data.

    In seconds since they came: when his server begins with him, the times of the pieces of his answer, and its end.
    """
    stage, came = STAGES[name], time.perf_counter()
    program = programs.load(asked.program, stage.shape, name)
    journeys = [Journey(environ) for _ in range(count)]
    if stage.gives_way:
        await asyncio.gather(*(stage.serve(journey, asked, program) for journey in journeys))
    else:
        for journey in journeys:  # where a browser lets other tasks go on while one sleeps, they were like threads
            await stage.serve(journey, asked, program)
    lanes = []
    for journey in journeys:
        began, times = journey.began - came, [p["at"] for p in journey.links[0]["pieces"] if p["by"]]
        lanes.append({"began": round(began, 4), "pieces": [round(began + at, 4) for at in times],
                      "ended": round(journey.ended - came, 4)})
    return lanes


# ---------------------------------------------------------------- the servers that wait for nobody else


def visitor(journey, asked, server):
    """The visitor's end of a connection with a server that gives him its time until he is served."""
    link = journey.link(["visitor", server], "HTTP/1.1")

    def heard(data):
        sock.gone = journey.hear(link, "response", data, asked.leaves)

    sock = Socket(asked.pieces, heard, lambda piece: journey.say(link, 0, "request", piece), asked.hangs_up)
    return sock


def behind(way, server):
    """Stages whose program is asked by a web server in front of it."""

    async def serve(journey, asked, program):
        front.Front(visitor(journey, asked, server), way, journey, program).serve()

    return serve


async def wsgi(journey, asked, program):
    traced = trace_wsgi(program, now=journey.now)
    options = SimpleNamespace(mount="", access_log=False)
    sock = visitor(journey, asked, "our WSGI server")
    Visitor(traced, options, sock, (HOST, VISITOR)).serve()
    journey.calls(["our WSGI server", "program"], "WSGI callable", traced)


# ---------------------------------------------------------------- the server with an event loop


async def asgi(journey, asked, program):
    traced = trace_asgi(program, now=journey.now)
    link = journey.link(["visitor", "our ASGI server"], "HTTP/1.1")
    speaks = {0: "request", 1: "response"}  # what a piece is called, by who says it

    def said(data):
        journey.say(link, 0, speaks[0], data)
        transport.say(data)

    def heard(data):
        return journey.hear(link, speaks[1], data, asked.leaves)

    async with running(traced) as server:
        connection = Connection(server)
        transport = Transport(connection, heard)
        for number, piece in enumerate(asked.pieces):
            if number:
                await transport.quiet()
            if not transport.ended.is_set():
                said(piece)
        if asked.hangs_up:
            connection.eof_received()
        await settled(journey, connection, transport)
        if getattr(connection.call, "accepted", False):
            link, speaks = journey.link(["visitor", "our ASGI server"], "WebSocket"), {0: "client", 1: "server"}
            for message in (*map(websocket.Message, asked.messages), websocket.Close(1000, "bye")):
                if not transport.ended.is_set():
                    said(websocket.build(message, MASK))
                    await transport.quiet(SPEAKS)
        transport.leave()
    journey.calls(["our ASGI server", "program"], "ASGI coroutine", traced)


@contextlib.asynccontextmanager
async def running(program):
    """Our ASGI server, without a listening socket; at the end what still runs is cancelled."""
    server = Server(program, "", False)
    server.loop, server.lifespan = asyncio.get_running_loop(), SimpleNamespace(state={})  # it neither starts nor ends
    server.now = server.loop.time
    try:
        yield server
    finally:
        server.cancels = True
        if tasks := set(server.tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=ENDS)  # who will not end stays


async def settled(journey, connection, transport):
    """Until the request is answered, or a WebSocket is open, or the visitor has no more patience."""
    while not transport.ended.is_set() and journey.now() < PATIENCE:
        answered = connection.call is None and not connection.reader.buffer
        if answered or getattr(connection.call, "accepted", False):
            return
        if not await transport.listen() and connection.silent and not getattr(connection.call, "accepted", False):
            connection.overdue(float("inf"))  # the visitor says nothing more: that time passes at once
    if not transport.ended.is_set():
        journey.over = ENDLESS


STAGES = {
    "cgi": Stage("script", behind(front.process, "our CGI server")),
    "fastcgi": Stage("respond", behind(front.over_fastcgi, "our front")),
    "scgi": Stage("respond", behind(front.over_scgi, "our front")),
    "wsgi": Stage("wsgi", wsgi),
    "uwsgi": Stage("wsgi", behind(front.over_uwsgi, "our front")),
    "asgi": Stage("asgi", asgi, gives_way=True),
}
