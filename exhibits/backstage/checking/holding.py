"""Any server, held to the contract, to the rude program and to the hard requests: a Finding for each check.

The name of a check is "contract/hello", "rude/short" or "hard/CL.TE": its part, and what it is called there.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from exhibits import contract, hard, rude
from exhibits.backstage import checking
from exhibits.backstage.checking import hardness, rudeness
from exhibits.backstage.checking.reading import Talk
from exhibits.backstage.checking.rudeness import POISONS, RIGHT, TOLERABLE, WRONG
from exhibits.backstage.running import CannotStart, eventually, foreign
from exhibits.backstage.running.ports import is_free

NOT_ASKED = "not asked"
VERDICTS = RIGHT, TOLERABLE, WRONG, POISONS, NOT_ASKED
PARTS = {"contract": "the same request in, the same answer out", "rude": "programs that misbehave",
         "hard": "requests that are hard to read"}
BELOW_A_PATH = "it is about a program below a path: see --mount"
AT_THE_ROOT = "they ask for what is at the root, and the program is below a path"
PATIENCE = 2  # seconds of silence after which the rude program's answer is given up
ENDS = 10  # times that a server is started anew in the contract or the hard requests, until it is let be
OFTEN = f"the server has ended {ENDS} times before"
BATCH = 24  # hard requests between two looks at whether the server is still there


@dataclass(frozen=True)
class Check:
    """What a server is asked. asks: in words. section: of the specification, "" where the words have it.

    of: the contract.Case, the pair of an interface and a rude.Behaviour, or the hard.Hard.
    """

    name: str
    asks: str
    section: str
    of: object

    @property
    def part(self):
        return self.name.partition("/")[0]

    def found(self, verdict, why="", sent=b"", received=b""):
        return Finding(self, verdict, why, sent, received)


@dataclass(frozen=True)
class Finding:
    """What came of a check. verdict: one of VERDICTS. why: sentences, "" where it is right. sent, received: bytes."""

    check: Check
    verdict: str
    why: str = ""
    sent: bytes = b""
    received: bytes = b""

    @property
    def name(self):
        return self.check.name

    @property
    def kept(self):
        return self.verdict not in (WRONG, POISONS)


def checks(behaviours):
    """All checks, {name: Check}. behaviours: (interface, rude.Behaviour), as `rudeness.behaviours` has them."""
    found = [Check(f"contract/{case.name}", case.shows, "", case) for case in contract.CASES]
    for interface, each in behaviours:
        rule = each.rules[interface]
        found.append(Check(f"rude/{each.name}", f"The program {each.does}: {rule.says} ({rule.level}).", rule.section,
                           (interface, each)))
    found += [Check(f"hard/{each.name}", each.rule.says, each.rule.section, each) for each in hard.REQUESTS]
    return {each.name: each for each in found}


def of_interface(interface, carrier):
    """Those that a server of this interface and carrier can be asked."""
    return checks(rudeness.behaviours(foreign.place(interface, carrier)))


def everything():
    """Those of all interfaces."""
    return checks([(interface, each) for each in rude.BEHAVIOURS for interface in list(each.rules)[:1]])


class Started:
    """A server that a command starts.

    words, interface, carrier: see `foreign.stack`, which raises CannotStart. more: what `Foreign` takes besides.
    """

    def __init__(self, words, interface, carrier, **more):
        self.stack, self.more = foreign.stack(words, interface, carrier), more
        self.checks = of_interface(interface, carrier)

    def start(self, app=None):
        return foreign.Foreign(self.stack, app=app, **self.more)

    def is_not_asked(self, check):
        """Why a check is not asked here; "" where it is."""
        if check.part == "rude" and not self.stack.takes:
            return "the command has no {app}, and serves one program always"
        if check.part != "hard":
            return ""
        if front := self.stack.processes[1:]:
            return f"{front[-1].part}, which stands in front, reads the request, and not the server"
        return AT_THE_ROOT if self.more.get("mount") else ""

    def opens_websockets(self):
        """Whether the guestbook's WebSocket opens here."""
        with self.start() as exhibit, suppress(OSError), Talk(exhibit.host, exhibit.port, rudeness.PATIENCE) as talk:
            fields = "Host: localhost", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"
            key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            lines = f"GET {exhibit.mount}/live HTTP/1.1", *fields, key, "", ""
            return talk.ask("\r\n".join(lines).encode()).status == 101
        return False

    def hold_to_rude(self, chosen):
        if any(check.of[0] == "websocket" for check in chosen) and not self.opens_websockets():
            why = "the server opens no WebSocket: the guestbook's handshake got no 101"
            yield from (each.found(NOT_ASKED, why) for each in chosen if each.of[0] == "websocket")
            chosen = [each for each in chosen if each.of[0] != "websocket"]
        left = list(chosen)
        try:
            for cell in rudeness.hold(self.stack, [each.of for each in chosen], PATIENCE,
                                      exhibit=lambda _, app: self.start(app)):
                why = "; ".join(cell.why)
                if cell.verdict == TOLERABLE:
                    why = f"{cell.outcome[:60]!r} came, and right is {' or '.join(map(repr, cell.rule.right))}"
                yield left.pop(0).found(cell.verdict, why, cell.sent, cell.raw)
        except CannotStart as reason:
            yield from given_up(chosen, left, reason)


class Served:
    """A server that runs already, with the guestbook at http://host:port and a path."""

    def __init__(self, host, port, mount=""):
        self.host, self.port, self.mount = host, port, mount
        self.checks = everything()

    def start(self):
        return Visited(self.host, self.port, self.mount)

    def is_not_asked(self, check):
        if check.part == "rude":
            return "what is served at a URL is the guestbook; a command behind -- can be given another program"
        return AT_THE_ROOT if check.part == "hard" and self.mount else ""


