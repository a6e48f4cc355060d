"""The contract: the same request in, the same answer out, to the byte, at every stack.

A case is a short visit: requests, the answers they must get, and what stands in
the guestbook afterwards. Before each case the guestbook holds one entry, `SEED`.
`{mount}` in a request stands for the path of the mount point as visitors see it,
in an answer for the mount point as the program sees it. `{seen}` is the former in an
answer; `{scheme}`, `{port}` and `{protocol}` are what the server is asked with.

Whatever a case is about, its answers are judged byte by byte as well
(`backstage/checking/judging.py`): what no answer may be like, `MANNERS` names once.
"""

import hashlib
import json
import re
import tempfile
from dataclasses import dataclass

from exhibits import guestbook
from exhibits.asking import request

SEED = (1, "1993-12-05T12:00:00Z", "Ada", "First!")
SEED_JSON = '{"id":1,"at":"1993-12-05T12:00:00Z","name":"Ada","message":"First!"}'

PLAIN = {"content-type": "text/plain; charset=utf-8"}
JSON = {"content-type": "application/json"}
FORM = "Content-Type: application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Step:
    """One request and its answer.

    request: bytes, sent as they are; `then` are sent after them, in pieces.
    hang_up: the client closes its side after the last piece.
    status: the status code; 0: no answer, the connection is closed.
    headers: every header field the answer must have, but for the ones nobody compares; Content-Length where
        the body does not tell what it has to be: with HEAD and 304. A value is a text, a list of texts, a compiled
        pattern, or a function that is asked whether this (None: no such field) will do.
    body: bytes, or a compiled pattern the whole body must match.
    own: statuses by which the server may refuse by itself, before the program is asked or instead of it: then it is
        an answer of its own, which has nothing of the program's.
    continued: "100 Continue" must have come before.
    reason: the reason phrase, where it has to be a certain one.
    upgrade_option: the connection option that goes with Upgrade must be there.
    """

    request: bytes
    status: int
    headers: dict[str, str | list[str]]
    body: bytes | re.Pattern = b""
    own: tuple[int, ...] = ()
    then: tuple[bytes, ...] = ()
    hang_up: bool = False
    continued: bool = False
    reason: str = ""
    upgrade_option: bool = False


@dataclass(frozen=True)
class Case:
    """name: unique; shows: what it shows, and where that is laid down; stored: (name, message) of new entries.

    mounted: it makes sense under a mount point only, and only where visitors see that.
    kept: it needs a connection that is kept; where the server closes it after each answer, it cannot be tested.
    pipelined: all its requests are sent at once.
    plain: it is about the bytes of HTTP/1.1, and makes no sense where visitors speak anything else.
    reasons: it is about reason phrases, and makes no sense where the interface carries none.
    variables: it is about the variables of CGI, which WSGI has, too.
    """

    name: str
    shows: str
    steps: tuple[Step, ...]
    stored: tuple[tuple[str, str], ...] = ()
    mounted: bool = False
    kept: bool = False
    pipelined: bool = False
    plain: bool = False
    reasons: bool = False
    variables: bool = False

    @property
    def needs_store(self):
        """Whether it needs to know what stands in the guestbook."""
        return bool(self.stored) or any(OF_THE_STORE.match(step.request) for step in self.steps)


OF_THE_STORE = re.compile(rb"\w+ \{mount\}/(entries|events)?[/? ]")


# ---------------------------------------------------------------- shorthands


def get(path, *headers, **more):
    return request("GET", "{mount}" + path, *headers, **more)


def post(path, body, *headers, method="POST", **more):
    return request(method, "{mount}" + path, *headers, body=body, **more)


def plain(sent, text, status=200, headers=None, **more):
    return Step(sent, status, {**PLAIN, **(headers or {})}, text.encode(), **more)


def as_json(sent, value, status=200, headers=None, **more):
    return Step(sent, status, {**JSON, **(headers or {})}, json_of(value), **more)


