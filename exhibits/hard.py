"""Requests that are hard to read, as data: where two readers of the same bytes disagree, a request can be smuggled.

Each is sent with an innocent request close behind it, as if a front had put both of them on one connection to
its backend. Whatever a server makes of the first, the second one must be answered as if it had come
alone, or not at all: never swallowed as a part of the first. And what a body hides, which looks like
a request itself, must never be answered.

All of it is for one's own servers. The hidden request says hello, and nothing else.
"""

from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

# They stand among statuses: closes without an answer; waits for more of the request; goes on in HTTP/2.
CLOSED, WAITS, HTTP2 = "closed", "waits", "HTTP/2"

INNOCENT = b"GET /hello?name=innocent HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
ANSWER = b"Hello, innocent!\n"
HIDDEN = b"GET /hello?name=smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMUGGLED = b"Hello, smuggled"  # stands in the answer to HIDDEN only


@dataclass(frozen=True)
class Rule:
    """What a specification says of some requests.

    family: the heading it stands under. section: of the specification. word: how strongly it says so: MUST, SHOULD,
    or MAY, which leaves it to the server.
    says: the rule, for people.
    right: what may come back: statuses, CLOSED, WAITS. tolerable: what is not as the rule has it, and does no harm.
    keeps: whether the connection may be used for the innocent request. ends: the client closes its side
    behind the request, and nothing follows.
    """

    family: str
    section: str
    word: str
    says: str
    right: tuple
    tolerable: tuple = ()
    keeps: bool = True
    ends: bool = False

    @property
    def grade(self):
        """I: there is one way to read it; II: one that is recommended; III: the server decides."""
        return {"MUST": "I", "SHOULD": "II", "MAY": "III"}[self.word]


@dataclass(frozen=True)
class Hard:
    """A request.

    sent: its bytes. sees: what the program must have seen where the status is 200: members of the JSON that `/digest`
    or `/request` answers (None: not there), or the name that `/hello` greets. None: not compared.
    before: (method, body of the answer) of requests that stand before it in the same bytes. more: how many stand
    behind it for who takes all of it for HTTP/1.1.
    """

    name: str
    sent: bytes
    rule: Rule
    sees: dict | str | None = None
    before: tuple[tuple[bytes, bytes], ...] = ()
    more: int = 0

    @property
    def methods(self):
        """Of all requests in it."""
        last = b"HEAD" if self.sent.startswith(b"HEAD ") and not self.before else b"GET"
        return [*(method for method, _ in self.before), last]


HOST = b"Host: localhost\r\n"
TE = b"Transfer-Encoding: chunked"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


def line(method, target, *fields, host=HOST, version=b"HTTP/1.1", body=b""):
    """The bytes of a request."""
    fields = b"".join(each + b"\r\n" for each in fields)
    return b"%b %b %b\r\n%b%b\r\n%b" % (method, target, version, host, fields, body)


def get(*fields, target=b"/hello?name=hard", **more):
    return line(b"GET", target, *fields, **more)


def post(*fields, body=b"", target=b"/digest", **more):
    return line(b"POST", target, *fields, body=body, **more)


def length(body, name=b"Content-Length"):
    return b"%b: %d" % (name, len(body))


def digest(body):
    """What `/digest` says of a body."""
    return {"length": len(body), "sha256": sha256(body).hexdigest()}


def told(**members):
    """What `/request` says; header fields: headers={name: value}."""
    return members


asked = partial(get, target=b"/request")
HELLO = digest(b"hello")
OTHERS = (CLOSED, 403, 404, 405, 411, 413, 414, 431, 500, 501, 505)  # refuse as well as the 400 that should come

# ---------------------------------------------------------------- the rules

LINES, TARGETS, HOSTS, FIELDS = "Request lines", "Targets", "Hosts", "Header fields"
LENGTHS, CODINGS, CHUNKED, BODIES = "Content-Length", "Transfer-Encoding", "Chunks", "Unwanted bodies"
CONNECTIONS, SEVERAL, SIZES, CUT = "Connections", "Pipelining", "Sizes", "Cut off"

BOTH = Rule(CODINGS, "RFC 9112 section 6.1", "MUST",
            "A server that gets both lengths refuses, or reads by Transfer-Encoding alone; after the response the "
            "connection is closed.", (400, 200), (CLOSED, 411, 501), keeps=False)
NOT_FINAL = Rule(CODINGS, "RFC 9112 section 6.3", "MUST",
                 "If chunked is not the last coding of a request, nobody knows where it ends: 400, or 501 for an "
                 "unknown coding, and the connection is closed.",
                 (400, 501), (CLOSED, 411), keeps=False)
UNKNOWN = Rule(CODINGS, "RFC 9112 section 6.1", "SHOULD", "An unknown coding is answered with 501.",
               (501,), (400, CLOSED), keeps=False)
CODING = Rule(CODINGS, "RFC 9112 sections 5.1 and 7", "MUST",
              "Names of fields and codings are case-insensitive, and white space around a value is not part of it.",
              (200, 411), (400, 501))
EMPTY_ELEMENT = Rule(CODINGS, "RFC 9110 section 5.6.1.2", "MUST", "A list may have empty elements: they are ignored.",
                     (200, 411), (400, 501))
CODING_1_0 = Rule(CODINGS, "RFC 9112 section 6.1", "MUST",
                  "HTTP/1.0 has no Transfer-Encoding: if it is there, the framing is faulty, and the connection "
                  "is closed.", (400, 200), (411, 501, CLOSED), keeps=False)
OTHER_NAME = Rule(CODINGS, "RFC 9110 section 5.1", "MUST",
                  "A field with another name says nothing about the length, however much it looks like one.",
                  (200,), (400,))
TERMINATOR = Rule(CHUNKED, "RFC 9112 section 7.1", "SHOULD",
                  "A chunk is a size in hexadecimal, CR LF, as many bytes, CR LF. Anything else is invalid: 400, and "
                  "the connection is closed.", (400,), OTHERS, keeps=False)
BIG_CHUNK = Rule(CHUNKED, "RFC 9112 section 7.1", "MUST",
                 "A size may have any number of digits: no number is cut short, none wraps around.",
                 (400, 413, WAITS), (CLOSED, 411, 500), keeps=False)
CHUNK = Rule(CHUNKED, "RFC 9112 section 7.1.1", "MUST",
             "Sizes may have digits of either case and leading zeros; an unknown extension is ignored.",
             (200, 411), (400,))
LONG_EXTENSION = Rule(CHUNKED, "RFC 9112 section 7.1.1", "SHOULD",
                      "A server limits the length of chunk extensions, and answers longer ones with 4xx.",
                      (200, 400, 411, 413, 431), (CLOSED, 500))
