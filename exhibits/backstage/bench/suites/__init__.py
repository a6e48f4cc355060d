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
    "cost": Suite("the cost of a request at each stage", (20, 160), cost.stages),
    "servers": Suite("the smallest program behind each server", (0, 130), cost.servers),
    "cpu": Suite("work without waiting", (0, 75), cost.cpu),
    "parsers": Suite("our parsers against others", (1, 10), cost.parsing),
    "wait": Suite("a wait of 0.1 s", (12, 260), waiting.waiting),
    "idle": Suite("connections held", (8, 60), connected.idle),
    "limits": Suite("what fails first at 1,024 files", (0, 40), connected.limits),
    "live": Suite("the live guestbook", (5, 10), live.live),
    "streams": Suite("visitors who stay", (0, 25), live.streams),
    "slow": Suite("slow clients", (7, 25), front.slow),
    "files": Suite("a file", (0, 25), front.files),
    "backends": Suite("two backends, one killed", (0, 40), front.backends),
    "startup": Suite("the start of a CGI program", (1, 10), startup.startup),
    "streaming": Suite("large answers and uploads", (6, 90), streaming.streaming),
    "museum": Suite("the museum itself", (5, 40), museum.museum),
}
