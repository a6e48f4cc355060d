"""An ASGI server (ASGI 3.0): HTTP/1.1 and WebSocket towards the client, a coroutine for each connection.

    python -m exhibits.asgi.server [--host HOST] [--port 8000] [--mount /museum] MODULE

All in one thread and one event loop: whoever waits gives way to the others. "HTTP" and
"WebSocket" name sections of the ASGI specification, HTTP & WebSocket, version 2.5.

Left out: TLS, HTTP/2, workers and reloading, extensions of ASGI and of WebSocket, trust
in proxies. A real server also has a parser in C, and ten years of other people's clients.
"""

import argparse
import asyncio
import importlib
import signal
import sys
import time
import traceback
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import unquote

import h11

from exhibits.asgi import wire

HEAD_LIMIT = 64 * 1024  # bytes of a request before its body
PATIENCE = 30  # seconds until a client that says nothing in the middle of a request is given up
REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
ASGI = {"version": "3.0", "spec_version": "2.5"}


class Gone(OSError):
    """The client has left: what send() raises from then on (HTTP, "Disconnected Client - send exception")."""


class Connection:
    """One client. Its requests are answered one after the other."""

    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        self.client, self.local = (list(writer.get_extra_info(name)[:2]) for name in ("peername", "sockname"))

    async def serve(self):
        try:
            while await self.exchange():
                self.http.start_next_cycle()
        except ConnectionError:
            pass
        except Exception:
            traceback.print_exc()
        finally:
            self.writer.close()

    async def exchange(self):
        """Answer one request; true if the connection can carry another one."""
        self.head = self.status = None
        self.complete = False
        start = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                request = await self.next_event()
            if type(request) is not h11.Request:
                return False
            start = time.monotonic()
            upgrade = dict(request.headers).get(b"upgrade", b"").lower()
            if upgrade == b"websocket" and request.method == b"GET":
                await self.websocket(request)
            else:
                await self.run(self.scope(request, "http", self.server.scheme), self.receive, self.send)
                if not self.complete and not self.is_gone():
                    self.give_up()
                while self.http.their_state is h11.SEND_BODY and type(self.http.next_event()) is h11.Data:
                    pass  # a program need not read the body; what has come of it is thrown away
        except TimeoutError:
            return False
        except h11.RemoteProtocolError as error:
            self.refuse(error.error_status_hint, str(error))
            return False
        line = f"{request.method.decode()} {request.target.decode()} HTTP/{request.http_version.decode()}"
        log(f'{self.client[0]} "{line}" {self.status or "-"} {(time.monotonic() - start) * 1000:.0f} ms')
        return self.http.our_state is self.http.their_state is h11.DONE

    async def run(self, scope, receive, send):
        """Call the program. What it raises is for the log; where nothing was sent yet the client gets a 500."""
        try:
            await self.server.application(scope, receive, send)
        except Gone:
            pass
        except Exception:
            traceback.print_exc()

    def give_up(self):
        """The program has ended before its answer: a 500, or a cut that nobody takes for an end."""
        if self.http.our_state is h11.SEND_RESPONSE:
            self.refuse(500, "the program did not answer")
        else:
            self.writer.transport.abort()

    def scope(self, request, kind, scheme):
        path, _, query = request.target.partition(b"?")
        return {
            "type": kind, "asgi": ASGI, "http_version": request.http_version.decode(), "scheme": scheme,
            "method": request.method.decode(),
            "path": unquote(path.decode("latin-1")), "raw_path": path, "query_string": query,
            "root_path": self.server.mount, "headers": list(request.headers),
            "client": self.client, "server": self.local, "state": self.server.state.copy(),
        }  # fmt: skip

    # ---------------------------------------------------------------- HTTP

    async def next_event(self):
        while (event := self.http.next_event()) is h11.NEED_DATA:
            if self.http.they_are_waiting_for_100_continue:
                self.write(h11.InformationalResponse(status_code=100, headers=[]))
            self.http.receive_data(await self.reader.read(4096))  # small pieces: h11 checks its limit between them
        return event

    async def receive(self):
        """http.request until the body has come, then http.disconnect once the client is gone or has its answer."""
        if self.http.their_state is h11.SEND_BODY:
            try:
                async with asyncio.timeout(PATIENCE):
                    event = await self.next_event()
            except (TimeoutError, ConnectionError, h11.RemoteProtocolError):
                self.writer.transport.abort()  # half a body: nobody may take the request for whole
                return {"type": "http.disconnect"}
            more = type(event) is h11.Data
            return {"type": "http.request", "body": bytes(event.data) if more else b"", "more_body": more}
        while not self.complete and not self.is_gone():
            try:
                data = await self.reader.read(8192)
            except ConnectionError:
                break
            if not data:
                self.writer.transport.abort()
                break
            self.http.receive_data(data)  # the client's next request, early
        return {"type": "http.disconnect"}

    async def send(self, event):
        if self.is_gone():
            raise Gone("the client has left")
        if event["type"] == "http.response.start":
            if self.head:
                raise RuntimeError("http.response.start came twice")
            self.head = event
            return
        if not self.head or self.complete:
            raise RuntimeError(f"{event['type']} out of order")
        events, more = [], event.get("more_body", False)
        if not self.status:  # the head waits for the first of the body, and goes out with it
            self.status = self.head["status"]
            events.append(response(self.status, complete_headers(self.head)))
        if body := event.get("body", b""):
            events.append(h11.Data(data=body))
        if not more:
            self.complete = True
            events.append(h11.EndOfMessage())
        self.write(*events)
        await self.writer.drain()  # waits while the client is slower than the program

    def write(self, *events):
        self.writer.write(b"".join(self.http.send(event) for event in events))

    def is_gone(self):
        return self.writer.transport.is_closing()

    def refuse(self, status, sentence, *headers):
        if self.http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = f"{sentence}\n".encode()
            headers = [(b"Content-Type", b"text/plain"), (b"Content-Length", b"%d" % len(body)), *headers]
            self.status, self.complete = status, True
            with suppress(h11.LocalProtocolError):  # HEAD: no body
                self.write(response(status, [*headers, (b"Connection", b"close")]))
                self.write(h11.Data(data=body), h11.EndOfMessage())

    # ---------------------------------------------------------------- WebSocket

    async def websocket(self, request):
        headers = dict(request.headers)
        key = headers.get(b"sec-websocket-key", b"")
        if headers.get(b"sec-websocket-version") != b"13":
            return self.refuse(426, "only version 13 is spoken here", (b"Sec-WebSocket-Version", b"13"),
                               (b"Upgrade", b"websocket"))  # RFC 6455 section 4.4
        if len(key) != 24 or request.http_version < b"1.1":
            return self.refuse(400, "this is no WebSocket handshake")
        offered = [each.strip() for each in headers.get(b"sec-websocket-protocol", b"").decode().split(",")]
        scope = self.scope(request, "websocket", "ws")
        del scope["method"]
        conversation = Conversation(self, key)
        self.server.conversations.add(conversation)
        try:
            await self.run({**scope, "subprotocols": [each for each in offered if each]},
                           conversation.receive, conversation.send)  # fmt: skip
        finally:
            self.server.conversations.discard(conversation)
        if conversation.open:  # the program has ended without a word, or raised
            conversation.close(1011)
        elif not self.status and not self.is_gone():
            self.refuse(500, "the program did not answer")


