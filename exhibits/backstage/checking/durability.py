"""Whether an acknowledged entry is kept: many sign while processes are killed, or while the disk is full.

    python -m exhibits.backstage.checking.durability [--kills N] [--entries N] [--seed N] [STACK …]

In the manner of Jepsen (https://jepsen.io): writers note each 201 and 303 and look into the file with a connection
of their own at that moment. Meanwhile one process after the other is killed with SIGKILL: workers, servers, web
servers in front, CGI programs. At the end every noted entry has to be in the file, once. Exit code 1 where one is not.
"""

import argparse
import http.client
import json
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from exhibits import catalog
from exhibits.backstage.running import Exhibit
from exhibits.store import Store

WRITERS = 10
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Tally:
    """What happened at a stack.

    acknowledged: the messages that got 201 or 303. late: those of them that another connection did not see then.
    statuses: how often which other status came. unanswered: requests whose connection broke. kills: by process name.
    lost, twice: acknowledged messages that are not in the file at the end, or more than once. broken: what SQLite's
    integrity check says, if it is not "ok".
    """

    acknowledged: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    unanswered: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    broken: str = ""

    @property
    def kept(self):
        return not (self.lost or self.late or self.twice or self.broken)

    def close(self, guestbook):
        """Look what is in the file now that all is over."""
        with closing(sqlite3.connect(guestbook)) as db:
            stored = [message for (message,) in db.execute("SELECT message FROM entries")]
            checked = db.execute("PRAGMA integrity_check").fetchone()[0]
        self.broken = "" if checked == "ok" else checked
        counts = {}
        for message in stored:
            counts[message] = counts.get(message, 0) + 1
        self.lost = [message for message in self.acknowledged if message not in counts]
        self.twice = [message for message in self.acknowledged if counts.get(message, 0) > 1]


class Writers:
    """Visitors who sign without pause, from the beginning to the end of a `with` block."""

    def __init__(self, guestbook, count=WRITERS):
        self.guestbook, self.tally = guestbook, Tally()
        self.port = None  # where they sign; None: nowhere, for the moment
        self.over = threading.Event()
        self.counting = threading.Lock()
        self.pool, self.count = ThreadPoolExecutor(count), count

    def __enter__(self):
        with closing(Store(self.guestbook)) as store:
            store.newest(0)  # the file is there before anybody looks into it
        self.signing = [self.pool.submit(self.sign, number) for number in range(self.count)]
        return self

    def __exit__(self, *exception):
        self.over.set()
        self.pool.shutdown()
        for signing in self.signing:
            signing.result()  # raises what it has raised

    @property
    def all_there(self):
        return not any(signing.done() for signing in self.signing)

    def sign(self, writer):
        connection, port = None, None
        with closing(sqlite3.connect(self.guestbook, timeout=20)) as other:
            for n in iter(int, 1):  # without end
                if self.over.is_set():
                    break
                if self.port is None:
                    self.over.wait(0.01)
                    continue
                if connection is None or port != self.port:
                    port = self.port
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                message = f"{writer}-{time.monotonic_ns()}"
                before = other.execute("SELECT coalesce(max(id), 0) FROM entries").fetchone()[0]
                try:
                    status = self.post(connection, message, (n + writer) % 2)
                except (OSError, http.client.HTTPException, ValueError):
                    with self.counting:
                        self.tally.unanswered += 1
                    connection.close()
                    connection = None
                    self.over.wait(0.02)
                    continue
                seen = other.execute("SELECT 1 FROM entries WHERE id > ? AND message = ?", (before, message)).fetchone()
                self.note(message, status, seen)
                if status >= 500:
                    self.over.wait(0.02)
        if connection:
            connection.close()

    def post(self, connection, message, as_json):
        if as_json:
            connection.request("POST", "/entries", json.dumps({"name": "Ada", "message": message}), JSON)
        else:
            connection.request("POST", "/entries", f"name=Ada&message={message}", FORM)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def note(self, message, status, seen):
        tally = self.tally
        with self.counting:
            if status not in (201, 303):
                tally.statuses[status] = tally.statuses.get(status, 0) + 1
                return
            tally.acknowledged.append(message)
            if not seen:
                tally.late.append(message)


