"""Our wires against other people's parsers: one request or frame, from bytes to what a program is told.

The bytes are those of the recorded greeting; each side reads them with a new object, as
a new connection would. Peers that are not installed are left out.
"""

import importlib
import json
from pathlib import Path

from exhibits.asgi import wire as websocket
from exhibits.fastcgi import wire as fastcgi
from exhibits.scgi import wire as scgi
from exhibits.uwsgi import wire as uwsgi

RECORDINGS = Path(__file__).resolve().parents[2] / "docs" / "recordings"


def greeting(stage):
    """The bytes (bytes) that the program of a stage got for the recorded greeting."""
    recording = json.loads((RECORDINGS / f"{stage}-greeting.json").read_text(encoding="utf-8"))
    return recording["links"][1]["said"]["request"].encode("latin-1")


def pairs():
    """Yield (carrier, peer, our function, the peer's function), each a call without arguments."""
    data = greeting("fastcgi")
    yield from against("FastCGI", "fcgisgi", "fcgisgi.sansio", lambda: list(fastcgi.ApplicationReader().receive(data)),
                       lambda peer: peer.FastCGIConnection().feed_data(data))  # fmt: skip
    packet = greeting("uwsgi")
    yield from against("uwsgi", "gunicorn", "gunicorn.uwsgi.message", lambda: uwsgi.RequestReader().receive(packet),
                       lambda peer: read_with_gunicorn(peer, packet))  # fmt: skip
    netstring = greeting("scgi")
    yield from against("SCGI", "flup", "flup.server.scgi_base", lambda: scgi.RequestReader().receive(netstring),
                       lambda peer: read_with_flup(peer, netstring))  # fmt: skip
    for size in 100, 16 * 1024:
        frame = websocket.build(websocket.Message("x" * size), b"mask")
        yield from against(f"WebSocket, {size} bytes", "wsproto", "wsproto.frame_protocol",
                           lambda frame=frame: websocket.Reader(from_client=True).receive(frame),
                           lambda peer, frame=frame: read_with_wsproto(peer, frame))  # fmt: skip


def against(carrier, name, module, ours, theirs):
    try:
        peer = importlib.import_module(module)
    except ImportError:
        return
    yield carrier, name, ours, lambda: theirs(peer)


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
