"""The strip: which requests pass, for everybody who looks at the lobby; so many are remembered, and no more."""

import asyncio
from collections import deque

from exhibits.backstage.museum.passing import Passing

REMEMBERED = 100  # requests, and those that go on
MOST = 16 * 1024 * 1024  # bytes of them
WATCHERS = 32  # pages that look at it at once
BEHIND = 500  # events that wait for one of them: then it is let go, and its page asks again


class Strip:
    """The latest requests of all stages, and those that go on, in the order they came; and who watches them.

    It belongs to the loop of the door: nobody else touches it.
    """

    def __init__(self):
        self.count, self.passings, self.watchers = 0, deque(), set()

    def begin(self, stage, line):
        """A Passing for a request that has just come to a stage."""
        self.count += 1
        passing = Passing(self.count, stage, line)
        self.passings.append(passing)
        over = [each for each in self.passings if each.took is not None]
        size = sum(each.kept for each in self.passings)
        for count, each in zip(range(len(over), 0, -1), over, strict=True):
            if count <= REMEMBERED and size <= MOST:
                break
            self.passings.remove(each)
            size -= each.kept
        self.tell(passing)
        return passing

    def tell(self, passing):
        """Something has changed about a request."""
        for queue in list(self.watchers):
            try:
                queue.put_nowait(passing)
            except asyncio.QueueFull:
                self.watchers.discard(queue)

    def end(self, passing):
        passing.end()
        self.tell(passing)

    def find(self, number):
        """The Passing of this number; None where it is forgotten, or has not been."""
        return next((each for each in self.passings if each.number == number), None)

    def watch(self):
        """A queue of what changes from now on; None where too many watch."""
        if len(self.watchers) >= WATCHERS:
            return None
        queue = asyncio.Queue(BEHIND)
        self.watchers.add(queue)
        return queue


def as_json(passing):
    """What the strip says of a request."""
    return {"number": passing.number, "stage": passing.stage, "line": passing.line[:300],
            "status": passing.status, "took": passing.took}
