"""The name and the meaning of each byte of WebSocket, and of each call and key of ASGI, for people.

The HTTP that comes before a WebSocket is explained in the room `http`.
"""

import zlib
from contextlib import suppress

from exhibits.asgi.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    NAMES,
    PING,
    PONG,
    TEXT,
    CutOff,
    NotUTF8,
    Reader,
    ReservedBit,
    UnknownOpcode,
    masked,
    read_close,
    read_frame,
)
from exhibits.shared.fields import Field, Malformed

# Meanings with their sections of RFC 6455.
OPCODES = {CONTINUATION: "continuation frame", TEXT: "text frame", BINARY: "binary frame", CLOSE: "connection close",
           PING: "ping", PONG: "pong"}  # fmt: skip
ENDS = {True: "FIN: the final frame of its message.", False: "No FIN: the message goes on."}
UNUSED = "RSV1 to RSV3 are 0, for no extension uses them."
UNSET = "RSV1 to RSV3 are 0."
COMPRESSED = "RSV1 is 1, to which permessage-deflate gives its meaning: the message is compressed."
MASKED = {
    True: "Mask: a masking key follows, as in all frames from a client.",
    False: "No mask, as in all frames from a server.",
}
LENGTHS = {126: " The next 2 bytes are the length.", 127: " The next 8 bytes are the length."}
PAYLOADS = {
    CONTINUATION: ("The next piece of the message.", "5.4"),
    TEXT: ("Text in UTF-8.", "5.6"),
    BINARY: ("Bytes, whose meaning only the application knows.", "5.6"),
    PING: ("What the pong that answers is to repeat.", "5.5.3"),
    PONG: ("What the ping had, where the pong answers one.", "5.5.3"),
}
RESERVED = "Of an opcode that is not defined: who gets it fails the connection.", "5.2"
NO_TEXT = "No UTF-8, as text has to be: who gets it fails the connection.", "8.1"
DEFLATED = "Compressed: its value here is what it was before.", "RFC 7692 section 6"
CODES = {
    1000: "Normal: the purpose of the connection is fulfilled.",
    1001: "Going away: the server goes down, or the browser has left the page.",
    1002: "A protocol error.",
    1003: "Data of a type that cannot be accepted.",
    1007: "Data that does not fit its message, such as text that is not UTF-8.",
    1008: "A message that violates a policy.",
    1009: "A message that is too big.",
    1010: "The server did not agree to an extension that the client needs.",
    1011: "The server met something unexpected.",
}
RANGES = (
    (3000, "A code for the protocol, its revisions and its extensions."),
    (4000, "A code of a library, framework or application, registered with IANA."),
    (5000, "A code for private use."),
)


def explain_client(data: bytes, extensions: str = "") -> list[Field]:
    """Every byte of what a client sent after the handshake, as a list of Field. Raises WebSocketError.

    extensions: what Sec-WebSocket-Extensions agreed on.
    """
    return explain_frames(data, True, extensions)


def explain_server(data: bytes, extensions: str = "") -> list[Field]:
    """Every byte of what a server sent after the handshake, as a list of Field; otherwise as `explain_client`."""
    return explain_frames(data, False, extensions)


