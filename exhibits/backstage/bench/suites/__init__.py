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
    "cost": Suite("the cost of a request at each stage", (18, 80), cost.stages),
    "servers": Suite("the smallest program behind each server", (0, 230), cost.servers),
    "cpu": Suite("work without waiting", (0, 60), cost.cpu),
    "parsers": Suite("our parsers against others", (1, 5), cost.parsing),
    "wait": Suite("a wait of 0.1 s", (28, 250), waiting.waiting),
    "steady": Suite("latency at a constant rate", (8, 85), waiting.steadily),
    "idle": Suite("connections held", (8, 55), connected.idle),
    "limits": Suite("what fails first at 1,024 files", (0, 15), connected.limits),
    "live": Suite("the live guestbook", (6, 18), live.live),
    "watching": Suite("visitors who wait for news", (0, 0), live.watching),  # asked for by name: no claim rests on it
    "streams": Suite("visitors who stay", (0, 18), live.streams),
    "slow": Suite("slow clients", (0, 50), front.slow),
    "files": Suite("a file", (0, 31), front.files),
    "backends": Suite("two backends, one killed", (0, 35), front.backends),
    "startup": Suite("the start of a CGI program", (1, 6), startup.startup),
    "streaming": Suite("large answers and uploads", (0, 20), streaming.streaming),
    "museum": Suite("the museum itself", (0, 25), museum.museum),
}