TRAILER = Rule(CHUNKED, "RFC 9110 section 6.5.1", "MUST",
               "The fields of a trailer are not merged into the header, and change no length.", (200, 411),
               (400,))
ONE_LENGTH = Rule(LENGTHS, "RFC 9112 section 6.3", "MUST",
                  "A Content-Length that is not one whole number is answered with 400, and the connection is closed.",
                  (400,), (CLOSED, 411), keeps=False)
EQUAL = Rule(LENGTHS, "RFC 9110 section 8.6", "MAY",
             "The same length several times is refused, or taken as one.", (400, 200), (CLOSED,))
LARGE = Rule(LENGTHS, "RFC 9110 section 8.6", "MUST",
             "A length may have any number of digits: no number is cut short, none wraps around.",
             (400, 413, WAITS), (CLOSED,), keeps=False)
LENGTH = Rule(LENGTHS, "RFC 9110 section 8.6", "MUST", "A length is digits, with leading zeros or without.",
              (200,), (400,))
NO_LENGTH = Rule(LENGTHS, "RFC 9112 section 6.3", "MUST",
                 "A request without a length has no body; the server may demand one with 411.",
                 (200, 411))
LENGTH_OPTION = Rule(LENGTHS, "RFC 9110 section 7.6.1", "MUST",
                     "No sender may name a field for all recipients in Connection: the length counts as ever.",
                     (200, 411), (400,))
UNREAD = Rule(BODIES, "RFC 9112 section 9.3", "MUST",
              "An unwanted body is read, or the connection is closed: it is never the next request.",
              (200, 204, 400, 404, 405, 411, 413, 417, 501), (CLOSED,))
LF = Rule(LINES, "RFC 9112 section 2.2", "MAY", "A lone LF may be taken as the end of a line, or refused.",
          (400, 200), (CLOSED,))
CR = Rule(FIELDS, "RFC 9112 section 2.2", "MUST",
          "A lone CR makes the message invalid, or is replaced by a space: it ends no line.",
          (400, 200), (CLOSED,))
CR_LINE = Rule(LINES, "RFC 9112 section 2.2", "SHOULD", "A lone CR ends no line: the request is refused.",
               (400,), (*OTHERS, WAITS))
GRAMMAR = Rule(LINES, "RFC 9112 section 3.2", "SHOULD", "An invalid request line is answered with 400.",
               (400,), OTHERS, keeps=False)
ANY_SPACE = Rule(LINES, "RFC 9112 section 3", "MAY",
                 "A server may accept any white space between the parts, and ignore it after them.",
                 (400, 200), (CLOSED,))
PREFACE = Rule(LINES, "RFC 9113 section 3.4", "SHOULD",
               "It begins HTTP/2, and is answered in HTTP/2, or with 505.", (505, HTTP2), (400, CLOSED), keeps=False)
VERSION = Rule(LINES, "RFC 9110 section 6.2", "MAY", "An unsupported major version may be refused with 505.",
               (505,), (400, CLOSED), keeps=False)
MINOR = Rule(LINES, "RFC 9110 section 6.2", "SHOULD",
             "A later minor version is read like the highest known one.", (200,), (400, 505))
EMPTY_LINE = Rule(LINES, "RFC 9112 section 2.2", "SHOULD",
                  "At least one empty line before a request is ignored: old browsers sent one after a body.",
                  (200,), (400, CLOSED))
METHOD = Rule(LINES, "RFC 9110 section 9.1", "MUST",
              "A method is any token, and case-sensitive: an unknown one is not taken for a known one.",
              (405, 501, 400), (404,))
BAD_TARGET = Rule(TARGETS, "RFC 9112 section 3.2", "SHOULD",
                  "A target in none of the four forms is answered with 400, or with 301 to a valid one.",
                  (400, 301), (200, 308, 404, 405, 421, 501, CLOSED))
ORDINARY = Rule(TARGETS, "RFC 9112 section 3", "MUST", "The request line ends here: this is an ordinary request.",
                (200,))
USERINFO = Rule(TARGETS, "RFC 9110 section 4.2.4", "SHOULD", "User information before the host in a URL is an error.",
                (400,), (200, 404, 421))
NO_AUTHORITY = Rule(TARGETS, "RFC 9110 section 4.2.1", "MUST", "An http URL without a host is invalid.",
                    (400,), (404, 421))
ABSOLUTE = Rule(TARGETS, "RFC 9112 section 3.2.2", "MUST", "An absolute URL is a valid target.", (200,))
ABSOLUTE_HOST = Rule(TARGETS, "RFC 9112 section 3.2.2", "MUST",
                     "If the target names a host, the Host header is ignored.", (200,), (400,))
FOREIGN = Rule(TARGETS, "RFC 9112 section 3.2.2", "MUST",
               "If the target names a host, that host is meant, not the one in Host.",
               (421, 400, 403, 404), (CLOSED,))
SECURE = Rule(TARGETS, "RFC 9110 section 7.4", "MUST",
              "An https target is refused if the connection is not secured.", (400, 421, 403, 404),
              (CLOSED,))
ASTERISK = Rule(TARGETS, "RFC 9112 section 3.2.4", "MAY", "OPTIONS * asks about the server itself.",
                (200, 204, 400, 404, 405, 501))
TUNNEL = Rule(TARGETS, "RFC 9110 section 9.3.6", "MAY", "A server need not open tunnels.",
              (400, 403, 404, 405, 501), (CLOSED, 308, 421))
TRACED = Rule(TARGETS, "RFC 9110 section 9.3.8", "MAY", "TRACE reflects the request, or is not allowed.",
              (200, 400, 403, 404, 405, 501))
PERCENT = Rule(TARGETS, "RFC 3986 section 2.4", "MUST", "A path is decoded once: not twice, and not in part.",
               (200,), (400, 404))
SAME = Rule(TARGETS, "RFC 3986 section 6.2.2.2", "SHOULD",
            "A letter means the same, percent-encoded or not.", (200,), (400, 404))
PATH = Rule(TARGETS, "RFC 3986 section 6.2", "MAY",
            "Dot segments, empty segments and the like may be simplified, refused, or be ordinary paths.",
            (200, 301, 302, 308, 400, 403, 404), (CLOSED,))
ONE_HOST = Rule(HOSTS, "RFC 9112 section 3.2", "MUST",
                "No Host, more than one, or one that cannot be a host is answered with 400.", (400,),
                (CLOSED,))
A_HOST = Rule(HOSTS, "RFC 9110 section 7.2", "MUST",
              "Whatever is valid in a URL is a host; a server may serve only some.",
              (200, 400, 403, 404, 421))