def killed(stack, guestbook, seed, kills, entries, seconds=60):
    """Sign at a stack until so many processes were killed and so many entries acknowledged; return the Tally.

    seed: of the moments and the victims, from the first entry to the last. It ends after so many seconds at the latest.
    """
    from exhibits.backstage.running.watching import Watch

    chance = random.Random(f"{seed} {stack.name}")
    exhibit = Exhibit(stack, guestbook=guestbook).__enter__()
    deadline = time.monotonic() + seconds
    done = 0
    try:
        with Writers(guestbook) as writers:
            tally = writers.tally
            writers.port = exhibit.port
            while (done < kills or len(tally.acknowledged) < entries) and time.monotonic() < deadline:
                if not writers.all_there:
                    break
                time.sleep(chance.uniform(0.02, 0.4))
                due = done < kills and len(tally.acknowledged) * kills >= entries * done
                if due and (victims := Watch(exhibit).each(lambda process: (process.name(), process))):
                    name, victim = chance.choice(victims)
                    tally.kills[name] = tally.kills.get(name, 0) + 1
                    done += 1
                    kill(victim)
                    time.sleep(chance.uniform(0, 0.1))  # what its parent, its children or the web server do now
                if any(popen.poll() is not None for _, popen, _ in exhibit.processes):
                    writers.port = None
                    exhibit.stop()
                    exhibit = Exhibit(stack, guestbook=guestbook).__enter__()
                    writers.port = exhibit.port
    finally:
        exhibit.stop()
    tally.close(guestbook)
    return tally


def kill(process):
    try:
        process.send_signal(signal.SIGKILL)
    except OSError:
        pass
    except Exception as error:  # psutil's, of a process that is gone
        if type(error).__name__ != "NoSuchProcess":
            raise


def filled(stack, folder, seconds=20):
    """Sign at a stack until the disk below the folder is full, and for a while longer; then make room, and sign again.

    Returns the Tally, and whether one could sign again. The folder is one of a small file system of its own.
    """
    guestbook, ballast = folder / "guestbook.sqlite3", folder / "ballast"
    ballast.write_bytes(b"\0" * 2**19)
    with Exhibit(stack, guestbook=guestbook) as exhibit, Writers(guestbook) as writers:
        tally = writers.tally

        def until(condition):
            deadline = time.monotonic() + seconds
            while not condition() and time.monotonic() < deadline:
                time.sleep(0.01)
            return condition()

        writers.port = exhibit.port
        # Many short entries fill it slowly: most of the room goes to a file that is filled beside it.
        with open(folder / "filler", "wb", buffering=0) as filler:
            try:
                while not tally.statuses.get(507) and filler.write(b"\0" * 4096):
                    time.sleep(0.002)
            except OSError:
                pass
        until(lambda: tally.statuses.get(507, 0) >= 20)
        full = tally.statuses.get(507, 0)
        before = len(tally.acknowledged)
        ballast.unlink()
        again = until(lambda: len(tally.acknowledged) > before + 20)
    tally.close(guestbook)
    return tally, full, again


def stacks():
    """The default stack of each stage, and each server of ours."""
    ours = [stack for stack in catalog.STACKS if stack.server == "ours"]
    return list({stack.name: stack for stack in (*catalog.defaults(), *ours)}.values())


def main():
    parser = argparse.ArgumentParser(prog="durability", description="Whether an acknowledged entry is kept.")
    parser.add_argument("stacks", nargs="*", metavar="STACK", help="default: those of every stage, and ours")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    chosen = [catalog.find(name) for name in options.stacks] or stacks()
    print(f"seed {options.seed}, {WRITERS} writers")
    tallies = []
    with tempfile.TemporaryDirectory(prefix="museum-") as folder:
        for stack in chosen:
            share = -(-options.kills // len(chosen)), -(-options.entries // len(chosen))
            tally = killed(stack, Path(folder, stack.name), options.seed, *share, seconds=3600)
            print(line(stack.name, tally), flush=True)
            tallies.append(tally)
    kills, acknowledged = (sum(sum(t.kills.values()) for t in tallies), sum(len(t.acknowledged) for t in tallies))
    lost, late = sum(len(t.lost) for t in tallies), sum(len(t.late) for t in tallies)
    print(f"{kills} kills, {acknowledged} acknowledged, {lost} lost, {late} not seen by another connection at once")
    return 0 if all(tally.kept for tally in tallies) else 1


def line(name, tally):
    victims = ", ".join(f"{count} {name}" for name, count in sorted(tally.kills.items()))
    others = ", ".join(f"{count} times {status}" for status, count in sorted(tally.statuses.items())) or "nothing else"
    return (f"{name}: {sum(tally.kills.values())} kills ({victims}), {len(tally.acknowledged)} acknowledged, "
            f"{len(tally.lost)} lost, {len(tally.late)} late, {len(tally.twice)} twice, "
            f"{tally.unanswered} unanswered, {others} {tally.broken}")


if __name__ == "__main__":
    sys.exit(main())
