"""What goes into the guestbook and what comes out: a `Request` and a `Response`, or the exception `Refused`."""

LIMIT = 1 << 20  # bytes of a request body that are kept; `/digest` keeps none and has no limit
PLAIN = ("Content-Type", "text/plain; charset=utf-8")


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
    gateway: a function of no arguments that returns what only the room knows, for `/gateway` and `/request`:
        {"interface": its name, "live": how the page hears of new entries ("websocket",
        "events" or "entries"), "holds": what of the server an open connection takes,
        "given": (name, value) pairs of what the gateway handed over, "connection": what it says
        of the connection: {"client": address, "server", "port", "protocol", "target": as it was sent,
        "coding": that the body is said to have, in CGI and WSGI}}.
    """

    __slots__ = ("method", "path", "query", "headers", "mount", "scheme", "gateway", "body", "length", "sha256")

    def __init__(self, method, path, query, headers, mount, scheme, gateway=dict):
        self.method, self.path, self.query = method, path, query
        self.headers, self.mount, self.scheme, self.gateway = headers, mount, scheme, gateway
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

    def until(self, call, ring):
        """The seconds to wait, at most, for who can be woken: call(ring) comes, in any thread, if waiting is over.

        call: as an event loop's call_soon_threadsafe. It is called once for all who have the same.
        """
        return self


class Refused(Exception):
    """The request cannot be served: a status, a sentence for a person, header fields."""

    def __init__(self, status, sentence, *headers):
        super().__init__(status, sentence)
        self.status, self.sentence, self.headers = status, sentence, headers

    def response(self):
        body = f"{self.status} {reason(self.status)}: {self.sentence}\n"
        return Response(self.status, [PLAIN, *self.headers], body.encode())


REASONS = {
    200: "OK", 201: "Created", 204: "No Content", 303: "See Other", 304: "Not Modified",
    308: "Permanent Redirect", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    413: "Content Too Large", 415: "Unsupported Media Type", 421: "Misdirected Request", 422: "Unprocessable Content",
    426: "Upgrade Required", 500: "Internal Server Error",
}


def reason(status):
    """The reason phrase of a status (int); the ones of our own routes without an import."""
    if status not in REASONS:
        from http import HTTPStatus

        REASONS[status] = next((known.phrase for known in HTTPStatus if known == status), "Unknown")
    return REASONS[status]
