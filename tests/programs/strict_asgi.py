"""Around an ASGI program: every scope and event has to be as the specification says, or AssertionError is raised.

What wsgiref.validate is for WSGI. The specification is ASGI 3.0 with "HTTP & WebSocket" 2.5 and "Lifespan" 2.0; "§"
names a section of it. At server and program alike "strict ASGI:" and what is wrong is printed as well, because
either may catch the error.
"""

import asyncio
import sys


class Wrong(AssertionError):
    pass


def strict(application, any_case=False):
    """The program, watched: a coroutine function as well. any_case: it may write capitals in names of fields."""
    shared = {}  # what lifespan left in its state

    async def watched(scope, receive, send):
        said = Conversation(scope, any_case)
        check_scope(scope, shared)

        async def receiving():
            event = await receive()
            said.received(event)
            return event

        async def sending(event):
            said.sent(event)
            try:
                await send(event)
            except (OSError, asyncio.CancelledError):
                raise  # § Disconnected Client - send exception
            except BaseException as error:
                demand(False, f"send() raised {error!r}")

        await application(scope, receiving, sending)
        if scope["type"] == "lifespan":
            shared.update(scope.get("state", {}))

    return watched


def demand(right, sentence):
    if not right:
        print(f"strict ASGI: {sentence}", file=sys.stderr, flush=True)
        raise Wrong(sentence)


def fits(holder, name, kind, optional=False):
    """The value has this type; None stands for one that is missing."""
    value = holder.get(name)
    demand(type(value) in (kind if isinstance(kind, tuple) else (kind,)) or (optional and value is None),
           f"{name} of {holder['type']} is {value!r}")
    return value


# ---------------------------------------------------------------- scopes

KEYS = {
    "lifespan": {"type", "asgi", "state"},
    "http": {"type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path",
             "headers", "client", "server", "extensions", "state"},
    "websocket": {"type", "asgi", "http_version", "scheme", "path", "raw_path", "query_string", "root_path", "headers",
                  "client", "server", "subprotocols", "extensions", "state"},
}


def check_scope(scope, shared):
    demand(type(scope) is dict and scope.get("type") in KEYS, f"this is no scope: {scope!r}")
    kind = scope["type"]
    demand(scope.keys() <= KEYS[kind], f"a scope of {kind} has {sorted(scope.keys() - KEYS[kind])}")
    asgi = fits(scope, "asgi", dict)
    demand(asgi.get("version") == "3.0" and type(asgi.get("spec_version", "2.0")) is str, f"asgi is {asgi}")
    state = fits(scope, "state", dict, optional=True)
    if kind == "lifespan":
        return
    # § Lifespan State: a shallow copy for each request
    demand(state is None or (state is not shared and state == shared), f"the state is {state}")
    demand(fits(scope, "http_version", str, optional=kind == "websocket") in ("1.0", "1.1", "2", "3", None),
           f"http_version {scope.get('http_version')!r}")
    schemes = {"http": ("http", "https", None), "websocket": ("ws", "wss", None)}
    demand(fits(scope, "scheme", str, optional=True) in schemes[kind],
           f"scheme {scope.get('scheme')!r}")
    demand(fits(scope, "path", str).startswith("/") or scope["path"] == "*", f"path {scope['path']!r}")
    raw = fits(scope, "raw_path", bytes, optional=True)
    demand(raw is None or (raw.isascii() and b"?" not in raw), f"raw_path {raw!r}")  # § excluding any query string
    query = fits(scope, "query_string", bytes, optional=kind == "websocket")
    demand(query is None or query.isascii(), f"query_string {query!r}")
    root = fits(scope, "root_path", str, optional=True)
    demand(not root or scope["path"].startswith(root), f"path {scope['path']!r} without root_path {root!r}")
    check_headers(scope.get("headers"), kind)
    for name in "client", "server":
        address = fits(scope, name, (list, tuple), optional=True)
        port = (int, type(None)) if name == "server" else int
        demand(address is None or (len(address) == 2 and type(address[0]) is str and isinstance(address[1], port)),
               f"{name} {address!r}")
    if kind == "http":
        demand(fits(scope, "method", str) == scope["method"].upper(), f"method {scope['method']!r}")
    else:
        offered = fits(scope, "subprotocols", (list, tuple), optional=True)
        demand(all(type(each) is str for each in offered or ()), "subprotocols")


def check_headers(headers, where, any_case=False):
    for pair in headers:
        demand(type(pair) in (list, tuple) and len(pair) == 2 and type(pair[0]) is bytes and type(pair[1]) is bytes,
               f"a header field of {where} is {pair!r}")
        name, value = pair
        lower = any_case or name == name.lower()
        demand(name and lower and not name.startswith(b":"), f"the name {name!r} in {where}")
        demand(value == value.strip(b" \t") and not set(value) & set(b"\r\n\0"), f"the value {value!r} in {where}")


