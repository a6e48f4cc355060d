"""Who works behind the door: the processes of the stages, with all they have started, as `ps` sees them."""

import subprocess
import threading
import time
from dataclasses import dataclass

FRESH = 0.5  # seconds for which one look does for everybody
STATES = {"R": "runs", "S": "waits", "I": "waits", "D": "waits for the disk", "U": "waits for the disk",
          "T": "is stopped", "Z": "has ended"}


@dataclass(frozen=True)
class Seen:
    """A process. parent: who started it; memory: bytes in memory, shared ones included; state: what it does."""

    pid: int
    parent: int
    memory: int
    state: str
    name: str


class Look:
    """Looks at the processes of this machine, not more often than every FRESH seconds. Any thread may call it."""

    def __init__(self):
        self.lock, self.seen, self.at = threading.Lock(), {}, -FRESH

    def __call__(self):
        """{pid: Seen}; {} where nobody can say."""
        with self.lock:
            if time.monotonic() - self.at >= FRESH:
                self.seen, self.at = look(), time.monotonic()
            return self.seen


def look():
    command = ["ps", "-axo", "pid=,ppid=,rss=,stat=,comm="]
    try:
        said = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=5).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found = {}
    for line in said.splitlines():
        pid, parent, size, state, *name = line.split(None, 4)
        found[int(pid)] = Seen(int(pid), int(parent), int(size) * 1024, STATES.get(state[0], state), "".join(name))
    return found


def family(seen, pid):
    """A process and all that it and its children have started, in this order; none where it is not seen."""
    if pid in seen:
        yield seen[pid]
        for each in seen.values():
            if each.parent == pid:
                yield from family(seen, each.pid)
