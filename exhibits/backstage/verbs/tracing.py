"""`serve --trace`: the journey of each request that a visitor makes, printed when it is over.

Visitors come to a door, which hands their bytes on to the exhibit as they are. What it saw and what the taps behind
it saw is one journey.
"""

import queue
import threading
from contextlib import suppress
from typing import NamedTuple

from exhibits import catalog
from exhibits.backstage.museum.door import Door
from exhibits.backstage.museum.strip import Strip
from exhibits.backstage.museum.taps import Tapped
from exhibits.backstage.running import CannotStart, ports
from exhibits.backstage.running.addresses import own_names
from exhibits.backstage.verbs.wiring import show
from exhibits.catalog.stacks import Stack

MOST = 100  # requests that wait to be printed


class Traced(Tapped):
    """A stack behind a door of its own, which tells of each request that has ended.

    print: called with its journey, and with how many before it were missed. port: of the door; None picks a free
    one. The other options are those of Exhibit.
    """

    def __init__(self, stack, *, port=None, print, host="127.0.0.1", allow=(), **options):
        super().__init__(stack, host="127.0.0.1", allow=allow, **options)
        self.outside, self.entrance, self.print = (host, port), None, print
        self.waiting, self.missed = queue.Queue(MOST), 0

    def __enter__(self):
        (typed, port), host = self.outside, ports.resolve(self.outside[0])
        self.allow = (*own_names(typed, host), *self.allow)
        if port is None:
            port = ports.free_port(host)
        else:
            ports.demand(host, port)
        self.door = f"http://{ports.authority(ports.reached(host), port)}{self.mount}/"
        super().__enter__()
        entrance = Entrance(self, host, port)
        try:
            entrance.start()
        except OSError as error:
            self.stop()
            raise CannotStart(f"cannot listen on port {port}: {error}") from None
        self.entrance, self.host, self.port = entrance, host, port  # where visitors find it
        threading.Thread(target=self.print_all, daemon=True).start()
        return self

    def stop(self):
        if self.entrance:
            self.entrance.stop()
            self.entrance = None
            with suppress(queue.Full):  # then it ends with us
                self.waiting.put_nowait(None)
        super().stop()

    def told(self, passing):
        """A request has ended. Its taps may see a little more of it yet, so another thread prints it."""
        if not passing.port:
            return  # nobody took it
        try:
            self.waiting.put_nowait(passing)
        except queue.Full:
            self.missed += 1

    def print_all(self):
        while passing := self.waiting.get():
            with suppress(OSError):  # it is being stopped, and what its taps have seen is gone
                self.print(self.journey_of(passing), self.missed)
                self.tidy()
            self.missed = 0


class Behind(NamedTuple):
    """The one that is behind a door, as `museum.house.Place` has it."""

    name: str
    stack: Stack
    host: str
    port: int
    is_open: bool = True


class Entrance(Door):
    """A door with one exhibit behind it, and no lobby."""

    def __init__(self, exhibit, host, port):
        super().__init__(None, host, port, {})
        self.strip = Told(exhibit.told)
        self.only = Behind(exhibit.stack.stage, exhibit.stack, exhibit.host, exhibit.port)

    def place(self, path):
        return self.only, path or b"/"


class Told(Strip):
    """A strip that tells of each request that has ended."""

    def __init__(self, told):
        super().__init__()
        self.told = told

    def end(self, passing):
        super().end(passing)
        self.told(passing)


def printer(console, ready):
    """What prints a journey, and how many before it came too fast. ready: whether the visitor has been greeted."""

    def one(journey, missed):
        if ready():
            if missed:
                console.print(f"\n{missed} more requests came too fast to be shown.")
            show(journey, console)

    return one


def introduce(exhibit, console):
    server = catalog.called(exhibit.stack, exhibit.stack.processes[-1])
    console.print(
        f"Each request is shown when it is over, a WebSocket too. For that, the museum's door is in front of {server}, "
        f"and is the client that {server} sees; {server} itself listens on another port.\n", soft_wrap=True)
