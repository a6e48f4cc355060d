"""What passes between visitor, web server and program, written down as it happens.

A `Tapped` exhibit is an ordinary one with a tap in each place where bytes pass:
a socket between the front and the program, a process between a CGI server and
its program, a wrapper around a WSGI or ASGI callable.
"""

import contextlib
import importlib
import json
import re
import socket
import tempfile
import threading
from pathlib import Path

from exhibits import contract
from exhibits.backstage.client import request
from exhibits.backstage.running import ROOT, Exhibit, eventually

HOST_HEADERS = ("Connection: close",)

# The fixed set of requests that is recorded at every stage.
GREETING = request("GET", "/hello?name=J%C3%BCrgen", *HOST_HEADERS)
REQUESTS = {
    "greeting": GREETING,
    "form": request("POST", "/entries", contract.FORM, *HOST_HEADERS, body=b"name=Ada&message=Hello"),
    "large": request("POST", "/digest", "Content-Type: text/plain", *HOST_HEADERS, body=b"The guestbook. " * 4667),
    "stream": request("GET", "/stream?n=3&delay=0.3", *HOST_HEADERS),
    "crash": request("GET", "/crash", *HOST_HEADERS),
}
HANDSHAKE = request("GET", "/live", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip

# What differs from run to run, and what stands for it: of the same length, so that every length stays true.
SETTLED = (
    (re.compile(r"/tmp/museum-\w{8}"), "/tmp/museum-recorded"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "Sun, 05 Dec 1993 12:00:00 GMT"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "1993-12-05T12:00:00Z"),
)


class Tapped(Exhibit):
    """An exhibit whose bytes are recorded: `ask` sends a request and returns what passed where."""

    def __init__(self, stack):
        super().__init__(stack, guestbook="guestbook.sqlite3")  # relative: no path of this machine in the bytes
        self.talks = []
        self.asked = 1  # how often: the first time was to see whether it is ready
        self.traces = False  # whether the calls of the program are written down

    def make_run_folder(self):
        folder = Path(tempfile.mkdtemp(prefix="museum-", dir="/tmp"))
        (folder / "site").symlink_to(ROOT)  # tracebacks show where the program is: below a name of known length
        (folder / "tapped").mkdir()
        return folder

    def places(self):
        return {**super().places(), "root": self.run / "site"}

    def command(self, process):
        words = super().command(process)
        if process is not self.stack.processes[-1]:
            self.listen()
            return [word.replace("app.sock", "program.sock") for word in words]
        if "{python}" in words[1:]:  # our CGI server is told which program to start
            program = words.index("{python}", 1)
            tap = ["{python}", "-I", "-S", "{root}/exhibits/backstage/tap_process.py", "{run}/tapped"]
            words[program:program] = tap
        self.traces = any(word.startswith("exhibits.") and word.endswith(":application") for word in words)
        return [word.replace("exhibits.{room}.{program}", "exhibits.backstage.traced")
                .replace("exhibits.asgi.{program}", "exhibits.backstage.traced") for word in words]  # fmt: skip

    def environment(self, process):
        return {**super().environment(process), "PATH": "/usr/bin:/bin", "TRACED": self.stack.room,
                "TRACE": str(self.run / "trace.jsonl")}  # fmt: skip

    # ---------------------------------------------------------------- a tap on a socket

    def listen(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.run / "app.sock"))
        listener.listen()
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            front, _ = listener.accept()
            program = socket.socket(socket.AF_UNIX)
            try:
                program.connect(str(self.run / "program.sock"))
            except OSError:  # not there yet: nginx answers 502 and is asked again
                front.close()
                continue
            talk = Talk()
            self.talks.append(talk)  # before the first byte passes, and so before the visitor has an answer
            talk.start(front, program)

    # ---------------------------------------------------------------- asking

    def ask(self, sent, hangs_up=False):
        """Send the bytes of one request; return the links it passed, in order, as data.

        hangs_up: say then that nothing more comes.
        """
        for talk in self.talks:  # the last of the asking whether it was ready
            talk.ended.wait(5)
        self.talks.clear()
        for left in (self.run / "tapped").iterdir():
            left.unlink()
        with socket.create_connection(("127.0.0.1", self.port), 15) as visitor:
            own_port = visitor.getsockname()[1]
            visitor.sendall(sent)
            if hangs_up:
                visitor.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := visitor.recv(65536):
                received += chunk
        server = self.processes[-1][0].part
        server = "our CGI server" if server == "Python" else server
        links = [link("visitor", server, "HTTP/1.1", request=sent, response=received)]
        for talk in self.talks:
            talk.ended.wait(5)
            program = self.stack.processes[0].part
            links.append(link(server, program, self.stack.carrier, **talk.said))
        tapped = {path.name: path.read_bytes() for path in sorted((self.run / "tapped").iterdir())}
        if tapped:
            links.append(link(server, "program", "process", **tapped))
        if self.traces:
            links.append(self.calls(server))
        return [self.settled(each, own_port) for each in links]

    def converse(self):
        """Hold a short conversation at /live, with a fixed key and fixed masks; return its links as data."""
        from exhibits.asgi import wire  # only the stages with a WebSocket have need of it

        mask = bytes.fromhex("37fa213d")  # the one RFC 6455 section 5.7 uses in its examples
        received, frames = b"", wire.Reader(from_client=False)
        said = b""
        with socket.create_connection(("127.0.0.1", self.port), 15) as visitor:
            own_port = visitor.getsockname()[1]
            visitor.sendall(HANDSHAKE)
            while b"\r\n\r\n" not in received:
                received += visitor.recv(65536)
            head, _, received = received.partition(b"\r\n\r\n")
            frames.receive(received)
            signing = wire.Message('{"name":"Jürgen","message":"Grüße"}')
            for message in (signing, wire.Ping(b"still there?"), wire.Close(1000, "bye")):
                said += wire.build(message, mask)
                visitor.sendall(wire.build(message, mask))
                answered = False
                while not answered and (data := visitor.recv(65536)):
                    received += data
                    answered = bool(frames.receive(data))
        server = self.processes[-1][0].part
        links = [
            link("visitor", server, "HTTP/1.1", request=HANDSHAKE, response=head + b"\r\n\r\n"),
            link("visitor", server, "WebSocket", client=said, server=received),
        ]
        if self.traces:
            links.append(self.calls(server))
        return [self.settled(each, own_port) for each in links]

    def calls(self, server):
        """The link of calls of the request that was sent last."""
        lines = eventually(lambda: read_lines(self.run / "trace.jsonl")[self.asked:], 5)
        calls = json.loads(lines[0])
        self.asked += 1
        return {"between": [server, "program"], "carrier": self.stack.interface, "calls": calls}

    def settled(self, value, own_port):
        """The value with what differs from run to run replaced by something of the same length."""
        if isinstance(value, dict):
            return {key: self.settled(each, own_port) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.settled(each, own_port) for each in value]
        ports = {self.port: 28000, own_port: 50000}
        if isinstance(value, int):
            return ports.get(value, value)
        if isinstance(value, str):
            for pattern, fixed in SETTLED:
                value = pattern.sub(fixed, value)
            for port, fixed in ports.items():
                value = re.sub(rf"(?<!\d){port}(?!\d)", str(fixed), value)
        return value


