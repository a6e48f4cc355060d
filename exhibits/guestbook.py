"""The guestbook: the one program that every stage of the museum serves.

It knows no gateway. A room turns what its gateway hands over into a `Request`,
calls `respond`, and writes the `Response` back in its own way. What differs
between two rooms is therefore the gateway, and nothing else.

Nothing is imported here at the top: the CGI stage starts a new Python for
every request, and pays for each import every time. A route imports what it
needs when it is asked for.
"""

LIMIT = 1 << 20  # bytes of a request body that are kept; `/digest` keeps none and has no limit
LONGEST = {"name": 80, "message": 1000}  # characters, after the spaces around them are gone


class Request:
    """A request, as every gateway can tell it.

    method: the method, as sent ("GET").
    path: below the mount point, percent-decoded once; U+FFFD where it was not UTF-8.
    query: the query string, still encoded, without "?".
    headers: a function of no arguments that returns (name, value) pairs, names
        in lower case, values decoded as latin-1. Asked only where a route needs them.
    mount: the path the program is mounted at ("" or "/museum"):
        SCRIPT_NAME in CGI and WSGI, root_path in ASGI.
    scheme: "http" or "https".
    """

    __slots__ = ("method", "path", "query", "headers", "mount", "scheme", "body", "length", "sha256")

    def __init__(self, method, path, query, headers, mount, scheme):
        self.method, self.path, self.query = method, path, query
        self.headers, self.mount, self.scheme = headers, mount, scheme
        self.body = b""
        self.length = 0
        self.sha256 = None

    def feed(self, chunk):
        """Take the next piece (bytes) of the body.

        Past `LIMIT` it is counted and dropped, so that memory stays bounded and
        a client in the middle of its upload still gets to read the answer.
        """
        self.length += len(chunk)
        if self.path == "/digest":
            if self.sha256 is None:
                from hashlib import sha256

                self.sha256 = sha256()
            self.sha256.update(chunk)
        elif self.length <= LIMIT:
            self.body += chunk

    def header(self, name):
        """All values of one header field, joined as RFC 9110 section 5.3 allows, or ""."""
        return ", ".join(value for key, value in self.headers() if key == name)


class Response:
    """An answer: status (int), headers (list of (name, value)) and body.

    body is bytes, or an iterator of steps: bytes to send now, or a `Wait`.
    """

    __slots__ = ("status", "headers", "body")

    def __init__(self, status, headers, body=b""):
        self.status, self.headers, self.body = status, headers, body


class Wait(float):
    """A step of an answer: do nothing for so many seconds, in the stage's own way."""


class Refused(Exception):
    """The request cannot be served: a status, a sentence for a person, header fields."""

    def __init__(self, status, sentence, *headers):
        super().__init__(status, sentence)
        self.status, self.sentence, self.headers = status, sentence, headers

    def response(self):
        body = f"{self.status} {reason(self.status)}: {self.sentence}\n"
        return Response(self.status, [PLAIN, *self.headers], body.encode())


class Store:
    """The entries, in one SQLite file that all stages share.

    Nothing is opened until it is needed, so a server may load the program
    first and fork afterwards: an SQLite connection must not cross a fork.
    """

    def __init__(self, path):
        self.path, self.connection = path, None

    def execute(self, sql, *values):
        """Run one statement as one transaction; return its rows.

        An INSERT that has returned is in the file: it outlives the process.
        """
        if self.connection is None:
            self.connection = self.connect()
        return self.connection.execute(sql, values).fetchall()

    def connect(self):
        import sqlite3

        # One connection for all threads is safe here: SQLite is built to
        # serialise calls, and in autocommit no transaction spans two of them.
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        if db.execute("PRAGMA user_version").fetchone() == (0,):
            db.execute("PRAGMA journal_mode = WAL")  # readers never block the writer
            # AUTOINCREMENT: an id is never used again, not even after a deletion.
            db.execute(
                "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY AUTOINCREMENT, "
                "at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), "
                "name TEXT NOT NULL, message TEXT NOT NULL)"
            )
            db.execute("PRAGMA user_version = 1")
        return db

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def sign(self, name, message):
        """Add an entry; return its id."""
        return self.execute("INSERT INTO entries (name, message) VALUES (?, ?) RETURNING id", name, message)[0][0]

    def latest(self):
        """The id of the newest entry, 0 where there is none."""
        return self.execute("SELECT coalesce(max(id), 0) FROM entries")[0][0]

    def newest(self, limit):
        """(id, at, name, message) of the newest entries, newest first."""
        return self.execute("SELECT id, at, name, message FROM entries ORDER BY id DESC LIMIT ?", limit)

    # SQLite writes the JSON: importing json would cost the CGI stage more than the query does.
    JSON = "json_object('id', id, 'at', at, 'name', name, 'message', message)"

    def newest_json(self, limit):
        """The newest entries, newest first, as one JSON array."""
        rows = self.execute(f"SELECT {self.JSON} FROM entries ORDER BY id DESC LIMIT ?", limit)
        return "[" + ",".join(row[0] for row in rows) + "]"

    def one_json(self, id):
        """One entry as JSON, or None."""
        rows = self.execute(f"SELECT {self.JSON} FROM entries WHERE id = ?", id)
        return rows[0][0] if rows else None

    def watch(self, after):
        """New entries as they come, without end: (id, JSON) of each, a `Wait` when there is none.

        Asking the file ten times a second is crude, and it is the one way that
        works between a CGI process of 1993 and a WebSocket: they share nothing else.
        """
        while True:
            rows = self.execute(f"SELECT id, {self.JSON} FROM entries WHERE id > ? ORDER BY id", after)
            for after, entry in rows:
                yield after, entry
            if not rows:
                yield Wait(0.1)


