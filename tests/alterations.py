"""What may go wrong with an answer on its way, as data: each altered answer is caught by the judge of the contract.

The judge is held to them by tests/backstage/test_judge.py, with a proxy in front of a running stack.
"""

import re
from dataclasses import dataclass

from exhibits.contract import PAGE_BODY

CLOSE, LATE, STAY = "close", "late", "stay"


@dataclass(frozen=True)
class Alteration:
    """An answer that is altered.

    name: what is done to it. case: of the contract, in which it is done. old: a pattern in the bytes of the answer,
    new: what comes in its place (as `re.sub` has it); nothing, where the answer has no such bytes.
    then: CLOSE the connection behind the answer, send LATE bytes, or STAY when the server closes.
    right: why nobody has to see it; "": the judge has to.
    """

    name: str
    case: str
    old: bytes
    new: bytes
    then: str = ""
    right: str = ""


def line(name, value=rb"[^\r\n]*"):
    """The pattern of a field line."""
    return rb"(?i:\b(%b)): (%b)\r\n" % (name.encode(), value)


TOP, END = rb"(?<=\r\n)(?=Date|Server)", rb"\Z"  # where a field line may be put in, once; behind everything
BEHIND_STATUS_LINE = rb"\A(HTTP/[^\r]*\r\n)"
DATE = line("Date")
LAST_CHUNK = rb"0\r\n\r\n\Z"
CONTINUE = rb"\A(HTTP/1\.1 100 Continue\r\n)"

