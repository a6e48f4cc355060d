"""The rude program, the opposite of the guestbook: what real programs do wrong, as data.

`cgi/rude.py`, `wsgi/rude.py` and `asgi/rude.py` act it out, each in its own idiom: a request for /NAME makes the
program behave so, any other path is an innocent request that says so. `backstage/checking/rudeness.py` judges what
the server made of it. That a program breaks a specification is no excuse for its server, which has other visitors:
whatever the program does, the next innocent request, on this connection and on a new one, is served as ever.
"""

from typing import NamedTuple


class Rule(NamedTuple):
    """What a specification says of a server whose program behaves so.

    level: "must", "should" or "may". section, says: where, and what.
    right: the outcomes that it wants; tolerable: others, with which a visitor is not misled.

    An outcome is "500", a status with any body; "200 hello", a status with exactly this body; "cut", a connection
    that was closed before the end of the answer; "nothing", one closed without a byte. Of a WebSocket it is
    "101 one|two 1000": what the messages say, b'one' where they are bytes, and the code of the close frame (1005: it
    has none, RFC 6455 section 7.1.5) or "cut".
    Whatever the outcome: each answer is framed as RFC 9112 demands, and nothing follows it.
    """

    level: str
    section: str
    says: str
    right: tuple[str, ...]
    tolerable: tuple[str, ...] = ()


class Behaviour(NamedTuple):
    """What a program may do wrong.

    does: in words. rules: a Rule for each interface through which it can be done: "cgi", "wsgi", "asgi", "websocket".
    method, body: of the request. sending: how the body comes: "at once"; "chunked", in chunks; "late", when the answer
    has come or does not; "expected", when the server asks for it with 100 Continue.
    fields: header fields (name, value) of the answer where the program succeeds, in this order.
    process: only a program that is a process of its own can do it.
    """

    name: str
    does: str
    rules: dict[str, Rule]
    method: str = "GET"
    body: bytes = b""
    sending: str = "at once"
    fields: tuple[tuple[str, str], ...] = ()
    process: bool = False


def must(section, says, right, tolerable=()):
    return Rule("must", section, says, right, tolerable)


def should(section, says, right, tolerable=()):
    return Rule("should", section, says, right, tolerable)


def may(section, says, right, tolerable=()):
    return Rule("may", section, says, right, tolerable)


def alike(rule, *interfaces):
    return dict.fromkeys(interfaces, rule)


INNOCENT = "innocent"  # what the program answers to every other path, with the method and query it was told behind it
FAILED = "500", "502"
ENDED = "cut", "nothing"
EVERYWHERE = "cgi", "wsgi", "asgi"
PYTHON = "wsgi", "asgi"
ERROR_HANDLING = "PEP 3333, Error Handling"
START_RESPONSE = "PEP 3333, The start_response() Callable"
DETAILS = "PEP 3333, Specification Details"
INVALID = "ASGI 3.0, Error Handling"
ASGI_HTTP = "ASGI HTTP 2.5, Response Start"
ASGI_BODY = "ASGI HTTP 2.5, Response Body"
ASGI_CLOSE = "ASGI WebSocket 2.5, Close"

# ---------------------------------------------------------------- a body where there is none, too little, too much