# ---------------------------------------------------------------- events


class Conversation:
    """What was said on one connection: by `theirs`, the server, and `ours`, the program.

    Each of them is at the "begin"; then "whole" (a request), "body" (a response) or "open" (the others); then "end".
    """

    def __init__(self, scope, any_case):
        self.kind, self.theirs, self.ours, self.any_case = scope.get("type"), "begin", "begin", any_case

    def received(self, event):
        demand(type(event) is dict and type(event.get("type")) is str, f"this is no event: {event!r}")
        name = event["type"]
        demand(name.startswith(f"{self.kind}."), f"{self.kind} got {name}")
        getattr(self, "received_" + name.replace(".", "_"), self.unknown)(event)

    def sent(self, event):
        demand(type(event) is dict and type(event.get("type")) is str, f"this is no event: {event!r}")
        name = event["type"]
        demand(name.startswith(f"{self.kind}."), f"{self.kind} sent {name}")
        getattr(self, "sent_" + name.replace(".", "_"), self.unknown)(event)

    def unknown(self, event):
        demand(False, f"there is no {event['type']}")

    def received_http_request(self, event):
        demand(self.theirs == "begin", "http.request after the last one")
        fits(event, "body", bytes, optional=True)
        if not fits(event, "more_body", bool, optional=True):
            self.theirs = "whole"

    def received_http_disconnect(self, event):
        self.theirs = "end"

    def sent_http_response_start(self, event):
        demand(self.ours == "begin", "http.response.start twice")
        demand(200 <= fits(event, "status", int) <= 599, f"status {event['status']}")
        check_headers(event.get("headers", ()), "http.response.start", self.any_case)
        fits(event, "trailers", bool, optional=True)
        self.ours = "body"

    def sent_http_response_body(self, event):
        demand(self.ours == "body", f"http.response.body at the {self.ours}")
        fits(event, "body", bytes, optional=True)
        if not fits(event, "more_body", bool, optional=True):
            self.ours = "end"

    def received_websocket_connect(self, event):
        demand(self.theirs == "begin", "websocket.connect twice")
        self.theirs = "open"

    def received_websocket_receive(self, event):
        demand(self.theirs == "open" and self.ours != "begin", "websocket.receive before the accept")
        data, text = fits(event, "bytes", bytes, optional=True), fits(event, "text", str, optional=True)
        demand((data is None) != (text is None), "websocket.receive has bytes and text, or neither")

    def received_websocket_disconnect(self, event):
        demand(self.theirs != "begin", "websocket.disconnect before websocket.connect")
        demand(1000 <= (fits(event, "code", int, optional=True) or 1005) <= 4999, f"code {event['code']}")
        fits(event, "reason", str, optional=True)
        self.theirs = "end"

    def sent_websocket_accept(self, event):
        demand(self.ours == "begin" and self.theirs != "begin", "websocket.accept out of order")
        fits(event, "subprotocol", str, optional=True)
        check_headers(event.get("headers", ()), "websocket.accept")
        demand(b"sec-websocket-protocol" not in dict(event.get("headers", ())), "the subprotocol is no header field")
        self.ours = "open"

    def sent_websocket_send(self, event):
        demand(self.ours == "open", "websocket.send out of order")
        data, text = fits(event, "bytes", bytes, optional=True), fits(event, "text", str, optional=True)
        demand(data is not None or text is not None, "websocket.send has nothing")

    def sent_websocket_close(self, event):
        demand(self.ours != "end", "websocket.close twice")
        fits(event, "code", int, optional=True)
        fits(event, "reason", str, optional=True)
        self.ours = "end"

    def received_lifespan_startup(self, event):
        demand(self.theirs == "begin", "lifespan.startup twice")
        self.theirs = "open"

    def received_lifespan_shutdown(self, event):
        demand(self.theirs == "open" and self.ours == "open", "lifespan.shutdown before the start is complete")
        self.theirs = "end"

    def sent_lifespan_startup_complete(self, event):
        demand(self.theirs == "open" and self.ours == "begin", f"{event['type']} out of order")
        self.ours = "open"

    def sent_lifespan_startup_failed(self, event):
        self.sent_lifespan_startup_complete(event)
        fits(event, "message", str, optional=True)

    def sent_lifespan_shutdown_complete(self, event):
        demand(self.theirs == "end" and self.ours == "open", f"{event['type']} out of order")
        self.ours = "end"

    def sent_lifespan_shutdown_failed(self, event):
        self.sent_lifespan_shutdown_complete(event)
