"""Our wires against other people's parsers: one request or frame, from bytes to what a program is told.

The bytes are those of the recorded greeting; each side reads them with a new object, as
a new connection would. Peers that are not installed are left out.
"""

import importlib
import json
from pathlib import Path

from exhibits import journey
from exhibits.asgi import wire as websocket
from exhibits.fastcgi import wire as fastcgi
from exhibits.http import wire as http
from exhibits.scgi import wire as scgi
from exhibits.uwsgi import wire as uwsgi

RECORDINGS = Path(__file__).resolve().parents[3] / "docs" / "recordings"


def greeting(stage):
    """The bytes (bytes) that the program of a stage got for the recorded greeting."""
    recording = json.loads((RECORDINGS / f"{stage}-greeting.json").read_text(encoding="utf-8"))
    return journey.said(recording["links"][1])["request"]


def pairs():
    """Yield (carrier, peer, our function, the peer's function), each a call without arguments."""
    yield from against("HTTP/1.1, and a response", "h11", "h11", lambda: answer_http(BROWSERS),
                       lambda peer: answer_with_h11(peer, BROWSERS))
    yield from against("HTTP/1.1", "httptools", "httptools", lambda: http.RequestReader().receive(BROWSERS),
                       lambda peer: read_with_httptools(peer, BROWSERS))
    data = greeting("fastcgi")
    yield from against("FastCGI", "fcgisgi", "fcgisgi.sansio", lambda: list(fastcgi.ApplicationReader().receive(data)),
                       lambda peer: peer.FastCGIConnection().feed_data(data))
    packet = greeting("uwsgi")
    yield from against("uwsgi", "gunicorn", "gunicorn.uwsgi.message", lambda: uwsgi.RequestReader().receive(packet),
                       lambda peer: read_with_gunicorn(peer, packet))
    netstring = greeting("scgi")
    yield from against("SCGI", "flup", "flup.server.scgi_base", lambda: scgi.RequestReader().receive(netstring),
                       lambda peer: read_with_flup(peer, netstring))
    for size in 100, 16 * 1024:
        frame = websocket.build(websocket.Message("x" * size), b"mask")
        yield from against(f"WebSocket, {size} bytes", "wsproto", "wsproto.frame_protocol",
                           lambda frame=frame: websocket.Reader(from_client=True).receive(frame),
                           lambda peer, frame=frame: read_with_wsproto(peer, frame))


def against(carrier, name, module, ours, theirs):
    try:
        peer = importlib.import_module(module)
    except ImportError:
        return
    yield carrier, name, ours, lambda: theirs(peer)


# What a browser sends, and what a small program answers.
BROWSERS = (b"GET /hello?name=Ada HTTP/1.1\r\nHost: localhost:8000\r\n"
            b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
            b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
            b"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
            b"Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\nCookie: visits=1\r\n\r\n")
HEADERS = [(b"Content-Type", b"text/plain"), (b"Content-Length", b"14"), (b"Date", b"Sun, 05 Dec 1993 12:00:00 GMT")]
HELLO = b"Hello, World!\n"


def answer_http(data):
    request, _ = http.RequestReader().receive(data)
    writer = http.ResponseWriter(request)
    return b"".join(map(writer.build, [http.Response(200, HEADERS), http.Body(HELLO), http.End()]))


def answer_with_h11(h11, data):
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    while type(connection.next_event()) is not h11.EndOfMessage:
        pass
    head = h11.Response(status_code=200, headers=HEADERS, reason=b"OK")
    return b"".join(map(connection.send, [head, h11.Data(data=HELLO), h11.EndOfMessage()]))


class Told:
    """What httptools calls for each part of a request."""

    def __init__(self):
        self.headers = []

    def on_url(self, url):
        self.url = url

    def on_header(self, name, value):
        self.headers.append((name.lower(), value))


def read_with_httptools(httptools, data):
    told = Told()
    httptools.HttpRequestParser(told).feed_data(data)
    return told


def read_with_gunicorn(message, data):
    from gunicorn.config import Config
    from gunicorn.http.unreader import IterUnreader

    config = read_with_gunicorn.config = getattr(read_with_gunicorn, "config", None) or Config()
    return message.UWSGIRequest(config, IterUnreader([data]), ("127.0.0.1", 0))


class Said:
    """What flup's parser asks a socket for."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def recv(self, size):
        self.at += size
        return self.data[self.at - size : self.at]


def read_with_flup(scgi_base, data):
    # As flup's Connection.processInput does it, up to the call of the program.
    texts = [each.decode("latin-1") for each in scgi_base.readNetstring(Said(data)).split(b"\0")[:-1]]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def read_with_wsproto(frame_protocol, data):
    reader = frame_protocol.FrameProtocol(client=False, extensions=[])
    reader.receive_bytes(data)
    return list(reader.received_frames())
