"""What the fixed set of requests does not show, made to happen: one conversation after the other, each recorded.

`record` writes them beside the recordings of the stages; their pages of bytes show them.
"""

import signal
import socket
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

from exhibits import catalog, journey
from exhibits.asgi import wire as websocket
from exhibits.asking import request
from exhibits.backstage.recording import tapping
from exhibits.backstage.recording.tapping import HOST_HEADERS, PATIENCE, changed, hear, say, until
from exhibits.catalog.stacks import Stack
from exhibits.fastcgi import wire as fcgi
from exhibits.shared.listening import THREADS


@dataclass(frozen=True)
class Conversation:
    """stack: what is started. meet(exhibit): what happens there; returns its journey. program: that of its room.

    page: the page of bytes that shows it, where that of its stage would get too heavy.
    """

    stack: Stack
    meet: Callable
    program: str = "app"
    page: str = ""


def asked(*requests):
    """One visitor for each of these requests (bytes)."""

    def meet(exhibit):
        return exhibit.visited(*(
            lambda visitor, pieces, sent=sent: exhibit.send(visitor, pieces, sent, False) for sent in requests))

    return meet


# ---------------------------------------------------------------- FastCGI

# nginx keeps the connection for the next request, and closes it when none comes.
KEEPING = changed(catalog.find("fastcgi-flup"), "nginx", (
    ("server {", "upstream kept {{ server unix:app.sock; keepalive 1; keepalive_timeout 1s; }}\n    server {{"),
    ("fastcgi_pass unix:app.sock;", "fastcgi_pass kept;\n            fastcgi_keep_conn on;"),
))
LONG_COOKIE = f"Cookie: note={'x' * 130}"
VARIABLES = {"REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/digest", "QUERY_STRING": "",
             "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "70000", "SERVER_PROTOCOL": "HTTP/1.1",
             "HTTP_HOST": "localhost"}
FILE = b"<h1>The guestbook</h1>\n"
FILTERED = {**VARIABLES, "CONTENT_LENGTH": "0", "FCGI_DATA_LENGTH": str(len(FILE)), "FCGI_DATA_LAST_MOD": "755092800"}


def records(*messages):
    """The bytes of these messages, one behind the other."""
    return b"".join(map(fcgi.build, messages))


QUESTIONS = [  # on one connection, each answered before the next is asked
    records(fcgi.GetValues(("FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"))),
    fcgi.record(77, 0, b""),  # of a type that there is not
    records(fcgi.BeginRequest(1, fcgi.RESPONDER, fcgi.KEEP_CONN), fcgi.Params(1, VARIABLES),
            fcgi.Stdin(1, b"The beginning of a body"), fcgi.BeginRequest(2, fcgi.RESPONDER, fcgi.KEEP_CONN)),
    records(fcgi.AbortRequest(1)),
    records(fcgi.BeginRequest(3, fcgi.AUTHORIZER, fcgi.KEEP_CONN)),
    records(fcgi.BeginRequest(4, fcgi.FILTER), fcgi.Params(4, FILTERED), fcgi.Stdin(4, b""),
            fcgi.Data(4, FILE), fcgi.Data(4, b"")),
]
HELLO = {"REQUEST_METHOD": "GET", "PATH_INFO": "/hello"}
ONE_MORE = records(fcgi.BeginRequest(1), fcgi.Params(1, HELLO), fcgi.Stdin(1, b""))
ANSWERS = fcgi.GetValuesResult, fcgi.UnknownType, fcgi.EndRequest


def twice(exhibit):
    """Two requests on one connection of a visitor, the first with a long field."""

    def visit(visitor, pieces):
        deadline = time.monotonic() + PATIENCE
        say(visitor, pieces, request("GET", "/hello?name=Ada", LONG_COOKIE))
        until(visitor, pieces, deadline, b"Ada!\n")
        say(visitor, pieces, request("GET", "/hello?name=Alan", *HOST_HEADERS))
        until(visitor, pieces, deadline, b"never")

    return exhibit.visited(visit)


