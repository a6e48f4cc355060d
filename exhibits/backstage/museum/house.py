"""The stages behind the door: started together, looked after, started anew when one dies."""

import contextlib
import re
import threading
import time
from collections import deque
from itertools import pairwise

from exhibits import catalog
from exhibits.backstage.museum.passing import KEPT
from exhibits.backstage.museum.processes import Look, Seen, family
from exhibits.backstage.museum.taps import Tapped
from exhibits.backstage.running import CannotStart, missing
from exhibits.backstage.site.journey import drawing
from exhibits.http.grammar import BadMessage
from exhibits.http.wire import RequestReader
from exhibits.messages import Refused

PAUSE = 1  # seconds before a stage that has ended is started anew
OFTEN, WITHIN = 3, 60  # so often, in so many seconds: then it stays closed
LINES, LONGEST_LINE = 200, 1000  # of the logs that are remembered, and characters of one
TIDIES = 5  # seconds between two times that what is forgotten is removed
SHOWN = 20  # requests that go on at a stage, of which is shown who answers them
PATH = re.compile(rb"((?:\r\n)*[^ \r\n]+ )/")  # the beginning of a request, up to its path


class Place:
    """A stage in the house, with the exhibit that runs there.

    reason: why nobody runs there, "" where it is open.
    """

    def __init__(self, stack):
        self.stack, self.name, self.mount = stack, stack.stage, f"/{stack.stage}"
        self.exhibit, self.reason, self.starts = None, "it is being started", []
        self.lines = deque(maxlen=LINES)  # the latest of the logs, as (time, line)

    def said_since(self, moment):
        """What the processes have written to their logs since, as text."""
        return "\n".join(line for at, line in list(self.lines) if at >= moment)

    @property
    def is_open(self):
        return self.exhibit is not None

    @property
    def host(self):
        return self.exhibit.host

    @property
    def port(self):
        return self.exhibit.port

    def mounted(self, sent):
        """The bytes of requests to "/…", with the mount point in front of their paths, where the server wants that."""
        if self.stack.mount_is_stripped:
            return sent
        reader, cuts = RequestReader(), [0]
        try:
            reader.receive(sent)
            while reader.ended and reader.buffer:
                cuts.append(reader.offset)
                reader.next()
        except BadMessage:
            pass
        whole = [sent[start:end] for start, end in pairwise([*cuts, len(sent)])]
        return b"".join(PATH.sub(rb"\g<1>%b/" % self.mount.encode(), each, count=1)
                        if PATH.match(each) else each for each in whole)


