"""What is measured: name, title, expected seconds (quick, full; 0: not by default) and the function that does it."""

from collections.abc import Callable
from dataclasses import dataclass

from exhibits.backstage.bench.suites import (
    connected,
    cost,
    front,
    live,
    museum,
    startup,
    streaming,
    waiting,
)


@dataclass(frozen=True)
class Suite:
    title: str
    seconds: tuple[int, int]
    measure: Callable


SUITES = {
    "cost": Suite("the cost of a request at each stage", (20, 75), cost.stages),
    "servers": Suite("the smallest program behind each server", (0, 150), cost.servers),
    "cpu": Suite("work without waiting", (0, 35), cost.cpu),
    "parsers": Suite("our parsers against others", (1, 5), cost.parsing),
    "wait": Suite("a wait of 0.1 s", (25, 400), waiting.waiting),
    "idle": Suite("connections held", (8, 70), connected.idle),
    "limits": Suite("what fails first at 1,024 files", (0, 15), connected.limits),
    "live": Suite("the live guestbook", (5, 25), live.live),
    "streams": Suite("visitors who stay", (0, 20), live.streams),
    "slow": Suite("slow clients", (6, 25), front.slow),
    "files": Suite("a file", (0, 30), front.files),
    "backends": Suite("two backends, one killed", (0, 30), front.backends),
    "startup": Suite("the start of a CGI program", (1, 6), startup.startup),
    "streaming": Suite("large answers and uploads", (6, 80), streaming.streaming),
    "museum": Suite("the museum itself", (5, 65), museum.museum),
}