# A server may leave the program's length out, and mark the end of what has come in another way: that misleads nobody.
FRAMING = (
    Behaviour("head-body", "responds to HEAD with a body", alike(must(
        "RFC 9110 section 9.3.2", "a response to HEAD has no content", ("200 ",)), *EVERYWHERE), method="HEAD"),
    Behaviour("head-stream", "responds to HEAD with a body of three pieces and no length", alike(must(
        "RFC 9110 section 9.3.2", "a response to HEAD has no content", ("200 ",)), *EVERYWHERE), method="HEAD"),
    Behaviour("204-body", "sends a body, and its length, with 204", alike(must(
        "RFC 9110 sections 8.6 and 15.3.5", "a 204 ends with its header fields, and has no Content-Length",
        ("204 ",), FAILED), *EVERYWHERE)),
    Behaviour("304-body", "sends a body with 304", alike(must(
        "RFC 9110 section 15.4.5", "a 304 ends with its header fields", ("304 ",), FAILED), *EVERYWHERE)),
    Behaviour("short", "announces 10 bytes and sends 4", alike(must(
        "RFC 9112 section 8", "a response shorter than its Content-Length is incomplete: the connection has to end",
        (*ENDED, *FAILED), ("200 1234",)), *EVERYWHERE)),
    Behaviour("nothing-of-ten", "announces 10 bytes and sends none", alike(must(
        "RFC 9112 section 8", "a response shorter than its Content-Length is incomplete: the connection has to end",
        (*ENDED, *FAILED), ("200 ",)), *EVERYWHERE)),
    Behaviour("long", "announces 4 bytes and sends 10 in one piece", alike(must(
        "RFC 9112 section 6.3", "what follows is the next response: nothing may be sent beyond the Content-Length",
        ("200 1234",), ("200 1234567890", *FAILED, *ENDED)), *EVERYWHERE)),
    Behaviour("long-later", "announces 4 bytes, sends them, and sends 6 more", alike(must(
        "RFC 9112 section 6.3", "what follows is the next response: nothing may be sent beyond the Content-Length",
        ("200 1234",), ("200 1234567890", *FAILED, *ENDED)), *EVERYWHERE)),
    Behaviour("no-length", "sends three pieces and no length", alike(must(
        "RFC 9112 section 6.3", "the server marks the end: with chunks, a length, or the end of the connection",
        ("200 onetwothree",)), *EVERYWHERE)),
    Behaviour("two-lengths", "announces 3 bytes and 5 bytes, and sends 5", alike(must(
        "RFC 9110 section 8.6", "a sender must not forward a length that is known to be wrong",
        FAILED, ("200 hello", "200 hel", *ENDED)), *EVERYWHERE)),
    Behaviour("strange-length", "announces a length of five, in letters", alike(must(
        "RFC 9110 section 8.6", "a Content-Length is a number in digits", FAILED, ("200 hello", *ENDED)), *EVERYWHERE)),
    Behaviour("signed-length", "announces a length of +5", alike(must(
        "RFC 9110 section 8.6", "a Content-Length is a number in digits", FAILED, ("200 hello", *ENDED)), *EVERYWHERE)),
    Behaviour("negative-length", "announces a length of -5", alike(must(
        "RFC 9110 section 8.6", "a Content-Length is a number in digits", FAILED, ("200 hello", *ENDED)), *EVERYWHERE)),
    Behaviour("empty-pieces", "sends empty pieces before, between and after two others", alike(must(
        "RFC 9112 section 7.1", "an empty chunk would be the last", ("200 onetwo",)), *EVERYWHERE)),
    Behaviour("byte-by-byte", "sends 300 pieces of one byte", alike(must(
        "RFC 9110 section 6.4", "the body is what the program has sent", (f"200 {300 * '.'}",)), *EVERYWHERE)),
)

# ---------------------------------------------------------------- header fields

