"""The live guestbook: how a visitor hears of new entries, and what those who stay cost the others."""

import contextlib
import re
import selectors
import socket
import statistics
import threading
import time

from exhibits import guestbook
from exhibits.backstage.bench.contenders import Contender, Left
from exhibits.backstage.bench.run import rounded
from exhibits.backstage.bench.suites.connected import UPGRADE
from exhibits.backstage.bench.suites.front import ask

EVERY = 1.0  # seconds between two questions of a visitor who polls
OFTEN = 0.1  # of one who polls as often as the guestbook looks for entries
PAUSE = 0.73  # seconds between two entries: no multiple of EVERY, so that entries come at any moment of it


class Visitor:
    """Somebody who hears of entries. Counts requests, bytes in both directions, and seconds from signed to seen."""

    def __init__(self, port, signed):
        self.port, self.signed = port, signed
        self.requests = self.bytes = 0
        self.seen = {}

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), 5)
        self.socket.settimeout(0.2)

    def send(self, data, requests=1):
        self.socket.sendall(data)
        self.requests += requests
        self.bytes += len(data)

    def read(self):
        """What came within the timeout, b"" where nothing did."""
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return b""
        self.bytes += len(data)
        return data

    def see(self, data):
        now = time.perf_counter()
        for number in re.findall(rb"entry (\d+)\.", data):
            self.seen.setdefault(int(number), now)

    def figures(self):
        delays = [self.seen[number] - at for number, at in self.signed.items() if number in self.seen]
        return {
            "requests": self.requests / len(self.signed), "bytes": self.bytes / len(self.signed),
            "delay": 1000 * sum(delays) / len(delays) if delays else None, "missed": len(self.signed) - len(delays),
        }


