"""The guestbook: the one program that every stage of the museum serves.

It knows no gateway. A room turns what its gateway hands over into a `Request`,
calls `respond`, and writes the `Response` back in its own way. What differs
between two rooms is therefore the gateway, and nothing else.

Nothing but its own parts is imported at the top, here and in them: the CGI stage
starts a new Python for every request, and pays for each import every time. A route
imports what it needs when it is asked for.
"""

from exhibits.guarding import OWN_NAMES, guard, name_in
from exhibits.messages import LIMIT, PLAIN, Refused, Request, Response, Wait, reason
from exhibits.store import HEARTBEAT, Store

# What the rooms use; what is left is between this file and its parts.
__all__ = [
    "Refused", "Request", "Store", "Wait", "blocks", "checked", "crashed", "cut_off", "from_json", "guard", "reason",
    "respond", "writes",
]

LONGEST = {"name": 80, "message": 1000}  # characters, after the spaces around them are gone
NEWEST = 50  # entries on the page


def respond(request, store):
    """The answer to a request whose body has been fed.

    Raises whatever a broken program raises (`/crash` does): the room catches
    it, writes the traceback to its log and sends `crashed`.
    """
    try:
        guard(request.method, request.header)
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
    return request.path in ("/", "/entries", "/events", "/gateway") or request.path.startswith("/entries/")


def writes(request):
    """Whether it waits for other writers too: readers must not wait for a thread that does."""
    return request.path == "/entries" and request.method == "POST"


def finish(request, response):
    """The response with its length, and without a body where HTTP allows none."""
    if request.path.startswith("/raw/") and response.status < 400:
        return response
    if response.status == 205:  # there is nothing in it, and a length says so (RFC 9110 section 15.3.6)
        response.body = b""
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

HTML = ("Content-Type", "text/html; charset=utf-8")
JSON = ("Content-Type", "application/json")


def hello(request, store):
    name = parameters(request).get("name", "World")
    return Response(200, [PLAIN], f"Hello, {name}!\n".encode())


def page(request, store):
    from hashlib import sha256

    body = html(store.newest(NEWEST))
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = [("ETag", etag), ("Cache-Control", "no-cache")]
    wanted = [tag.strip().removeprefix("W/") for tag in request.header("if-none-match").split(",")]
    if etag in wanted or wanted == ["*"]:  # RFC 9110 section 13.1.2: weak comparison
        return Response(304, headers)
    return Response(200, [HTML, *headers], body)


def html(rows, name="", message="", refused=""):
    """The page as bytes, with these entries; where a signature was refused, with what was typed, and why."""
    rows = "\n".join(
        f'      <li id="entry-{id}"><p>{escape(message)}</p><footer>{escape(name)}, '
        f'<time datetime="{at}">{at[:10]}</time></footer></li>'
        for id, at, name, message in rows
    )
    with open(__file__.rpartition("guestbook.py")[0] + "guestbook.html", encoding="utf-8") as file:
        text = file.read()
    # No text of a visitor can hold one of these places: all have a character that `escape` replaces.
    for place, filled in (
        ("<!-- entries -->", rows), (' value=""', f' value="{escape(name)}"'),
        ("></textarea>", f">\n{escape(message)}</textarea>"), (' role="alert">', f' role="alert">{escape(refused)}'),
    ):
        text = text.replace(place, filled, 1)
    return text.encode()


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
        fields = pairs(request.body.decode("latin-1"))
        try:
            name, message = checked(fields)
            store.sign(name, message)
        except Refused as refused:
            if "text/html" in request.header("accept"):  # a browser: nobody types it all again
                return refused_page(fields, refused, store)
            raise
        from urllib.parse import quote

        visits = one_more(parse_cookies(request).get("visits", ""))
        # Relative, and cookies without a path (they get that of the folder, RFC 6265 section 5.1.4): right
        # wherever the visitor sees the program, also where a proxy should have taken a mount point off and has not.
        headers = [
            ("Location", "./"),
            ("Set-Cookie", f"name={quote(name, safe='')}; SameSite=Lax"),
            ("Set-Cookie", f"visits={visits}; SameSite=Lax"),
        ]
        return Response(303, [PLAIN, *headers], b"Thank you for signing.\n")
    if kind == "application/json":
        id = store.sign(*checked(from_json(request.body)))
        location = ("Location", f"entries/{id}")
        return Response(201, [JSON, location], to_json({"id": id}))
    raise Refused(415, "send a form or JSON", ("Accept-Post", "application/x-www-form-urlencoded, application/json"))


