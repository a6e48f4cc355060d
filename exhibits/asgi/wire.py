"""WebSocket frames, bytes to messages and back (RFC 6455); and the calls of an ASGI program, written down.

     FIN RSV opcode   MASK length    longer length        masking key       payload
    +---+---+-------+------+-------+-------------------+-----------------+---------+
    | 1 | 3 | 4 bit | 1    | 7 bit | 0, 2 or 8 bytes   | 0 or 4 bytes    |         |
    +---+---+-------+------+-------+-------------------+-----------------+---------+

ASGI has no bytes of its own: it is a call and the events that go both ways, which
`trace` shows. The HTTP around it is explained in the WSGI room. "§" is a section of
RFC 6455. Left out: extensions, so that no reserved bit may be set.
"""

import codecs
import struct
from base64 import b64decode, b64encode
from collections import deque
from contextlib import suppress
from hashlib import sha1
from typing import NamedTuple

from exhibits.fields import Field, Malformed

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NAMES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # §1.3: a number nobody else would mix in by chance
LIMIT = 16 * 1024 * 1024  # bytes of a message


class WebSocketError(Malformed):
    """Bytes no peer may send. close_code: what to say when closing for it (§7.4.1)."""

    close_code = 1002


class ReservedBit(WebSocketError):
    """RSV1, RSV2 or RSV3 is set, and no extension was agreed on (§5.2)."""


class UnknownOpcode(WebSocketError):
    """An opcode nobody has defined (§5.2)."""


class LongControl(WebSocketError):
    """A control frame with more than 125 bytes (§5.5)."""


class FragmentedControl(WebSocketError):
    """A control frame without FIN (§5.5)."""


class WrongMasking(WebSocketError):
    """A client's frame without a mask, or a server's frame with one (§5.1)."""


class LongLength(WebSocketError):
    """A length written with more bytes than it needs, or with the top bit set (§5.2)."""


class WrongContinuation(WebSocketError):
    """A continuation of nothing, or a new message inside another (§5.4)."""


class BadClose(WebSocketError):
    """A close frame with half a code, or with one that must not be sent (§7.4)."""


class NotUTF8(WebSocketError):
    """Text that is not UTF-8 (§8.1)."""

    close_code = 1007


class MessageTooLong(WebSocketError):
    """More bytes in one message than the reader takes."""

    close_code = 1009


class CutOff(WebSocketError):
    """The bytes end inside a frame."""


class BadHandshake(Malformed):
    """Not the request with which a WebSocket begins (§4.2.1). status, fields: what to answer (HTTP)."""

    status, fields = 400, ()


class WrongVersion(BadHandshake):
    """A handshake for another version of WebSocket than 13 (§4.4)."""

    status, fields = 426, ((b"upgrade", b"websocket"), (b"sec-websocket-version", b"13"))


class Message(NamedTuple):
    """A whole message, its fragments joined: str for text, bytes for binary."""

    data: str | bytes


class Ping(NamedTuple):
    data: bytes


class Pong(NamedTuple):
    data: bytes


class Close(NamedTuple):
    """code: 1005 where the frame says none (§7.4.1)."""

    code: int
    reason: str = ""


class Frame(NamedTuple):
    """One frame as it stands: where it starts, its bits, and how many bytes each part has."""

    start: int
    fin: bool
    opcode: int
    masked: bool
    head: int  # bytes before the masking key
    length: int  # bytes of payload


# ---------------------------------------------------------------- the handshake


def handshake(method, version, headers):
    """The key (bytes) of a request that begins a WebSocket (§4.2.1), None for any other; raises BadHandshake.

    method, version (of HTTP): bytes; headers: a dict of bytes, the names in lower case.
    """
    if headers.get(b"upgrade", b"").lower() != b"websocket" or method != b"GET" or version != b"1.1":
        return None  # nobody has to follow an Upgrade, and in HTTP/1.0 nobody may (RFC 9110 section 7.8)
    if b"upgrade" not in [option.strip() for option in headers.get(b"connection", b"").lower().split(b",")]:
        raise BadHandshake("Upgrade is not among the options of Connection", 0)
    if headers.get(b"sec-websocket-version") != b"13":
        raise WrongVersion("only version 13 of WebSocket is spoken here", 0)
    key = headers.get(b"sec-websocket-key", b"")
    with suppress(ValueError):  # of what is no Base64
        if len(b64decode(key, validate=True)) == 16:
            return key
    raise BadHandshake("the key is not 16 bytes in Base64", 0)


def accept_key(key):
    """The value of Sec-WebSocket-Accept (bytes) for a Sec-WebSocket-Key (bytes), §4.2.2."""
    return b64encode(sha1(key + GUID).digest())