FIELDS = (
    Behaviour("own-transfer-encoding", "sends Transfer-Encoding: chunked, and chunks it has made itself", {
        "cgi": may("RFC 3875 section 6.3.4", "a script must not send it, and the server may leave it out",
                   ("200 5\r\nhello\r\n0\r\n\r\n", *FAILED), ("200 hello",)),
        "wsgi": should(START_RESPONSE, "a hop-by-hop field is a fatal error", FAILED,
                       ("200 5\r\nhello\r\n0\r\n\r\n", "200 hello")),
        "asgi": must(ASGI_HTTP, "the server ignores it", ("200 5\r\nhello\r\n0\r\n\r\n",), FAILED),
    }),
    Behaviour("length-and-coding", "sends Content-Length: 3 and Transfer-Encoding: chunked, with a body of 5 bytes", {
        "cgi": must("RFC 9112 section 6.2", "a sender must not send both", (*FAILED, "200 hel", *ENDED),
                    ("200 hello",)),
        "wsgi": must("RFC 9112 section 6.2", "a sender must not send both", FAILED, ("200 hel", "200 hello", *ENDED)),
        "asgi": must("RFC 9112 section 6.2", "a sender must not send both", ("200 hel", *FAILED, *ENDED),
                     ("200 hello",)),
    }),
    Behaviour("own-connection", "sends Connection: close", {
        "cgi": may("RFC 3875 section 6.3.4", "the server may leave it out", ("200 hello",)),
        "wsgi": should(START_RESPONSE, "a hop-by-hop field is a fatal error", FAILED,
                       ("200 hello",)),
        "asgi": must("RFC 9112 section 9.6", "a server that sends close has to close", ("200 hello",), FAILED),
    }),
    Behaviour("own-keep-alive", "sends Connection: keep-alive and Keep-Alive: timeout=1000", {
        "cgi": may("RFC 3875 section 6.3.4", "the server may leave it out", ("200 hello",)),
        "wsgi": should(START_RESPONSE, "a hop-by-hop field is a fatal error", FAILED,
                       ("200 hello",)),
        "asgi": must("RFC 9112 section 9.3", "the connection is kept or closed as announced", ("200 hello",), FAILED),
    }),
    Behaviour("own-date", "sends a Date", alike(must(
        "RFC 9110 sections 5.3 and 6.6.1", "there is one Date", ("200 hello",)), *EVERYWHERE)),
    Behaviour("own-server", "sends a Server", alike(must(
        "RFC 9110 sections 5.3 and 10.2.4", "there is one Server", ("200 hello",)), *EVERYWHERE)),
    Behaviour("cookies", "sends three Set-Cookie, one of them twice", alike(must(
        "RFC 9110 section 5.3", "Set-Cookie is never joined, and the order is kept", ("200 hello",)), *EVERYWHERE),
        fields=(("set-cookie", "b=2"), ("set-cookie", "a=1"), ("set-cookie", "b=2"))),
    Behaviour("repeated-field", "sends X-Twice twice", alike(must(
        "RFC 9110 section 5.3", "the order of the values is kept", ("200 hello",)), *EVERYWHERE),
        fields=(("x-twice", "one, two"),)),
    Behaviour("crlf-value", "puts CR LF and another header into a value", alike(must(
        "RFC 9110 section 5.5", "CR and LF in a value are dangerous: nobody may take the rest for a header",
        FAILED, ("200 hello", *ENDED)), *PYTHON)),
    Behaviour("lf-value", "puts LF and another header into a value", alike(must(
        "RFC 9110 section 5.5", "CR and LF in a value are dangerous: nobody may take the rest for a header",
        FAILED, ("200 hello", *ENDED)), *PYTHON)),
    Behaviour("split-response", "puts a whole second response into a value", alike(must(
        "RFC 9110 section 5.5", "CR and LF in a value are dangerous: nobody may take the rest for a response",
        FAILED, ("200 hello", *ENDED)), *PYTHON)),
    Behaviour("nul-value", "puts NUL into a value", alike(must(
        "RFC 9110 section 5.5", "a NUL is refused or replaced", FAILED, ("200 hello", *ENDED)), *EVERYWHERE)),
    Behaviour("cr-value", "puts a CR alone into a value", alike(must(
        "RFC 9110 section 5.5", "a CR is refused or replaced", FAILED, ("200 hello", *ENDED)), *EVERYWHERE)),
    Behaviour("space-name", "puts a space into the name of a header", alike(must(
        "RFC 9110 section 5.1", "a name is a token", FAILED, ("200 hello", *ENDED)), *EVERYWHERE)),
    Behaviour("empty-name", "sends a header without a name", alike(must(
        "RFC 9110 section 5.1", "a name is a token", FAILED, ("200 hello", *ENDED)), *EVERYWHERE)),
    Behaviour("crlf-name", "puts CR LF and another header into a name", alike(must(
        "RFC 9110 section 5.1", "a name is a token", FAILED, ("200 hello", *ENDED)), *PYTHON)),
    Behaviour("latin-1-value", "sends a value with é, one byte", alike(should(
        "RFC 9110 section 5.5", "such bytes are opaque: they are passed on", ("200 hello",), FAILED), *EVERYWHERE),
        fields=(("x-value", "caf\xe9"),)),
    Behaviour("text-beyond", "sends a value that cannot be encoded in Latin-1", {
        "wsgi": should("PEP 3333, Unicode Issues", "a string that is not Latin-1 is an error", FAILED, ENDED)}),
    Behaviour("wrong-value", "sends a number as the value of a header", {
        "wsgi": should(START_RESPONSE, "names and values are strings", FAILED, ("200 hello", *ENDED)),
        "asgi": should(INVALID, "wrong types are an exception for the program", FAILED, ("200 hello", *ENDED))}),
    Behaviour("wrong-headers", "sends None instead of the headers", {
        "wsgi": should(START_RESPONSE, "the headers are a list", FAILED, ("200 hello", *ENDED)),
        "asgi": should(INVALID, "wrong types are an exception for the program", FAILED, ("200 hello", *ENDED))}),
    Behaviour("text-headers", "sends strings for names and values, which should be bytes", {
        "asgi": should(INVALID, "wrong types are an exception for the program", FAILED, ("200 hello", *ENDED))}),
    Behaviour("many-fields", "sends 100 kilobytes of headers", alike(may(
        "RFC 9110 section 5.4", "the RFC sets no limit, but every server has one", ("200 hello", *FAILED), ENDED),
        *EVERYWHERE)),
)

