"""The name and the meaning of every byte of HTTP/1.1, for people: requests and responses as lists of `Field`."""

import re
from collections.abc import Callable
from contextlib import suppress

from exhibits.http import grammar
from exhibits.http.client import ResponseReader
from exhibits.http.grammar import BadMessage, CutOff
from exhibits.http.wire import End, Request, RequestReader, Response
from exhibits.shared.fields import Field, shown

REQUEST_PARTS = re.compile(rb"([^ ]+)( )([^ ]+)( )([^ \r]+)(\r\n)")
STATUS_PARTS = re.compile(rb"([^ ]+)( )(\d+)( ?)([^\r]*)(\r\n)")
CHUNK_PARTS = re.compile(rb"([\da-fA-F]+)([^\r]*)(\r\n)")

Part = tuple[str, str, str]  # name, meaning, section

CRLF = ("CRLF", "The end of the line.", "RFC 9112 section 2.2")
SPACE = ("SP", "A space.", "RFC 9112 section 3")
VERSION = ("HTTP-version", "The version of HTTP that this message is in.", "RFC 9112 section 2.3")
SPACE_IN_STATUS = ("SP", "A space.", "RFC 9112 section 4")
SPACE_BEHIND = ("SP", "A space, even where no reason follows.", "RFC 9112 section 4")
REASON = ("reason-phrase", "The status code in words, which a client ought to ignore.", "RFC 9112 section 4")
IGNORED = ("CRLF", "An empty line before a request: it is ignored.", "RFC 9112 section 2.2")
END_OF_HEAD = ("CRLF", "An empty line: the header section ends here.", "RFC 9112 section 2.1")
END_OF_CHUNKS = ("CRLF", "An empty line: the message ends here.", "RFC 9112 section 7.1")
NAME = ("field-name", "The name of a header field, in capitals or not.", "RFC 9110 section 5.1")
TRAILER_NAME = ("field-name", "The name of a trailer field: it comes behind the content.", "RFC 9112 section 7.1.2")
COLON = (":", "Ends the name. No space may stand before it.", "RFC 9112 section 5.1")
OWS = ("OWS", "Optional white space around a value, which does not belong to it.", "RFC 9112 section 5.1")
BODY = ("message-body", "The body: bytes that carry the content.", "RFC 9112 section 6")
CHUNK_SIZE = ("chunk-size", "How many bytes come in this chunk, in hexadecimal.", "RFC 9112 section 7.1")
LAST_CHUNK = ("last-chunk", "A chunk of no bytes: no other follows.", "RFC 9112 section 7.1")
CHUNK_EXT = ("chunk-ext", "More about the chunk; who does not know it ignores it.", "RFC 9112 section 7.1.1")
CHUNK_DATA = ("chunk-data", "A piece of the content.", "RFC 9112 section 7.1")
END_OF_SIZE = ("CRLF", "The end of the line.", "RFC 9112 section 7.1")
END_OF_CHUNK = ("CRLF", "The end of the chunk.", "RFC 9112 section 7.1")
TRAILER = ("field-value", "The value of a trailer field, to be kept apart from header fields.", "RFC 9110 section 6.5")