# ---------------------------------------------------------------- writing


def build(message, mask=None):
    """The frame (bytes) of a Message, Ping, Pong or Close. mask: 4 bytes, as a client needs them; None for a server."""
    if isinstance(message, Close):
        if message.code != 1005 and not may_be_sent(message.code):
            raise ValueError(f"{message.code} is no code to close with")
        payload = b"" if message.code == 1005 else struct.pack("!H", message.code) + message.reason.encode()
        opcode = CLOSE
    else:
        payload = message.data.encode() if isinstance(message.data, str) else message.data
        kinds = {Ping: PING, Pong: PONG}
        opcode = kinds.get(type(message), TEXT if isinstance(message.data, str) else BINARY)
    if opcode & 8 and len(payload) > 125:
        raise ValueError(f"{len(payload)} bytes do not fit into a control frame")
    return build_frame(opcode, payload, mask)


def build_frame(opcode, payload, mask=None, fin=True):
    """One frame (bytes), also where it is a fragment."""
    length, bit = len(payload), 0x80 if mask else 0
    if length < 126:
        head = struct.pack("!BB", fin << 7 | opcode, bit | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", fin << 7 | opcode, bit | 126, length)
    else:
        head = struct.pack("!BBQ", fin << 7 | opcode, bit | 127, length)
    return head + (mask + masked(payload, mask) if mask else payload)


def masked(payload, mask):
    """The payload with each byte XORed with the key's next one (§5.3); the same again takes the mask off."""
    # One operation on two large numbers is far quicker than a loop over bytes; on larger ones it is slower again.
    size = min(len(payload), 4096)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    blocks = (payload[start : start + size] for start in range(0, len(payload), size or 1))
    return b"".join((int.from_bytes(block, "little") ^ key).to_bytes(size, "little")[: len(block)] for block in blocks)


# ---------------------------------------------------------------- reading


def read_frame(data, start, offset, from_client, limit=LIMIT):
    """The Frame at `start` in data, or None where its head is not whole yet; raises the errors above.

    offset: where in the stream data begins.
    """
    if len(data) - start < 2:
        return None
    first, second = data[start], data[start + 1]
    fin, opcode, has_mask, length, head = bool(first & 0x80), first & 15, bool(second & 0x80), second & 127, 2
    here = offset + start
    if first & 0x70:
        raise ReservedBit("a reserved bit is set", here)
    if opcode not in NAMES:
        raise UnknownOpcode(f"opcode {opcode} is not defined", here)
    if opcode & 8 and not fin:
        raise FragmentedControl(f"a {NAMES[opcode]} in fragments", here)
    if opcode & 8 and length > 125:
        raise LongControl(f"a {NAMES[opcode]} of more than 125 bytes", here + 1)
    if has_mask != from_client:
        wrong = "a client's frame without a mask" if from_client else "a server's frame with a mask"
        raise WrongMasking(wrong, here + 1)
    if length > 125:
        size, least = (2, 126) if length == 126 else (8, 1 << 16)
        head += size
        if len(data) - start < head:
            return None
        length = int.from_bytes(data[start + 2 : start + head], "big")
        if length < least or length >> 63:
            raise LongLength(f"{length} is written with {size} bytes", here + 2)
    if length > limit:
        raise MessageTooLong(f"{length} bytes are more than {limit}", here + 1)
    return Frame(start, fin, opcode, has_mask, head, length)


class Reader:
    """The frames of one side in, however they are cut; messages out.

    from_client: whether a client sent them. limit: bytes a message may have.
    """

    def __init__(self, from_client, limit=LIMIT):
        self.from_client, self.limit = from_client, limit
        self.buffer, self.offset = bytearray(), 0
        self.opcode, self.parts, self.length = None, [], 0  # of the message that is coming in fragments

    def receive(self, data):
        """Take the next bytes; return the list of what they completed: Message, Ping, Pong, Close."""
        self.buffer += data
        messages, start = [], 0
        while frame := read_frame(self.buffer, start, self.offset, self.from_client, self.limit - self.length):
            begin = start + frame.head + 4 * frame.masked
            if len(self.buffer) < begin + frame.length:
                break
            payload = bytes(self.buffer[begin : begin + frame.length])
            if frame.masked:
                payload = masked(payload, bytes(self.buffer[begin - 4 : begin]))
            if message := self.take(frame, payload, self.offset + start):
                messages.append(message)
            start = begin + frame.length
        del self.buffer[:start]
        self.offset += start
        return messages

    def take(self, frame, payload, here):
        if frame.opcode == PING:
            return Ping(payload)
        if frame.opcode == PONG:
            return Pong(payload)
        if frame.opcode == CLOSE:
            return read_close(payload, here)
        if (frame.opcode == CONTINUATION) != (self.opcode is not None):
            raise WrongContinuation("fragments of two messages are mixed up", here)
        if self.opcode is None:
            self.opcode = frame.opcode
        self.parts.append(payload)
        self.length += len(payload)
        if not frame.fin:
            return None
        data, text = b"".join(self.parts), self.opcode == TEXT
        self.opcode, self.parts, self.length = None, [], 0
        return Message(decode(data, here) if text else data)


def may_be_sent(code):
    """Whether a close frame may have this code (§7.4, and the registry of §11.7)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code < 5000


def read_close(payload, here):
    if not payload:
        return Close(1005)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not may_be_sent(code):
        raise BadClose(f"{code} is no code to close with", here)
    return Close(code, decode(payload[2:], here))


def decode(data, here):
    try:
        return codecs.decode(data, "utf-8")
    except UnicodeDecodeError:
        raise NotUTF8("this text is not UTF-8", here) from None


# ---------------------------------------------------------------- explaining


def explain_client(data):
    """Every byte of what a client sent after the handshake, as a list of Field."""
    return explain_frames(data, True)


def explain_server(data):
    """Every byte of what a server sent after the handshake, as a list of Field."""
    return explain_frames(data, False)


def explain_frames(data, from_client):
    Reader(from_client).receive(data)  # raises what is wrong with them
    fields, start = [], 0

    def add(length, name, value, meaning, section):
        if length:
            end = fields[-1].offset + fields[-1].length if fields else 0
            fields.append(Field(end, length, name, value, meaning, f"RFC 6455 section {section}"))

    while start < len(data):
        frame = read_frame(data, start, 0, from_client)
        if frame is None or start + frame.head + 4 * frame.masked + frame.length > len(data):
            raise CutOff("the bytes end inside a frame", len(data))
        kind = NAMES[frame.opcode]
        add(1, "FIN, RSV, opcode", f"{'last' if frame.fin else 'more to come'}, {kind}",
            "Whether the message ends with this frame, three bits that must be 0, and what kind it is.", "5.2")
        add(1, "MASK, length", f"{'masked' if frame.masked else 'not masked'}, {data[start + 1] & 127}",
            "A client masks, a server does not. Lengths up to 125 stand here; 126 and 127 announce 2 or 8 bytes more.",
            "5.2")
        add(frame.head - 2, "extended payload length", str(frame.length),
            "The length, big-endian, where seven bits are not enough for it.", "5.2")
        key = data[start + frame.head : start + frame.head + 4] if frame.masked else b""
        add(len(key), "masking key", key.hex(" "),
            "Chosen anew for each frame, so that no page can make a client send bytes that look like HTTP.", "5.3")
        begin = start + frame.head + len(key)
        payload = data[begin : begin + frame.length]
        plain = masked(payload, key) if key else payload
        if frame.opcode == CLOSE and plain:
            add(2, "status code", str(int.from_bytes(plain[:2], "big")), "Why the connection is closed.", "7.4")
            plain = plain[2:]
        add(len(plain), "payload", plain.decode("utf-8", "replace"),
            "What the frame carries" + (", under the mask." if key else "."), "5.2")
        start = begin + frame.length
    return fields


# ---------------------------------------------------------------- calls


def trace(application):
    """An ASGI program that writes down each event of each connection: see `Traced`."""
    return Traced(application)


class Traced:
    """A program whose events are written down.

    traces: the latest connections; each is a list of steps that JSON can hold: "by",
    "call" (application, receive or send) and "arguments", and what it "returns" or "raises".
    """

    def __init__(self, application):
        self.application, self.traces = application, deque(maxlen=100)

    async def __call__(self, scope, receive, send):
        steps = []
        self.traces.append(steps)

        async def call(by, name, function, *arguments):
            step = {"by": by, "call": name, "arguments": plain(arguments if by == "program" else arguments[:1])}
            if len(steps) < 1000:
                steps.append(step)
            try:
                result = await function(*arguments)
            except BaseException as error:
                step["raises"] = type(error).__name__
                raise
            if result is not None:
                step["returns"] = plain(result)
            return result

        async def receiving():
            return await call("program", "receive", receive)

        async def sending(event):
            return await call("program", "send", send, event)

        await call("server", "application", self.application, scope, receiving, sending)


def plain(value):
    """The value as JSON can hold it; of bytes and text the first 200."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (bytes, bytearray)):
        return repr(bytes(value[:200])) + (f" … {len(value)} bytes" if len(value) > 200 else "")
    if isinstance(value, str):
        return value[:200]
    return value if isinstance(value, (int, float, bool, type(None))) else f"<{type(value).__name__}>"