def respond(request, store):
    """The answer to a request whose body has been fed.

    Raises whatever a broken program raises (`/crash` does): the room catches
    it, writes the traceback to its log and sends `crashed`.
    """
    try:
        return finish(request, route(request)(request, store))
    except Refused as refused:
        return finish(request, refused.response())


def crashed(request):
    """What the visitor sees when the program has raised; the traceback is for the log only."""
    return finish(request, Refused(500, "the program raised an exception, its log has the traceback").response())


def cut_off(request):
    """The answer to a body that ended before its announced length."""
    return finish(request, Refused(400, "the body ended before its announced length").response())


def blocks(request):
    """Whether answering this request waits for the disk: an event loop must not do that itself."""
    return request.path in ("/", "/entries", "/events") or request.path.startswith("/entries/")


def finish(request, response):
    """The response with its length, and without a body where HTTP allows none."""
    bodiless = response.status in (204, 304)  # RFC 9110 sections 15.3.5 and 15.4.5
    if bodiless:
        response.headers = [(name, value) for name, value in response.headers if name != "Content-Type"]
    elif isinstance(response.body, bytes):
        response.headers.append(("Content-Length", str(len(response.body))))
    if bodiless or request.method == "HEAD":  # RFC 9110 section 9.3.2: the same header fields, no body
        response.body = b""
    for name, value in response.headers:
        if "\r" in value or "\n" in value or "\0" in value:  # RFC 9110 section 5.5
            raise ValueError(f"a line break in the header field {name}")
    return response


# ---------------------------------------------------------------- the routes

PLAIN = ("Content-Type", "text/plain; charset=utf-8")
HTML = ("Content-Type", "text/html; charset=utf-8")
JSON = ("Content-Type", "application/json")


def hello(request, store):
    name = parameters(request).get("name", "World")
    return Response(200, [PLAIN], f"Hello, {name}!\n".encode())


def page(request, store):
    from hashlib import sha256

    rows = "\n".join(
        f'      <li id="entry-{id}"><p>{escape(message)}</p><footer>{escape(name)}, '
        f'<time datetime="{at}">{at[:10]}</time></footer></li>'
        for id, at, name, message in store.newest(50)
    )
    with open(__file__.rpartition("guestbook.py")[0] + "guestbook.html", encoding="utf-8") as file:
        body = file.read().replace("<!-- entries -->", rows).encode()
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = [("ETag", etag), ("Cache-Control", "no-cache")]
    wanted = [tag.strip().removeprefix("W/") for tag in request.header("if-none-match").split(",")]
    if etag in wanted or wanted == ["*"]:  # RFC 9110 section 13.1.2: weak comparison
        return Response(304, headers)
    return Response(200, [HTML, *headers], body)


def entries(request, store):
    limit = number(parameters(request).get("limit", "20"), "limit", 0, 1000)
    return Response(200, [JSON], store.newest_json(limit).encode())


def entry(request, store):
    id = request.path.removeprefix("/entries/")
    found = store.one_json(int(id)) if id.isascii() and id.isdecimal() and len(id) < 19 else None
    if found is None:
        raise Refused(404, "no such entry")
    return Response(200, [JSON], found.encode())