def refused_page(fields, refused, store):
    """The page again, with what was typed and the sentence."""
    try:
        rows = store.newest(NEWEST)
    except Refused:  # what hinders signing may hinder reading, too
        rows = []
    body = html(rows, fields.get("name", ""), fields.get("message", ""), refused.sentence)
    return Response(refused.status, [HTML, *refused.headers], body)


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
    # would be HTTP_PROXY in a CGI program's environment: gateways drop it (httpoxy, CVE-2016-1000110)
    "proxy",
    # what a proxy says of the visitor; a visitor's own is dropped where there is a proxy
    "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
    "x-forwarded-protocol", "x-forwarded-ssl",
    # joined by "; " or by "," when repeated: see `/cookies`
    "cookie",
}


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
        "connection": request.gateway().get("connection", {}),
    }))


def gateway(request, store):
    """Through which gateway this request came; the exhibit sets GUESTBOOK_STACK ("wsgi-gunicorn: gunicorn 27.0")."""
    import os
    import sys
    import threading

    stack, _, server = os.environ.get("GUESTBOOK_STACK", "").partition(": ")
    room = {"interface": "", "live": "entries", "holds": "", "given": (), **request.gateway()}
    given = dict(sorted((name, unless_secret(name, value)) for name, value in room["given"]))
    return Response(200, [JSON, ("Cache-Control", "no-store")], to_json({
        "stack": stack, "server": server or given.get("SERVER_SOFTWARE", ""), "interface": room["interface"],
        "live": room["live"], "holds": room["holds"], "python": sys.version.partition(" ")[0],
        "process": os.getpid(), "thread": threading.current_thread().name,
        "given": list(given.items()),
        "doors": [{"stack": stack, "url": url} for stack, url in doors(store)],
    }))


def unless_secret(name, value):
    """The value of something the gateway handed over as a text, unless it is a secret of the visitor's."""
    field = name.lower().replace("_", "-").removeprefix("http-").removeprefix("headers: ")
    if field in ("authorization", "proxy-authorization", "cookie", "proxy"):  # HTTP_PROXY may hold a password
        return "(not shown)"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 300 else text[:300] + "…"


def doors(store):
    """(stack, url) of the exhibits that run with this guestbook now, in the order of the stages.

    They write themselves into the table (see `backstage/running/doors.py`). Where there is none, or nobody
    can read it, there are no links, and that is all.
    """
    import sqlite3

    try:
        rows = store.execute("SELECT stack, url, pid FROM doors ORDER BY place, stack, url")
    except (Refused, sqlite3.Error):
        return []
    return [(stack, url) for stack, url, pid in rows if is_local(url) and runs(pid)]


def is_local(url):
    """Whether a URL leads to this machine, at whatever port."""
    scheme, _, rest = url.partition("://")
    return scheme in ("http", "https") and name_in(rest.partition("/")[0]) in OWN_NAMES


def runs(pid):
    """Whether there is a process of this number."""
    import os

    try:
        os.kill(pid, 0)  # no signal, only the question
    except ProcessLookupError:
        return False
    except PermissionError:  # there is, and somebody else's
        pass
    return True


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
    after = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 19 else None
    return Response(200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")],
                    event_stream(store.watch(after), limit))


def event_stream(watch, limit):
    """Server-sent events (the HTML standard, section 9.2), ended after `limit` of them, 0: never."""
    from time import monotonic

    yield b": the guestbook\n\n"
    sent, written = 0, monotonic()
    for step in watch:
        if not isinstance(step, Wait):
            yield f"id: {step[0]}\ndata: {step[1]}\n\n".encode()
            sent, written = sent + 1, monotonic()
            if sent == limit:
                return
            continue
        if monotonic() - written >= HEARTBEAT:
            yield b":\n\n"  # a comment
            written = monotonic()
        yield step


def status(request, store):
    code = request.path.removeprefix("/status/")
    if not (len(code) == 3 and code.isascii() and code.isdecimal() and "200" <= code <= "599"):
        raise Refused(404, "a status has three digits, from 200 to 599")
    return Response(int(code), [PLAIN], f"{code} {reason(int(code))}\n".encode())


def raw(request, store):
    """A status with a body and its length, whatever the status and the method are: `finish` takes nothing off."""
    code = request.path.removeprefix("/raw/")
    if code not in ("200", "204", "304"):
        raise Refused(404, "200, 204 and 304 are to be had")
    kind = [PLAIN] if code == "200" else []
    return Response(int(code), [*kind, ("Content-Length", "4")], b"raw\n")


def fields(request, store):
    """Fields that are there twice, have no value, or one beyond ASCII."""
    fields = [("X-Twice", "1"), ("X-Empty", ""), ("X-Twice", "2"), ("X-Latin", "caf\xe9")]
    return Response(200, [PLAIN, *fields], b"fields\n")


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
    "/gateway": {"GET": gateway},
    "/stream": {"GET": stream},
    "/slow": {"GET": slow},
    "/events": {"GET": events},
    "/status/": {"GET": status},
    "/raw/": {"GET": raw},
    "/fields": {"GET": fields},
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


def one_more(visits):
    """The number of visits, this one included, after what the cookie says, whatever that may be."""
    return int(visits) + 1 if visits.isascii() and visits.isdecimal() and len(visits) < 10 else 1


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