# ---------------------------------------------------------------- the status

REFUSES = (*FAILED, *ENDED)
STATUS = (
    Behaviour("no-reason", "sends a status of three digits, without a reason", {
        "cgi": should("RFC 3875 section 6.3.3", "a reason may be empty", ("200 hello",), FAILED),
        "wsgi": should(START_RESPONSE, "a status is a code, a space and a reason", ("200 hello", *FAILED))}),
    Behaviour("strange-reason", "sends a reason with a tab and é in it", alike(should(
        "RFC 9112 section 4", "a reason holds any text, and clients ignore it", ("200 hello",), FAILED),
        "cgi", "wsgi")),
    Behaviour("crlf-reason", "puts CR LF and a header into the reason", {
        "wsgi": must(START_RESPONSE, "the status must not contain control characters", FAILED,
                     ("200 hello", *ENDED))}),
    *(Behaviour(f"status-{code}", f"sends the status {code}, which is {word}", alike(must(
        f"RFC 9110 section {section}", says, FAILED, ("200 hello", *ENDED)), *EVERYWHERE))
      for code, word, section, says in (
        (100, "for the server to send", "15.2", "1xx is not a final response: the client would wait for another one"),
        (101, "for the server to send", "15.2.2", "after a 101 the connection speaks another protocol"),
        (103, "for the server to send", "15.2", "1xx is not a final response: the client would wait for another one"),
        (0, "not a status", "15", "a status has three digits, from 100 to 599"),
        (99, "not a status", "15", "a status has three digits, from 100 to 599"),
        (1000, "not a status", "15", "a status has three digits, from 100 to 599"))),
    Behaviour("status-600", "sends the status 600", alike(should(
        "RFC 9110 section 15", "a status is from 100 to 599", FAILED, ("600", *ENDED)), *EVERYWHERE)),
    Behaviour("status-words", "sends OK as the status", {
        "cgi": must("RFC 3875 section 6.3.3", "a status has three digits", FAILED, ("200 hello", *ENDED)),
        "wsgi": must(START_RESPONSE, "a status is a code, a space and a reason", FAILED, ENDED),
        "asgi": should(INVALID, "wrong types are an exception for the program", FAILED, ENDED)}),
    Behaviour("status-number", "sends the status as the number 200, not as a string", {
        "wsgi": should(START_RESPONSE, "the status is a string", FAILED, ("200 hello", *ENDED))}),
)

# ---------------------------------------------------------------- calls in the wrong order, wrong types, no response