def sign(request, store):
    if request.length > LIMIT:
        raise too_large()
    kind = request.header("content-type").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        name, message = checked(pairs(request.body.decode("latin-1")))
        store.sign(name, message)
        from urllib.parse import quote

        visits = parse_cookies(request).get("visits", "0")
        visits = int(visits) + 1 if visits.isascii() and visits.isdecimal() and len(visits) < 10 else 1
        where = f"; Path={request.mount or '/'}; SameSite=Lax"
        headers = [
            ("Location", request.mount + "/"),
            ("Set-Cookie", f"name={quote(name, safe='')}{where}"),
            ("Set-Cookie", f"visits={visits}{where}"),
        ]
        return Response(303, [PLAIN, *headers], b"Thank you for signing.\n")
    if kind == "application/json":
        id = store.sign(*checked(from_json(request.body)))
        location = ("Location", f"{request.mount}/entries/{id}")
        return Response(201, [JSON, location], to_json({"id": id}))
    raise Refused(415, "send a form or JSON", ("Accept-Post", "application/x-www-form-urlencoded, application/json"))


def echo(request, store):
    if request.length > LIMIT:
        raise too_large()
    kind = request.header("content-type") or "application/octet-stream"
    return Response(200, [("Content-Type", kind)], request.body)


def digest(request, store):
    if request.sha256 is None:  # an empty body
        request.feed(b"")
    return Response(200, [JSON], to_json({"length": request.length, "sha256": request.sha256.hexdigest()}))


# What `/request` leaves out, because gateways differ in it by right:
NOT_TOLD = {
    # how the bytes were framed, hop by hop (RFC 9110 section 7.6.1)
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "content-length", "expect",
    # credentials: a CGI server SHOULD keep them from the program (RFC 3875 section 4.1.18)
    "authorization", "proxy-authorization",
    # would be HTTP_PROXY in a CGI program's environment: gateways drop it (httpoxy, CVE-2016-5385)
    "proxy",
    # joined by "; " or by "," when repeated: see `/cookies`
    "cookie",
}  # fmt: skip


def told(request, store):
    headers = {}
    for name, value in request.headers():
        if name not in NOT_TOLD:
            # Repeated fields arrive joined by "," or ", ", or apart: all mean a list (RFC 9110 section 5.3).
            headers.setdefault(name, []).extend(part.strip() for part in value.split(","))
    return Response(200, [JSON], to_json({
        "method": request.method, "path": request.path, "query": request.query,
        "mount": request.mount, "scheme": request.scheme,
        "headers": {name: ", ".join(headers[name]) for name in sorted(headers)},
    }))  # fmt: skip


def cookies(request, store):
    return Response(200, [JSON], to_json(parse_cookies(request)))


def stream(request, store):
    asked = parameters(request)
    n = number(asked.get("n", "3"), "n", 1, 10_000)
    delay = seconds(asked.get("delay", "0.1"), "delay")
    return Response(200, [PLAIN, ("Cache-Control", "no-store")], lines(n, delay))


def lines(n, delay):
    for i in range(1, n + 1):
        if i > 1:
            yield Wait(delay)
        yield f"line {i} of {n}\n".encode()


def slow(request, store):
    wait = seconds(parameters(request).get("seconds", "1"), "seconds")
    return Response(200, [PLAIN], iter([Wait(wait), f"waited {wait:g} s\n".encode()]))


def events(request, store):
    limit = number(parameters(request).get("limit", "0"), "limit", 0, 10_000)
    seen = request.header("last-event-id")
    after = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 19 else store.latest()
    return Response(200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")],
                    event_stream(store.watch(after), limit))  # fmt: skip


def event_stream(entries, limit):
    """Server-sent events (the HTML standard, section 9.2), ended after `limit` of them, 0: never."""
    yield b": the guestbook\n\n"
    sent = quiet = 0
    for step in entries:
        if isinstance(step, Wait):
            quiet += 1
            if quiet % 50 == 0:  # a comment every 5 s: only a write finds out that the client has left
                yield b":\n\n"
            yield step
        else:
            yield f"id: {step[0]}\ndata: {step[1]}\n\n".encode()
            sent += 1
            if sent == limit:
                return


def status(request, store):
    code = request.path.removeprefix("/status/")
    if not (len(code) == 3 and code.isascii() and code.isdecimal() and "200" <= code <= "599"):
        raise Refused(404, "a status has three digits, from 200 to 599")
    return Response(int(code), [PLAIN], f"{code} {reason(int(code))}\n".encode())


def crash(request, store):
    raise RuntimeError("this route crashes on purpose")


def live(request, store):
    # RFC 9110 section 15.5.22: a 426 names the protocol it wants.
    raise Refused(426, "this is a WebSocket: ask for an upgrade", ("Upgrade", "websocket"))


