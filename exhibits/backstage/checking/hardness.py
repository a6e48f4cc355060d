"""The judge of the hard requests (`exhibits/hard.py`): what a running stack makes of each, read from its bytes."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from exhibits import hard
from exhibits.backstage.checking import reading
from exhibits.backstage.checking.excuses import excuse
from exhibits.backstage.checking.judging import is_old
from exhibits.backstage.checking.reading import Talk
from exhibits.backstage.running import ports

RIGHT, TOLERABLE, WRONG, SMUGGLED = "right", "tolerable", "wrong", "smuggled"
CLOSED, RESET, OPEN = "closed", "reset", "open"  # how a connection stands at the end
AT_ONCE = 6  # connections
PATIENCE = 6.0  # seconds to wait for a byte where an answer is due, once a request is asked alone


@dataclass(frozen=True)
class Cell:
    """What one stack made of one hard request.

    verdict: RIGHT, TOLERABLE, WRONG, or SMUGGLED: a part of the request was answered as another one, or the next one
    was taken for a part of it. why: in a sentence, "" where it is right.
    statuses: of all that came back, the answer to the innocent request left out; end: how the connection stood.
    received: the bytes.
    """

    verdict: str
    why: str
    statuses: tuple[int, ...]
    end: str
    received: bytes

    @property
    def short(self):
        """For a grid: "400, closed"."""
        return ", ".join([*map(str, self.statuses), self.end])


def judge(exhibit, requests=hard.REQUESTS):
    """{name: Cell} of these hard requests at a running `Exhibit`, several at a time.

    Date is not looked for: many servers leave it out where they refuse, and that hides nothing.
    """
    address = ports.reached(exhibit.host), exhibit.port
    usual = {fault for answer in read(*ask(address, hard.INNOCENT), [b"GET"])[0] for fault in answer.faults}

    def cell_of(request, patience=1.0):
        innocent = b"" if request.rule.ends else hard.INNOCENT
        return cell(request, *ask(address, request.sent + innocent, request.rule.ends, patience), usual)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        cells = dict(zip([each.name for each in requests], pool.map(cell_of, requests), strict=True))
    for each in requests:  # who serves one visitor at a time, or is busy, is not silent
        found = cells[each.name]
        if found.end == OPEN and found.verdict in (WRONG, SMUGGLED) and not known(exhibit.stack, each, found):
            cells[each.name] = cell_of(each, PATIENCE)
    return cells


def known(stack, request, found):
    """The Excuse for what a stack makes of a hard request, or None."""
    return excuse("hard", stack, request.rule.family, request.name, found.why)


def ask(address, data, ends=False, patience=PATIENCE):
    """Send bytes over a connection of their own: (what comes back, how the connection stands then).

    ends: close our side behind them. patience: seconds without a byte until it counts as OPEN. OSError where nobody
    listens.
    """
    with Talk(*address, patience) as talk:
        if ends:
            with suppress(OSError):  # it wants no more, and may have answered
                talk.socket.sendall(data)
                talk.socket.shutdown(socket.SHUT_WR)
        else:
            talk.send(data)
        return talk.rest(), OPEN if not talk.ended else RESET if talk.is_reset else CLOSED


def read(received, end, methods, waits=False):
    return reading.read(received, methods, end != OPEN, waits)


def cell(request, received, end, usual=()):
    """The Cell of what came back (bytes), and of how the connection stood then.

    usual: faults of this server that the answer to an innocent request has, too.
    """
    waits = b"\r\nexpect:" in request.sent.lower() and not is_old(request.sent)
    answers, rest = read(received, end, request.methods, waits)
    answered = bool(answers) and answers[-1].body == hard.ANSWER
    own = answers[:-1] if answered else answers
    shown = "kept" if answered else end
    verdict, why = weigh(request, received, own, answered, end, rest, set(usual))
    return Cell(verdict, why, tuple(each.status for each in own), shown, received)


def weigh(request, received, own, answered, end, rest, usual):
    """(verdict, why) of what came back."""
    rule, expected = request.rule, len(request.before) + 1
    if hard.HTTP2 in rule.right and received[3:5] == b"\4\0":  # its preface is SETTINGS (RFC 9113 section 3.4)
        return RIGHT, ""
    if hard.SMUGGLED in received:
        return SMUGGLED, "the request inside the body was answered"
    if (number := sum(answer.status > 0 for answer in own)) > expected + request.more:
        return SMUGGLED, f"{number} answers to {expected} request{'s' * (expected > 1)}, before the innocent one's"
    for answer in own:
        if faults := [fault for fault in answer.faults if fault not in usual and fault != reading.NO_DATE]:
            return WRONG, faults[0]
        if answer.end != "whole":
            return WRONG, "the answer is cut off" if answer.status else f"no answer of HTTP: {answer.raw[:60]!r}"
        if is_old(request.sent) and answer.values("transfer-encoding"):
            return WRONG, "HTTP/1.0 was answered in chunks (RFC 9112 section 6.1)"
    for (_, body), answer in zip(request.before, own, strict=False):
        if answer.body != body and answer.status != 411:  # it may ask for a length (RFC 9112 section 6.3)
            return WRONG, f"{answer.body[:60]!r} came where {body!r} was to come"
    if 0 < len(own) < expected and not answered:
        return closed_early(own[-1], end)
    if answered and len(own) < expected:
        return SMUGGLED, "the innocent request was answered and this one was not"
    outcome = own[-1].status if own else hard.WAITS if end == OPEN else hard.CLOSED
    if outcome not in (*rule.right, *rule.tolerable):
        return WRONG, f"{outcome} came, and right is {listed(rule.right)}"
    if own and outcome == 200 and request.sees is not None and (found := missed(request.sees, own[-1].body)):
        return found
    if answered and not rule.keeps:
        return WRONG, "the connection was kept, and had to be closed"
    if outcome not in rule.right:
        return TOLERABLE, f"{outcome}, and right is {listed(rule.right)}"
    if answered or not own or rule.ends or outcome == 101:
        return RIGHT, ""
    return closed_early(own[-1], end)


def closed_early(last, end):
    """(verdict, why) where the answers end before the innocent one's."""
    if end == OPEN:
        return (TOLERABLE, "it announced to close, and did not") if last.closes else (
            SMUGGLED, "the innocent request was not answered: it was swallowed")
    return (RIGHT, "") if last.closes else (TOLERABLE, "it closed without saying so (RFC 9112 section 9.6)")


def missed(sees, body):
    """(verdict, why) where the program has seen something else than it had to, as its answer tells; else None."""
    other = WRONG, f"the program answered {body[:60]!r}"
    if isinstance(sees, str):
        return None if body == f"Hello, {sees}!\n".encode() else other
    try:
        told = json.loads(body)
        more = told.get("length", 0) > sees.get("length", 0)
    except (ValueError, RecursionError, AttributeError, TypeError):  # no JSON, or none of the guestbook's
        return other
    if more:
        return SMUGGLED, f"the program got a body of {told['length']} bytes: that is more than the request has"
    for name, value in sees.items():
        got = told.get(name)
        if name == "headers" and isinstance(got, dict):
            # What is folded has any number of spaces then (RFC 9112 section 5.2).
            got = {each: re.sub(" +", " ", str(got[each])) if each in got else None for each in value}
        if got != value:
            return WRONG, f"the program saw {name} {got!r}, and not {value!r}"
    return None


def listed(outcomes):
    return " or ".join(map(str, outcomes))