def questions(exhibit):
    """What nginx does not say: our own wire says it, to our own server."""
    talks = []
    with ExitStack() as connections:
        first, pieces = connected(exhibit, connections, talks)
        reader = fcgi.WebServerReader()
        for id in 1, 2, 3, 4:
            reader.begin(id)
        deadline = time.monotonic() + PATIENCE
        for question in QUESTIONS:
            say(first, pieces, question)
            answered = False
            while not answered and (data := hear(first, pieces, deadline)):
                answered = any(isinstance(each, ANSWERS) for each in reader.receive(data))
    with ExitStack() as connections:
        for _ in range(THREADS - 1):
            connected(exhibit, connections, [])
        last, pieces = connected(exhibit, connections, talks)
        say(last, pieces, ONE_MORE)
        until(last, pieces, time.monotonic() + PATIENCE, b"never")
    start = talks[0][0][0]
    links = [link for pieces in talks for link in journey.spoken(
        "our client", "our server", "FastCGI", [(at - start, *rest) for at, *rest in pieces])]
    return exhibit.settled(exhibit.made(links)) | {"parts": {}}  # nobody else's has a part in it


def connected(exhibit, connections, talks):
    """A connection to the server itself, past nginx, and what will be written down of it."""
    sock = connections.enter_context(socket.socket(socket.AF_UNIX))
    sock.settimeout(PATIENCE)
    sock.connect(str(exhibit.run / "program.sock"))
    talks.append(pieces := [])
    return sock, pieces


# ---------------------------------------------------------------- HTTP

CHUNKED = request("POST", "/digest", "Content-Type: text/plain", "Expect: 100-continue", "Transfer-Encoding: chunked",
                  "Trailer: X-Words", *HOST_HEADERS)
CHUNKS = b"5;part=first\r\nHello\r\n7;part=last\r\n, World\r\n0\r\nX-Words: 2\r\n\r\n"


def continued(exhibit):
    """A body in chunks, behind a 100 Continue; and an answer without a body, for HEAD."""

    def visit(visitor, pieces):
        deadline = time.monotonic() + PATIENCE
        say(visitor, pieces, CHUNKED)
        until(visitor, pieces, deadline, b"\r\n\r\n")
        say(visitor, pieces, CHUNKS)
        until(visitor, pieces, deadline, b"never")

    def head(visitor, pieces):
        exhibit.send(visitor, pieces, request("HEAD", "/nothing", *HOST_HEADERS), False)

    return exhibit.visited(visit, head)


# ---------------------------------------------------------------- WebSocket

UVICORN = catalog.find("asgi-uvicorn")
SMALL = changed(UVICORN, "uvicorn", words=" --ws-max-size 150")
OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
DEFLATING = tapping.HANDSHAKE.removesuffix(b"\r\n") + OFFER
EMPTY_NAME = '{"name":"","message":"Grüße"}'.encode()
RSV1 = 0x40  # of the first byte
TAIL = b"\0\0\xff\xff"  # left out behind a compressed message (RFC 7692 section 7.2.1)


class Talking:
    """A visitor's end of a WebSocket, with a key of its own for each frame, the same in each run."""

    def __init__(self, visitor, pieces, handshake=tapping.HANDSHAKE):
        self.visitor, self.pieces, self.masks = visitor, pieces, Random(6455)
        self.deadline = time.monotonic() + PATIENCE
        say(visitor, pieces, handshake)
        until(visitor, pieces, self.deadline, b"\r\n\r\n")

    def frame(self, opcode, payload, fin=True, bits=0):
        first, *rest = websocket.build_frame(opcode, payload, self.masks.randbytes(4), fin)
        say(self.visitor, self.pieces, bytes([first | bits, *rest]))

    def close(self, code, reason=""):
        say(self.visitor, self.pieces, websocket.build(websocket.Close(code, reason), self.masks.randbytes(4)))

    def hear(self):
        """What comes next: b"" where that is the end of the connection."""
        return hear(self.visitor, self.pieces, self.deadline)