ROUTES = {
    "/": {"GET": page},
    "/entries": {"GET": entries, "POST": sign},
    "/entries/": {"GET": entry},
    "/hello": {"GET": hello},
    "/echo": {"POST": echo, "PUT": echo},
    "/digest": {"POST": digest, "PUT": digest},
    "/request": {"GET": told, "POST": told},
    "/request/": {"GET": told, "POST": told},
    "/cookies": {"GET": cookies},
    "/stream": {"GET": stream},
    "/slow": {"GET": slow},
    "/events": {"GET": events},
    "/status/": {"GET": status},
    "/crash": {"GET": crash},
    "/live": {"GET": live},
}


def route(request):
    """The function that answers this method at this path."""
    path, method = request.path, request.method
    if "\ufffd" in path:
        # ASGI servers put U+FFFD where the bytes were not UTF-8; the other stages do so here.
        raise Refused(400, "the path is not UTF-8")
    if path == "":  # the mount point without its slash: relative links would miss
        raise Refused(308, "the guestbook is one slash further", ("Location", request.mount + "/"))
    methods = ROUTES.get(path)
    if methods is None:  # "/entries/7" belongs to "/entries/"
        methods = ROUTES.get(path[: path.find("/", 1) + 1])
    if methods is None:
        raise Refused(404, "there is nothing here")
    answer = methods.get("GET" if method == "HEAD" else method)
    if answer is None:
        allowed = [*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"]
        allow = ("Allow", ", ".join(sorted(allowed)))
        if method == "OPTIONS":
            return lambda request, store: Response(204, [allow])
        raise Refused(405, "not with this method", allow)
    return answer


# ---------------------------------------------------------------- reading what visitors send


def parameters(request):
    return pairs(request.query)


def pairs(text):
    """The fields of a query string or form (application/x-www-form-urlencoded); the first of a name wins."""
    found = {}
    for pair in text.split("&") if text else ():
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair or not pair.isascii():
            from urllib.parse import unquote_to_bytes

            try:
                name, value = (
                    unquote_to_bytes(part.replace("+", " ").encode("latin-1")).decode() for part in (name, value)
                )
            except UnicodeError:
                raise Refused(400, "a field is not UTF-8") from None
        found.setdefault(name, value)
    return found


def checked(fields):
    """(name, message), fit to be stored; else 422."""
    values = []
    for field, longest in LONGEST.items():
        value = fields.get(field, "")
        if not isinstance(value, str):
            raise Refused(422, f"the {field} is not a text")
        value = value.replace("\r\n", "\n").strip()
        if not value:
            raise Refused(422, f"the {field} is empty")
        if len(value) > longest:
            raise Refused(422, f"the {field} is longer than {longest} characters")
        breaks = "\n" if field == "message" else ""  # a name is one line
        if any((c < " " and c not in breaks) or "\ud800" <= c <= "\udfff" for c in value):
            raise Refused(422, f"the {field} holds a control character")
        values.append(value)
    return values


def parse_cookies(request):
    """The cookies by name; the first of a name wins, since the most specific path comes first (RFC 6265 5.4).

    Repeated Cookie fields reach a CGI-like program joined by ",": no cookie
    value may hold one (RFC 6265 section 4.1.1), so it separates as ";" does.
    """
    from urllib.parse import unquote

    found = {}
    for _, text in (pair for pair in request.headers() if pair[0] == "cookie"):
        for cookie in text.replace(",", ";").split(";"):
            name, equals, value = cookie.strip().partition("=")
            if equals:
                found.setdefault(name, unquote(value))
    return found


def number(text, name, least, most):
    if text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    raise Refused(400, f"{name} is a whole number from {least} to {most}")


def seconds(text, name):
    """A number of seconds from 0 to 10: no visitor holds a worker for longer."""
    try:
        value = float(text)
        if 0 <= value <= 10:
            return value
    except ValueError:
        pass
    raise Refused(400, f"{name} is a number of seconds from 0 to 10")


def from_json(body):
    """The JSON object in the body (bytes); 400 where there is none."""
    import json

    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refused(422, "the JSON is not an object")
    return value


def to_json(value):
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def too_large():
    return Refused(413, f"the body is longer than {LIMIT} bytes")


def escape(text):
    """Text for HTML: shown, never run. Hand-written because html costs the CGI stage an import of re."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(character, entity)
    return text


REASONS = {
    200: "OK", 201: "Created", 204: "No Content", 303: "See Other", 304: "Not Modified",
    308: "Permanent Redirect", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    413: "Content Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Content",
    426: "Upgrade Required", 500: "Internal Server Error",
}  # fmt: skip


def reason(status):
    """The reason phrase of a status (int); the ones of our own routes without an import."""
    if status not in REASONS:
        from http import HTTPStatus

        REASONS[status] = next((known.phrase for known in HTTPStatus if known == status), "Unknown")
    return REASONS[status]