# Sections of RFC 9110.
METHODS = {
    b"GET": ("Send what is here.", "9.3.1"), b"HEAD": ("Do as for GET, but send no content.", "9.3.2"),
    b"POST": ("Process the content in the way of this resource.", "9.3.3"),
    b"PUT": ("Create what is here, or replace it, as the content has it.", "9.3.4"),
    b"DELETE": ("Remove what is here.", "9.3.5"), b"CONNECT": ("Establish a tunnel.", "9.3.6"),
    b"OPTIONS": ("Say how one can communicate with this resource.", "9.3.7"),
    b"TRACE": ("Send this request back.", "9.3.8"),
}
ANY_METHOD = ("What the client wants: no method of RFC 9110.", "9.1")
STATUSES = {
    100: ("Go on: the request has begun to come and is not rejected yet. The final answer follows.", "15.2.1"),
    101: ("The server changes the protocol of this connection, as Upgrade asked.", "15.2.2"),
    200: ("The request has succeeded.", "15.3.1"), 201: ("Something new has been created.", "15.3.2"),
    204: ("It succeeded, and there is no content to send.", "15.3.5"),
    206: ("A part of what is here, as Range asked.", "15.3.7"),
    301: ("It has another URI for good.", "15.4.2"), 302: ("It is at another URI for now.", "15.4.3"),
    303: ("The answer is to be had from another resource, which Location names.", "15.4.4"),
    304: ("What the client has already is still right.", "15.4.5"),
    307: ("It is at another URI for now; the method stays the same.", "15.4.8"),
    308: ("It has another URI for good.", "15.4.9"),
    400: ("The server takes the request for a mistake of the client.", "15.5.1"),
    403: ("The server understands, and refuses.", "15.5.4"),
    404: ("Nothing is found here, or nobody may know of it.", "15.5.5"),
    405: ("The method is known, but not supported here.", "15.5.6"),
    408: ("The request did not come whole in time.", "15.5.9"),
    411: ("The server wants a Content-Length.", "15.5.12"),
    413: ("The content is larger than the server processes.", "15.5.14"),
    414: ("The target is longer than the server interprets.", "15.5.15"),
    421: ("The request came to a server that does not answer for its target.", "15.5.20"),
    426: ("The server wants another protocol, which Upgrade names.", "15.5.22"),
    500: ("Something unexpected kept the server from fulfilling the request.", "15.6.1"),
    501: ("The server cannot do what the request needs.", "15.6.2"),
    502: ("A server behind this one gave an invalid answer.", "15.6.3"),
    503: ("The server cannot handle the request just now.", "15.6.4"),
    504: ("A server behind this one gave no answer in time.", "15.6.5"),
    505: ("The server does not support this major version of HTTP.", "15.6.6"),
}
CLASSES = {
    1: "Informational: the final answer is still to come.", 2: "Successful: the request was accepted.",
    3: "Redirection: more has to be done.",
    4: "Client Error: the request is bad, or cannot be fulfilled.",
    5: "Server Error: the server failed with a request that looks valid.",
}
NO_CLASS = "A status code of no class that is defined."
VALUES = {
    b"accept": ("Which media types are preferred.", "RFC 9110 section 12.5.1"),
    b"accept-encoding": ("Which content codings are acceptable, such as compressions.", "RFC 9110 section 12.5.3"),
    b"accept-language": ("Which languages are preferred.", "RFC 9110 section 12.5.4"),
    b"allow": ("Which methods can be used here.", "RFC 9110 section 10.2.1"),
    b"authorization": ("The client's credentials.", "RFC 9110 section 11.6.2"),
    b"cache-control": ("Directives for the caches on the way.", "RFC 9111 section 5.2"),
    b"connection": ("Options of this connection, which go no further.", "RFC 9110 section 7.6.1"),
    b"content-encoding": ("Which content codings have been applied, such as compressions.", "RFC 9110 section 8.4"),
    b"content-length": ("How many bytes the content has.", "RFC 9110 section 8.6"),
    b"content-type": ("The media type of the content.", "RFC 9110 section 8.3"),
    b"cookie": ("The cookies the client has stored for this server.", "RFC 6265 section 4.2.1"),
    b"date": ("When the message was made.", "RFC 9110 section 6.6.1"),
    b"etag": ("An entity tag: the version of what is here.", "RFC 9110 section 8.8.3"),
    b"expect": ("What the client expects: a 100 before it sends the content.", "RFC 9110 section 10.1.1"),
    b"host": ("The host and the port of the address that is asked for.", "RFC 9110 section 7.2"),
    b"if-none-match": ("Answer only if what is here has none of these entity tags.", "RFC 9110 section 13.1.2"),
    b"keep-alive": ("Of the old way to keep a connection, from before HTTP/1.1.", "RFC 9112 appendix C.2.2"),
    b"last-modified": ("When what is here was changed last, as the server believes.", "RFC 9110 section 8.8.2"),
    b"location": ("Another resource that has to do with the answer.", "RFC 9110 section 10.2.2"),
    b"origin": ("Which origin made the client send this request.", "RFC 6454 section 7.2"),
    b"referer": ("Where the client found the address.", "RFC 9110 section 10.1.3"),
    b"retry-after": ("How long to wait before asking again.", "RFC 9110 section 10.2.3"),
    b"sec-websocket-accept": ("Sec-WebSocket-Key and a fixed string, hashed: the server has read the handshake.",
                              "RFC 6455 section 4.2.2"),
    b"sec-websocket-extensions": ("Extensions of WebSocket to agree on.", "RFC 6455 section 11.3.2"),
    b"sec-websocket-key": ("16 random bytes in Base64, a nonce of which the server makes Sec-WebSocket-Accept.",
                           "RFC 6455 section 4.1"),
    b"sec-websocket-protocol": ("The subprotocol to speak over the WebSocket.", "RFC 6455 section 11.3.4"),
    b"sec-websocket-version": ("Which version of WebSocket is spoken, or which ones the server knows.",
                               "RFC 6455 section 11.3.5"),
    b"server": ("Which software answers.", "RFC 9110 section 10.2.4"),
    b"set-cookie": ("A cookie for the client.", "RFC 6265 section 4.1"),
    b"te": ("Which transfer codings the client can take, and whether it wants trailers.", "RFC 9110 section 10.1.4"),
    b"trailer": ("Which fields the sender means to send as trailers.", "RFC 9110 section 6.6.2"),
    b"transfer-encoding": ("Which transfer codings make the body of the content.", "RFC 9112 section 6.1"),
    b"upgrade": ("Other protocols for this connection.", "RFC 9110 section 7.8"),
    b"user-agent": ("Which software asks.", "RFC 9110 section 10.1.5"),
    b"vary": ("What in the request may have decided over the answer.", "RFC 9110 section 12.5.5"),
}
PARTICULAR = {  # what depends on the value, the status of the response (0: in a request) or its class
    (b"connection", b"close"): ("The sender closes the connection after the response.", "RFC 9112 section 9.6"),
    (b"connection", b"keep-alive"): ("Keep the connection, which is the default in HTTP/1.1.", "RFC 9112 section 9.3"),
    (b"connection", b"upgrade"): ("The field Upgrade is there for this connection alone.", "RFC 9110 section 7.8"),
    (b"content-length", 304): ("How many bytes a 200 would have had: a 304 has none.", "RFC 9110 section 8.6"),
    (b"content-length", b"HEAD"): ("How many bytes GET would have got: for HEAD none come.", "RFC 9110 section 8.6"),
    (b"location", 201): ("Where the new thing is.", "RFC 9110 section 10.2.2"),
    (b"location", 3): ("Where to go instead.", "RFC 9110 section 10.2.2"),
    (b"transfer-encoding", b"chunked"): ("The body is a series of chunks, each with its size.", "RFC 9112 section 7.1"),
    (b"upgrade", 0): ("To which protocols the client would change on this connection.", "RFC 9110 section 7.8"),
    (b"upgrade", 101): ("Which protocol the connection changes to.", "RFC 9110 section 7.8"),
    (b"upgrade", 426): ("Which protocols the server wants.", "RFC 9110 section 7.8"),
}
LOCATED = {201: 201}  # of this status a Location says more than its class does
ANY_VALUE = ("The value of the field.", "RFC 9110 section 5.5")