class House:
    """All default stages with one guestbook.

    guestbook: the SQLite file. log: called with (stage, part, line) for each line that a process prints.
    """

    def __init__(self, guestbook, log):
        self.guestbook, self.log, self.look_around = guestbook, log, Look()
        self.places = {stack.stage: Place(stack) for stack in catalog.defaults()}
        self.threads, self.url, self.tidied = [], "", 0

    def start(self, url):
        """Begin to start all of them, each in a thread. url: the address of the door."""
        self.url = url
        for place in self.places.values():
            self.begin(place)

    def begin(self, place, pause=0):
        place.starts.append(time.monotonic())
        self.threads = [each for each in self.threads if each.is_alive()]
        self.threads.append(threading.Thread(target=self.open, args=(place, pause), daemon=True))
        self.threads[-1].start()

    def open(self, place, pause):
        time.sleep(pause)
        if lacking := missing(place.stack):
            place.reason = "; ".join(lacking)
            return
        exhibit = self.exhibit(place)
        try:
            exhibit.__enter__()
        except (CannotStart, OSError) as reason:
            place.reason = str(reason)
        else:
            place.exhibit, place.reason = exhibit, ""

    def exhibit(self, place):
        return Tapped(place.stack, mount=place.mount, guestbook=self.guestbook, door=f"{self.url}{place.name}/",
                       log=lambda part, line: self.hear(place, part, line))

    def hear(self, place, part, line):
        place.lines.append((time.monotonic(), f"{part}: {line[:LONGEST_LINE]}"))
        self.log(place.name, part, line)

    @property
    def starting(self):
        """Whether there are stages that are being started."""
        return any(each.is_alive() for each in self.threads)

    def watch(self):
        """Look after them: a stage of which a process has ended is closed, and started anew, but not again and again.

        Yields (stage, a sentence) for each to whom that has happened.
        """
        tidies = time.monotonic() > self.tidied + TIDIES
        self.tidied = time.monotonic() if tidies else self.tidied
        for place in self.places.values():
            if not place.exhibit:
                continue
            try:
                place.exhibit.check()
                if tidies:
                    with contextlib.suppress(OSError):  # there is no file descriptor for it now
                        place.exhibit.tidy()
            except CannotStart as reason:
                exhibit, place.exhibit = place.exhibit, None
                exhibit.stop()
                lately = [start for start in place.starts if start > time.monotonic() - WITHIN]
                if len(lately) < OFTEN:
                    place.reason = f"{reason}; it is being started anew"
                    self.begin(place, PAUSE)
                else:
                    place.reason = f"{reason}; it has been started {OFTEN} times in {WITHIN} s, and is left alone now"
                yield place.name, place.reason

    def stop(self):
        """Stop all that run, at the same time; return whether there are none that are still being started."""
        exhibits = [place.exhibit for place in self.places.values() if place.exhibit]
        stopping = [threading.Thread(target=exhibit.stop) for exhibit in exhibits]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        return not self.starting

    # ---------------------------------------------------------------- what the lobby shows

    def look(self, passings):
        """The stages and the processes behind them, as JSON has it. passings: the requests that go on."""
        seen = self.look_around()
        return [self.describe(place, seen, [each for each in passings if each.stage == place.name])
                for place in self.places.values()]

    def describe(self, place, seen, passings):
        stage, exhibit = catalog.stage(place.name), place.exhibit
        return {
            "stage": place.name, "title": stage.title, "year": stage.year, "idea": stage.idea,
            "stack": place.stack.name, "interface": place.stack.interface, "carrier": place.stack.carrier,
            "url": f"{place.mount}/", "open": len(passings), "reason": place.reason,
            "processes": self.processes(exhibit, seen, passings) if exhibit else [],
        }

    def processes(self, exhibit, seen, passings):
        """Each process with what it is for, and with the request that it answers just now, where that is known."""
        busy = {}
        with contextlib.suppress(OSError):  # it is being stopped
            for passing in passings[:SHOWN]:
                busy |= exhibit.at_work(passing)
        found = []
        for process, popen, _ in exhibit.processes:
            for each in list(family(seen, popen.pid)) or [Seen(popen.pid, 0, 0, "", "")]:
                name = catalog.called(exhibit.stack, process)
                doing = process.speaks if each.pid == popen.pid else f"started by {name}"
                doing = busy.get(each.pid) or busy.get(each.parent, doing).rpartition("; below it ")[2]
                found.append({"pid": each.pid, "part": name if each.pid == popen.pid else each.name,
                              "memory": each.memory, "state": each.state, "doing": doing})
        return found

    def journey(self, passing):
        """What a request did. Refused: its stage does not run any more, and what its taps have seen is gone."""
        place = self.places[passing.stage]
        exhibit = place.exhibit
        if exhibit is None:
            raise Refused(503, f"{place.name} does not run: {place.reason}")
        try:
            return exhibit.journey_of(passing)
        except OSError:
            raise Refused(503, f"{place.name} is being stopped") from None

    def drawn(self, passing, id):
        """The same as {"journey": …, "html": its drawing}. id: of the element that it becomes."""
        found = self.journey(passing)
        html = drawing(found, id)
        if passing.cut:
            html += f"<p>Of what the visitor and the server said, the first {KEPT:,} bytes are kept.</p>"
        return {"journey": found, "html": html}