OUT_OF_ORDER = "an invalid event is an exception for the program; the order of events is not mentioned"
NO_ANSWER = "a script must always respond: a missing response is an error"
LOOKS_WHOLE = "an incomplete response does not look complete"
WHOLE_ERROR = "if the program has no response, the server sends one of its own"
ORDER = (
    Behaviour("nothing", "ends without a response", {
        "cgi": must("RFC 3875 section 6.1", NO_ANSWER, FAILED, ENDED),
        "wsgi": should(ERROR_HANDLING, WHOLE_ERROR, FAILED, ENDED),
        "asgi": should("RFC 9110 section 15.6.1", WHOLE_ERROR, FAILED, ENDED)}),
    Behaviour("no-start", "sends a body without headers before it", {
        "cgi": must("RFC 3875 section 6.2", "a response begins with header fields", FAILED, ("200 hello", *ENDED)),
        "wsgi": must(DETAILS, "start_response has to be called before the first piece", FAILED, ENDED),
        "asgi": may(INVALID, OUT_OF_ORDER, FAILED, ENDED)}),
    Behaviour("start-twice", "starts its response twice", {
        "wsgi": must(START_RESPONSE, "calling it twice without exc_info is a fatal error", FAILED, ("200 hello",)),
        "asgi": may(INVALID, OUT_OF_ORDER, FAILED, ENDED)}),
    Behaviour("start-after-body", "starts its response again after the first piece", {
        "wsgi": must(START_RESPONSE, "calling it twice without exc_info is a fatal error", (*ENDED, *FAILED),
                     ("200 some",)),
        "asgi": may(INVALID, OUT_OF_ORDER, (*ENDED, *FAILED), ("200 some",))}),
    Behaviour("start-only", "starts its response, and ends", {
        "asgi": should("RFC 9112 section 8", LOOKS_WHOLE, (*FAILED, *ENDED),
                       ("200 ",))}),
    Behaviour("unfinished", "announces more of its body, and ends", {
        "asgi": should("RFC 9112 section 8", LOOKS_WHOLE, (*ENDED, *FAILED),
                       ("200 some",))}),
    Behaviour("exc-info-before", "calls start_response again with exc_info, before the first piece", {
        "wsgi": should(START_RESPONSE, "the new status and fields replace the old", ("503 replaced",))}),
    Behaviour("exc-info-empty", "calls start_response again with exc_info, after an empty piece", {
        "wsgi": must(START_RESPONSE, "nothing is sent before the first piece that is not empty", ("503 replaced",))}),
    Behaviour("exc-info-after", "calls start_response again with exc_info, after the first piece", {
        "wsgi": must(START_RESPONSE, "it must raise the exception; the response is then incomplete", (*ENDED, *FAILED),
                     ("200 some",))}),
    Behaviour("write", "uses write(), and returns more", {
        "wsgi": must("PEP 3333, The write() Callable", "what is written comes before what is returned",
                     ("200 onetwo",))}),
    Behaviour("write-nothing-more", "uses write(), and returns an empty list", {
        "wsgi": must("PEP 3333, The write() Callable", "what is written is the body", ("200 one",))}),
    Behaviour("length-lies", "returns an iterable of length 1 that yields two pieces", {
        "wsgi": may(DETAILS, "the server must be able to rely on len()", ("200 one", "200 onetwo", *REFUSES))}),
    Behaviour("not-iterable", "returns None", {
        "wsgi": should(ERROR_HANDLING, WHOLE_ERROR, FAILED, ("200 ", *ENDED))}),
    Behaviour("bytes-returned", "returns bytes, which Python iterates over as numbers", {
        "wsgi": should(DETAILS, "pieces are bytes", FAILED, ("200 hello", *ENDED))}),
    Behaviour("text-body", "sends text as the body", {
        "wsgi": should("PEP 3333, A Note On String Types", "pieces are bytes", FAILED, ("200 hello", *ENDED)),
        "asgi": should(INVALID, "wrong types are an exception for the program", FAILED, ("200 hello", *ENDED))}),
    Behaviour("file-wrapper", "returns a file in a wsgi.file_wrapper", {
        "wsgi": must("PEP 3333, Optional Platform-Specific File Handling", "it is an iterable like any other",
                     ("200 0123456789",))}),
    Behaviour("file-wrapper-long", "announces 4 bytes, and returns a file of 10", {
        "wsgi": must("PEP 3333, Optional Platform-Specific File Handling", "no more is sent than the Content-Length",
                     ("200 0123",), (*FAILED, *ENDED))}),
    Behaviour("unknown-event", "sends an event of an unknown type", {
        "asgi": should(INVALID, "an unknown type is an exception for the program", FAILED, ("200 hello", *ENDED))}),
    Behaviour("missing-keys", "sends a start without a status", {
        "asgi": should(INVALID, "missing keys are an exception for the program", FAILED, ("200 hello", *ENDED))}),
    Behaviour("send-after-end", "sends more after the end of its body", {
        "asgi": must(ASGI_BODY, "what follows is ignored", ("200 hello",))}),
    Behaviour("answer-twice", "sends a second whole response after the first", {
        "asgi": must(ASGI_BODY, "what follows is ignored", ("200 hello",))}),
    Behaviour("work-after-end", "goes on for a while after its response is complete", alike(may(
        "no specification", "the response is complete, and the program may go on", ("200 hello",)), *EVERYWHERE)),
)