def explain_request(data: bytes) -> list[Field]:
    """Every byte of the requests on a connection. Raises BadMessage."""
    reader, fields = RequestReader(), Fields(data)
    messages = reader.receive(data)
    while messages or fields.end < len(data):
        if not messages or reader.step != reader.wait:
            reader.close()  # raises CutOff; or there are only empty lines
        while data.startswith(b"\r\n", fields.end):
            fields.add(2, IGNORED)
        if messages:
            fields.message(messages[0], reader.offset)
            messages = reader.next()
    return fields.found


def explain_response(data: bytes, *methods: bytes) -> list[Field]:
    """Every byte of the answers to requests with these methods, 1xx included. Raises BadMessage.

    Of an answer that broke off all is explained that came, if its head is whole: what is not there has no byte.
    """
    first, *others = methods or (b"GET",)
    reader, fields = ResponseReader(first), Fields(data)
    messages = reader.receive(data)
    while fields.answers(messages, reader, first) and reader.buffer and others:
        first, *others = others
        messages = reader.next(first)
    if reader.buffer:
        raise BadMessage("the answer ends before the bytes do", reader.offset)
    return fields.found


def methods(data: bytes) -> list[bytes]:
    """The methods of the requests on a connection, as far as they can be read."""
    reader, found = RequestReader(), []
    with suppress(BadMessage):
        messages = reader.receive(data)
        while messages:
            found += [message.method for message in messages if type(message) is Request]
            messages = reader.next() if reader.step == reader.wait else []
    return found