HOST_1_0 = Rule(HOSTS, "RFC 9112 section 3.2", "MUST", "HTTP/1.0 needs no Host.", (200,), (400,), keeps=False)
COLON = Rule(FIELDS, "RFC 9112 section 5.1", "MUST",
             "White space between a field's name and the colon is answered with 400.", (400,), (CLOSED,))
FIRST_SPACE = Rule(FIELDS, "RFC 9112 section 2.2", "MUST",
                   "White space before the first field line is refused, or the lines with it are skipped.",
                   (400, 200), (CLOSED,))
FOLD = Rule(FIELDS, "RFC 9112 section 5.2", "MUST",
            "A folded line is answered with 400, or read with spaces in place of the fold.", (400, 200),
            (CLOSED,))
NUL = Rule(FIELDS, "RFC 9110 section 5.5", "MUST", "CR, LF and NUL in a value are refused, or replaced by a space.",
           (400, 200), (CLOSED,))
CONTROL = Rule(FIELDS, "RFC 9110 section 5.5", "MAY", "Other control characters may stay in a value.",
               (400, 200), (CLOSED,))
NAME = Rule(FIELDS, "RFC 9112 section 2.2", "SHOULD",
            "A field line without a name that is a token, or without a colon, is answered with 400.",
            (400,), (200, CLOSED))
VALUE = Rule(FIELDS, "RFC 9110 section 5.5", "MUST",
             "White space around a value is not part of it; inside, any text is allowed.", (200,), (400,))
UNDERSCORE = Rule(FIELDS, "RFC 3875 section 4.1.18", "MAY",
                  "X_A and X-A become one variable: the field with the underscore may be dropped, or refused.",
                  (200, 400))
CLOSE = Rule(CONNECTIONS, "RFC 9112 section 9.6", "MUST",
             "After the response to a request with close, nothing more is read.", (200,), (400,), keeps=False)
CLOSE_1_0 = Rule(CONNECTIONS, "RFC 9112 section 9.3", "MUST",
                 "HTTP/1.0 closes the connection unless keep-alive was requested.", (200,), (400,), keeps=False)
KEEP = Rule(CONNECTIONS, "RFC 9112 section 9.3", "MAY",
            "The connection may be kept, and whatever else the request says of it is ignored.", (200,))
KEEP_1_0 = replace(KEEP, tolerable=(400,))  # by who closes behind it, and gets more
NO_CHUNKS_1_0 = Rule(CONNECTIONS, "RFC 9112 section 6.1", "MUST", "HTTP/1.0 is never answered in chunks.",
                     (200,), (400,))
UPGRADE = Rule(CONNECTIONS, "RFC 9110 section 7.8", "MAY", "An offer to speak another protocol may be ignored.",
               (200,), (101, 426))
HALF_OFFER = Rule(CONNECTIONS, "RFC 9110 section 7.8", "MAY",
                  "An offer that Connection does not name may be ignored, or refused.", (200, 400, 426))
EXPECT = Rule(CONNECTIONS, "RFC 9110 section 10.1.1", "MUST",
              "A client that expects 100 may send its body at once: it is read as the body.",
              (200, 411), (417,))
EXPECT_1_0 = Rule(CONNECTIONS, "RFC 9110 section 10.1.1", "MUST", "In HTTP/1.0 Expect is ignored: no 100 comes.",
                  (200,), (400,), keeps=False)
EXPECT_ELSE = Rule(CONNECTIONS, "RFC 9110 section 10.1.1", "MAY", "Another expectation may be refused with 417.",
                   (200, 417), (400,))
IN_ORDER = Rule(SEVERAL, "RFC 9112 section 9.3.2", "MUST",
                "Requests that come at once are answered in their order, or the connection is closed between them.",
                (200, 204, 404, 411))
EACH_ALONE = Rule(SEVERAL, "RFC 9112 section 9.3.2", "MUST",
                  "What follows a body is another request, from its first byte on.",
                  (400, 405, 501), (404, CLOSED))
SUPPORTED = Rule(SIZES, "RFC 9112 section 3", "SHOULD", "Request lines of 8000 bytes are supported.", (200,), (414,))
TOO_LONG = Rule(SIZES, "RFC 9112 section 3", "MUST",
     "A target that is longer than a server accepts is answered with 414.",
                (414, 200), (400, 431))
LONG_METHOD = Rule(SIZES, "RFC 9112 section 3", "SHOULD",
                   "A method that is longer than all known ones is answered with 501.",
                   (501, 400, 405, 414), (CLOSED, 431, 500))
TOO_LARGE = Rule(SIZES, "RFC 9110 section 5.4", "MUST",
                 "Fields that are longer or more than a server accepts are answered with a 4xx.",
                 (431, 400, 413, 200), (CLOSED,))
INCOMPLETE = Rule(CUT, "RFC 9112 sections 6.3 and 8", "MUST",
                  "A message that breaks off is incomplete, and not a request: 400, or no response at all.",
                  (400, 408, 411, CLOSED), (500,), keeps=False, ends=True)

# ---------------------------------------------------------------- the requests


def hidden(*fields, body=b"0\r\n\r\n", **more):
    """A body that one reader takes for HIDDEN behind it, and another for all of it."""
    return post(length(body + HIDDEN), *fields, body=body + HIDDEN, **more)


def chunks(body, *fields, target=b"/digest", **more):
    return post(TE, *fields, body=body, target=target, **more)


ONE_CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)