def explain_frames(data: bytes, from_client: bool, extensions: str = "") -> list[Field]:
    inflating = Inflating(extensions, from_client) if "permessage-deflate" in extensions else None
    if not inflating:
        reader = Reader(from_client)
        with suppress(UnknownOpcode, NotUTF8):  # for these there are words below
            reader.receive(data)
            reader.receive(b"")  # raises what is wrong with them
    fields, start = [], 0

    def add(length: int, name: str, value: str, meaning: str, section: str) -> None:
        if length:
            end = fields[-1].offset + fields[-1].length if fields else 0
            named = section if section.startswith("RFC") else f"RFC 6455 section {section}"
            fields.append(Field(end, length, name, value, meaning, named))

    while start < len(data):
        frame = read_frame(data, start, 0, from_client, extended=True)
        if frame is None or start + frame.head + 4 * frame.masked + frame.length > len(data):
            raise CutOff("the bytes end inside a frame", len(data))
        bits, length = data[start] >> 4 & 7, data[start + 1] & 127
        if bits and (not inflating or bits != RSV1):
            raise ReservedBit("a reserved bit is set", start)
        reserved = UNUSED if not inflating else COMPRESSED if bits else UNSET
        name = NAMES.get(frame.opcode, "reserved")
        add(1, "FIN, RSV, opcode", f"{frame.fin:d}, {bits:03b}, {frame.opcode:#x} {name}",
            f"{ENDS[frame.fin]} {reserved} Opcode: {OPCODES.get(frame.opcode, 'reserved')}.", "5.2")
        add(1, "Mask, Payload length", f"{frame.masked:d}, {length}",
            MASKED[frame.masked] + LENGTHS.get(length, " The length of the payload data."), "5.2")
        add(frame.head - 2, "Extended payload length", str(frame.length),
            "The length of the payload data, in network byte order.", "5.2")
        key = data[start + frame.head : start + frame.head + 4] if frame.masked else b""
        add(len(key), "Masking-key", key.hex(" "),
            "The payload data is XORed with it. A client picks a fresh one for each frame, at random.", "5.3")
        begin = start + frame.head + len(key)
        payload = data[begin : begin + frame.length]
        plain = masked(payload, key) if key else payload
        if frame.opcode == CLOSE and plain:
            code = read_close(plain, start).code
            add(2, "status code", str(code), *close_code(code))
            add(len(plain) - 2, "reason", readable(plain[2:]), "Why, for who looks for faults: not for users.", "5.5.1")
        elif inflating and inflating.takes(frame.opcode, bits):
            add(len(plain), "Application data", readable(inflating.inflate(plain, frame.fin, start)), *DEFLATED)
        else:
            says = PAYLOADS.get(frame.opcode, RESERVED)
            if frame.opcode == TEXT and frame.fin and not is_text(plain):
                says = NO_TEXT
            add(len(plain), "Application data", readable(plain), *says)
        start = begin + frame.length
    return fields


RSV1, TAIL = 0b100, b"\0\0\xff\xff"  # which the sender leaves out behind a message (RFC 7692 section 7.2.1)
LONGEST = 1 << 20  # bytes of a frame when it is not compressed any more


class Inflating:
    """What one side compressed with permessage-deflate, in plain (RFC 7692 section 7.2.2).

    extensions: what was agreed on. Where the sender keeps his window, a message leans on those before.
    """

    def __init__(self, extensions: str, from_client: bool) -> None:
        self.keeps = f"{'client' if from_client else 'server'}_no_context_takeover" not in extensions
        self.stream, self.compressed = zlib.decompressobj(-zlib.MAX_WBITS), False

    def takes(self, opcode: int, bits: int) -> bool:
        """Whether the frame is of a compressed message: the first one says so, and those in control are not."""
        if opcode in (TEXT, BINARY):
            self.compressed = bits == RSV1
        return self.compressed and opcode in (TEXT, BINARY, CONTINUATION)

    def inflate(self, payload: bytes, fin: bool, here: int) -> bytes:
        try:
            plain = self.stream.decompress(payload + TAIL * fin, LONGEST)
        except zlib.error as error:
            raise Malformed(f"this is not compressed as it should be: {error}", here) from None
        if self.stream.unconsumed_tail:
            raise Malformed(f"more than {LONGEST} bytes", here)
        if fin and not self.keeps:
            self.stream = zlib.decompressobj(-zlib.MAX_WBITS)
        return plain


def is_text(data: bytes) -> bool:
    with suppress(UnicodeError):
        return bool(data.decode()) or not data
    return False


def close_code(code: int) -> tuple[str, str]:
    """Why a connection is closed, and where that stands."""
    if code in CODES:
        return CODES[code], "7.4.1"
    return next(sentence for end, sentence in RANGES if code < end), "7.4.2"


def readable(data: bytes) -> str:
    """Text as it is; what is no whole UTF-8 in escapes."""
    return data.decode("utf-8", "backslashreplace")


# ---------------------------------------------------------------- calls

PROGRAM, WWW, LIFESPAN = "ASGI § ", "ASGI HTTP & WebSocket § ", "ASGI Lifespan § "
SCOPES = {"http": WWW + "HTTP Connection Scope", "websocket": WWW + "Websocket Connection Scope",
          "lifespan": LIFESPAN + "Scope"}  # fmt: skip