ALTERATIONS = (
    # The status line.
    Alteration("HTTP/1.0", "answer", rb"\AHTTP/1\.1", b"HTTP/1.0"),
    Alteration("HTTP/1.2", "answer", rb"\AHTTP/1\.1", b"HTTP/1.2"),
    Alteration("HTTP/2", "answer", rb"\AHTTP/1\.1", b"HTTP/2"),
    Alteration("http in lower case", "answer", rb"\AHTTP", b"http"),
    Alteration("a space before it", "answer", rb"\A", b" "),
    Alteration("an empty line before it", "answer", rb"\A", b"\r\n"),
    Alteration("two spaces before the status", "answer", rb"\AHTTP/1\.1 ", b"HTTP/1.1  "),
    Alteration("no space behind the status", "answer", rb"200 OK", b"200"),
    Alteration("a status of two digits", "answer", rb"200 OK", b"20 OK"),
    Alteration("another status of success", "answer", rb"200 OK", b"201 Created"),
    Alteration("another reason", "status-reason", rb"I'm a Teapot\r", b"Teapot\r"),
    Alteration("a control character in the reason", "answer", rb"200 OK", b"200 O\x01K"),
    Alteration("a byte order mark before it", "answer", rb"\A", b"\xef\xbb\xbf"),

    # Date.
    Alteration("no Date", "answer", DATE, b""),
    Alteration("Date twice", "answer", DATE, rb"\g<0>\g<0>"),
    Alteration("Date as RFC 850 had it", "answer", DATE, b"Date: Sunday, 06-Nov-94 08:49:37 GMT\r\n"),
    Alteration("Date as RFC 3339 has it", "answer", DATE, b"Date: 2026-11-27T12:00:00Z\r\n"),
    Alteration("Date long ago", "answer", DATE, b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
    Alteration("Date without GMT", "answer", rb" GMT\r\n", b"\r\n"),
    Alteration("no day of the week", "answer", rb"Date: \w\w\w", b"Date: Xyz"),

    # Field lines.
    Alteration("Content-Type twice", "answer", line("Content-Type"), rb"\g<0>\g<0>"),
    Alteration("Server twice", "answer", TOP, b"Server: one\r\nServer: two\r\n"),
    Alteration("ETag twice", "page", line("ETag"), rb"\g<0>\g<0>"),
    Alteration("Location twice", "sign-form", line("Location"), rb"\g<0>\g<0>"),
    Alteration("a field that nobody sent", "answer", TOP, b"X-Stray: 1\r\n"),
    Alteration("a field lost", "answer", line("Content-Type"), b""),
    Alteration("a value changed", "answer", rb"charset=utf-8", b"charset=latin-1"),
    Alteration("another ETag", "page", rb'(?i)(etag: ")\w', rb"\1_"),
    Alteration("Set-Cookie in another order", "sign-form", line("Set-Cookie") + line("Set-Cookie"),
               rb"\1: \4\r\n\1: \2\r\n"),
    Alteration("Set-Cookie joined", "sign-form", line("Set-Cookie") + line("Set-Cookie"), rb"\1: \2, \4\r\n"),
    Alteration("another SameSite", "sign-form", rb"SameSite=Lax", b"SameSite=None"),
    Alteration("an attribute of a cookie more", "sign-form", rb"SameSite=Lax", b"SameSite=Lax; Secure"),
    Alteration("SameSite in other letters", "sign-form", rb"SameSite=Lax", b"samesite=lax",
               right="names of attributes have no case (RFC 6265 section 5.2), and the word has none"),
    Alteration("charset in capitals and quotes", "answer", rb"charset=utf-8", b'Charset="UTF-8"',
               right="it means the same (RFC 9110 section 8.3.1)"),
    Alteration("one Set-Cookie lost", "sign-form", line("Set-Cookie", rb"visits[^\r]*"), b""),
    Alteration("the first of two fields lost", "fields", line("X-Twice", b"1"), b""),
    Alteration("two values in another order", "fields", line("X-Twice", b"1"), b"X-Twice: 2\r\nX-Twice: 1\r\nX-Lost: "),
    Alteration("an empty field lost", "fields", line("X-Empty", b""), b""),
    Alteration("UTF-8 made of Latin-1", "fields", b"caf\xe9", b"caf\xc3\xa9"),
    Alteration("a folded line", "answer", rb"; charset", b";\r\n charset"),
    Alteration("a space before the colon", "answer", rb"(?i)(content-type):", rb"\1 :"),
    Alteration("no name", "answer", TOP, b": 1\r\n"),
    Alteration("no colon", "answer", TOP, b"stray\r\n"),
    Alteration("LF alone", "answer", rb"charset=utf-8\r\n", b"charset=utf-8\n"),
    Alteration("CR in a value", "answer", rb"; charset", b";\rcharset"),
    Alteration("NUL in a value", "answer", TOP, b"Via: 1.1 a\0b\r\n"),
    Alteration("LF alone behind the head", "answer", rb"\r\n\r\n", b"\r\n\n"),
    Alteration("LF alone behind the head, where nothing follows", "status-204", rb"\r\n\r\n", b"\r\n\n"),
    Alteration("LF alone everywhere, and no Date", "answer", rb"\A.*\Z", b"HTTP/1.1 200 OK\nContent-Length: 14\n"
               b"Content-Type: text/plain; charset=utf-8\n\nHello, World!\n"),
    Alteration("an ETag that is none", "answer", TOP, b"ETag: abc\r\n"),
    Alteration("a quote that is left open", "answer", rb"charset=utf-8", b'charset="utf-8'),
    Alteration("SameSite in quotes", "sign-form", rb"SameSite=Lax", b'SameSite="Lax"'),
    Alteration("Upgrade without its option", "live-option", line("Connection"), b""),
    Alteration("426 without Upgrade", "live-plain", line("Upgrade"), b""),

    # The length, and where the answer ends.
    Alteration("Content-Length too long", "answer", rb"(?i)(content-length): 14", rb"\1: 15", CLOSE),
    Alteration("Content-Length too short", "answer", rb"(?i)(content-length): 14", rb"\1: 13"),
    Alteration("Content-Length twice", "answer", line("Content-Length"), rb"\g<0>\g<0>"),
    Alteration("Content-Length with a sign", "answer", rb"(?i)(content-length): 14", rb"\1: +14"),
    Alteration("Content-Length as a list", "answer", rb"(?i)(content-length): 14", rb"\1: 14, 14"),
    Alteration("Content-Length beside chunks", "stream", rb"(?i)transfer-encoding", rb"Content-Length: 36\r\n\g<0>"),
    Alteration("a length with 204", "status-204", BEHIND_STATUS_LINE, rb"\1Content-Length: 0\r\n"),
    Alteration("a length of nothing with 304", "status-304", BEHIND_STATUS_LINE, rb"\1Content-Length: 0\r\n"),
    Alteration("another length with HEAD", "head", rb"(?i)(content-length): 14", rb"\1: 0"),
    Alteration("a length with HEAD that GET has not", "head-stream", BEHIND_STATUS_LINE, rb"\1Content-Length: 0\r\n"),
    Alteration("a body with HEAD", "head", END, b"Hello, World!\n"),
    Alteration("a body with 204", "status-204", END, b"body"),
    Alteration("a body with 304", "status-304", END, b"body"),
    Alteration("a byte of the body changed", "answer", rb"Hello", b"hello"),
    Alteration("the body cut off", "answer", rb"World!\n\Z", b"", CLOSE),
    Alteration("the last chunk lost", "stream", LAST_CHUNK, b"", CLOSE),
    Alteration("a trailer", "stream", LAST_CHUNK, b"0\r\nX-Trailer: 1\r\n\r\n"),
    Alteration("a chunk without its line end", "stream", rb"of 3\n\r\n0", b"of 3\n0", CLOSE),
    Alteration("a space behind the size of a chunk", "stream", rb"\r\nc\r\n", b"\r\nc \r\n"),
    Alteration("a control character in a chunk extension", "stream", rb"\r\nc\r\n", b"\r\nc;\0\r\n"),
    Alteration("a chunk extension without a name", "stream", rb"\r\nc\r\n", b"\r\nc;=1\r\n"),
    Alteration("a quote that is left open in a chunk extension", "stream", rb"\r\nc\r\n", b'\r\nc;a="b\r\n'),
    Alteration("LF alone behind the last chunk", "stream", LAST_CHUNK, b"0\r\n\n"),
    Alteration("bytes behind the end", "answer", END, b"stray"),
    Alteration("a line end behind the end", "answer", END, b"\r\n"),
    Alteration("another answer behind the end", "answer", END, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    Alteration("bytes that come late", "answer", END, b"", LATE),

    # The connection.
    Alteration("said to be closed, and open", "answer", BEHIND_STATUS_LINE, rb"\1Connection: close\r\n"),
    Alteration("closed, and not said to be", "head-keeps-step", END, b"", CLOSE),
    Alteration("said to be closed and kept", "answer", BEHIND_STATUS_LINE, rb"\1Connection: close, keep-alive\r\n"),
    Alteration("an end at the end of the connection that is not said", "answer", line("Content-Length"), b"",
               CLOSE),

    Alteration("an option that is no word", "answer", BEHIND_STATUS_LINE, rb"\1Connection: a b\r\n"),
    Alteration("a field for everybody among the options", "answer", BEHIND_STATUS_LINE, rb"\1Connection: date\r\n"),
    Alteration("Keep-Alive without its option", "answer", BEHIND_STATUS_LINE, rb"\1Keep-Alive: timeout=5\r\n"),
    Alteration("kept open for HTTP/1.0", "http-1.0", rb"(?i)connection: close\r\n", b"", STAY),

    # Interim answers.
    Alteration("100 that nobody asked for", "answer", rb"\A", b"HTTP/1.1 100 Continue\r\n\r\n"),
    Alteration("103 that nobody asked for", "answer", rb"\A", b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n"),
    Alteration("100 twice", "body-expect", rb"\A", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"),

    Alteration("a length with 100", "body-expect", CONTINUE, rb"\1Content-Length: 0\r\n"),
    Alteration("a folded line with 100", "body-expect", CONTINUE, rb"\1Via: 1.1\r\n a\r\n"),
    Alteration("a space before the colon with 100", "body-expect", CONTINUE, rb"\1Via : 1.1 a\r\n"),
    Alteration("LF alone behind 100", "body-expect", rb"(100 Continue)\r\n\r\n", rb"\1\r\n\n"),

    # Where the server may decide, it may not decide everything.
    Alteration("a refusal with a cookie", "body-cut-off", BEHIND_STATUS_LINE, rb"\1Set-Cookie: a=b\r\n"),
    Alteration("a refusal with the guestbook", "body-cut-off", rb"the body ended before its announced length",
               b"First!, wrote Ada. And nothing else at all"),
    Alteration("a status that is no refusal", "body-cut-off", rb"\AHTTP/1.1 400 Bad Request", b"HTTP/1.1 200 OK"),

    Alteration("half of a head for a refusal", "target-control", rb"\A(HTTP/1.1 4).*", rb"\1", CLOSE),
    Alteration("no HTTP for a refusal", "target-control", rb"\AHTTP/1.1 4.*", b"220 ready\r\n", CLOSE),

    # What the program says.
    Alteration("an event without its end", "events", rb"\}\n\n", b"}\n:"),
    Alteration("no address of the client", "header", rb'"client":"', b'"cli___":"'),
    Alteration("JSON that is none", "header", rb'"connection":\{"', b'"connection":{.'),
    Alteration("two addresses of the client", "told-client", rb'"protocol":"HTTP/1.1"',
               b'"client":"192.0.2.12"'),
    Alteration("another path, where it is not asked for", "told-client", rb"/request/A", b"/request/B"),

    # What nobody has to see.
    Alteration("Server", "answer", TOP, b"Server: another/1.0\r\n",
               right="it says who answered (RFC 9110 section 10.2.4)"),
    Alteration("names in capitals", "answer", rb"(?i)content-type:", b"CONTENT-TYPE:",
               right="names have no case (RFC 9110 section 5.1)"),
    Alteration("no space behind the colon", "answer", rb"(?i)(content-type): ", rb"\1:",
               right="white space around a value is not part of it (RFC 9112 section 5)"),
    Alteration("different fields in another order", "answer", line("Content-Type") + rb"(.*?)\r\n\r\n",
               rb"\3\r\n\1: \2\r\n\r\n", right="their order says nothing (RFC 9110 section 5.3)"),
    Alteration("a list in one line", "fields", line("X-Twice", b"1") + rb"(.*?)" + line("X-Twice", b"2"),
               rb"X-Twice: 1, 2\r\n\3", right="lines of a list may be joined (RFC 9110 section 5.3)"),
    Alteration("a list in one line, without a space", "fields",
               line("X-Twice", b"1") + rb"(.*?)" + line("X-Twice", b"2"),
               rb"X-Twice: 1,2\r\n\3", right="white space around a comma says nothing (RFC 9110 section 5.6.1)"),
    Alteration("a length with a zero before it", "answer", rb"(?i)(content-length): 14", rb"\1: 014",
               right="a length is any number of digits (RFC 9110 section 8.6)"),
    Alteration("a cookie with 100", "body-expect", CONTINUE, rb"\1Set-Cookie: a=b\r\n",
               right="a client throws the fields of a 100 away (RFC 9110 section 15.2.1)"),
    Alteration("Alt-Svc", "answer", TOP, b'Alt-Svc: h3=":443"\r\n',
               right="it says where else the server is reached, and a client may ignore it (RFC 7838 section 2.4)"),
    Alteration("an option that nobody knows", "answer", BEHIND_STATUS_LINE, rb"\1Connection: unheard-of\r\n",
               right="it concerns one connection, and who does not know it ignores it (RFC 9110 section 7.6.1)"),
    Alteration("Keep-Alive", "answer", BEHIND_STATUS_LINE, rb"\1Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n",
               right="it concerns one connection (RFC 9110 section 7.6.1)"),
    Alteration("smaller chunks", "stream", rb"c\r\nline 1 of 3\n\r\n", rb"4\r\nline\r\n8\r\n 1 of 3\n\r\n",
               right="how a body is cut says nothing (RFC 9112 section 7.1)"),
    Alteration("a chunk extension", "stream", rb"\r\n0\r\n", b"\r\n0;a=b\r\n",
               right="who does not know it leaves it out (RFC 9112 section 7.1.1)"),
    Alteration("the end of the connection for its end", "answer", line("Content-Length"), b"Connection: close\r\n",
               CLOSE, "a server may mark the end so (RFC 9112 section 6.3); the behaviour \"length\" looks for it"),
    Alteration("no length with HEAD", "head", line("Content-Length"), b"",
               right="it may be left out (RFC 9110 section 9.3.2); the behaviour \"length\" looks for it"),
    Alteration("a true length with 304", "page", rb"\A(HTTP/1\.1 304 [^\r]*\r\n)",
               rb"\1Content-Length: %d\r\n" % len(PAGE_BODY),
               right="it is that of what GET would have got (RFC 9110 section 8.6)"),
)


def altered(alteration, answer):
    """The bytes of an answer, altered."""
    return re.sub(alteration.old, alteration.new, answer, count=1, flags=re.DOTALL)