# ---------------------------------------------------------------- exceptions

EXCEPTIONS = ("exception", "base-exception", "system-exit", "keyboard-interrupt", "generator-exit", "cancelled",
              "recursion", "memory", "broken-pipe", "stop-iteration", "unshowable")
# A process ends with exit code 1, whatever it has raised: so few of them are asked of CGI.
OF_CGI = ("exception", "system-exit", "broken-pipe", "unshowable")
MOMENTS = (
    ("", "before its response begins", {
        "cgi": must("RFC 3875 section 6.1", NO_ANSWER, FAILED, ENDED),
        **alike(should("RFC 9110 section 15.6.1", WHOLE_ERROR, FAILED, ENDED), *PYTHON)}),
    ("-after-start", "between headers and body", {
        "cgi": may("RFC 3875 section 6.4", "what it has printed is a response, if empty", ("200 ", *FAILED, *ENDED)),
        "wsgi": should(START_RESPONSE, "nothing has been sent: the response can still be an error", FAILED, ENDED),
        "asgi": should(ASGI_HTTP, "what has not been sent can be replaced by an error", FAILED, ENDED)}),
    ("-between", "after the first piece of its body", {
        "cgi": may("RFC 3875 section 6.4", "a body ends where the output does", ("200 some", *ENDED, *FAILED)),
        **alike(should("RFC 9112 section 8", LOOKS_WHOLE, (*ENDED, *FAILED), ("200 some",)), *PYTHON)}),
    ("-after-end", "after its response is complete", alike(must(
        "RFC 9112 section 6.3", "the response is complete", ("200 hello",)), *EVERYWHERE)),
    ("-in-cleanup", "in close()", {
        "wsgi": should(DETAILS, "close() is called after the response is complete", ("200 hello",),
                       ENDED)}),
)
RAISING = (
    *(Behaviour(f"raises-{name}{moment}", f"raises {name} {when}", {
        interface: rule for interface, rule in rules.items() if interface != "cgi" or name in OF_CGI})
      for moment, when, rules in MOMENTS for name in EXCEPTIONS),
    Behaviour("changes-method", "changes HEAD to GET in its environ or scope, as middleware does", alike(must(
        "RFC 9110 section 9.3.2", "the request was still a HEAD", ("200 ",)), *PYTHON), method="HEAD"),
    Behaviour("clears-environ", "empties its environ or scope, and raises an exception", alike(should(
        "RFC 9110 section 15.6.1", WHOLE_ERROR, FAILED, ENDED), *EVERYWHERE)),
    Behaviour("spoils-errors", "breaks its error stream, and raises an exception", alike(should(
        ERROR_HANDLING, WHOLE_ERROR, FAILED, ENDED), "cgi", "wsgi")),
)

# ---------------------------------------------------------------- the body of the request

