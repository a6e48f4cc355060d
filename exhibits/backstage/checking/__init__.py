"""Holding a running server to the contract."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from exhibits import contract
from exhibits.backstage.checking import judging
from exhibits.backstage.checking.judging import judge, problems, shortened
from exhibits.backstage.visiting import Place

__all__ = ["DIFFERS", "KEPT", "NOT_TESTABLE", "Broken", "NotTestable", "Outcome", "Place", "applies", "faults",
           "judge", "place_of", "run", "shortened", "usual_faults", "visit"]

KEPT, DIFFERS, NOT_TESTABLE = "kept", "differs", "not testable here"


class Broken(AssertionError):
    """A server did not keep the contract; the message says where."""


class NotTestable(Exception):
    """Nothing was found wrong, and nothing shown: what the case is about does not come about here."""


@dataclass(frozen=True)
class Outcome:
    """What came of a case: KEPT, DIFFERS or NOT_TESTABLE; why, in sentences; and all the bytes that came back."""

    case: contract.Case
    state: str
    why: str = ""
    raw: bytes = b""


def applies(place, case):
    """Whether a case makes sense at this Place."""
    return not ((case.mounted and not place.seen) or (case.plain and place.encrypted)
                or (case.reasons and not place.tells_reasons) or (case.variables and not place.has_variables))


def run(place, cases=contract.CASES):
    """An Outcome for each case that makes sense at this Place or `Exhibit`, as soon as it is there."""
    place = place_of(place)
    for case in cases:
        if applies(place, case):
            raw = bytearray()
            try:
                visit(case, place, raw)
                yield Outcome(case, KEPT, "", bytes(raw))
            except NotTestable as reason:
                yield Outcome(case, NOT_TESTABLE, str(reason), bytes(raw))
            except Broken as broken:
                yield Outcome(case, DIFFERS, str(broken), bytes(raw))
            except OSError as error:
                yield Outcome(case, DIFFERS, f"no connection: {error.strerror or error}", bytes(raw))


def visit(case, place, raw=None):
    """Act out a case at a Place or a running `Exhibit`.

    raw: a bytearray, to which what comes back is added. Raises Broken where an answer is not as laid down,
    NotTestable where none can be.
    """
    place = place_of(place)
    if case.needs_store and place.guestbook is None:
        raise NotTestable("what stands in the guestbook is not known")
    usual = set() if case.name == contract.MANNERS else usual_faults(place)
    store = contract.seed(place.guestbook) if place.guestbook else None
    try:
        closed = act(case, place, usual, bytearray() if raw is None else raw)
        if store:
            rows = store.execute("SELECT name, message FROM entries WHERE id > 1 ORDER BY id")
            if tuple(rows) != case.stored:
                raise Broken(f"stored {rows} and not {list(case.stored)}")
    finally:
        if store:
            store.close()
    if case.kept and closed:
        raise NotTestable("the server closes the connection after each answer")


def act(case, place, usual, raw):
    """Ask what a case asks, and judge the answers; return whether the connection had to be opened anew in between."""
    requests = [step.request.replace(b"{mount}", place.seen.encode()) for step in case.steps]
    closed = False
    with place.visitor() as visitor:
        for number, (step, sent) in enumerate(zip(case.steps, requests, strict=True), 1):
            behind = b"".join(requests[1:]) if case.pipelined and number == 1 else b""
            answer = visitor.ask(sent, then=step.then, hang_up=step.hang_up, **({"behind": behind} if behind else {}))
            raw += answer.raw or b""
            found = judging.read(answer, sent)
            wrong = judge(step, answer, place, sent, found)
            last = number == len(case.steps)
            if found and answer.complete and (found.closes or last):
                wrong += behind_the_end(visitor, found, raw)
                closed = closed or not last
            if wrong := [fault for fault in wrong if fault not in usual]:
                raise Broken(f"request {number}: " + "; ".join(wrong))
    return closed


def faults(visitor, answer, sent):
    """What is wrong with a visitor's last Answer to a request (bytes), whatever was asked, as sentences."""
    found = judging.read(answer, sent)
    behind = behind_the_end(visitor, found, bytearray()) if found and answer.complete else ()
    return [*judging.manners(answer, found, sent), *behind]


def behind_the_end(visitor, found, raw):
    """What is wrong behind the last answer of a connection, as sentences."""
    came, ended = visitor.rest(found.closes)
    raw += came
    if came:
        yield "bytes behind the end of the answer"
    if found.closes and ended is False:
        yield "the connection stays open, and was to be closed (RFC 9112 sections 9.3 and 9.6)"


known_faults = WeakKeyDictionary()


def usual_faults(place):
    """The faults that even the least of all answers has at a Place; the case MANNERS is about them."""
    if place not in known_faults:
        (case,) = [case for case in contract.CASES if case.name == contract.MANNERS]
        (step,) = case.steps
        sent = step.request.replace(b"{mount}", place.seen.encode())
        with place.visitor() as visitor:
            answer = visitor.ask(sent)
            known_faults[place] = {*problems(step, answer, place), *faults(visitor, answer, sent)}
    return known_faults[place]


def place_of(exhibit):
    """The Place where a running `Exhibit` is asked; a Place stays what it is."""
    return exhibit if isinstance(exhibit, Place) else exhibit.place