def compressed(exhibit):
    """With permessage-deflate: a message in fragments, a ping between them; one of bytes; a close without a code."""

    def visit(visitor, pieces):
        talking, deflate = Talking(visitor, pieces, DEFLATING), zlib.compressobj(wbits=-12)

        def small(data):
            return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)

        whole = small(EMPTY_NAME)
        talking.frame(websocket.TEXT, whole[:12], fin=False, bits=RSV1)
        talking.frame(websocket.PING, b"still there?")
        talking.hear()
        talking.frame(websocket.CONTINUATION, whole[12:])
        talking.hear()
        talking.frame(websocket.BINARY, small(b"\0\1\2\3"), bits=RSV1)
        talking.hear()
        talking.close(1005)
        talking.hear()

    return exhibit.visited(visit)


def closings(exhibit):
    """One connection for each way to close; of each the frames alone."""

    def closing(act):
        def visit(visitor, pieces):
            talking = Talking(visitor, pieces)
            act(talking)
            while talking.hear():
                pass

        return visit

    def chosen(code, reason):
        return closing(lambda talking: talking.close(code, reason))

    whole = exhibit.visited(
        closing(lambda talking: talking.frame(3, b"?")),
        closing(lambda talking: talking.frame(websocket.TEXT, b"Gr\xfc\xdfe")),
        closing(lambda talking: talking.frame(websocket.TEXT, b"x" * 200)),
        *(chosen(*each) for each in CHOSEN.items()),
    )
    return {**whole, "links": [link for link in whole["links"] if link["carrier"] == "WebSocket"]}


CHOSEN = {1001: "the page is left", 1003: "no text, please", 1008: "not in here", 1010: "x-else", 3000: "Unauthorized",
          4000: "of my own"}


def lost(exhibit):
    """A program raises, and a visitor goes without a word."""

    def told(visitor, pieces):
        talking = Talking(visitor, pieces)
        talking.frame(websocket.TEXT, b"Raise something.")
        while talking.hear():
            pass

    return exhibit.visited(told, Talking)


# ---------------------------------------------------------------- the life of a server


def life(exhibit):
    """A server from its start to its end: what the program keeps, what it raises, and who is there at the end."""

    def stays(visitor, pieces):
        talking, (_, server, _) = Talking(visitor, pieces), exhibit.processes[0]
        server.send_signal(signal.SIGTERM)
        while talking.hear():
            pass
        server.wait(PATIENCE)

    made = exhibit.visited(
        *(lambda visitor, pieces, path=path: exhibit.send(visitor, pieces, request("GET", path, *HOST_HEADERS), False)
          for path in ("/", "/raise")), stays)
    whole = next(calls for path in exhibit.since("calls", 0) if tapping.is_lifespan(calls := tapping.read_calls(path)))
    return {**made, "links": [*made["links"], exhibit.settled(exhibit.link_of_calls(whole, exhibit.zero))]}


# ---------------------------------------------------------------- all of them

CONVERSATIONS = {
    "cgi-apache": Conversation(catalog.find("cgi-apache"), asked(tapping.GREETING)),
    "fastcgi-kept": Conversation(KEEPING, twice, page="fastcgi-rare"),
    "fastcgi-questions": Conversation(catalog.find("fastcgi-ours"), questions, page="fastcgi-rare"),
    "wsgi-chunked": Conversation(catalog.find("wsgi-gunicorn"), continued),
    "wsgi-raises": Conversation(catalog.find("wsgi-gunicorn"), asked(*(
        request("GET", f"/raises-exception{when}", *HOST_HEADERS) for when in ("", "-between"))), "rude"),
    "asgi-life": Conversation(UVICORN, life, "life"),
    "asgi-compressed": Conversation(UVICORN, compressed, page="websocket"),
    "asgi-closings": Conversation(SMALL, closings, page="websocket"),
    "asgi-lost": Conversation(catalog.find("asgi-hypercorn"), lost, "life", "websocket"),
}


def happen(name):
    """Hold a conversation; return its journey."""
    conversation = CONVERSATIONS[name]
    with tapping.Staged(conversation.stack, conversation.program) as exhibit:
        return conversation.meet(exhibit)