class Fields:
    """What is explained so far of some bytes. end: where the next part begins."""

    def __init__(self, data: bytes) -> None:
        self.data, self.end = data, 0
        self.found: list[Field] = []

    def add(self, length: int, part: Part) -> None:
        if length:
            name, meaning, section = part
            text = "" if name in ("CRLF", "SP", "OWS") else shown(self.data[self.end : self.end + length])
            self.found.append(Field(self.end, length, name, text, meaning, section))
            self.end += length

    def line(self, pattern: re.Pattern[bytes], *parts: Part) -> None:
        groups = pattern.match(self.data, self.end).groups()
        for group, part in zip(groups, parts, strict=True):
            self.add(len(group), part)

    def answers(self, messages: list, reader: ResponseReader, method: bytes) -> bool:
        """Explain what answers a request with this method; whether it is over, and what follows is another answer."""
        responses = [message for message in messages if type(message) is Response]
        over, end, whole = any(type(message) is End for message in messages), reader.offset, True
        if not over:
            try:
                reader.close()
                end = reader.offset
            except CutOff:
                if not responses or responses[-1].status < 200:
                    raise
                end, whole = len(self.data), False
                reader.buffer.clear()
        for response in responses:  # a 1xx has no body
            self.message(response, None if response.status < 200 else end, method, whole)
        return over

    def message(self, message: Request | Response, end: int | None, asked: bytes = b"", whole: bool = True) -> None:
        """Explain a message from here to its end; None: it ends with its head.

        asked: the method a response is for. whole: false where it breaks off.
        """
        if isinstance(message, Request):
            self.line(REQUEST_PARTS, method(message), SPACE, target(message), SPACE, VERSION, CRLF)
        else:
            self.line(STATUS_PARTS, VERSION, SPACE_IN_STATUS, status(message.status), SPACE_BEHIND, REASON, CRLF)
        self.field_lines(NAME, lambda name, text: value(name, text, message, asked))
        self.add(2, END_OF_HEAD)
        chunked = b"transfer-encoding" in grammar.join(list(message.headers))
        if end is not None and chunked and end > self.end:
            self.chunks(whole)
        elif end is not None:
            self.add(end - self.end, BODY)

    def field_lines(self, name: Part, meaning: Callable[[bytes, bytes], Part]) -> None:
        while not self.data.startswith(b"\r\n", self.end):
            named, said = grammar.FIELD_LINE.match(self.data, self.end).groups()
            text = said.strip(b"\t ")
            before = len(said) - len(said.lstrip(b"\t "))
            self.add(len(named), name)
            self.add(1, COLON)
            self.add(before, OWS)
            self.add(len(text), meaning(named.lower(), text))
            self.add(len(said) - before - len(text), OWS)
            self.add(2, CRLF)

    def chunks(self, whole: bool) -> None:
        size = None
        while size != 0 and self.end < len(self.data):
            line = CHUNK_PARTS.match(self.data, self.end)
            if not line:
                raise CutOff("the message breaks off in a line with a size", len(self.data))
            size = int(line[1], 16)
            self.line(CHUNK_PARTS, CHUNK_SIZE if size else LAST_CHUNK, CHUNK_EXT, END_OF_SIZE)
            for length, part in ((size, CHUNK_DATA), (2, END_OF_CHUNK)) if size else ():
                self.add(min(length, len(self.data) - self.end), part)
        if whole:
            self.field_lines(TRAILER_NAME, lambda *_: TRAILER)
            self.add(2, END_OF_CHUNKS)
        elif size == 0:
            raise CutOff("the message breaks off in its trailers", len(self.data))


def method(request: Request) -> Part:
    meaning, section = METHODS.get(request.method, ANY_METHOD)
    return "method", meaning, f"RFC 9110 section {section}"


def target(request: Request) -> Part:
    if request.target.startswith(b"/"):
        return ("request-target", "origin-form: the path of what is asked for, and the query behind ?.",
                "RFC 9112 section 3.2.1")
    if request.target == b"*":
        return ("request-target", "asterisk-form: the server as a whole is asked, and nothing on it.",
                "RFC 9112 section 3.2.4")
    if request.method == b"CONNECT":
        return ("request-target", "authority-form: the host and the port that a tunnel shall lead to.",
                "RFC 9112 section 3.2.3")
    return ("request-target", "absolute-form: the whole address, as proxies are asked; the server ignores Host then.",
            "RFC 9112 section 3.2.2")


def status(code: int) -> Part:
    """What a status code says; one that is not known here says what its class does."""
    meaning, section = STATUSES.get(code) or (CLASSES.get(code // 100, NO_CLASS), "15")
    return "status-code", meaning, f"RFC 9110 section {section}"


def value(name: bytes, text: bytes, message: Request | Response, asked: bytes = b"") -> Part:
    """What the value of a header field says in this message, a response being the answer to a method."""
    code = message.status if type(message) is Response else 0
    depends_on = {b"connection": text.lower(), b"transfer-encoding": text.lower(), b"upgrade": code,
                  b"content-length": asked if asked == b"HEAD" else code, b"location": LOCATED.get(code, code // 100)}
    found = PARTICULAR.get((name, depends_on.get(name))) or VALUES.get(name, ANY_VALUE)
    return "field-value", *found
