"""WebSocket frames, bytes to messages and back (RFC 6455); and the calls of an ASGI program, written down.

     FIN RSV opcode   MASK length    longer length        masking key       payload
    +---+---+-------+------+-------+-------------------+-----------------+---------+
    | 1 | 3 | 4 bit | 1    | 7 bit | 0, 2 or 8 bytes   | 0 or 4 bytes    |         |
    +---+---+-------+------+-------+-------------------+-----------------+---------+

ASGI has no bytes of its own: it is a call and the events that go both ways, which
`trace` shows. The HTTP before it is explained in the room `http`. "§" is a section of
RFC 6455. Left out: extensions, so that no reserved bit may be set.
"""

import codecs
import struct
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha1
from typing import Any, NamedTuple

from exhibits.shared.calls import Calls, plain
from exhibits.shared.fields import Malformed

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


def handshake(method: bytes, version: bytes, headers: dict[bytes, bytes]) -> bytes | None:
    """The key (bytes) of a request that begins a WebSocket (§4.2.1), None for any other; raises BadHandshake.

    method, version (of HTTP): bytes; headers: a dict of bytes, the names in lower case.
    """
    if headers.get(b"upgrade", b"").lower() != b"websocket" or method != b"GET" or version != b"1.1":
        return None  # nobody has to follow an Upgrade, and in HTTP/1.0 nobody may (RFC 9110 section 7.8)
    if b"transfer-encoding" in headers or headers.get(b"content-length", b"").strip(b"0"):
        return None  # the body comes first (the same section), maybe late: it would be taken for frames
    if b"upgrade" not in [option.strip() for option in headers.get(b"connection", b"").lower().split(b",")]:
        raise BadHandshake("Upgrade is not among the options of Connection", 0)
    if headers.get(b"sec-websocket-version") != b"13":
        raise WrongVersion("only version 13 of WebSocket is spoken here", 0)
    key = headers.get(b"sec-websocket-key", b"")
    with suppress(ValueError):  # of what is no Base64
        if len(b64decode(key, validate=True)) == 16:
            return key
    raise BadHandshake("the key is not 16 bytes in Base64", 0)


def accept_key(key: bytes) -> bytes:
    """The value of Sec-WebSocket-Accept (bytes) for a Sec-WebSocket-Key (bytes), §4.2.2."""
    return b64encode(sha1(key + GUID).digest())


# ---------------------------------------------------------------- writing


def build(message: Message | Ping | Pong | Close, mask: bytes | None = None) -> bytes:
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