def json_of(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# What `/request` says of a connection, in this order: each a text, a number or nothing.
CONNECTION = dict.fromkeys(("client", "server", "port", "protocol", "target"), rb'(?:null|\d+|"(?:[^"\\{}]|\\.)*")')


def connection(**known):
    """The pattern (bytes) of all that it says; known: patterns of what it must say. Not all tell a coding."""
    pairs = [b'"%b":%b' % (what.encode(), value) for what, value in {**CONNECTION, **known}.items()]
    coding = b"" if "coding" in known else b'(?:,"coding":(?:null|"[^"]*"))?'
    return rb"\{%b%b\}" % (b",".join(pairs), coding)


ANY_CONNECTION = connection()
ANY_FIELDS = rb'\{(?:"[^"\\]*":"(?:[^"\\]|\\.)*",?)*\}'


def told(sent, method="GET", path="/request", query="", own=(), connected=ANY_CONNECTION, **headers):
    """The answer of /request to a request with these header fields (x_mood="…" is X-Mood), of whatever connection.

    Where it is about the connection, whatever the fields are: they have cases of their own.
    """
    fields = {name.replace("_", "-"): value for name, value in {"host": "localhost", **headers}.items()}
    value = json_of({
        "method": method, "path": path, "query": query, "mount": "{mount}", "scheme": "{scheme}",
        "headers": dict(sorted(fields.items())) if connected is ANY_CONNECTION else "{fields}", "connection": "{any}",
    })
    pattern = re.sub(rb"\\\{(\w+)\\\}", rb"{\1}", re.escape(value))
    pattern = pattern.replace(b'"{any}"', connected).replace(b'"{fields}"', ANY_FIELDS)
    return Step(sent, 200, JSON, re.compile(pattern), own)


def connected(what, *values):
    """The answer of /request where this is what it says of the connection: one of the patterns."""
    right = f"(?:{'|'.join(values)})".encode()
    return told(get("/request/%41?q=%20"), path="/request/A", query="q=%20", connected=connection(**{what: right}))


def refused(sent, status, reason, sentence, headers=None, **more):
    return plain(sent, f"{status} {reason}: {sentence}\n", status, headers, **more)


def stranger(sent, **more):
    """The answer where the Host field has a name that is not served."""
    return refused(sent, 421, "Misdirected Request",
                   "this name is not served here; to allow it, start the exhibit with --allow-host NAME", **more)


def cut_off(sent):
    """The answer where the visitor breaks off; nobody may be there to read it."""
    return refused(sent, 400, "Bad Request", "the body ended before its announced length", own=(0, 400, 408),
                   hang_up=True)


def foreign(sent):
    """The answer where a page of another origin sends something."""
    return refused(sent, 403, "Forbidden", "a page from elsewhere sent this, and only the exhibit's own pages may")


def signed(sent, name, visits):
    """The answer to a form that was accepted: name is the cookie's value."""
    return plain(sent, "Thank you for signing.\n", 303, {
        "location": "./", "set-cookie": [f"name={name}; SameSite=Lax", f"visits={visits}; SameSite=Lax"],
    })


def digest(data):
    return {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def chunked(*chunks):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


CHUNKED = "Transfer-Encoding: chunked"
BYTES = bytes(range(256))
LARGE = b"0123456789" * 7000
HUGE = b"x" * 1_200_000
ALLOW_ENTRIES = {"allow": "GET, HEAD, OPTIONS, POST"}
NOTHING = "there is nothing here"
HTML = "text/html; charset=utf-8"
BROWSER = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
GATEWAY = re.compile(rb"""(?x) (?!.*QWxhZGRpb)
    \{"stack":"[^"]*","server":"[^"]*","interface":"(CGI|WSGI|ASGI|RSGI)[^"]*",
    "live":"(websocket|events|entries)","holds":"[^"]+","python":"3[^"]*","process":[1-9][0-9]*,"thread":"[^"]+",
    "given":\[(\["[^"]+","([^"\\]|\\.)*"\],?)+\],"doors":\[(\{"stack":"[^"]+","url":"[^"]+"\},?)*\]\}""")

def seed(path):
    """Make the guestbook in this SQLite file hold `SEED` and nothing else; return its store."""
    store = guestbook.Store(path)
    store.execute("DELETE FROM entries")
    store.execute("DELETE FROM sqlite_sequence")
    store.execute("INSERT INTO entries (id, at, name, message) VALUES (?, ?, ?, ?)", *SEED)
    return store


def page():
    """The page as the guestbook makes it, no gateway involved: its ETag and Cache-Control, and its bytes."""
    asked = guestbook.Request("GET", "/", "", lambda: [], "", "http")
    with tempfile.TemporaryDirectory() as folder:
        answer = guestbook.respond(asked, seed(f"{folder}/guestbook.sqlite3"))
    return {name.lower(): value for name, value in answer.headers[1:3]}, answer.body


PAGE, PAGE_BODY = page()
NEXT = plain(get("/hello?name=next"), "Hello, next!\n")
MANNERS = "answer"  # the case that is not kept where the least of all answers has a fault, whatever else is asked

# ---------------------------------------------------------------- the cases

CASES = (
    # What no answer may be like.
    Case("answer", "HTTP/1.1, one Date that is now, no header twice that has one value, no interim response that "
         "nobody asked for, no trailer, nothing after the end, and the connection as announced (RFC 9112)",
         (plain(get("/hello"), "Hello, World!\n"),)),

    # The request line.
    Case("hello", "the smallest response", (plain(get("/hello"), "Hello, World!\n"),)),
    Case("hello-name", "a query parameter", (plain(get("/hello?name=Ada"), "Hello, Ada!\n"),)),
    Case("hello-utf8", "percent-encoded UTF-8 and + in a query (URL standard, application/x-www-form-urlencoded)",
         (plain(get("/hello?name=J%C3%BCrgen+M%26M"), "Hello, Jürgen M&M!\n"),)),
    Case("hello-broken-utf8", "a query that is not UTF-8 is the client's mistake, not a crash",
         (refused(get("/hello?name=%FF"), 400, "Bad Request", "a field is not UTF-8"),)),
    Case("http-1.0", "HTTP/1.0 needs no Host (RFC 9112 section 3.2)",
         (plain(get("/hello", version="1.0"), "Hello, World!\n"),)),
    Case("path-utf8", "a path is percent-decoded, and its bytes are UTF-8 (PEP 3333, Unicode Issues)",
         (told(get("/request/caf%C3%A9"), path="/request/café"),)),
    Case("path-decoded-once", "%25 is a percent sign, and what follows it is text (RFC 3986 section 2.4)",
         (told(get("/request/100%2525"), path="/request/100%25"),)),
    Case("path-encoded-slash", "%2F becomes a slash like any other (RFC 3875 section 4.1.5)",
         (told(get("/request/a%2Fb"), path="/request/a/b"),)),
    Case("path-encoded-question-mark", "%3F belongs to the path, the query begins at the first ?",
         (told(get("/request/a%3Fb?c"), path="/request/a?b", query="c"),)),
    Case("path-space-and-plus", "%20 is a space, + is itself in a path (RFC 3986 section 3.3)",
         (told(get("/request/a%20b+c"), path="/request/a b+c"),)),
    Case("path-punctuation", "what RFC 3986 section 3.3 allows in a path arrives as it is",
         (told(get("/request/~a!$&'()*,;=:@-._"), path="/request/~a!$&'()*,;=:@-._"),)),
    Case("path-double-slash", "an empty segment is a segment (RFC 3986 section 3.3)",
         (told(get("/request//b"), path="/request//b"),)),
    Case("path-broken-utf8", "bytes that are not UTF-8 get a clear response",
         (refused(get("/request/%FF%FE"), 400, "Bad Request", "the path is not UTF-8"),)),
    Case("path-line-break", "CR LF in a path never becomes a header (CVE-2019-11043 began this way)",
         (told(get("/request/a%0D%0Ab"), path="/request/a\r\nb"),)),
    Case("path-nul", "%00 is a NUL in the path, or refused: an environment variable cannot hold one",
         (told(get("/request/a%00b"), path="/request/a\0b", own=(400, 404)),)),
    Case("path-control", "%01 and %7F are ordinary characters in a path",
         (told(get("/request/a%01%7Fb"), path="/request/a\x01\x7fb"),)),
    Case("target-control", "a target with a raw control character is invalid: 400 (RFC 9112 section 3.2)",
         tuple(Step(get(f"/request/a{character}b"), 0, {}, own=(400,)) for character in "\0\x01\x7f"), plain=True),
    Case("target-absolute", "an absolute URL as the target, which every server accepts (RFC 9112 section 3.2.2)",
         (told(request("GET", "http://localhost{mount}/request?a=b"), query="a=b"),), plain=True),
    Case("target-absolute-host", "its host counts, not the Host header (RFC 9112 section 3.2.2)",
         (plain(request("GET", "http://localhost{mount}/hello", host="museum.test"), "Hello, World!\n"),
          stranger(request("GET", "http://museum.test{mount}/hello"))), plain=True),
    Case("pipelined", "three requests sent together are answered one after the other (RFC 9112 section 9.3.2)",
         (plain(get("/hello?name=one"), "Hello, one!\n"), plain(get("/hello?name=two"), "Hello, two!\n"), NEXT),
         kept=True, pipelined=True, plain=True),
    Case("query-raw", "the query string is passed on as it was sent (RFC 3875 section 4.1.7)",
         (told(get("/request?a=%C3%A9&b=+%2B&c"), query="a=%C3%A9&b=+%2B&c"),)),
    Case("query-empty", "an empty query is no query (RFC 3875 section 4.1.7)", (told(get("/request?"), query=""),)),
    Case("not-found", "an unknown path", (refused(get("/nowhere"), 404, "Not Found", NOTHING),)),

    # Methods.
    Case("head", "HEAD: the headers of GET without its body (RFC 9110 section 9.3.2)",
         (Step(request("HEAD", "{mount}/hello"), 200, {**PLAIN, "content-length": "14"}),)),
    Case("head-keeps-step", "after HEAD, the next request gets its own response",
         (Step(request("HEAD", "{mount}/hello"), 200, {**PLAIN, "content-length": "14"}), NEXT), kept=True),
    Case("head-not-found", "errors have no body with HEAD, either",
         (Step(request("HEAD", "{mount}/nowhere"), 404, {**PLAIN, "content-length": "37"}),)),
    Case("head-stream", "a streamed response to HEAD",
         (Step(request("HEAD", "{mount}/stream"), 200, {**PLAIN, "cache-control": "no-store"}),)),
    Case("options", "OPTIONS says what a resource allows (RFC 9110 section 9.3.7)",
         (Step(request("OPTIONS", "{mount}/entries"), 204, ALLOW_ENTRIES),)),
    Case("method-not-allowed", "405 with Allow (RFC 9110 section 15.5.6)",
         (refused(request("DELETE", "{mount}/entries"), 405, "Method Not Allowed", "not with this method",
                  ALLOW_ENTRIES),)),
    Case("method-unheard-of", "an unknown method is for the program to refuse (RFC 3875 section 4.1.12)",
         (refused(request("BREW", "{mount}/hello"), 405, "Method Not Allowed", "not with this method",
                  {"allow": "GET, HEAD, OPTIONS"}),)),
    Case("method-told", "POST reaches the program as POST",
         (told(post("/request", b"x", "Content-Type: text/plain"), "POST", content_type="text/plain"),)),

    # Header fields.
    Case("header", "a custom header", (told(get("/request", "X-Mood: fine"), x_mood="fine"),)),
    Case("header-repeated", "repeated fields keep all their values, in order (RFC 9110 section 5.3)",
         (told(get("/request", "X-D: 1", "Accept: */*", "X-D: 2"), accept="*/*", x_d="1, 2"),)),
    Case("header-spaces", "white space around a value is not part of it (RFC 9110 section 5.5)",
         (told(get("/request", "X-W: \t a  b\t "), x_w="a  b"),)),
    Case("header-empty", "an empty value is a value", (told(get("/request", "X-Empty:"), x_empty=""),)),
    Case("header-latin-1", "bytes above 127 pass through (obs-text, RFC 9110 section 5.5)",
         (told(get("/request", "X-L: caf\xe9"), x_l="caf\xe9"),)),
    Case("header-underscore", "X_Mood must not pass for X-Mood: both would be HTTP_X_MOOD",
         (told(get("/request", "X_Mood: forged", "X-Mood: fine"), x_mood="fine"),)),
    Case("header-proxy", "Proxy must not become HTTP_PROXY, a setting of the process (httpoxy, CVE-2016-1000110)",
         (told(get("/request", "Proxy: http://evil.test/")),)),
    Case("header-authorization", "credentials are not told to everybody (RFC 3875 section 4.1.18)",
         (told(get("/request", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),)),
    Case("header-forwarded", "what an untrusted client says of a proxy does not change the scheme",
         (told(get("/request", "X-Forwarded-Proto: https")),
          told(get("/request", "X-Forwarded-Ssl: on", "X-Forwarded-Host: evil.test", "Forwarded: proto=https")))),
    Case("header-long", "a field of 5,000 bytes fits every gateway's buffer",
         (told(get("/request", "X-Long: " + "a" * 5000), x_long="a" * 5000),)),
    Case("cookies", "cookies are parsed, names and values",
         (as_json(get("/cookies", "Cookie: a=1; b=J%C3%BCrgen"), {"a": "1", "b": "Jürgen"}),)),
    Case("cookies-repeated", "two Cookie fields are one list (RFC 9113 section 8.2.3)",
         (as_json(get("/cookies", "Cookie: a=1", "Cookie: b=2"), {"a": "1", "b": "2"}),)),
    Case("cookies-none", "no cookies", (as_json(get("/cookies"), {}),)),

    # What the gateway says of the connection.
    Case("told-client", "the network address of the client (RFC 3875 section 4.1.8)",
         (connected("client", '"127.0.0.1"'),)),
    Case("told-server", "the requested host, by name or address (RFC 3875 section 4.1.14)",
         (connected("server", '"localhost"', '"127.0.0.1"'),)),
    Case("told-port", "the port that the request came to (RFC 3875 section 4.1.15)",
         (connected("port", "{port}"),)),
    Case("told-protocol", "the protocol and its version (RFC 3875 section 4.1.16)",
         (connected("protocol", '"{protocol}"', '"{protocol}[.]0"'),)),
    Case("told-target", "the target as it was sent, nothing decoded (REQUEST_URI, by convention; raw_path in ASGI)",
         (connected("target", '"({seen}|{mount})/request/%41\\?q=%20"'),)),

    Case("told-coding", "a server that decodes the body no longer names the coding (RFC 3875 section 4.2)",
         (told(post("/request", chunked(b"abc"), CHUNKED), "POST", connected=connection(coding=b'(?:null|"")')),),
         variables=True),

    # Bodies.
    Case("echo", "a body with a length comes back, with its type",
         (Step(post("/echo", "Grüße".encode(), "Content-Type: text/x-greeting"), 200,
               {"content-type": "text/x-greeting"}, "Grüße".encode()),)),
    Case("echo-bytes", "all 256 bytes pass, and PUT works like POST",
         (Step(post("/echo", BYTES, "Content-Type: application/octet-stream", method="PUT"), 200,
               {"content-type": "application/octet-stream"}, BYTES),)),
    Case("body-empty", "Content-Length: 0", (as_json(post("/digest", b"", "Content-Length: 0"), digest(b"")),)),
    Case("body-none", "POST with no body at all (RFC 9112 section 6.3)",
         (as_json(post("/digest", b""), digest(b"")),)),
    Case("body-chunked", "a chunked body arrives whole: the gateway removes the coding (RFC 3875 section 4.2)",
         (as_json(post("/digest", chunked(b"abc", b"de"), CHUNKED), digest(b"abcde")),)),
    Case("body-in-pieces", "a body that arrives in three writes",
         (as_json(post("/digest", b"abc", "Content-Length: 9"), digest(b"abcdefghi"), then=(b"def", b"ghi")),)),
    Case("body-70000", "a body longer than a FastCGI record can be (65,535 bytes, FastCGI section 3.3)",
         (as_json(post("/digest", LARGE), digest(LARGE)),)),
    Case("body-70000-echo", "a body longer than a FastCGI record, on the way back",
         (Step(post("/echo", LARGE, "Content-Type: text/plain"), 200, {"content-type": "text/plain"}, LARGE),)),
    Case("body-1200000", "a body longer than nginx allows by default (client_max_body_size)",
         (as_json(post("/digest", HUGE), digest(HUGE)),)),
    Case("body-too-large", "over the program's limit: 413 (RFC 9110 section 15.5.14), and nothing is stored",
         (refused(post("/entries", b"name=a&message=" + HUGE, FORM), 413, "Content Too Large",
                  "the body is longer than 1048576 bytes"),)),
    Case("body-too-large-chunked", "a body that is too large, with no length announced",
         (refused(post("/entries", chunked(b"name=a&message=", HUGE), FORM, CHUNKED), 413, "Content Too Large",
                  "the body is longer than 1048576 bytes"),)),
    Case("body-cut-off", "a client that breaks off half-way has not signed (RFC 9112 section 8)",
         (cut_off(post("/entries", b"name=Eve&message=b", FORM, "Content-Length: 50")),)),
    Case("body-cut-off-chunked", "a client that breaks off a chunked body before its last chunk has not signed",
         (cut_off(post("/entries", b"12\r\nname=Eve&message=b\r\n", FORM, CHUNKED)),)),
    Case("body-expect", "Expect: 100-continue is answered before the body is sent (RFC 9110 section 10.1.1)",
         (as_json(post("/digest", b"", "Content-Length: 5", "Expect: 100-continue"), digest(b"hello"),
                  then=(b"hello",), continued=True),)),
    Case("body-then-next", "two requests with bodies over one connection, where it is kept",
         (as_json(post("/digest", b"one"), digest(b"one")), as_json(post("/digest", b"two"), digest(b"two"))),
         kept=True),
    Case("body-then-rest", "what follows a body is the next request, sent together or not",
         (as_json(post("/digest", b"one"), digest(b"one")), NEXT), kept=True, pipelined=True, plain=True),
    Case("body-unread", "an unwanted body does not disturb the next request",
         (plain(get("/hello", "Content-Length: 4", body=b"body"), "Hello, World!\n"), NEXT), kept=True),

    # The guestbook.
    Case("page", "the page, its ETag, and 304 to a client that has it (RFC 9110 section 13.1.2)",
         (Step(get("/"), 200, {**PAGE, "content-type": HTML}, PAGE_BODY),
          Step(get("/", f"If-None-Match: \"old\", W/{PAGE['etag']}"), 304,
               {**PAGE, "content-length": str(len(PAGE_BODY))}))),
    Case("gateway", "what the gateway said: the same names at every stage, and no secrets of the client",
         (Step(get("/gateway", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Cookie: a=QWxhZGRpbg"), 200,
               {**JSON, "cache-control": "no-store"}, GATEWAY),)),
    Case("sign-form", "a form: 303 and two Set-Cookie headers that stay two (RFC 6265 section 3)",
         (signed(post("/entries", b"name=Ada+L.&message=Hi%21", FORM), "Ada%20L.", 1),
          signed(post("/entries", b"name=Ada+L.&message=Again", FORM, "Cookie: visits=1"), "Ada%20L.", 2)),
         stored=(("Ada L.", "Hi!"), ("Ada L.", "Again"))),
    Case("sign-json", "an entry as JSON: 201 and the address of the entry (RFC 9110 section 15.3.2)",
         (as_json(post("/entries", '{"name":"Jürgen","message":"Grüße"}'.encode(), "Content-Type: application/json"),
                  {"id": 2}, 201, {"location": "entries/2"}),
          Step(get("/entries/2"), 200, JSON,
               re.compile('{"id":2,"at":"[-0-9]{10}T[:0-9]{8}Z","name":"Jürgen","message":"Grüße"}'.encode()))),
         stored=(("Jürgen", "Grüße"),)),
    Case("sign-chunked", "a chunked form",
         (signed(post("/entries", chunked(b"name=Ada&mess", b"age=Hi"), FORM, CHUNKED), "Ada", 1),),
         stored=(("Ada", "Hi"),)),
    Case("sign-line-break", "CR LF in a name is text, and never a header",
         (refused(post("/entries", b"name=a%0D%0ASet-Cookie:+b=1%0D&message=x", FORM), 422, "Unprocessable Content",
                  "the name holds a control character"),)),
    Case("sign-markup", "markup is shown, never run",
         (signed(post("/entries", b"name=%3Cb%3E&message=%3Cscript%3Ealert%281%29%3C%2Fscript%3E", FORM),
                 "%3Cb%3E", 1),
          Step(get("/"), 200, {"content-type": HTML, "cache-control": "no-cache",
                               "etag": re.compile('"[0-9a-f]{32}"')},
               re.compile(rb"(?s)(?!.*<script>alert).*&lt;script&gt;alert\(1\)&lt;/script&gt;.*&lt;b&gt;.*"))),
         stored=(("<b>", "<script>alert(1)</script>"),)),
    Case("sign-empty", "an empty name is not one",
         (refused(post("/entries", b"name=++&message=x", FORM), 422, "Unprocessable Content",
                  "the name is empty"),)),
    Case("sign-refused-html", "a refused form from a browser: the page again, with the sentence and the input",
         (Step(post("/entries", b"name=+&message=%3Cb%3E+%22Hi%22+%26+%27so%27%0D%0Aon", FORM, BROWSER), 422,
               {"content-type": HTML},
               re.compile(rb"(?s).*<input name=\"name\" value=\" \" .*>\n"
                          rb"&lt;b&gt; &quot;Hi&quot; &amp; &#39;so&#39;\r\non</textarea>"
                          rb".* role=\"alert\">the name is empty</p>.*<li id=\"entry-1\">.*")),)),
    Case("sign-refused-plain", "other clients get only the sentence, also those that accept anything",
         (refused(post("/entries", b"name=+&message=x", FORM, "Accept: */*"), 422, "Unprocessable Content",
                  "the name is empty"),)),
    Case("sign-too-long", "a name of 81 characters",
         (refused(post("/entries", b"message=x&name=" + b"%C3%A9" * 81, FORM), 422, "Unprocessable Content",
                  "the name is longer than 80 characters"),)),
    Case("sign-wrong-type", "415 for what the guestbook cannot read (RFC 9110 section 15.5.16)",
         (refused(post("/entries", b"name=a&message=b", "Content-Type: text/plain"), 415, "Unsupported Media Type",
                  "send a form or JSON",
                  {"accept-post": "application/x-www-form-urlencoded, application/json"}),)),
    Case("sign-broken-json", "broken JSON",
         (refused(post("/entries", b'{"name":', "Content-Type: application/json"), 400, "Bad Request",
                  "the body is not JSON"),)),
    Case("sign-json-numbers", "JSON of the wrong shape",
         (refused(post("/entries", b'{"name":1,"message":"x"}', "Content-Type: application/json"), 422,
                  "Unprocessable Content", "the name is not a text"),)),
    Case("entries", "the entries as JSON",
         (Step(get("/entries"), 200, JSON, f"[{SEED_JSON}]".encode()),
          Step(get("/entries?limit=0"), 200, JSON, b"[]"))),
    Case("entries-limit", "a limit that is not a number",
         (refused(get("/entries?limit=many"), 400, "Bad Request", "limit is a whole number from 0 to 1000"),)),
    Case("entry", "one entry", (Step(get("/entries/1"), 200, JSON, SEED_JSON.encode()),
                                refused(get("/entries/2"), 404, "Not Found", "no such entry"))),

    # Strangers: web pages from elsewhere, in the browser of whoever visits.
    Case("host-port", "its own name with a port, in any case (RFC 9110 section 4.2.3)",
         (plain(get("/hello", host="localhost:8000"), "Hello, World!\n"),
          plain(get("/hello", host="LocalHost.:8000"), "Hello, World!\n"))),
    Case("host-address", "its own address, in both families",
         (plain(get("/hello", host="127.0.0.1:8000"), "Hello, World!\n"),
          plain(get("/hello", host="[::1]:8000"), "Hello, World!\n"))),
    Case("host-foreign", "a foreign name gets 421 (RFC 9110 section 15.5.20): it may be made to mean 127.0.0.1",
         (stranger(get("/entries", host="museum.test")), stranger(get("/nowhere", host="museum.test:8000")))),
    Case("host-foreign-page", "a page with such a name is of the same origin, and still cannot sign",
         (stranger(post("/entries", b"name=Eve&message=x", FORM, "Origin: http://museum.test",
                        "Sec-Fetch-Site: same-origin", host="museum.test")),)),
    Case("host-lookalike", "a name that begins as its own does",
         (stranger(get("/hello", host="localhost.museum.test")),
          stranger(get("/hello", host="127.0.0.1.museum.test")))),
    Case("host-malformed", "a Host that is not a name and a port (RFC 9112 section 3.2)",
         (stranger(get("/hello", host="localhost@museum.test"), own=(400,)),
          stranger(get("/hello", host="localhost:80@museum.test"), own=(400,)),
          stranger(get("/hello", host="localhost, museum.test"), own=(400,)))),
    Case("origin-own", "a form of the guestbook's own page",
         (signed(post("/entries", b"name=Ada&message=Hi", FORM, "Origin: http://localhost:8000",
                      "Sec-Fetch-Site: same-origin", host="localhost:8000"), "Ada", 1),
          signed(post("/entries", b"name=Ada&message=Again", FORM, "Origin: http://localhost"), "Ada", 1)),
         stored=(("Ada", "Hi"), ("Ada", "Again"))),
    Case("origin-foreign", "a form on somebody else's page, by any method that may change something: 403",
         (foreign(post("/entries", b"name=Eve&message=x", FORM, "Origin: http://museum.test")),
          foreign(post("/echo", b"x", "Content-Type: text/plain", "Origin: http://museum.test", method="PUT")))),
    Case("origin-port", "a page at another port of localhost is of another origin (RFC 6454 section 4)",
         (foreign(post("/entries", b"name=Eve&message=x", FORM, "Origin: http://localhost:9000",
                       host="localhost:8000")),)),
    Case("origin-null", "a page that hides its origin",
         (foreign(post("/entries", b"name=Eve&message=x", FORM, "Origin: null")),)),
    Case("fetch-site", "what the browser says of the page (Fetch Metadata), if it sends no Origin",
         (foreign(post("/entries", b"name=Eve&message=x", FORM, "Sec-Fetch-Site: cross-site")),
          foreign(post("/entries", b"name=Eve&message=x", FORM, "Sec-Fetch-Site: same-site")))),
    Case("origin-reads", "no header of the response lets a page of another origin read it (Fetch standard, CORS)",
         (plain(get("/hello", "Origin: http://museum.test"), "Hello, World!\n"),)),
    Case("fetch-dest", "a page from elsewhere may only link here: no frame, no fetch (Fetch Metadata)",
         (plain(get("/hello", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document"), "Hello, World!\n"),
          foreign(get("/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: iframe")),
          foreign(get("/entries", "Sec-Fetch-Site: same-site", "Sec-Fetch-Dest: empty")))),

    # Answers.
    Case("status-204", "204 has neither body nor length (RFC 9110 section 8.6)", (Step(get("/status/204"), 204, {}),)),
    Case("status-204-keeps-step", "after it, the next request gets its own response",
         (Step(get("/status/204"), 204, {}), NEXT), kept=True),
    Case("status-304", "304 has no body, and no length but that of the body it saves (RFC 9110 sections 8.6, 15.4.5)",
         (Step(get("/status/304"), 304, {}),)),
    Case("status-304-keeps-step", "after it, the next request gets its own response",
         (Step(get("/status/304"), 304, {}), NEXT), kept=True),
    # A program need not know what HTTP forbids; the server has to.
    Case("raw-head", "a program sends a body with HEAD: it does not reach the client (RFC 9110 section 9.3.2)",
         (Step(request("HEAD", "{mount}/raw/200"), 200, {**PLAIN, "content-length": "4"}), NEXT)),
    Case("raw-204", "a program's body and length with 204 do not reach the client (RFC 9110 sections 8.6, 15.3.5)",
         (Step(get("/raw/204"), 204, {}), NEXT)),
    Case("raw-304", "a program sends a body with 304: it does not reach the client (RFC 9110 section 15.4.5)",
         (Step(get("/raw/304"), 304, {"content-length": "4"}), NEXT)),
    Case("fields", "headers of a response that are repeated, empty, or not ASCII (RFC 9110 section 5)",
         (Step(get("/fields"), 200, {**PLAIN, "x-twice": "1, 2", "x-empty": "", "x-latin": "caf\xe9"}, b"fields\n"),)),
    Case("status-418", "a status of 1998", (plain(get("/status/418"), "418 I'm a Teapot\n", 418),)),
    Case("status-reason", "the reason phrase is the program's (RFC 3875 section 6.3.3, PEP 3333)",
         (plain(get("/status/418"), "418 I'm a Teapot\n", 418, reason="I'm a Teapot"),
          plain(get("/status/599"), "599 Unknown\n", 599, reason="Unknown")), reasons=True),
    Case("status-503", "a server error of the program's own",
         (plain(get("/status/503"), "503 Service Unavailable\n", 503),)),
    Case("status-599", "a status without a name", (plain(get("/status/599"), "599 Unknown\n", 599),)),
    Case("crash", "the program raises: 500 and one line, and the next client is served",
         (refused(get("/crash"), 500, "Internal Server Error",
                  "the program raised an exception, its log has the traceback"), NEXT)),
    Case("crash-head", "a program that raises with HEAD: no body",
         (Step(request("HEAD", "{mount}/crash"), 500, {**PLAIN, "content-length": "86"}),)),
    Case("stream", "a response in three parts",
         (Step(get("/stream?n=3&delay=0.01"), 200, {**PLAIN, "cache-control": "no-store"},
               b"line 1 of 3\nline 2 of 3\nline 3 of 3\n"),)),
    Case("slow", "a response that waits",
         (Step(get("/slow?seconds=0.05"), 200, PLAIN, b"waited 0.05 s\n"),)),
    Case("slow-limit", "no request may wait for longer than 10 s",
         (refused(get("/slow?seconds=11"), 400, "Bad Request", "seconds is a number of seconds from 0 to 10"),)),
    Case("events", "entries as server-sent events, from the one after the last seen",
         (Step(get("/events?limit=1", "Last-Event-ID: 0"), 200,
               {"content-type": "text/event-stream", "cache-control": "no-store"},
               f": the guestbook\n\nid: 1\ndata: {SEED_JSON}\n\n".encode()),)),
    Case("live-plain", "a request for the WebSocket without an upgrade: 426 (RFC 9110 section 15.5.22)",
         (refused(get("/live"), 426, "Upgrade Required", "this is a WebSocket: ask for an upgrade",
                  {"upgrade": "websocket"}),)),
    Case("live-option", "Upgrade concerns the connection, and Connection says so (RFC 9110 section 7.8)",
         (refused(get("/live"), 426, "Upgrade Required", "this is a WebSocket: ask for an upgrade",
                  {"upgrade": "websocket"}, upgrade_option=True),), plain=True),
    Case("mount-without-slash", "the mount point itself: relative links would miss without its slash",
         (Step(get(""), 308, {"location": "{mount}/", "content-type": re.compile("text/.*")}, re.compile(rb"(?s).+")),),
         mounted=True),
)

# What one answer cannot show, held by tests/test_behaviour.py: each name with what it shows.
BEHAVIOURS = {
    "length": "the length that the program announces arrives, with HEAD too",
    "address": "the program learns client address, name and port from the server, not from what a client claims",
    "streams": "a streamed line arrives before the next one is made",
    "together": "requests that wait do not wait for each other",
    "leaves": "a client that disconnects ends its response",
    "crash-log": "a crash is for the log only",
    "event-live": "a new entry is a server-sent event",
    "live": "WebSocket clients see each other's entries; without WebSocket, asking for an upgrade changes nothing",
    "live-foreign": "a WebSocket is refused to pages from elsewhere, before it opens",
}
