"""Taps for a stage that many visitors use at once: what belongs to which request.

A request comes to its stage over a connection of its own, from a port that nobody else has meanwhile. Each carrier
tells the program that port, REMOTE_PORT among the variables or `client` in a scope: so no byte is changed for it.
"""

import json
import re
import time
from collections import deque

from exhibits.backstage.recording import tapping
from exhibits.backstage.running import eventually

REMEMBERED = 100  # connections to the program, and as many files of processes and of calls
MOST = 8 * 1024 * 1024  # bytes of the connections
RECENT = 15  # seconds: who has written into a file since may go on
ENDS = 0.5  # seconds in which a call ends, and a process, whose answer has gone out
# As FastCGI, SCGI and uwsgi have a variable; two of them with the length of its value.
TOLD = r"\x0b.REMOTE_PORT{0}|\x00REMOTE_PORT\x00{0}\x00|\x0b\x00REMOTE_PORT.\x00{0}"


class Tapped(tapping.Tapped):
    """A stage whose requests are told apart by the visitor's port."""

    temporary = None

    def __init__(self, stack, **options):
        super().__init__(stack, **options)
        self.talks = deque(maxlen=REMEMBERED)

    def places(self):
        return {**super().places(), "guestbook": self.guestbook}  # that of the house

    def keep(self, talk):
        super().keep(talk)
        while sum(each.kept for each in list(self.talks)) > MOST and len(self.talks) > 1:
            self.talks.popleft()

    def tidy(self):
        """Remove the files of the oldest requests."""
        for folder in ("processes", "calls"):
            for path in self.since(folder, 0)[:-REMEMBERED]:
                if path.stat().st_mtime < time.time() - RECENT:
                    path.unlink()

    def files(self, folder, port, moment):
        """The files of a tap for the request from this port, which began after a moment."""
        return [path for path in self.since(folder, moment) if port_told(path) == port]

    def at_work(self, passing):
        """The processes that work for a Passing: {pid: what it does}; what they have started does the same."""
        answers = f"answers {passing.line}"
        does = {"processes": f"hands on what passes, and writes it down; below it {answers}", "calls": answers}
        return {int(path.name.split("-")[1]): does[folder] for folder in does
                for path in self.files(folder, passing.port, passing.zero)}

    def journey_of(self, passing):
        """The journey of a Passing: what the door saw of it, and what passed behind the server."""
        port, zero = passing.port, passing.zero
        told = re.compile(TOLD.format(port).encode("latin-1"), re.DOTALL)
        talks = [talk for talk in list(self.talks) if any(at >= zero for at, *_ in talk.pieces[:1])
                 and told.search(b"".join(data for _, by, data in list(talk.pieces) if by == 0))]
        runs, calls = (self.files(folder, port, zero) for folder in ("processes", "calls"))
        if passing.took is not None:  # all is over, or in a moment
            eventually(lambda: all(tapping.is_over(tapping.read_calls(path)) for path in calls)
                       and all(tapping.read_run(path)[1] for path in runs), ENDS)
        called = [found for path in calls if (found := tapping.read_calls(path)) and not tapping.is_lifespan(found)]
        return self.journey(list(passing.pieces), talks, [tapping.read_run(path) for path in runs], called, zero)


def port_told(path):
    """The visitor's port, as the first line of a tap's file has it; 0 where it says nothing of it."""
    try:
        with path.open(encoding="utf-8") as file:
            line = json.loads(file.readline())
    except (OSError, ValueError):  # it is removed, or the line being written
        return 0
    if isinstance(line, dict):  # a process
        found = re.search(r"(?:^|\0)REMOTE_PORT=(\d+)\0", line.get("bytes", ""))
        return int(found[1]) if found else 0
    given = (line[1]["arguments"] or [{}])[0]
    port = given.get("REMOTE_PORT") or (given.get("client") or [0, 0])[1]
    return int(port or 0)