EVENTS = {  # what each type says, and where that is laid down
    "http.request": ("A request has come, or more of its body.", WWW + "Request - receive event"),
    "http.disconnect": ("The client has gone, or has the response.", WWW + "Disconnect - receive event"),
    "http.response.start": ("The program starts its response.", WWW + "Response Start - send event"),
    "http.response.body": ("The program goes on with its response.", WWW + "Response Body - send event"),
    "websocket.connect": ("A client opens a connection, and waits for the handshake.", WWW + "Connect - receive event"),
    "websocket.accept": ("The program accepts the connection.", WWW + "Accept - send event"),
    "websocket.receive": ("A message has come from the client.", WWW + "Receive - receive event"),
    "websocket.send": ("The program sends a message to the client.", WWW + "Send - send event"),
    "websocket.disconnect": ("The connection is lost, whoever closed it.", WWW + "Disconnect - receive event (ws)"),
    "websocket.close": ("The program has the server close the connection.", WWW + "Close - send event"),
    "lifespan.startup": ("The server is about to take connections.", LIFESPAN + "Startup - receive event"),
    "lifespan.startup.complete": ("The program has started.", LIFESPAN + "Startup Complete - send event"),
    "lifespan.startup.failed": ("The program could not start.", LIFESPAN + "Startup Failed - send event"),
    "lifespan.shutdown": ("The server has closed all connections.", LIFESPAN + "Shutdown - receive event"),
    "lifespan.shutdown.complete": ("The program has cleaned up.", LIFESPAN + "Shutdown Complete - send event"),
    "lifespan.shutdown.failed": ("The program could not clean up.", LIFESPAN + "Shutdown Failed - send event"),
}
CALLS = {
    "application": ("The server calls the program, once for each connection; in HTTP that is a request.",
                    PROGRAM + "Applications"),
    "receive": ("The program asks for the next event, and waits until there is one.", PROGRAM + "Applications"),
    "send": ("The program hands over an event, and waits until it is sent.", PROGRAM + "Applications"),
}
COMMON = {
    "type": "Which protocol this scope is of.",
    "asgi": "The versions of ASGI and of the specification for this protocol.",
    "http_version": "The version of HTTP.",
    "scheme": "The scheme of the address.",
    "path": "The path, with percent-encoding and UTF-8 decoded.",
    "raw_path": "The path as it came, without the query.",
    "query_string": "The query behind ?, as bytes.",
    "root_path": "Where the program is mounted: SCRIPT_NAME of WSGI.",
    "headers": "The header fields as pairs of bytes.",
    "client": "The address and port of the client.",
    "server": "The address and port on which the server listens, or its Unix socket.",
    "state": "A copy of what the program kept when it started.",
}
OF_SCOPES = {
    "http": {**COMMON, "method": "The method, in capitals."},
    "websocket": {**COMMON, "subprotocols": "The subprotocols that the client offers."},
    "lifespan": {"type": COMMON["type"], "asgi": COMMON["asgi"], "state": "Room for what requests will need."},
}
OF_EVENTS = {
    ("http.request", "body"): "The body of the request, or the next piece of it.",
    ("http.request", "more_body"): "Whether more of the body is to come.",
    ("http.response.start", "status"): "The status code.",
    ("http.response.start", "headers"): "The header fields of the response, as pairs of bytes.",
    ("http.response.start", "trailers"): "Whether trailers will follow.",
    ("http.response.body", "body"): "The content, or the next piece of it.",
    ("http.response.body", "more_body"): "Whether more of the content is to come.",
    ("websocket.accept", "subprotocol"): "The subprotocol that the program accepts.",
    ("websocket.accept", "headers"): "Header fields for the response that completes the handshake.",
    ("websocket.receive", "text"): "A message of text.",
    ("websocket.receive", "bytes"): "A message of bytes.",
    ("websocket.send", "text"): "A message of text.",
    ("websocket.send", "bytes"): "A message of bytes.",
    ("websocket.disconnect", "code"): "The close code; 1005 where the client gave none.",
    ("websocket.disconnect", "reason"): "The reason given for the end.",
    ("websocket.close", "code"): "The close code; 1000 where it is missing.",
    ("websocket.close", "reason"): "The reason given for the end.",
    ("lifespan.startup.failed", "message"): "What to tell of the failure.",
    ("lifespan.shutdown.failed", "message"): "What to tell of the failure.",
}
EXTENSIONS = "What this server can do beyond the specification.", PROGRAM + "Extensions"
UNKNOWN = "A key of the server's or the program's own.", "not in ASGI"


def explain_call(name: str) -> tuple[str, str]:
    """What a call is for, and where that is laid down. KeyError for one that ASGI does not have."""
    return CALLS[name]


def explain_key(holder: dict, key: str) -> tuple[str, str]:
    """What a key of a scope or an event (dict) is for, and where that is laid down."""
    kind = holder.get("type", "")
    if kind in EVENTS and key == "type":
        return EVENTS[kind]
    if sentence := OF_EVENTS.get((kind, key)):
        return sentence, EVENTS[kind][1]
    if kind in SCOPES and (sentence := OF_SCOPES[kind].get(key)):
        return sentence, SCOPES[kind]
    return EXTENSIONS if key == "extensions" else UNKNOWN
