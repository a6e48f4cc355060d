"""The contract, held to the stages of the laboratory: in this Python (tests/lab), and in a page (tests/site)."""

import json
from dataclasses import dataclass

import h11

from exhibits import contract
from exhibits.backstage import checking
from exhibits.backstage.visiting import Place, Visitor
from exhibits.lab.ends import PORT

ENTRIES = "GET /entries HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
INTERFACES = {"cgi": "CGI", "fastcgi": "CGI", "scgi": "CGI", "wsgi": "WSGI", "uwsgi": "WSGI", "asgi": "ASGI"}


class Said:
    """A visitor's socket: all that comes on it is there before he reads."""

    def __init__(self, data):
        self.data = data

    def recv(self, size):
        data, self.data = self.data[:size], self.data[size:]
        return data

    def sendall(self, data):
        pass

    settimeout = setsockopt = shutdown = sendall

    def close(self):
        pass


@dataclass(eq=False)
class Stage(Place):
    """A stage of the laboratory. ask: a function of a question, as docs/assets/lab.js has it: the answer.

    steps: those of the case that is acted out.
    """

    stage: str = ""
    ask: object = None
    steps: tuple = ()

    def visitor(self, timeout=5):
        return Asker(self)


class Asker(Visitor):
    """A visitor of a stage: on a connection he says at once all that he will say, each piece when it is read."""

    def __init__(self, place):
        super().__init__("", 0)
        self.place, self.steps = place, list(place.steps)

    def ask(self, request, *, then=(), hang_up=False, behind=b""):
        later = [] if behind else self.steps[1:]
        if self.is_last:
            self.close()
        if self.socket is None:
            pieces = [request + behind, *then, *(piece for step in later for piece in (step.request, *step.then))]
            pieces = [piece.replace(b"{mount}", b"").decode("latin-1") for piece in pieces]
            ends = hang_up or any(step.hang_up for step in later)
            answer = self.place.ask({"stage": self.place.stage, "request": pieces[0], "then": pieces[1:],
                                     "hangs_up": ends, "draws": False})
            self.socket, self.ahead, self.is_last = Said(answer["response"].encode("latin-1")), b"", False
            self.h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        self.steps = self.steps[1:]
        return super().ask(request, then=then, hang_up=hang_up, behind=behind)


def hold(stage, ask):
    """What is wrong with the answers of a stage to all cases, as sentences."""
    place = Stage("", PORT, interface=INTERFACES[stage], stage=stage, ask=ask)
    checking.usual_faults(place)  # as for any place; ours should have none
    for case in contract.CASES:
        if not checking.applies(place, case):
            continue
        ask({"stage": stage, "request": ENTRIES, "fresh": True})
        place.steps = case.steps
        try:
            if checking.act(case, place, set(), bytearray()) and case.kept:
                yield f"{stage}, {case.name}: the connection was not kept"
        except checking.Broken as broken:
            yield f"{stage}, {case.name}: {broken}"
        if case.needs_store:
            rows = json.loads(ask({"stage": stage, "request": ENTRIES})["response"].partition("\r\n\r\n")[2]
                              .encode("latin-1"))
            stored = [(row["name"], row["message"]) for row in reversed(rows) if row["id"] > 1]
            if stored != list(case.stored):
                yield f"{stage}, {case.name}: stored {stored}"