def poll(visitor, over, every=EVERY):
    visitor.connect()
    while not over.is_set():
        visitor.send(b"GET /entries?limit=5 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = visitor.read()
        while answer and not answer.endswith(b"]"):
            answer += visitor.read()
        visitor.see(answer)
        over.wait(every)


def listen(visitor, over):
    visitor.connect()
    visitor.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    while not over.is_set():
        visitor.see(visitor.read())


def converse(visitor, over):
    visitor.connect()
    visitor.send(UPGRADE)
    while not over.is_set():
        visitor.see(visitor.read())


WAYS = {
    "polling": ("Polling, once a second", poll),
    "polling ten times a second": ("Polling, ten times a second", lambda visitor, over: poll(visitor, over, OFTEN)),
    "events": ("Server-sent events", listen),
    "websocket": ("WebSocket", converse),
}


def live(run):
    """For each entry: requests, bytes, and milliseconds until the visitor has it. All ways at the same time."""
    found, rounds = {name: {"title": title} for name, (title, _) in WAYS.items()}, min(3, run.rounds)
    try:
        with run.alone(Contender("live", "the guestbook behind uvicorn", "asgi-uvicorn")) as exhibit:
            for _ in range(rounds):
                for name, figures in hear(exhibit, 4 if run.full else 3).items():
                    for figure, value in figures.items():
                        found[name].setdefault(figure, []).append(rounded(value))
                run.step(rounds)
    except Left:
        return {}
    return found


def hear(exhibit, entries):
    over, signed = threading.Event(), {}
    visitors = {name: Visitor(exhibit.port, signed) for name in WAYS}
    threads = [threading.Thread(target=way, args=(visitors[name], over)) for name, (_, way) in WAYS.items()]
    store = guestbook.Store(exhibit.guestbook)
    try:
        for thread in threads:
            thread.start()
        time.sleep(0.5)  # all have come
        for _ in range(entries):
            number = store.latest() + 1
            signed[number] = time.perf_counter()
            store.sign("Ada", f"entry {number}.")
            time.sleep(PAUSE)
        time.sleep(EVERY)
    finally:
        over.set()
        for thread in threads:
            thread.join()
        store.close()
        for visitor in visitors.values():
            visitor.socket.close()
    return {name: visitor.figures() for name, visitor in visitors.items()}


# ---------------------------------------------------------------- visitors who stay

MOST = 250  # with two and a half times the threads of the largest, so that more is more


def streams(run):
    """How many visitors with an open stream of events a server has before a new one gets no answer, MOST at most."""
    racers = (
        Contender("sync", "WSGI: gunicorn sync, 4 processes", "wsgi-gunicorn"),
        Contender("gthread", "WSGI: gunicorn gthread, 8 threads", "wsgi-gthread"),
        Contender("gthread with 100 threads", "WSGI: gunicorn gthread, 100 threads", "wsgi-gthread",
                  (("--threads 8", "--threads 100"),)),
        Contender("waitress", "WSGI: waitress, 8 threads", "wsgi-waitress"),
        Contender("gevent", "WSGI: gunicorn gevent", "wsgi-gevent"),
        Contender("uvicorn", "ASGI: uvicorn", "asgi-uvicorn"),
        Contender("hypercorn", "ASGI: hypercorn", "asgi-hypercorn"),
    )
    found = {}
    for contender in racers:
        try:
            with run.alone(contender) as exhibit, contextlib.ExitStack() as stack:
                before = exhibit.watch.threads()
                held = 0
                while held < MOST and ask(exhibit.port):
                    visitor = stack.enter_context(socket.create_connection(("127.0.0.1", exhibit.port), 3))
                    visitor.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    visitor.recv(4096)
                    held += 1
                found[contender.name] = {
                    "title": contender.title, "held": [held], "threads": [exhibit.watch.threads()],
                    "threads before": [before],
                }
        except Left:
            continue
        run.step(len(racers))
    return found


# ---------------------------------------------------------------- visitors who only wait

WATCHERS = (
    Contender("uvicorn", "ASGI: uvicorn", "asgi-uvicorn"),
    Contender("ours", "ASGI: our server", "asgi-ours"),
)
IDLE = 3  # seconds in which nothing happens
HEAR = 5  # entries


def watching(run):
    """What open WebSockets cost while nobody signs, in percent of a core; when the last of them has a new entry, in
    milliseconds, and the processor time it takes (cpu)."""
    found = {}
    for contender in WATCHERS:
        for count in (0, 1000) if run.full else (0, 200):
            try:
                with run.alone(contender) as exhibit:
                    figures = found.setdefault(f"{contender.name} {count}", {"title": f"{contender.title}, {count}"})
                    for figure, value in watch(exhibit, count).items():
                        figures.setdefault(figure, []).append(rounded(value))
            except Left:
                continue
            run.step(4)
    return found


def watch(exhibit, count):
    store = guestbook.Store(exhibit.guestbook)  # signs as another process
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(count):
            visitor = stack.enter_context(socket.create_connection(("127.0.0.1", exhibit.port), 5))
            visitor.sendall(UPGRADE)
            if not visitor.recv(4096).startswith(b"HTTP/1.1 101"):
                raise ConnectionError("no WebSocket")
            selector.register(visitor, selectors.EVENT_READ)
        time.sleep(1)  # all are settled
        began, spent = time.perf_counter(), exhibit.watch.cpu()
        time.sleep(IDLE)
        figures = {"percent": 100 * (exhibit.watch.cpu() - spent) / (time.perf_counter() - began),
                   "memory": exhibit.watch.memory(), "threads": exhibit.watch.threads()}
        if count:
            spent = exhibit.watch.cpu()
            last = [heard_by_all(store, selector, count) for _ in range(HEAR)]
            figures |= {"last": 1000 * statistics.median(last), "last of all": 1000 * max(last),
                        "cpu": 1000 * (exhibit.watch.cpu() - spent) / HEAR}
        store.close()
    return figures


def heard_by_all(store, selector, count):
    """Sign; return the seconds until all visitors have read it."""
    number = store.latest() + 1
    mark, waiting = b"entry %d." % number, count
    store.sign("Ada", mark.decode())
    signed = time.perf_counter()
    while waiting:
        ready = selector.select(5)
        if not ready:
            raise ConnectionError(f"{waiting} of {count} visitors do not hear of an entry")
        waiting -= sum(mark in key.fileobj.recv(65536) for key, _ in ready)
    return time.perf_counter() - signed