NEXT = "what the program leaves unread is not a request"
BODIES = (
    *(Behaviour(f"unread-{name}", f"responds without reading the body: {words}", alike(must(
        "RFC 9112 section 9.3", f"{NEXT}: the server reads it, or closes and says so", ("200 unread", "411", "413")),
        *EVERYWHERE), method="POST", body=body, sending=sending)
      for name, words, body, sending in (
        ("small", "10 bytes", b"GET /x HTT", "at once"),
        ("request", "it looks like a request", b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n", "at once"),
        ("large", "a megabyte", 16 * 65536 * b".", "at once"),
        ("late", "50 bytes that come later", 50 * b".", "late"),
        ("chunked", "in chunks", 3000 * b".", "chunked"),
        ("expected", "it waits for 100 Continue", 50 * b".", "expected"))),
    Behaviour("half-read", "reads 5 of 20 bytes", alike(must(
        "RFC 9112 section 9.3", f"{NEXT}: the server reads it, or closes and says so", ("200 01234",)), *EVERYWHERE),
        method="POST", body=b"01234567890123456789"),
    Behaviour("over-read", "reads beyond the end of the body", {
        "cgi": should("RFC 3875 section 4.2", "a script must not read more; a server need not end its input there",
                      ("200 01234",), FAILED),
        "wsgi": should("PEP 3333, Input and Error Streams", "the input ends where the body does", ("200 01234",)),
        "asgi": should("ASGI HTTP 2.5, Disconnect", "nothing comes until the client leaves, or the response is sent",
                       ("200 01234",))},
        method="POST", body=b"01234"),
    Behaviour("read-after-end", "sends its response, and then reads the body", alike(must(
        "RFC 9112 section 9.3", f"{NEXT}: the server reads it, or closes and says so", ("200 hello",)), *EVERYWHERE),
        method="POST", body=b"01234"),
)

# ---------------------------------------------------------------- CGI alone

OUTPUT = "a body ends where the output does, which the child shares"
SIGNAL = "a process that a signal has ended has not finished"
CGI = (
    Behaviour("head-without-end", "prints a header field, and ends before the empty line", {
        "cgi": must("RFC 3875 section 6.2", "the header fields end with an empty line", FAILED, ("200 ", *ENDED))}),
    Behaviour("stderr-only", "prints only on standard error", {
        "cgi": must("RFC 3875 section 6.1", NO_ANSWER, FAILED, ENDED)}),
    Behaviour("type-twice", "prints Content-Type twice", {
        "cgi": should("RFC 3875 section 6.3", "a CGI field must not be there twice", FAILED, ("200 hello",))}),
    Behaviour("no-type", "prints a body with a status and no Content-Type", {
        "cgi": may("RFC 3875 section 6.3.1", "a body needs a Content-Type, and the server should not guess it",
                   ("200 hello", *FAILED))}),
    Behaviour("lf-lines", "ends lines with LF alone", {
        "cgi": must("RFC 3875 section 7.2", "on Unix a line ends with LF, and the server takes both", ("200 hello",))}),
    Behaviour("nph", "prints an HTTP status line first, as NPH scripts do", {
        "cgi": should("RFC 3875 section 5.1", "this script is not an NPH script", FAILED, ("200 hello",))}),
    Behaviour("redirect-with-fields", "prints a local Location with a body and another field", {
        "cgi": may("RFC 3875 section 6.2.2", "it must not: the server may do anything",
                   (*FAILED, "200 innocent GET ", "302", "200 hello"))}),
    Behaviour("redirect-to-itself", "redirects to itself, without end", {
        "cgi": must("RFC 3875 section 6.2.2", "the server processes it as a new request, and not for ever", FAILED,
                    ("302", "200 "))}),
    Behaviour("exit-code", "prints a whole page, and ends with exit code 3", {
        "cgi": may("RFC 3875 section 6.4", "a body ends where the output does; exit codes are not mentioned",
                   ("200 hello",))}),
    Behaviour("killed", "is killed before it prints", {
        "cgi": must("RFC 3875 section 6.1", NO_ANSWER, FAILED, ENDED)},
        process=True),
    Behaviour("killed-between", "is killed after the first piece of its body", {
        "cgi": may("RFC 3875 section 6.4", SIGNAL, (*ENDED, *FAILED), ("200 some",))}, process=True),
    Behaviour("child-prints", "ends, and its child process prints more afterwards", {
        "cgi": may("RFC 3875 section 6.4", OUTPUT, ("200 hello",), ("200 hellomore",))}, process=True),
    Behaviour("child-stays", "ends while its child process keeps standard output open for a while", {
        "cgi": may("RFC 3875 section 6.4", OUTPUT, ("200 hello",))}, process=True),
)

# ---------------------------------------------------------------- WebSocket

ERRORS = "101 1011", "101 cut"
OTHERWISE = "101 1000", "101 1002", "101 1005"
CLOSED = *ERRORS, *OTHERWISE
NOT_OPENED = "500", "403"
WEBSOCKET = (
    ("ws-accept-twice", "accepts twice", should(INVALID, OUT_OF_ORDER,
        ("101 1011",), ("101 cut", "101 1000", "101 1006"))),
    ("ws-send-before-accept", "sends before it has accepted", should(
        INVALID, OUT_OF_ORDER, NOT_OPENED, ("nothing",))),
    ("ws-refuse", "closes before it has accepted", must(ASGI_CLOSE, "the server answers 403", ("403",))),
    ("ws-nothing", "ends without having accepted", should(
        "RFC 9110 section 15.6.1", WHOLE_ERROR, NOT_OPENED, ("nothing",))),
    ("ws-raises", "raises an exception before it has accepted", should(
        "RFC 9110 section 15.6.1", WHOLE_ERROR, NOT_OPENED, ("nothing",))),
    ("ws-raises-after-accept", "raises an exception after it has accepted", should(
        "RFC 6455 section 7.4.1", "1011 says that something unexpected happened", ("101 1011",),
        ("101 cut", "101 1000"))),
    ("ws-cancelled", "raises CancelledError after it has accepted", should(
        "RFC 6455 section 7.4.1", "1011 says that something unexpected happened", ("101 1011",),
        ("101 cut", "101 1000"))),
    ("ws-no-close", "says something, and ends without closing", should(
        "RFC 6455 section 7.1.1", "a connection ends with a close frame", ("101 hello 1000", "101 hello 1011"),
        ("101 hello cut",))),
    *((f"ws-code-{code}", f"closes with the code {code}", must(
        "RFC 6455 section 7.4", "this code is never in a close frame", CLOSED))
      for code in (0, 999, 1004, 1005, 1006, 1015, 65536)),
    ("ws-code-text", "closes with a word as the code", should(
        INVALID, "wrong types are an exception for the program", ("101 1011",), ("101 cut", *OTHERWISE))),
    ("ws-long-reason", "closes with a reason of 200 bytes", must(
        "RFC 6455 section 5.5", "a close frame has 125 bytes at most", CLOSED)),
    ("ws-send-after-close", "sends after it has closed", must(
        "RFC 6455 section 5.5.1", "nothing follows a close frame", ("101 1000",))),
    ("ws-close-twice", "closes twice", must("RFC 6455 section 5.5.1", "nothing follows a close frame", ("101 1000",))),
    ("ws-neither", "sends a message that is neither text nor bytes", should(
        "ASGI WebSocket 2.5, Send", "one of two has to be there", ("101 1011",), ("101 cut", *OTHERWISE))),
    ("ws-both", "sends a message that is text and bytes", may(
        "ASGI WebSocket 2.5, Send", "one of two has to be there",
        ("101 hello 1000", "101 b'hello' 1000", "101 hello|b'hello' 1000", *ERRORS))),
    ("ws-number", "sends a number as text", should(
        INVALID, "wrong types are an exception for the program", ("101 1011",), ("101 cut", *OTHERWISE))),
    ("ws-surrogate", "sends text that cannot be encoded in UTF-8", must(
        "RFC 6455 section 5.6", "text is UTF-8", ERRORS, OTHERWISE)),
    ("ws-pushes", "receives nothing, and sends 100 messages", must(
        "RFC 6455 section 5.6", "messages come as they were sent", (f"101 {'|'.join(100 * 'x')} 1000",))),
    ("ws-own-protocol", "chooses a subprotocol that the client did not offer", must(
        "RFC 6455 section 4.2.2", "it is one that the client offered, or none", NOT_OPENED,
        ("101 1000", "101 1011", *ENDED))),
    ("ws-own-fields", "sends the headers of the handshake itself", must(
        "RFC 6455 section 4.2.2", "each is there once", ("101 1000", *NOT_OPENED), ("nothing",))),
    ("ws-crlf-value", "puts CR LF and another header into a value of the handshake", must(
        "RFC 9110 section 5.5", "CR and LF in a value are dangerous: nobody may take the rest for a header", NOT_OPENED,
        ("101 1000", "400", *ENDED))),
    ("ws-http", "responds to a WebSocket with HTTP events", should(
        INVALID, OUT_OF_ORDER, NOT_OPENED, ("200", *ENDED))),
)

FAMILIES = {
    "Bodies and lengths": FRAMING,
    "Header fields": FIELDS,
    "Statuses": STATUS,
    "Order, types, missing responses": ORDER,
    "Exceptions": RAISING,
    "The body of the request": BODIES,
    "CGI only": CGI,
    "WebSocket": tuple(Behaviour(name, does, {"websocket": rule}) for name, does, rule in WEBSOCKET),
}
BEHAVIOURS = tuple(behaviour for family in FAMILIES.values() for behaviour in family)