class Conversation:
    """A WebSocket connection, from the program's side."""

    def __init__(self, connection, key):
        self.connection, self.key = connection, key
        self.frames = wire.Reader(from_client=True)
        self.connected = self.open = False
        self.messages, self.code, self.reason = [], 1006, ""

    async def receive(self):
        if not self.connected:
            self.connected = True
            return {"type": "websocket.connect"}
        while self.open or self.messages:
            while self.messages:
                message = self.messages.pop(0)
                if type(message) is wire.Message:
                    kind = "text" if isinstance(message.data, str) else "bytes"
                    return {"type": "websocket.receive", kind: message.data}
                if type(message) is wire.Ping:
                    self.write(wire.Pong(message.data))
                elif type(message) is wire.Close:
                    self.code, self.reason = message
                    self.close(*message)  # "in response, echo the status code" (RFC 6455 section 5.5.1)
                    self.messages.clear()
            if self.open:
                await self.read()
        return {"type": "websocket.disconnect", "code": self.code, "reason": self.reason}

    async def read(self):
        try:
            data = await self.connection.reader.read(65536)
            if not data:
                raise ConnectionResetError
            self.take(data)
        except ConnectionError:
            self.open = False
            self.connection.writer.transport.abort()

    def take(self, data):
        try:
            self.messages += self.frames.receive(data)
        except wire.WebSocketError as error:
            self.code = error.close_code
            self.close(self.code, str(error)[:100])

    async def send(self, event):
        if event["type"] == "websocket.accept":
            self.accept(event)
        elif event["type"] == "websocket.close" and not self.open:
            self.connection.refuse(403, "the program does not take this connection")  # WebSocket, "Close"
        elif not self.open:
            raise Gone("the WebSocket is closed")
        elif event["type"] == "websocket.close":
            self.close(event.get("code", 1000), event.get("reason") or "")
        else:
            text = event.get("text")
            self.write(wire.Message(event["bytes"] if text is None else text))
        with suppress(ConnectionError):
            await self.connection.writer.drain()

    def accept(self, event):
        headers = [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"),
                   (b"Sec-WebSocket-Accept", wire.accept_key(self.key)), *event.get("headers", [])]  # fmt: skip
        if subprotocol := event.get("subprotocol"):
            headers.append((b"Sec-WebSocket-Protocol", subprotocol.encode()))
        self.connection.status, self.open = 101, True
        self.connection.write(h11.InformationalResponse(status_code=101, headers=headers))
        self.take(self.connection.http.trailing_data[0])

    def write(self, message):
        self.connection.writer.write(wire.build(message))

    def close(self, code, reason=""):
        self.open = False
        if not self.connection.is_gone():
            self.write(wire.Close(code, reason))
            self.connection.writer.close()  # once what was written is out


