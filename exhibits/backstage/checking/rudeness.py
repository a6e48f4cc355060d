"""Holding a running stack to what the rude program may not do to its visitors (see `exhibits/rude.py`).

    python -m exhibits.backstage.checking.rudeness [--patience SECONDS] STACK …

prints what is not right at each stack. Exit code 1 where something is wrong.
"""

import argparse
import os
import sys
import time
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha1
from itertools import count
from urllib.parse import urlsplit

from exhibits import catalog, rude
from exhibits.backstage.checking.reading import Answer, Talk
from exhibits.backstage.own import target
from exhibits.backstage.running import ROOT, CannotStart, Exhibit, ports, readable_python

RIGHT, TOLERABLE, WRONG, POISONS = VERDICTS = "right", "tolerable", "wrong", "poisons the next request"
PATIENCE = 5  # seconds of silence that are no answer any more
# Through which interfaces of rude.py a stack's program is called, by what the catalog calls it.
INTERFACES = {
    "CGI program": ("cgi",), "CGI-shaped function": ("cgi",), "WSGI callable": ("wsgi",),
    "ASGI coroutine": ("asgi", "websocket"),
}
NOT_SERVED = "an innocent request on a new connection was not served"
numbers = count(1)


@dataclass
class Cell:
    """What a server made of a behaviour.

    verdict: one of VERDICTS. outcome: see `rude.Rule`. why: sentences, where it is not simply right.
    raw: what came back, byte by byte; sent: to what.
    """

    stack: str
    behaviour: rude.Behaviour
    interface: str
    verdict: str
    outcome: str
    why: list[str] = field(default_factory=list)
    raw: bytes = b""
    sent: bytes = b""

    @property
    def rule(self):
        return self.behaviour.rules[self.interface]

    def __str__(self):
        said = f": {'; '.join(self.why)}" if self.why else ""
        return f"{self.behaviour.name} ({self.interface}): {self.verdict}, {self.outcome[:60]!r}{said}"


@dataclass(frozen=True)
class Script(target.Script):
    """A CGI program in Python, which any Python runs."""

    def written(self):
        return f'#!/bin/sh\nexec "{readable_python()}" -IS "{self.file}"\n'


@dataclass(frozen=True)
class Module(target.Program):
    """The room's rude.py, under the name that servers look for."""

    interface: str
    name: str

    def written(self):
        return f"from exhibits.{target.ROOMS[self.interface]}.rude import {self.name}\n"


def program(stack):
    """The rude program as this stack, which can be rude, serves it: what `Exhibit` takes for `app`."""
    if stack.takes == "CGI program":
        file = ROOT / "exhibits" / "cgi" / "rude.py"
        return Script(str(file), file)
    return Module(stack.takes, "respond" if stack.takes == "CGI-shaped function" else "application")


def can_be_rude(stack):
    """Whether it serves a program that can be exchanged, through an interface of rude.py, and speaks HTTP/1.1."""
    return stack.takes in INTERFACES and not stack.encrypted


def behaviours(stack):
    """(interface, Behaviour) for all that can happen at a stack."""
    interfaces = INTERFACES[stack.takes]
    if "asgi" in interfaces and "WebSocket" not in stack.carrier:
        interfaces = interfaces[:1]
    return [(interface, each) for each in rude.BEHAVIOURS for interface in interfaces
            if interface in each.rules and (stack.takes == "CGI program" or not each.process)]


def hold(stack, chosen=None, patience=PATIENCE, exhibit=Exhibit, pause=0):
    """Yield a Cell for each behaviour (of `chosen`, pairs as `behaviours` has them). Raises CannotStart.

    A server that does not survive one is started anew for the next. exhibit: what starts it. pause: seconds until we
    look whether it is still there, where a connection has ended: some end a while later, when they look up.
    """
    left = list(behaviours(stack) if chosen is None else chosen)
    while left:
        with exhibit(stack, app=program(stack)) as started:
            visitor = Visitor(started, patience, pause)
            while left:
                cell = visitor.judge(*left.pop(0))
                yield cell
                if cell.verdict == POISONS:
                    break


