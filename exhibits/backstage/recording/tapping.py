"""What passes between visitor, web server and program, written down as it happens.

A `Tapped` exhibit is an ordinary one with a tap in each place where bytes pass:
a socket between the front and the program, a process between a CGI server and
its program, a wrapper around a WSGI or ASGI callable.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from random import Random

from exhibits import catalog, journey
from exhibits.asking import request
from exhibits.backstage.running import ROOT, Exhibit, eventually, readable_python, runs_as_nobody, version
from exhibits.backstage.running.exhibit import START
from exhibits.backstage.running.nobody import NOBODY

PATIENCE = 12  # seconds in which an answer has to end: those of the guestbook that end do so in 10
HOST_HEADERS = ("Connection: close",)

# The fixed set of requests that is recorded at every stage.
GREETING = request("GET", "/hello?name=J%C3%BCrgen", *HOST_HEADERS)
REQUESTS = {
    "greeting": GREETING,
    "form": request("POST", "/entries", "Content-Type: application/x-www-form-urlencoded", *HOST_HEADERS,
                    body=b"name=Ada&message=Hello"),
    "large": request("POST", "/digest", "Content-Type: text/plain", *HOST_HEADERS, body=b"The guestbook. " * 4667),
    "stream": request("GET", "/stream?n=3&delay=0.3", *HOST_HEADERS),
    "crash": request("GET", "/crash", *HOST_HEADERS),
}
HANDSHAKE = request("GET", "/live", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")

# What differs from run to run, and what stands for it: of the same length, so that every length stays true.
SETTLED = (
    (re.compile(r"/tmp/museum-\w{8}"), "/tmp/museum-recorded"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "Sun, 05 Dec 1993 12:00:00 GMT"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "1993-12-05T12:00:00Z"),
)

PORTS = 28000, 50000  # of the server and of the visitor

# So too what uWSGI says of the machine and the thread it runs in.
CHANCE = {"uwsgi.node": "b'localhost'", "uwsgi.core": 1}
PROGRAM = re.compile(r"exhibits\.(?:\{room\}|asgi|wsgi|uwsgi)\.\{program\}")  # in a command, a program to trace
WITHOUT_SHELL = "/usr/bin/env -u PWD -u OLDPWD -u SHLVL -u _"  # what the shell that starts a tap adds
TOGETHER = 0.05  # seconds: what follows within is one piece
KEPT = 256 * 1024  # bytes of a connection that are written down; what comes behind them passes, too


class Tapped(Exhibit):
    """An exhibit whose bytes and calls are written down: `ask` sends a request and returns its journey."""

    temporary = "/tmp"  # so that the name of its folder has the same length everywhere

    def __init__(self, stack, **options):
        super().__init__(stack, **options)
        self.talks = []  # connections between front and program
        self.traces = False  # whether the calls of the program are written down
        self.listener = None  # of the tap on a socket
        self.zero = 0.0  # when the first visitor sent the first byte

    def make_run_folder(self):
        folder = super().make_run_folder()
        (folder / "site").symlink_to(ROOT)  # tracebacks show where the program is: below a name of known length
        for name in ("processes", "calls"):
            (folder / name).mkdir()
        return folder

    def copy_program(self):
        """Where the web server starts the program by itself, it starts the tap in its place."""
        super().copy_program()
        python, tap = readable_python(), shutil.copy(Path(__file__).with_name("tap_process.py"), self.run)
        for program in (self.run / "exhibits" / self.stack.room).glob("*.py"):
            if os.access(program, os.X_OK):
                shutil.copy(program, behind := program.with_name(f"behind_{program.name}"))
                words = map(shlex.quote, map(str, (python, "-I", "-S", tap, self.run / "processes", behind)))
                script = f"#!/bin/sh\nexec {WITHOUT_SHELL} {' '.join(words)}\n"
                program.write_text(script, encoding="utf-8", errors="surrogateescape")
                if runs_as_nobody(self.stack):
                    os.chown(behind, NOBODY, NOBODY)

    def places(self):
        # Relative to the run folder: no path of this machine in the bytes.
        return {**super().places(), "root": self.run / "site", "guestbook": "guestbook.sqlite3"}

    def command(self, process):
        words = super().command(process)
        if process is not self.stack.processes[-1]:
            words = [word.replace("app.sock", "program.sock") for word in words]
        if "{python}" in words[1:]:  # our CGI server is told which program to start
            program = words.index("{python}", 1)
            tap = ["{python}", "-I", "-S", "{root}/exhibits/backstage/recording/tap_process.py", "{run}/processes"]
            words[program:program] = tap
            return words
        self.traces = self.traces or any(PROGRAM.search(word) for word in words)
        return [PROGRAM.sub("exhibits.backstage.recording.traced", word) for word in words]

    def environment(self, process):
        program = next(filter(None, map(PROGRAM.search, super().command(process))), None)
        traced = {"TRACED": program[0].format(**self.places())} if program else {}
        return {**super().environment(process), "PATH": "/usr/bin:/bin", "TRACE": str(self.run / "calls"), **traced}

    # ---------------------------------------------------------------- a tap on a socket

    def start(self, process):
        if process is not self.stack.processes[-1]:
            self.listen()
        super().start(process)

    def listen(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.run / "app.sock"))
        self.listener.listen(1024)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        super().stop()
        if listener := self.listener:
            self.listener = None
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # which ends the waiting for the next connection
            listener.close()

    def accept(self, listener):
        front = None
        while self.listener:
            try:
                front = front or listener.accept()[0]
                program = socket.socket(socket.AF_UNIX)
            except OSError:  # it is closed, or there is no file descriptor for now: who has come waits
                time.sleep(0.1)
                continue
            try:
                program.connect(str(self.run / "program.sock"))
            except OSError:  # not there yet: nginx answers 502 and is asked again
                front.close()
                program.close()
            else:
                talk = Talk()
                self.keep(talk)  # before the first byte passes, and so before the visitor has an answer
                talk.start(front, program)
            front = None

    def keep(self, talk):
        self.talks.append(talk)

    # ---------------------------------------------------------------- asking

    def ask(self, sent, hangs_up=False):
        """Send the bytes of one request; return its journey. hangs_up: say then that nothing more comes."""
        return self.visited(lambda visitor, pieces: self.send(visitor, pieces, sent, hangs_up))

    def converse(self):
        """Hold a short conversation at /live, with a fixed key and fixed masks; return its journey."""
        return self.visited(converse)

    def visited(self, *visits):
        """visit(socket, pieces) as a visitor, one visitor after the other; return the journey of all of them."""
        made, own_ports = {"links": []}, []
        for visit in visits:
            for talk in self.talks:  # the last of the asking whether it was ready
                talk.ended.wait(5)
            self.talks.clear()
            pieces, began, self.unended = [], time.monotonic(), False
            with socket.create_connection(("127.0.0.1", self.port), 15) as visitor:
                own_ports.append(visitor.getsockname()[1])
                visit(visitor, pieces)
            for talk in self.talks:
                talk.ended.wait(5)
            self.zero = self.zero if made["links"] else pieces[0][0]
            one = self.journey(pieces, self.talks, self.run_since(began), self.called_since(began), self.zero)
            made = {**one, "links": made["links"] + one["links"]}
        return self.settled(made, own_ports)

    def send(self, visitor, pieces, sent, hangs_up):
        """Send, and read all that comes until the connection ends, or for PATIENCE seconds: then the visitor leaves."""
        deadline = time.monotonic() + PATIENCE
        say(visitor, pieces, sent)
        if hangs_up:
            visitor.shutdown(socket.SHUT_WR)
        try:
            while hear(visitor, pieces, deadline):
                pass
        except TimeoutError:
            self.unended = True
        except ConnectionResetError:
            pass

    def run_since(self, moment):
        """The processes that began since, each as `read_run` has it."""
        paths = self.since("processes", moment)
        eventually(lambda: all('"exit"' in path.read_text(encoding="utf-8") for path in paths), 5)
        return [read_run(path) for path in paths]

    def called_since(self, moment):
        """The calls of the requests that began since, each a list."""
        if not self.traces:
            return []
        eventually(lambda: all(map(is_over, map(read_calls, self.since("calls", moment)))), 1)
        found = [read_calls(path) for path in self.since("calls", moment)]
        return [calls for calls in found if calls and not is_lifespan(calls)]

    def since(self, folder, moment):
        """The files of taps that began since."""
        return [path for path in sorted((self.run / folder).iterdir(), key=when)
                if when(path) >= moment]

    def journey(self, visitor, talks, processes, called, start):
        """The journey of one request from what was written down for it, all in seconds of one clock."""

        def since(pieces):
            return [(at - start, *rest) for at, *rest in pieces]

        front, program = self.stack.processes[-1], self.stack.processes[0]
        server = catalog.called(self.stack, front)
        links = journey.spoken("visitor", server, "HTTP/1.1", since(visitor))
        for talk in talks:
            carrier = self.stack.carrier.partition(",")[0]
            links += journey.spoken(server, catalog.called(self.stack, program), carrier, since(talk.pieces))
        for began, ended, code, pieces in processes:
            ending = {} if ended is None else {"ended": round(ended - start, 6), "exit": code}
            links.append(journey.link(server, "program", "process", since(pieces), began=round(began - start, 6),
                                      **ending))
        links += [self.link_of_calls(calls, start) for calls in called]
        return self.made(links)

    def link_of_calls(self, calls, start):
        """The link between the server and the program of these calls."""
        for call in calls:
            call |= {when: round(call[when] - start, 6) for when in ("began", "ended") if when in call}
        return {"between": [catalog.called(self.stack, self.stack.processes[0]), "program"],
                "carrier": self.stack.interface, "calls": calls}

    def made(self, links):
        """The journey of these links."""
        parts = {part.name: version(part) for part in self.stack.parts}
        made = {"stage": self.stack.stage, "stack": self.stack.name, "parts": parts, "links": links}
        return journey.joined(made, TOGETHER)

    def settled(self, value, own_ports=()):
        """The value with what differs from run to run replaced by something of the same length."""
        if isinstance(value, dict):
            return {key: CHANCE.get(key) or self.settled(each, own_ports) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.settled(each, own_ports) for each in value]
        ports = {self.port: PORTS[0], **{port: PORTS[1] + number for number, port in enumerate(own_ports)}}
        if isinstance(value, int):
            return ports.get(value, value)
        if isinstance(value, str):
            for pattern, fixed in SETTLED:
                value = pattern.sub(fixed, value)
            for port, fixed in ports.items():
                value = re.sub(rf"(?<!\d){port}(?!\d)", str(fixed), value)
        return value


class Staged(Tapped):
    """The same with another program of its room in the place of the guestbook."""

    def __init__(self, stack, program):
        super().__init__(stack)
        self.acts = program

    def places(self):
        return {**super().places(), "program": self.acts}

    def answers(self, deadline):
        if self.acts == "app":
            return super().answers(deadline)
        return self.status("/", START) > 0  # a program that is wrong answers with an error, if at all


def changed(stack, part, edits=(), words=""):
    """A stack with a part of it set up in another way: (old, new) texts of its files, words behind its command."""
    return replace(stack, processes=tuple(
        replace(each, edits=(*each.edits, *edits), command=each.command + words) if each.part == part else each
        for each in stack.processes
    ))


def say(visitor, pieces, data):
    pieces.append((time.monotonic(), 0, data))
    visitor.sendall(data)


def hear(visitor, pieces, deadline):
    """What comes next, b"" at the end. TimeoutError: nothing until the deadline."""
    visitor.settimeout(max(0.001, deadline - time.monotonic()))
    data = visitor.recv(65536)
    if data:
        pieces.append((time.monotonic(), 1, data))
    return data


def until(visitor, pieces, deadline, end):
    """What comes (bytes) until it holds `end`, or is over. TimeoutError as `hear` has it."""
    got = b""
    while end not in got and (data := hear(visitor, pieces, deadline)):
        got += data
    return got


def converse(visitor, pieces):
    """A conversation at /live: an entry for the guestbook, a ping, and the end."""
    from exhibits.asgi import wire  # only the stages with a WebSocket have need of it

    masks = Random(6455)  # a key of its own for each frame (RFC 6455 section 5.3), the same in each run
    deadline, frames = time.monotonic() + PATIENCE, wire.Reader(from_client=False)
    say(visitor, pieces, HANDSHAKE)
    head = until(visitor, pieces, deadline, b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        return
    frames.receive(head.partition(b"\r\n\r\n")[2])
    signing = wire.Message('{"name":"Jürgen","message":"Grüße"}')
    for message in (signing, wire.Ping(b"still there?"), wire.Close(1000, "bye")):
        say(visitor, pieces, wire.build(message, masks.randbytes(4)))
        answered = False
        while not answered and (data := hear(visitor, pieces, deadline)):
            answered = bool(frames.receive(data))


class Talk:
    """One connection, copied both ways and written down: pieces are (when, by whom, bytes), kept their size."""

    def __init__(self):
        self.pieces, self.kept = [], 0
        self.ended = threading.Event()

    def start(self, front, program):
        for by, source, target in ((0, front, program), (1, program, front)):
            threading.Thread(target=self.copy, args=(by, source, target), daemon=True).start()

    def copy(self, by, source, target):
        try:
            while data := source.recv(65536):
                if self.kept < KEPT:
                    self.pieces.append((time.monotonic(), by, data))
                    self.kept += len(data)
                target.sendall(data)
        except OSError:
            pass  # a connection closed with bytes unread is reset
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        if by == 1:
            self.ended.set()


def read_lines(path):
    """The lines that are written to their end: somebody may be writing the next one."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def read_run(path):
    """A process as (began, ended, exit code, pieces); what is not known yet is None."""
    *lines, last = [json.loads(line) for line in read_lines(path)]
    whole = "exit" in last
    pieces = [(line["at"], journey.CARRIERS["process"][1][line["what"]], line["what"],
               line["bytes"].encode("latin-1")) for line in (lines if whole else [*lines, last])]
    return pieces[0][0], last["at"] if whole else None, last.get("exit"), pieces


def when(path):
    """When the file of a tap began, which is the beginning of its name."""
    return float(path.name.partition("-")[0])


def read_calls(path):
    """The calls of a request, or of a lifespan, as far as they have come."""
    calls = {}
    for line in read_lines(path):
        number, call = json.loads(line)
        calls[number] = call
    return [calls[number] for number in sorted(calls)]


def is_lifespan(calls):
    """Whether they are no request's, but those of the server's own life."""
    return bool(calls) and calls[0]["arguments"][0].get("type") == "lifespan"


def is_over(calls):
    """Whether nothing more is to come of the calls of a request, as far as one can tell; of a lifespan none comes."""
    if not calls or is_lifespan(calls):
        return True
    if "ended" not in calls[0]:
        return False
    (variables, *_), last = calls[0]["arguments"], calls[-1]
    if "type" in variables or "raised" in calls[0]:  # a coroutine that has ended has ended
        return True
    # WSGI: the server calls `close` of what the program returned, where that has one. A list has none.
    ends = last["call"] == "close" or (type(calls[0]["returned"]) is list and last.get("raised") == "StopIteration")
    return ends and "ended" in last