def build_frame(opcode: int, payload: bytes, mask: bytes | None = None, fin: bool = True) -> bytes:
    """One frame (bytes), also where it is a fragment."""
    length, bit = len(payload), 0x80 if mask else 0
    if length < 126:
        head = struct.pack("!BB", fin << 7 | opcode, bit | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", fin << 7 | opcode, bit | 126, length)
    else:
        head = struct.pack("!BBQ", fin << 7 | opcode, bit | 127, length)
    return head + (mask + masked(payload, mask) if mask else payload)


def masked(payload: bytes, mask: bytes) -> bytes:
    """The payload with each byte XORed with the key's next one (§5.3); the same again takes the mask off."""
    # One operation on two large numbers is far quicker than a loop over bytes; on larger ones it is slower again.
    size = min(len(payload), 4096)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    blocks = (payload[start : start + size] for start in range(0, len(payload), size or 1))
    return b"".join((int.from_bytes(block, "little") ^ key).to_bytes(size, "little")[: len(block)] for block in blocks)


# ---------------------------------------------------------------- reading


def read_frame(
    data: bytes | bytearray, start: int, offset: int, from_client: bool, limit: int = LIMIT, extended: bool = False
) -> Frame | None:
    """The Frame at `start` in data, or None where its head is not whole yet; raises the errors above.

    offset: where in the stream data begins. extended: reserved bits and opcodes may be there (§5.8).
    """
    if len(data) - start < 2:
        return None
    first, second = data[start], data[start + 1]
    fin, opcode, has_mask, length, head = bool(first & 0x80), first & 15, bool(second & 0x80), second & 127, 2
    here = offset + start
    if first & 0x70 and not extended:
        raise ReservedBit("a reserved bit is set", here)
    if opcode not in NAMES and not extended:
        raise UnknownOpcode(f"opcode {opcode} is not defined", here)
    if opcode & 8 and not fin:
        raise FragmentedControl(f"a {NAMES.get(opcode, 'control frame')} in fragments", here)
    if opcode & 8 and length > 125:
        raise LongControl(f"a {NAMES.get(opcode, 'control frame')} of more than 125 bytes", here + 1)
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
    if length > limit and not opcode & 8:  # a control frame is no part of the message (§5.4)
        raise MessageTooLong(f"{length} bytes are more than {limit}", here + 1)
    return Frame(start, fin, opcode, has_mask, head, length)


class Reader:
    """The frames of one side in, however they are cut; messages out.

    from_client: whether a client sent them. limit: bytes a message may have.
    """

    def __init__(self, from_client: bool, limit: int = LIMIT) -> None:
        self.from_client, self.limit = from_client, limit
        self.buffer, self.offset = bytearray(), 0
        self.opcode, self.begun = None, bytearray()  # of the message that is coming in fragments
        self.error = None  # what is wrong behind the messages that were returned last

    def receive(self, data: bytes | memoryview) -> list[Message | Ping | Pong | Close]:
        """Take the next bytes; return the list of what they completed: Message, Ping, Pong, Close.

        What came whole before an error is returned, and the error raised when more is asked for.
        """
        if self.error:
            raise self.error
        self.buffer += data
        messages = []
        try:
            self.read(messages)
        except WebSocketError as error:
            if not messages:
                raise
            self.error = error
        return messages

    def read(self, messages: list) -> None:
        start = 0
        while frame := read_frame(self.buffer, start, self.offset, self.from_client, self.limit - len(self.begun)):
            begin = start + frame.head + 4 * frame.masked
            if len(self.buffer) < begin + frame.length:
                break
            payload = bytes(self.buffer[begin : begin + frame.length])
            if frame.masked and payload:
                payload = masked(payload, bytes(self.buffer[begin - 4 : begin]))
            if message := self.take(frame, payload, self.offset + start):
                messages.append(message)
            start = begin + frame.length
        del self.buffer[:start]
        self.offset += start

    def take(self, frame: Frame, payload: bytes, here: int) -> Message | Ping | Pong | Close | None:
        if frame.opcode == PING:
            return Ping(payload)
        if frame.opcode == PONG:
            return Pong(payload)
        if frame.opcode == CLOSE:
            return read_close(payload, here)
        if (frame.opcode == CONTINUATION) != (self.opcode is not None):
            raise WrongContinuation("fragments of two messages are mixed up", here)
        opcode = self.opcode or frame.opcode
        if not frame.fin:
            self.opcode = opcode
            self.begun += payload  # joined at once: however many fragments there are, empty ones take no room
            return None
        if self.opcode:
            payload, self.opcode, self.begun = bytes(self.begun + payload), None, bytearray()
        return Message(decode(payload, here) if opcode == TEXT else payload)


def may_be_sent(code: int) -> bool:
    """Whether a close frame may have this code (§7.4, and the registry of §11.7)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code < 5000


def read_close(payload: bytes, here: int) -> Close:
    if not payload:
        return Close(1005)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not may_be_sent(code):
        raise BadClose(f"{code} is no code to close with", here)
    return Close(code, decode(payload[2:], here))


def decode(data: bytes, here: int) -> str:
    try:
        return codecs.decode(data, "utf-8")
    except UnicodeDecodeError:
        raise NotUTF8("this text is not UTF-8", here) from None


# ---------------------------------------------------------------- calls


def trace(application: Callable, **options: Any) -> "Traced":
    """An ASGI program that writes down each event of each connection: see `Traced`."""
    return Traced(application, **options)


class Traced:
    """A program whose events are written down.

    traces: those of the latest connections; each is a list of calls that JSON can hold (see `exhibits.journey`):
    of the application, and of the `receive` and `send` that it is given.
    now, begins: as at `exhibits.wsgi.wire.Traced`.
    """

    def __init__(
        self, application: Callable, now: Callable[[], float] = time.monotonic,
        begins: Callable[[], Callable] = lambda: lambda number, call: None,
    ) -> None:
        self.application, self.now, self.begins, self.traces = application, now, begins, deque(maxlen=100)

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        calls = Calls(self.now, self.begins())
        self.traces.append(calls)

        async def receiving() -> dict:
            with calls.written("program", "receive", ()) as call:
                event = await receive()
                call["returned"] = plain(event)
                return event

        async def sending(event: dict) -> None:
            with calls.written("program", "send", (event,)) as call:
                call["returned"] = plain(await send(event))

        with calls.written("server", "application", (scope, receive, send)) as call:
            call["returned"] = plain(await self.application(scope, receiving, sending))