class Talk:
    """One connection between the front and the program, copied both ways and written down."""

    def __init__(self):
        self.said = {"request": b"", "response": b""}
        self.ended = threading.Event()

    def start(self, front, program):
        for what, source, target in (("request", front, program), ("response", program, front)):
            threading.Thread(target=self.copy, args=(what, source, target), daemon=True).start()

    def copy(self, what, source, target):
        try:
            while data := source.recv(65536):
                self.said[what] += data
                target.sendall(data)
        except OSError:
            pass  # a connection closed with bytes unread is reset
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        if what == "response":
            self.ended.set()


def read_lines(path):
    """The lines that are written to their end: somebody may be writing the next one."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


def link(one, other, carrier, **said):
    """A link as JSON has it. said: what passed ("request", "environ" …) and its bytes.

    Bytes stand as text, each character one byte (latin-1), so that a recording can be read.
    """
    return {
        "between": [one, other],
        "carrier": carrier,
        "said": {what: bytes(data).decode("latin-1") for what, data in said.items()},
    }


# Where the wire of a carrier is explained: the room that shows it.
ROOMS = {
    "process": "cgi", "FastCGI": "fastcgi", "SCGI": "scgi", "uwsgi": "uwsgi", "HTTP/1.1": "wsgi", "WebSocket": "asgi",
}  # fmt: skip


def explain(link):
    """What was said on a link: for each thing its list of Field. Nothing for a link of calls."""
    if "said" not in link:
        return {}
    wire = importlib.import_module(f"exhibits.{ROOMS[link['carrier']]}.wire")
    return {
        # FastCGI's records explain themselves alike both ways.
        what: getattr(wire, f"explain_{what}", vars(wire).get("explain"))(text.encode("latin-1"))
        for what, text in link["said"].items()
    }