REQUESTS = [
    # two lengths
    Hard("CL.TE", hidden(TE), BOTH, digest(b"")),
    Hard("CL.TE, TE first", post(TE, length(b"0\r\n\r\n" + HIDDEN), body=b"0\r\n\r\n" + HIDDEN), BOTH, digest(b"")),
    Hard("TE.CL", post(b"Content-Length: 4", TE, body=ONE_CHUNK), BOTH, digest(HIDDEN)),
    Hard("TE.CL, TE first", post(TE, b"Content-Length: 4", body=ONE_CHUNK), BOTH, digest(HIDDEN)),
    Hard("TE.CL, a length of 0", post(b"Content-Length: 0", TE, body=CHUNKS), BOTH, HELLO),
    Hard("CL and TE that agree", post(length(CHUNKS), TE, body=CHUNKS), BOTH, HELLO),
    Hard("CL.TE, a tab before chunked", hidden(b"Transfer-Encoding:\tchunked"), BOTH, digest(b"")),
    Hard("CL.TE, no space before chunked", hidden(b"Transfer-Encoding:chunked"), BOTH, digest(b"")),
    Hard("CL.TE in capitals", hidden(b"TRANSFER-ENCODING: CHUNKED"), BOTH, digest(b"")),
    Hard("CL.TE of GET", get(length(b"0\r\n\r\n" + HIDDEN), TE, body=b"0\r\n\r\n" + HIDDEN), BOTH),
    Hard("CL.TE, identity", hidden(b"Transfer-Encoding: identity"), NOT_FINAL),
    Hard("CL.TE, xchunked", hidden(b"Transfer-Encoding: xchunked"), NOT_FINAL),
    Hard("CL.TE, a vertical tab before chunked", hidden(b"Transfer-Encoding: \x0bchunked"), NOT_FINAL),
    Hard("CL.TE, a form feed behind chunked", hidden(b"Transfer-Encoding: chunked\x0c"), NOT_FINAL),
    Hard("CL.TE, chunked in quotes", hidden(b'Transfer-Encoding: "chunked"'), NOT_FINAL),
    Hard("CL.TE, chunked with a parameter", hidden(b"Transfer-Encoding: chunked;a=b"), NOT_FINAL),
    Hard("CL.TE, two lines", hidden(TE, b"Transfer-encoding: cow"), NOT_FINAL),
    Hard("CL.TE, two lines, the other way", hidden(b"Transfer-Encoding: cow", TE), BOTH),
    Hard("CL.TE, a value in the next line", hidden(b"Transfer-Encoding:\r\n chunked"), BOTH, digest(b"")),
    Hard("CL.TE, a space before the colon", hidden(b"Transfer-Encoding : chunked"), COLON),
    Hard("CL.TE, a tab before the colon", hidden(b"Transfer-Encoding\t: chunked"), COLON),
    Hard("CL.TE, a lone CR before it", hidden(b"X: a\rTransfer-Encoding: chunked"), CR),
    Hard("CL.TE, a NUL in its name", hidden(b"Transfer-Encoding\0: chunked"), NAME),
    Hard("CL.TE, a space before it", hidden(b"X: a\r\n Transfer-Encoding: chunked"), FOLD,
         digest(b"0\r\n\r\n" + HIDDEN)),
    Hard("CL.TE, a lone LF before it", hidden(b"X: a\nTransfer-Encoding: chunked"), BOTH, digest(b"")),
    # transfer codings
    Hard("chunked", chunks(CHUNKS), CODING, HELLO),
    Hard("Chunked", post(b"transfer-ENCODING: Chunked", body=CHUNKS), CODING, HELLO),
    Hard("chunked between tabs", post(b"Transfer-Encoding: \t chunked\t ", body=CHUNKS), CODING, HELLO),
    Hard("chunked, identity", post(b"Transfer-Encoding: chunked, identity", body=CHUNKS), NOT_FINAL),
    Hard("chunked, chunked", post(b"Transfer-Encoding: chunked, chunked", body=CHUNKS), NOT_FINAL),
    Hard("chunked in two lines", post(TE, TE, body=CHUNKS), NOT_FINAL),
    Hard("identity", post(b"Transfer-Encoding: identity", body=CHUNKS), NOT_FINAL),
    Hard("gzip", post(b"Transfer-Encoding: gzip", body=CHUNKS), NOT_FINAL),
    Hard("no coding at all", post(b"Transfer-Encoding:", body=CHUNKS), NOT_FINAL),
    Hard("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked", body=CHUNKS), UNKNOWN),
    Hard("identity, chunked", post(b"Transfer-Encoding: identity, chunked", body=CHUNKS), UNKNOWN),
    Hard("chunked and a comma", post(b"Transfer-Encoding: chunked,", body=CHUNKS), EMPTY_ELEMENT, HELLO),
    Hard("a comma and chunked", post(b"Transfer-Encoding: , chunked", body=CHUNKS), EMPTY_ELEMENT, HELLO),
    Hard("chunked in HTTP/1.0", chunks(CHUNKS, version=b"HTTP/1.0"), CODING_1_0),
    Hard("chunked in HTTP/1.0, keep-alive", chunks(CHUNKS, b"Connection: keep-alive", version=b"HTTP/1.0"), CODING_1_0),
    Hard("CL.TE in HTTP/1.0", hidden(TE, b"Connection: keep-alive", version=b"HTTP/1.0"), CODING_1_0),
    Hard("Transfer_Encoding", hidden(b"Transfer_Encoding: chunked"), OTHER_NAME, digest(b"0\r\n\r\n" + HIDDEN)),
    Hard("X-Transfer-Encoding", hidden(b"X-Transfer-Encoding: chunked"), OTHER_NAME, digest(b"0\r\n\r\n" + HIDDEN)),
    Hard("Transfer.Encoding", hidden(b"Transfer.Encoding: chunked"), OTHER_NAME, digest(b"0\r\n\r\n" + HIDDEN)),
    Hard("Connection: Transfer-Encoding", chunks(CHUNKS, b"Connection: Transfer-Encoding"), LENGTH_OPTION, HELLO),
    Hard("TE is not Transfer-Encoding", hidden(b"TE: chunked"), OTHER_NAME, digest(b"0\r\n\r\n" + HIDDEN)),
    # lengths
    *(Hard(f"Content-Length {value.decode('latin-1')!r}", post(b"Content-Length: " + value, body=b"hello"), ONE_LENGTH)
      for value in (b"+5", b"-5", b"0x5", b"5_0", b"5 5", b"5.0", b"5e0", b"5;", b"5,6", b"five", b"",
                    "٥".encode(), b"\xb2")),
    Hard("two lengths", post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello"), ONE_LENGTH),
    Hard("two lengths, the smaller behind", post(length(HIDDEN), b"Content-Length: 0", body=HIDDEN), ONE_LENGTH),
    Hard("a length twice", post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"), EQUAL, HELLO),
    Hard("a length twice in one line", post(b"Content-Length: 5, 5", body=b"hello"), EQUAL, HELLO),
    Hard("a length twice, with a zero", post(b"Content-Length: 5", b"Content-Length: 05", body=b"hello"), EQUAL, HELLO),
    Hard("2 to the 64th and 5", post(b"Content-Length: 18446744073709551621", body=b"hello"), LARGE),
    Hard("2 to the 32nd and 5", post(b"Content-Length: 4294967301", body=b"hello"), LARGE),
    Hard("a length of 5000 digits", post(b"Content-Length: " + b"9" * 5000, body=b"hello"),
         replace(LARGE, right=(400, 413, 431, WAITS))),
    Hard("zeros before the length", post(b"Content-Length: 0000000005", body=b"hello"), LENGTH, HELLO),
    Hard("tabs around the length", post(b"Content-Length:\t5\t ", body=b"hello"), LENGTH, HELLO),
    Hard("a length without a space", post(b"Content-Length:5", body=b"hello"), LENGTH, HELLO),
    Hard("a length in capitals", post(b"CONTENT-LENGTH: 5", body=b"hello"), LENGTH, HELLO),
    Hard("Content_Length", post(b"Content_Length: 0", length(HIDDEN), body=HIDDEN), OTHER_NAME, digest(HIDDEN)),
    Hard("Content_Length alone", post(b"Content_Length: 5"), NO_LENGTH, digest(b"")),
    Hard("no length", post(), NO_LENGTH, digest(b"")),
    Hard("no length in HTTP/1.0", post(version=b"HTTP/1.0"),
         replace(NO_LENGTH, right=(200, 400, 411), keeps=False), digest(b"")),
    Hard("Connection: Content-Length", post(length(HIDDEN), b"Connection: Content-Length", body=HIDDEN), LENGTH_OPTION,
         digest(HIDDEN)),
    Hard("a space before the colon of a length", post(b"Content-Length : %d" % len(HIDDEN), body=HIDDEN), COLON),
    Hard("a length behind a lone CR", post(b"X: a\rContent-Length: 0", length(HIDDEN), body=HIDDEN), CR,
         digest(HIDDEN)),
    Hard("a length in a folded line", post(b"Content-Length:\r\n 5", body=b"hello"), FOLD, HELLO),
    # chunks
    *(Hard(f"a size of {size.decode('latin-1')!r}", chunks(size + b"\r\nhello\r\n0\r\n\r\n"), TERMINATOR)
      for size in (b"0x5", b"+5", b"-5", b"5_", b" 5", b"5 ", b"5\t", b"5h", b"", b"5;\0", b"5,5", b"\xd9\xa5")),
    Hard("LF behind a size", chunks(b"5\nhello\r\n0\r\n\r\n"), TERMINATOR),
    Hard("CR CR LF behind a size", chunks(b"5\r\r\nhello\r\n0\r\n\r\n"), TERMINATOR),
    Hard("LF behind an extension", chunks(b"5;a\nhello\r\n0\r\n\r\n"), TERMINATOR),
    Hard("CR in an extension", chunks(b"5;a\rX\r\nhello\r\n0\r\n\r\n"), TERMINATOR),
    Hard("TERM.EXT", chunks(b"2;\nxx\r\n%x\r\n0\r\n\r\n%b\r\n0\r\n\r\n" % (5 + len(HIDDEN), HIDDEN)), TERMINATOR),
    Hard("EXT.TERM", chunks(b"4;\n0\r\n\r\n%b\r\n0\r\n\r\n" % HIDDEN), TERMINATOR),
    Hard("TERM.SPILL", chunks(b"5\r\nhello\n%x\r\n0\r\n\r\n%b\r\n0\r\n\r\n" % (5 + len(HIDDEN), HIDDEN)), TERMINATOR),
    Hard("SPILL.TERM", chunks(b"5\r\nhelloXX%x\r\n0\r\n\r\n%b\r\n0\r\n\r\n" % (5 + len(HIDDEN), HIDDEN)), TERMINATOR),
    Hard("nothing behind a chunk", chunks(b"5\r\nhello0\r\n\r\n"), TERMINATOR),
    Hard("LF behind a chunk", chunks(b"5\r\nhello\n0\r\n\r\n"), TERMINATOR),
    Hard("CR behind a chunk", chunks(b"5\r\nhello\r0\r\n\r\n"), TERMINATOR),
    Hard("two ends behind a chunk", chunks(b"5\r\nhello\r\n\r\n0\r\n\r\n"), TERMINATOR),
    Hard("a chunk longer than its size", chunks(b"2\r\nhello\r\n0\r\n\r\n"), TERMINATOR),
    Hard("a last chunk of -0", chunks(b"5\r\nhello\r\n-0\r\n\r\n"), TERMINATOR),
    Hard("a last chunk of 0x0", chunks(b"5\r\nhello\r\n0x0\r\n\r\n"), TERMINATOR),
    Hard("LF behind the last chunk", chunks(b"5\r\nhello\r\n0\n\n"), TERMINATOR),
    Hard("no empty line behind the last chunk", chunks(b"5\r\nhello\r\n0\r\n"), TERMINATOR),
    Hard("a chunk of 2 to the 64th and 5", chunks(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), BIG_CHUNK),
    Hard("a chunk of 2 to the 32nd and 5", chunks(b"100000005\r\nhello\r\n0\r\n\r\n"), BIG_CHUNK),
    Hard("a chunk of 2 to the 63rd", chunks(b"8000000000000000\r\nhello\r\n0\r\n\r\n"), BIG_CHUNK),
    Hard("zeros before a size", chunks(b"0000000005\r\nhello\r\n000\r\n\r\n"), CHUNK, HELLO),
    Hard("sizes of either case", chunks(b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), CHUNK,
         digest(b"0123456789" * 2)),
    Hard("an extension", chunks(b'5;a=b;c="d;e"\r\nhello\r\n0;f\r\n\r\n'), CHUNK, HELLO),
    Hard("an extension with a request in it", chunks(b'5;a="GET /hello?name=smuggled HTTP/1.1"\r\nhello\r\n0\r\n\r\n'),
         CHUNK, HELLO),
    Hard("white space in an extension", chunks(b"5 ; a = b\r\nhello\r\n0\r\n\r\n"), CHUNK, HELLO),
    Hard("a long extension", chunks(b"5;%b\r\nhello\r\n0\r\n\r\n" % (b"a" * 20_000)), LONG_EXTENSION, HELLO),
    Hard("chunks of a byte", chunks(b"1\r\nx\r\n" * 500 + b"0\r\n\r\n"), CHUNK, digest(b"x" * 500)),
    Hard("a length in the trailer", chunks(b"5\r\nhello\r\n0\r\nContent-Length: 90\r\n\r\n"), TRAILER, HELLO),
    Hard("a coding in the trailer", chunks(b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), TRAILER, HELLO),
    Hard("a Host in the trailer", chunks(b"0\r\nHost: elsewhere.invalid\r\n\r\n", target=b"/request"), TRAILER,
         told(headers={"host": "localhost"})),
    Hard("a field in the trailer", chunks(b"0\r\nX-Hard: trailer\r\n\r\n", b"X-Hard: header", target=b"/request"),
         TRAILER, told(headers={"x-hard": "header"})),
    Hard("a request in the trailer", chunks(b"0\r\nX: a\r\nGET /hello?name=smuggled HTTP/1.1\r\n\r\n"), TERMINATOR),
    Hard("LF in the trailer", chunks(b"0\r\nX: a\nY: b\r\n\r\n"),
         replace(LF, family=CHUNKED, right=(400, 200, 411)), digest(b"")),
    # bodies that nobody asked for
    Hard("CL.0", post(length(HIDDEN), body=HIDDEN, target=b"/hello"), UNREAD),
    Hard("CL.0 where nothing is", post(length(HIDDEN), body=HIDDEN, target=b"/nothing"), UNREAD),
    Hard("CL.0 of GET", get(length(HIDDEN), body=HIDDEN), UNREAD, "hard"),
    Hard("CL.0 of DELETE", line(b"DELETE", b"/hello", length(HIDDEN), body=HIDDEN), UNREAD),
    Hard("CL.0 of OPTIONS", line(b"OPTIONS", b"/hello", length(HIDDEN), body=HIDDEN), UNREAD),
    Hard("CL.0 of HEAD", line(b"HEAD", b"/hello?name=hard", length(HIDDEN), body=HIDDEN), UNREAD),
    Hard("CL.0 of TRACE", line(b"TRACE", b"/hello", length(HIDDEN), body=HIDDEN), UNREAD),
    Hard("CL.0 of a method of one's own", line(b"BREW", b"/hello", length(HIDDEN), body=HIDDEN), UNREAD),
    Hard("TE.0", chunks(ONE_CHUNK, target=b"/hello"), UNREAD),
    Hard("TE.0 of GET", get(TE, body=ONE_CHUNK), UNREAD, "hard"),
    Hard("TE.0 of OPTIONS", line(b"OPTIONS", b"/hello", TE, body=ONE_CHUNK), UNREAD),
    Hard("CL.0 and Expect", post(length(HIDDEN), b"Expect: 100-continue", body=HIDDEN, target=b"/hello"), UNREAD),
    Hard("CL.0 and a strange Expect", post(length(HIDDEN), b"Expect: y 100-continue", body=HIDDEN, target=b"/hello"),
         UNREAD),
    Hard("CL.0 and an offer to upgrade",
         post(length(HIDDEN), b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
              b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
              body=HIDDEN), replace(UPGRADE, family=BODIES), digest(HIDDEN)),
    # first lines
    Hard("LF for CR LF", get().replace(b"\r\n", b"\n"), LF, "hard"),
    Hard("LF behind the first line", get().replace(b"\r\n", b"\n", 1), LF, "hard"),
    Hard("LF behind a field", get(b"X: a").replace(b"a\r\n", b"a\n"), LF, "hard"),
    Hard("an empty line of LF", get()[:-2] + b"\n", LF, "hard"),
    Hard("CR behind the first line", get().replace(b"\r\n", b"\r", 1), CR_LINE),
    Hard("CR CR LF behind the first line", get().replace(b"\r\n", b"\r\r\n", 1), CR_LINE),
    Hard("two spaces", b"GET  /hello?name=hard HTTP/1.1\r\n" + HOST + b"\r\n",
         ANY_SPACE, "hard"),
    Hard("a tab for a space", b"GET\t/hello?name=hard\tHTTP/1.1\r\n" + HOST + b"\r\n",
         ANY_SPACE, "hard"),
    Hard("a space before the method", b" " + get(), GRAMMAR),
    Hard("a space behind the version", get(version=b"HTTP/1.1 "),
         ANY_SPACE, "hard"),
    Hard("two versions", get(version=b"HTTP/1.1 HTTP/1.1"), GRAMMAR),
    Hard("a version in small letters", get(version=b"http/1.1"), GRAMMAR),
    Hard("HTTP/1.1x", get(version=b"HTTP/1.1x"), GRAMMAR),
    Hard("HTTP/1.10", get(version=b"HTTP/1.10"), GRAMMAR),
    Hard("HTTP/01.1", get(version=b"HTTP/01.1"), GRAMMAR),
    Hard("HTTP/+1.1", get(version=b"HTTP/+1.1"), GRAMMAR),
    Hard("HTTP/1,1", get(version=b"HTTP/1,1"), GRAMMAR),
    Hard("HTTP/", get(version=b"HTTP/"), GRAMMAR),
    Hard("HTTP/0.9 without a version", b"GET /hello?name=hard\r\n\r\n", GRAMMAR),
    Hard("HTTP/0.9 with a version", get(version=b"HTTP/0.9"),
         replace(VERSION, right=(505, 400))),
    Hard("HTTP/1.7", get(version=b"HTTP/1.7"), MINOR, "hard"),
    Hard("HTTP/2.0", get(version=b"HTTP/2.0"), VERSION),
    Hard("HTTP/9.9", get(version=b"HTTP/9.9"), VERSION),
    Hard("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", PREFACE, more=1),
    Hard("a hello of TLS", b"\x16\x03\x01\x00\x05hello\r\n\r\n", GRAMMAR),
    Hard("an empty line first", b"\r\n" + get(), EMPTY_LINE, "hard"),
    Hard("two empty lines first", b"\r\n\r\n" + get(), EMPTY_LINE, "hard"),
    Hard("an empty line behind a body", post(b"Content-Length: 5", body=b"hello\r\n", target=b"/echo") + get(),
         EMPTY_LINE, "hard", ((b"POST", b"hello"),)),
    Hard("get", line(b"get", b"/request"), METHOD),
    Hard("Post", line(b"Post", b"/digest", b"Content-Length: 5", body=b"hello"), METHOD),
    Hard("GETT", line(b"GETT", b"/hello"), METHOD),
    Hard("a method of one's own", line(b"BREW-it!", b"/hello"), METHOD),
    Hard("a method that is no token", line(b"GE(T", b"/hello"), GRAMMAR),
    Hard("a NUL in the method", line(b"GET\0", b"/hello"), GRAMMAR),
    # targets
    Hard("a space in the target", get(target=b"/hello ?name=hard"), GRAMMAR),
    Hard("a NUL in the target", get(target=b"/hello?name=a\0b"), GRAMMAR),
    Hard("a request in the target", get(target=b"/hello HTTP/1.1\r\nX: /hello?name=hard"),
         ORDINARY, "World"),
    Hard("bytes above 127 in the target", get(target=b"/hello?name=\xc3\xa9"), BAD_TARGET, "é"),
    Hard("a fragment", get(target=b"/hello?name=hard#a"), BAD_TARGET),
    Hard("no slash", get(target=b"hello?name=hard"), BAD_TARGET),
    Hard("an asterisk for GET", get(target=b"*"), BAD_TARGET),
    Hard("a name for GET", get(target=b"localhost:80"), BAD_TARGET),
    Hard("a backslash", get(target=b"\\hello?name=hard"), BAD_TARGET),
    Hard("a whole address", get(target=b"http://localhost/hello?name=hard"), ABSOLUTE, "hard"),
    Hard("a whole address in capitals", get(target=b"HTTP://LOCALHOST/hello?name=hard"), ABSOLUTE, "hard"),
    Hard("a whole address against Host", get(target=b"http://localhost/hello?name=hard",
         host=b"Host: elsewhere.invalid\r\n"),
         ABSOLUTE_HOST, "hard"),
    Hard("another host's address", get(target=b"http://elsewhere.invalid/hello?name=hard"), FOREIGN),
    Hard("an address of TLS", get(target=b"https://localhost/hello?name=hard"), SECURE),
    Hard("an address with a password", get(target=b"http://a@localhost/hello?name=hard"),
         USERINFO),
    Hard("an address without a host", get(target=b"http:///hello?name=hard"),
         NO_AUTHORITY),
    Hard("OPTIONS *", line(b"OPTIONS", b"*"), ASTERISK),
    Hard("CONNECT", line(b"CONNECT", b"localhost:80"), TUNNEL),
    Hard("CONNECT to a path", line(b"CONNECT", b"/hello"), TUNNEL),
    Hard("TRACE", line(b"TRACE", b"/hello"), TRACED),
    Hard("an encoded letter", get(target=b"/%68ello?name=hard"), SAME, "hard"),
    Hard("an encoded percent sign", asked(target=b"/request/%2541"), PERCENT, told(path="/request/%41")),
    Hard("an encoded question mark", asked(target=b"/request/a%3Fname=b"), PERCENT,
         told(path="/request/a?name=b", query="")),
    Hard("an encoded line end", asked(target=b"/request/a%0d%0aX-Hard:%20b"), PERCENT,
         told(path="/request/a\r\nX-Hard: b", headers={"x-hard": None})),
    Hard("an encoded NUL", asked(target=b"/request/a%00b"), PATH),
    Hard("an encoded slash", asked(target=b"/request/a%2Fb"), PATH),
    Hard("a percent sign alone", asked(target=b"/request/a%"), PATH),
    Hard("no hexadecimal behind the percent sign", asked(target=b"/request/%zz"), PATH),
    Hard("two slashes first", get(target=b"//hello?name=hard"), PATH),
    Hard("two slashes", asked(target=b"/request//a"), PATH),
    Hard("a dot segment", get(target=b"/./hello?name=hard"), PATH, "hard"),
    Hard("a segment of two dots", get(target=b"/a/../hello?name=hard"), PATH, "hard"),
    Hard("above the root", get(target=b"/../hello?name=hard"), PATH, "hard"),
    Hard("encoded dots", get(target=b"/a/%2e%2e/hello?name=hard"), PATH, "hard"),
    Hard("a parameter of a segment", get(target=b"/hello;a=b?name=hard"), PATH),
    Hard("two question marks", asked(target=b"/request?a?b=c"), PERCENT, told(query="a?b=c")),
    Hard("an empty query", asked(target=b"/request?"), PERCENT, told(path="/request", query="")),
    # hosts
    Hard("no Host", get(host=b""), ONE_HOST),
    Hard("two Hosts", get(b"Host: elsewhere.invalid"), ONE_HOST),
    Hard("two equal Hosts", get(b"Host: localhost"), ONE_HOST),
    Hard("two Hosts in HTTP/1.0", get(b"Host: localhost", version=b"HTTP/1.0"), ONE_HOST),
    *(Hard(f"Host {host.decode('latin-1')!r}", get(host=b"Host: %b\r\n" % host), ONE_HOST)
      for host in (b"a b", b"localhost/hello", b"a@localhost", b"localhost:a", b"[::1", b"localhost\0",
           b"localhost#", b"%zz")),
    Hard("a list of Hosts", get(host=b"Host: localhost,localhost\r\n"), A_HOST),
    Hard("an empty Host", get(host=b"Host:\r\n"), A_HOST, "hard"),
    Hard("Host with a port", get(host=b"Host: localhost:81\r\n"), A_HOST, "hard"),
    Hard("Host in capitals", get(host=b"HOST: LOCALHOST\r\n"), A_HOST, "hard"),
    Hard("Host with an underscore", get(host=b"Host: a_b\r\n"), A_HOST),
    Hard("Host, folded", get(host=b"Host:\r\n localhost\r\n"), FOLD, "hard"),
    Hard("no Host in HTTP/1.0", get(host=b"", version=b"HTTP/1.0"), HOST_1_0, "hard"),
    # header fields
    Hard("a space before the colon", get(b"X-Hard : a"), COLON),
    Hard("a tab before the colon", get(b"X-Hard\t: a"), COLON),
    Hard("a space before the first field", asked(host=b" X-Hard: a\r\n" + HOST), FIRST_SPACE,
         told(headers={"x-hard": None})),
    Hard("a folded line", asked(b"X-Hard: a\r\n b"), FOLD, told(headers={"x-hard": "a b"})),
    Hard("a line folded with a tab", asked(b"X-Hard: a\r\n\tb"), FOLD, told(headers={"x-hard": "a b"})),
    Hard("a folded line with a field in it", asked(b"X-Hard: a\r\n X-Other: b"), FOLD,
         told(headers={"x-hard": "a X-Other: b", "x-other": None})),
    Hard("a NUL in a value", asked(b"X-Hard: a\0b"), NUL, told(headers={"x-hard": "a b"})),
    Hard("a CR in a value", asked(b"X-Hard: a\rb"), CR, told(headers={"x-hard": "a b"})),
    Hard("a CR and a field in a value", asked(b"X-Hard: a\rX-Other: b"), CR,
         told(headers={"x-hard": "a X-Other: b", "x-other": None})),
    Hard("a DEL in a value", asked(b"X-Hard: a\x7fb"), CONTROL, told(headers={"x-hard": "a\x7fb"})),
    Hard("a vertical tab in a value", asked(b"X-Hard: a\x0bb"), CONTROL, told(headers={"x-hard": "a\x0bb"})),
    Hard("no name", asked(b": a"), NAME),
    Hard("no colon", asked(b"X-Hard"), NAME),
    Hard("a space in a name", asked(b"X Hard: a"), NAME),
    Hard("a parenthesis in a name", asked(b"X-Hard(: a"), NAME),
    Hard("no ASCII in a name", asked(b"X-H\xc3\xa4rd: a"), NAME),
    Hard("a CR in a name", asked(b"X\rHard: a"), NAME),
    Hard("white space around a value", asked(b"X-Hard: \t a b \t"), VALUE, told(headers={"x-hard": "a b"})),
    Hard("an empty value", get(b"X-Hard:"), VALUE, "hard"),
    Hard("bytes above 127 in a value", get(b"X-Hard: \xe9\xff"), VALUE, "hard"),
    Hard("a colon in a value", asked(b"X-Hard:: a:b"), VALUE, told(headers={"x-hard": ": a:b"})),
    Hard("X_Hard", asked(b"X-Hard: good", b"X_Hard: evil"), UNDERSCORE, told(headers={"x-hard": "good"})),
    Hard("X_Hard first", asked(b"X_Hard: evil", b"X-Hard: good"), UNDERSCORE, told(headers={"x-hard": "good"})),
    Hard("Path_Info", asked(b"Path_Info: /hello"), UNDERSCORE, told(path="/request")),
    Hard("Request-Method", asked(b"Request-Method: POST", b"X-HTTP-Method: POST"), VALUE, told(method="GET")),
    # the connection
    Hard("close", get(b"Connection: close"), CLOSE, "hard"),
    Hard("ClOsE among others", get(b"Connection: x, ClOsE"), CLOSE, "hard"),
    Hard("close in the second line", get(b"Connection: x", b"Connection: close"), CLOSE, "hard"),
    Hard("close and keep-alive", get(b"Connection: keep-alive, close"), CLOSE, "hard"),
    Hard("HTTP/1.0", get(version=b"HTTP/1.0"), CLOSE_1_0, "hard"),
    Hard("HTTP/1.0, keep-alive", get(b"Connection: keep-alive", version=b"HTTP/1.0"), KEEP_1_0, "hard"),
    Hard("HTTP/1.0, keep-alive, a stream", get(b"Connection: keep-alive", target=b"/stream?n=2&delay=0",
         version=b"HTTP/1.0"),
         NO_CHUNKS_1_0),
    Hard("HTTP/1.0, keep-alive, a body", post(b"Connection: keep-alive", b"Content-Length: 5", body=b"hello",
         version=b"HTTP/1.0"),
         KEEP_1_0, HELLO),
    Hard("Connection: closed", get(b"Connection: closed"), KEEP, "hard"),
    Hard("Proxy-Connection: close", get(b"Proxy-Connection: close"), KEEP, "hard"),
    Hard("a strange Keep-Alive", get(b"Keep-Alive: timeout=-1, max=0"), KEEP, "hard"),
    Hard("Connection: Host", get(b"Connection: Host"), KEEP, "hard"),
    Hard("TE: trailers", get(b"TE: trailers, chunked", b"Connection: TE"), KEEP, "hard"),
    Hard("an offer of h2c", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
         b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"),
         UPGRADE, "hard"),
    Hard("an offer of something else", get(b"Connection: upgrade", b"Upgrade: foo/2"), UPGRADE, "hard"),
    Hard("an upgrade without an offer", get(b"Connection: upgrade"), KEEP, "hard"),
    Hard("an offer without Connection", get(b"Upgrade: websocket"), HALF_OFFER, "hard"),
    Hard("Expect", post(b"Expect: 100-continue", b"Content-Length: 5", body=b"hello"), EXPECT, HELLO),
    Hard("Expect and chunks", chunks(CHUNKS, b"Expect: 100-Continue"), EXPECT, HELLO),
    Hard("Expect without a body", get(b"Expect: 100-continue"), EXPECT, "hard"),
    Hard("Expect in HTTP/1.0", post(b"Expect: 100-continue", b"Content-Length: 5", body=b"hello", version=b"HTTP/1.0"),
         EXPECT_1_0, HELLO),
    Hard("Expect something else", post(b"Expect: 200-ok", b"Content-Length: 5", body=b"hello"), EXPECT_ELSE, HELLO),
    # several at once
    Hard("three at once", get(target=b"/hello?name=1") + get(target=b"/hello?name=2") + get(), IN_ORDER, "hard",
         ((b"GET", b"Hello, 1!\n"), (b"GET", b"Hello, 2!\n"))),
    Hard("thirty at once", get(target=b"/hello?name=1") * 29 + get(), IN_ORDER, "hard",
         ((b"GET", b"Hello, 1!\n"),) * 29),
    Hard("HEAD before GET", line(b"HEAD", b"/hello?name=1") + get(), IN_ORDER, "hard", ((b"HEAD", b""),)),
    Hard("a body before GET", post(b"Content-Length: 5", body=b"hello", target=b"/echo") + get(), IN_ORDER, "hard",
         ((b"POST", b"hello"),)),
    Hard("chunks before GET", chunks(CHUNKS, target=b"/echo") + get(), IN_ORDER, "hard", ((b"POST", b"hello"),)),
    Hard("204 before GET", get(target=b"/status/204") + get(), IN_ORDER, "hard", ((b"GET", b""),)),
    Hard("304 before GET", get(target=b"/status/304") + get(), IN_ORDER, "hard", ((b"GET", b""),)),
    Hard("a stream before GET", get(target=b"/stream?n=2&delay=0") + get(), IN_ORDER, "hard",
         ((b"GET", b"line 1 of 2\nline 2 of 2\n"),)),
    Hard("a byte more than the length", post(b"Content-Length: 5", body=b"hello", target=b"/echo") + b"X" + get(),
         EACH_ALONE, None, ((b"POST", b"hello"),)),
    # sizes
    Hard("a first line of 7900 bytes", get(target=b"/hello?a=" + b"a" * 7870), SUPPORTED),
    Hard("a target of 70,000 bytes", get(target=b"/hello?a=" + b"a" * 70_000),
         TOO_LONG),
    Hard("a method of 70,000 bytes", line(b"A" * 70_000, b"/hello"),
         LONG_METHOD),
    Hard("a field of 9,000 bytes", get(b"X-Hard: " + b"a" * 9000), TOO_LARGE, "hard"),
    Hard("a field of 70,000 bytes", get(b"X-Hard: " + b"a" * 70_000), TOO_LARGE, "hard"),
    Hard("a name of 9,000 bytes", get(b"X-" + b"a" * 9000 + b": a"), TOO_LARGE, "hard"),
    Hard("90 fields", get(*(b"X-%d: a" % n for n in range(90))), TOO_LARGE, "hard"),
    Hard("1,000 fields", get(*(b"X-%d: a" % n for n in range(1000))), TOO_LARGE, "hard"),
    # cut off
    Hard("a body that is cut off", post(b"Content-Length: 10", body=b"hello"), INCOMPLETE),
    Hard("chunks that are cut off", chunks(b"5\r\nhello\r\n"), INCOMPLETE),
    Hard("a last chunk that is cut off", chunks(b"5\r\nhello\r\n0\r\n"), INCOMPLETE),
    Hard("a head that is cut off", b"GET /hello?name=hard HTTP/1.1\r\n" + HOST, INCOMPLETE),
    Hard("a first line that is cut off", b"GET /hello?name=hard HTTP/1.1", INCOMPLETE),
]