class Visited:
    """A server that others have started, to the end of a `with` block: as much of an Exhibit as is needed."""

    stack = foreign.ForeignStack("url", "", "", "HTTP/1.1", (foreign.Process("the server", "", ""),))

    def __init__(self, host, port, mount):
        self.host, self.port, self.mount = host, port, mount

    def __enter__(self):
        self.check()
        return self

    def __exit__(self, *exception):
        pass

    @cached_property
    def place(self):
        return checking.Place(self.host, self.port, mount=self.mount)

    def check(self):
        """Raise CannotStart where the guestbook is not there."""
        request = f"GET {self.mount}/hello HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        where = f"{self.host} port {self.port}"
        try:
            with Talk(self.host, self.port, rudeness.PATIENCE) as talk:
                answer = talk.ask(request)
        except OSError as error:
            raise CannotStart(f"{where}: {error.strerror or error}") from None
        except UnicodeError:  # IDNA has rules for names that urlsplit does not know
            raise CannotStart(f"{self.host!r} is no name of a machine") from None
        if (answer.status, answer.body) != (200, b"Hello, World!\n"):
            no_http = answer.raw and not answer.status
            came = f"{answer.raw[:60]!r}, which is no HTTP" if no_http else repr(str(answer)[:60])
            raise CannotStart(f"{where} does not serve the guestbook: GET {self.mount}/hello is answered with "
                              f"{came}, and not 200 'Hello, World!'")


def given_up(chosen, left, reason):
    """Findings for what is left where the server does not start again; where nothing was asked, raise the reason."""
    if len(left) == len(chosen):
        raise reason
    yield from (each.found(NOT_ASKED, f"the server did not start again: {reason}") for each in left)


def hold(server, chosen):
    """Yield a Finding for each of the checks (`Check`). server: what is asked. Raises CannotStart."""
    for part, ask in ("contract", hold_to_contract), ("hard", hold_to_hard), ("rude", hold_to_rude):
        asked = []
        for check in [each for each in chosen if each.part == part]:
            if why := server.is_not_asked(check):
                yield check.found(NOT_ASKED, why)
            else:
                asked.append(check)
        if asked:
            yield from ask(server, asked)


def hold_to_contract(server, chosen):
    """A server that is gone behind a case is started anew for the next one."""
    left = list(chosen)
    for _ in range(ENDS):
        try:
            with server.start() as exhibit:
                while left:
                    check = left.pop(0)
                    found = kept(check, exhibit)
                    gone = "" if found.kept else why_gone(exhibit)
                    yield replace(found, verdict=POISONS, why=f"the server is gone: {gone}") if gone else found
                    if gone:
                        break
        except CannotStart as reason:
            yield from given_up(chosen, left, reason)
            return
        if not left:
            return
    yield from (each.found(NOT_ASKED, OFTEN) for each in left)


STATES = {checking.KEPT: RIGHT, checking.DIFFERS: WRONG, checking.NOT_TESTABLE: NOT_ASKED}


def kept(check, exhibit):
    """The Finding of a case of the contract."""
    case = check.of
    for outcome in checking.run(exhibit, [case]):
        sent = b"".join(piece for step in case.steps for piece in (step.request, *step.then))
        return check.found(STATES[outcome.state], outcome.why, sent.replace(b"{mount}", exhibit.place.seen.encode()),
                           outcome.raw)
    return check.found(NOT_ASKED, BELOW_A_PATH if case.mounted and not exhibit.mount else "it makes no sense here")


def why_gone(exhibit):
    """Why nobody listens any more, "" where somebody does."""

    def gone():
        try:
            exhibit.check()
        except CannotStart as reason:
            return str(reason)
        return ""

    # A process ends a moment after its last answer, and is seen to have ended a moment after its socket is closed.
    return eventually(gone, 0.05) or (eventually(gone, 2) if is_free(exhibit.host, exhibit.port) else "")


def hold_to_rude(server, chosen):
    return server.hold_to_rude(chosen)


def hold_to_hard(server, chosen):
    """Several at once. Where the server is gone then, it is started anew and asked one by one, to find who ends it."""
    left, alone = list(chosen), 0
    for _ in range(ENDS):
        try:
            with server.start() as place:
                while left:
                    batch, ended, cells = left[: 1 if alone else BATCH], "", {}
                    try:
                        cells = hardness.judge(place, [check.of for check in batch])
                        ended = why_gone(place)
                    except (CannotStart, OSError) as reason:
                        ended = str(reason)
                    if ended and len(batch) > 1:
                        alone = len(batch)
                        break
                    del left[: len(batch)]
                    alone = max(0, alone - len(batch))
                    for check in batch:
                        yield judged(check, cells.get(check.of.name), ended)
                    if ended:
                        break
        except CannotStart as reason:
            yield from given_up(chosen, left, reason)
            return
        if not left:
            return
    yield from (each.found(NOT_ASKED, OFTEN) for each in left)


def judged(check, cell, ended):
    innocent = b"" if check.of.rule.ends else hard.INNOCENT
    sent = check.of.sent + innocent
    if ended:
        return check.found(POISONS, f"the server is gone: {ended}", sent, cell.received if cell else b"")
    verdict = POISONS if cell.verdict == hardness.SMUGGLED else cell.verdict
    return check.found(verdict, cell.why, sent, cell.received)