class Server:
    """The listening socket, the program and its lifespan."""

    def __init__(self, application, mount):
        self.application, self.mount = application, mount
        self.scheme, self.state, self.conversations = "http", {}, set()

    async def main(self, host, port):
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        self.events, self.told = asyncio.Queue(), asyncio.Queue()
        lifespan = asyncio.create_task(self.lifespan())
        if (answer := await self.tell("lifespan.startup"))["type"] == "lifespan.startup.failed":
            log(f"the program did not start: {answer.get('message', '')}")
            return 3
        tasks = set()

        async def serve(reader, writer):
            tasks.add(asyncio.current_task())
            await Connection(self, reader, writer).serve()
            tasks.discard(asyncio.current_task())

        try:
            listening = await asyncio.start_server(serve, host, port, backlog=1024)
        except OSError as error:
            log(f"cannot listen on {host} port {port}: {error.strerror}")
            return 2
        log(f"listening on {host} port {port}")
        await stop.wait()
        listening.close()
        for conversation in self.conversations:
            if conversation.open:
                conversation.close(1012)  # "service restart"
        if tasks:
            await asyncio.wait(tasks, timeout=0.5)
        for task in tasks:
            task.cancel()
        await self.tell("lifespan.shutdown")
        lifespan.cancel()
        return 0

    async def lifespan(self):
        scope = {"type": "lifespan", "asgi": {**ASGI, "spec_version": "2.0"}, "state": self.state}
        try:
            await self.application(scope, self.events.get, self.told.put)
        except Exception:
            await self.told.put({"type": "none"})  # a program may have no lifespan (Lifespan, "Scope")
        while True:
            await self.events.get()
            await self.told.put({"type": "none"})

    async def tell(self, what):
        await self.events.put({"type": what})
        try:
            return await asyncio.wait_for(self.told.get(), 10 if what == "lifespan.startup" else 1)
        except TimeoutError:
            return {"type": "none"}


def response(status, headers):
    return h11.Response(status_code=status, headers=headers, reason=REASONS.get(status, ""))


def complete_headers(event):
    """The header fields of an answer, with Date and Server where the program has sent none."""
    headers = [(bytes(name), bytes(value)) for name, value in event.get("headers", [])]
    names = {name.lower() for name, _ in headers}
    if b"date" not in names:
        headers.append((b"date", formatdate(usegmt=True).encode()))
    if b"server" not in names:
        headers.append((b"server", b"from-cgi-to-asgi"))
    if b"upgrade" in names:
        headers.append((b"connection", b"upgrade"))  # they go together (RFC 9110 section 7.8)
    return headers


def log(line):
    print(line, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description="Serve an ASGI program over HTTP/1.1 and WebSocket.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--mount", default="", metavar="/PATH", help="its root_path")
    parser.add_argument("module", help="where its `application` is, for example exhibits.asgi.app")
    options = parser.parse_args()
    application = importlib.import_module(options.module).application
    sys.exit(asyncio.run(Server(application, options.mount.rstrip("/")).main(options.host, options.port)))


if __name__ == "__main__":
    main()