class Visitor:
    """Who asks an exhibit of the rude program. Raises CannotStart where nobody listens there any more.

    usual: faults that the answer to an innocent request has, too.
    """

    def __init__(self, exhibit, patience, pause=0):
        url = urlsplit(exhibit.base)
        self.exhibit, self.patience, self.pause = exhibit, patience, pause
        self.place, self.host, self.prefix = (ports.reached(exhibit.host), exhibit.port), url.netloc, url.path
        self.usual, self.sent = set(), b""
        try:
            with self.talk() as talk:
                self.usual = set(self.innocent(talk)[0].faults)
        except OSError as error:
            raise CannotStart(f"the server was there, and then took no connection: {error.strerror or error}") from None

    def talk(self):
        return Talk(*self.place, self.patience)

    def head(self, method, path, *fields):
        lines = [f"{method} {self.prefix}{path} HTTP/1.1", f"Host: {self.host}", *fields, "", ""]
        return "\r\n".join(lines).encode()

    def innocent(self, talk):
        """Ask for what has nothing to do with rudeness: (Answer, the body it should have)."""
        number = next(numbers)
        answer = talk.ask(self.head("GET", f"/innocent?{number}"))
        return answer, f"{rude.INNOCENT} GET {number}".encode()

    def is_served(self):
        """Whether all processes are there, and an innocent request on a new connection is answered."""
        try:
            self.exhibit.check()
            with self.talk() as talk:
                answer, expected = self.innocent(talk)
            return answer.end == "whole" and (answer.status, answer.body) == (200, expected)
        except (CannotStart, OSError):
            return False

    def judge(self, interface, behaviour):
        """Let the program behave so, look what comes back, and ask something innocent behind it."""
        why, poisoned, goes_on = [], "", False
        try:
            with self.talk() as talk:
                if interface == "websocket":
                    answer, outcome = self.ask_websocket(talk, behaviour)
                else:
                    answer = self.ask(talk, behaviour)
                    outcome = str(answer)
                why += self.faults(answer, behaviour)
                if interface != "websocket":
                    goes_on, poisoned = self.go_on(talk, answer, why)
        except OSError as error:
            answer, outcome = Answer(), f"no connection: {error.strerror}"
        if not (goes_on or poisoned):
            time.sleep(self.pause)
            if not self.is_served():
                poisoned = NOT_SERVED
        verdict = self.verdict(outcome, behaviour.rules[interface], why)
        if poisoned:
            verdict, why = POISONS, [poisoned, *why]
        return Cell(self.exhibit.stack.name, behaviour, interface, verdict, outcome, why, answer.raw, self.sent)

    def verdict(self, outcome, rule, why):
        if why:
            return WRONG
        for verdict, outcomes in (RIGHT, rule.right), (TOLERABLE, rule.tolerable):
            if any(outcome == each or (" " not in each and outcome.startswith(f"{each} ")) for each in outcomes):
                return verdict
        why.append(f"{rule.section}: {rule.says}")
        return WRONG

    def faults(self, answer, behaviour):
        found = [fault for fault in answer.faults if fault not in self.usual]
        if answer.end == "silence":
            found.append(f"no whole answer within {self.patience} s")
        if answer.end == "whole" and answer.status == 200:
            for name in dict.fromkeys(name for name, _ in behaviour.fields):
                wanted = [value for each, value in behaviour.fields if each == name]
                got = answer.values(name)
                if (got if name == "set-cookie" else [", ".join(got)]) != wanted:
                    found.append(f"{name}: {got}, not {wanted}")
        return found

    def ask(self, talk, behaviour):
        fields, body = [], behaviour.body
        if behaviour.sending == "chunked":
            fields, body = ["Transfer-Encoding: chunked"], b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        elif body:
            fields = [f"Content-Length: {len(body)}"]
        if behaviour.sending == "expected":
            fields.append("Expect: 100-continue")
        head = self.head(behaviour.method, f"/{behaviour.name}", *fields)
        self.sent = head + body
        return talk.ask(head, behaviour.method, body, behaviour.sending)

    def go_on(self, talk, answer, why):
        """Use the connection once more, or see that it ends as announced.

        Returns whether an innocent request was served behind the answer, and how it was poisoned, or "".
        """
        if answer.end == "whole" and answer.closes:
            if rest := talk.rest():
                why.append(f"{len(rest)} bytes behind the end of the answer: {rest[:40]!r}")
            elif not talk.ended:
                why.append("the connection was to be closed, and stays open (RFC 9112 section 9.6)")
            return False, ""
        if answer.end in ("cut", "nothing"):  # by the server, or by the visitor, who cannot read on
            return False, ""
        if answer.end == "whole" and (rest := talk.rest(0)):
            return False, f"{len(rest)} bytes behind the end of the answer: {rest[:40]!r}"
        following, expected = self.innocent(talk)
        if answer.end != "whole":
            return False, "the next answer comes inside this one" if expected in following.raw else ""
        if following.end == "nothing":
            why.append("the connection was closed, which was not announced (RFC 9112 section 9.6)")
            return False, ""
        if (following.end, following.status, following.body) != ("whole", 200, expected):
            return False, f"the next request on the connection got {str(following)[:60]!r}: {following.raw[:60]!r}"
        if new := set(following.faults) - self.usual:
            return False, f"the next answer on the connection: {'; '.join(new)}"
        return True, ""

    # ---------------------------------------------------------------- WebSocket

    def ask_websocket(self, talk, behaviour):
        """Open a WebSocket, and listen until it ends: (Answer, outcome)."""
        key = b64encode(os.urandom(16)).decode()
        self.sent = self.head("GET", f"/{behaviour.name}", "Upgrade: websocket", "Connection: Upgrade",
                              f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13")
        answer = talk.ask(self.sent)
        if answer.status != 101 or answer.end != "whole":
            return answer, str(answer)
        answer.faults += handshake_faults(answer, key)
        came, talk.unread, said, rest, begun = talk.unread, b"", [], b"", []
        while True:
            answer.raw += came
            more, code, rest = frames(rest + came, answer.faults, begun)
            said += more
            if code is not None or not (came := talk.exchange()[0]):
                break
        if code is not None and not talk.ended:
            talk.send(b"\x88\x82\0\0\0\0\x03\xe8")  # close, 1000, under a mask of zeros
            rest += talk.rest()
        if rest and code is not None:
            answer.faults.append("something follows the close frame (RFC 6455 section 5.5.1)")
        if not talk.ended:
            answer.faults.append("the connection stays open (RFC 6455 section 7.1.1)")
        said = "|".join(said)
        return answer, " ".join(filter(None, ["101", said, "cut" if code is None else str(code)]))


def handshake_faults(answer, key):
    """What is wrong with the 101 to a handshake with this key, which offers nothing, as sentences."""
    right = b64encode(sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
    if answer.values("sec-websocket-accept") != [right]:
        yield "Sec-WebSocket-Accept is not what the key makes it (RFC 6455 section 4.2.2)"
    if [value.lower() for value in answer.values("upgrade")] != ["websocket"] or "upgrade" not in answer.options:
        yield "Upgrade and Connection do not name the WebSocket (RFC 6455 section 4.2.2)"
    if not answer.raw.startswith(b"HTTP/1.1 "):
        yield "a 101 that is not of HTTP/1.1 (RFC 6455 section 4.2.2)"
    for name, what in ("protocol", "subprotocol"), ("extensions", "extension"):
        if chosen := answer.values(f"sec-websocket-{name}"):
            yield f"the {what} {chosen[0]!r}, which was not offered (RFC 6455 section 4.2.2)"


def frames(data, faults, begun=None):
    """(the messages, the code of the close frame or None, what is behind it) of frames a server has sent.

    begun: of the message that comes in fragments, its opcode and what has come of it; a list that is changed.
    """
    said, start, begun = [], 0, [] if begun is None else begun
    while len(data) - start >= 2:
        first, length, at = data[start], data[start + 1] & 127, start + 2
        kind, whole, least = first & 15, first & 128, 0
        if length > 125:
            least, at = (126, at + 2) if length == 126 else (1 << 16, at + 8)
            length = int.from_bytes(data[start + 2:at])
        if len(data) < at + length:
            break
        if data[start + 1] & 128 or first & 0x70:
            faults.append("a frame of a server is not masked, and has no reserved bits (RFC 6455 section 5.1)")
        if length < least:
            faults.append("a length takes no more bytes than it needs (RFC 6455 section 5.2)")
        payload, start = data[at:at + length], at + length
        if kind not in (0, 1, 2, 8, 9, 10):
            faults.append(f"the opcode {kind}, which means nothing (RFC 6455 section 5.2)")
        if kind > 7 and (not whole or (length > 125 and kind != 8)):
            faults.append("a control frame is whole, and has 125 bytes at most (RFC 6455 section 5.5)")
        if kind == 8:
            code = int.from_bytes(payload[:2]) if payload else 1005
            if length > 125 or length == 1:
                faults.append("a close frame of this length is none (RFC 6455 section 5.5)")
            if payload and not (code in (1000, 1001, 1002, 1003, *range(1007, 1015)) or 3000 <= code < 5000):
                faults.append(f"the code {code} in a close frame (RFC 6455 section 7.4)")
            text(payload[2:], faults)
            return said, code, data[start:]
        if kind < 3:
            if (kind == 0) != bool(begun):
                faults.append("fragments of two messages are mixed up (RFC 6455 section 5.4)")
            begun += [payload] if begun else [kind, payload]
            if whole:
                message = b"".join(begun[1:])
                said.append(repr(message) if begun[0] == 2 else text(message, faults))
                begun.clear()
    return said, None, data[start:]


def text(data, faults):
    try:
        return data.decode()
    except UnicodeDecodeError:
        faults.append("text that is no UTF-8 (RFC 6455 section 5.6)")
        return ""


def main():
    able = [stack.name for stack in catalog.STACKS if can_be_rude(stack)]
    parser = argparse.ArgumentParser(prog="rudeness", description="What servers do with a rude program.")
    parser.add_argument("stacks", nargs="+", metavar="STACK", choices=able, help="wsgi-gunicorn, for example")
    parser.add_argument("--patience", type=float, default=PATIENCE, metavar="SECONDS", help="the longest silence")
    options = parser.parse_args()
    wrong = False
    for name in options.stacks:
        cells = list(hold(catalog.find(name), patience=options.patience))
        counts = Counter(cell.verdict for cell in cells)
        print(f"{name}: {', '.join(f'{counts[verdict]} {verdict}' for verdict in VERDICTS if counts[verdict])}")
        print("".join(f"  {cell}\n" for cell in cells if cell.verdict != RIGHT), end="", flush=True)
        wrong = wrong or bool(counts[WRONG] + counts[POISONS])
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
