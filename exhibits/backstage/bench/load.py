"""Load for a server: `warm` before, `load` for how much it answers, `steady` for how late.

`load` asks again as soon as it has an answer (a closed loop), over connections that are kept where the server
keeps them, and counts what was answered within the time: `wrk` where it is installed, otherwise a client of our
own. Who waits is asked less there, so it tells nothing of latency.

`steady` asks at a constant rate, whether answers come or not (an open loop), and counts each answer from the
moment it was due: a server that stops makes all late who come meanwhile.
"""

import asyncio
import collections
import http.client
import json
import re
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from urllib.parse import urlsplit

WARM = 4  # visitors before the load, so few that they leave no queue


@cache
def generator():
    """The name and version of the load generator."""
    if not shutil.which("wrk"):
        return "the asyncio client of the museum"
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True)
    return " ".join((said.stdout + said.stderr).split()[:2])


def warm(url, seconds):
    """WARM visitors ask one after the other for so many seconds, and have all their answers when this returns."""
    until = time.perf_counter() + seconds
    host, path = re.match(r"http://([^/]+)(.+)", url).groups()

    def visit(_):
        while time.perf_counter() < until:
            connection = http.client.HTTPConnection(host, timeout=30)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()

    with ThreadPoolExecutor(WARM) as visitors:
        list(visitors.map(visit, range(WARM)))


def load(url, connections, seconds, close=False):
    """Ask for a URL over so many connections for so many seconds; close: each connection for one request.

    Returns {"rate": answers per second, "errors": connections and answers that failed,
    "load cores": the processors that asking took}.
    """
    if generator().startswith("wrk"):
        fields = ["-H", "Connection: close"] if close else []
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", *fields, url]
        return costed(command, read_wrk)
    return costed([sys.executable, "-m", __name__, "closed", url, str(connections), str(seconds), str(int(close))],
                  json.loads)


def steady(url, rate, seconds):
    """Ask for a URL `rate` times a second for so many seconds, at moments that were fixed before.

    Returns {"rate", "p50", "p99": ms from when a request was due to the end of its answer, "errors", "lag": ms that
    this client itself was late at 99 of 100 requests, "load cores"}. What has no answer PATIENCE after the last
    was due counts as that late, and among the errors.
    """
    return costed([sys.executable, "-m", __name__, "open", url, str(rate), str(seconds)], json.loads)


def costed(command, read):
    """What a load generator says, read, and the processors it took."""
    before, began = spent(), time.perf_counter()
    figures = read(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return figures | {"load cores": (spent() - before) / (time.perf_counter() - began)}


def spent():
    """Processor seconds of the children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def read_wrk(said):
    """What wrk printed, as `load` returns it."""
    failed = re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", said)
    return {"rate": float(re.search(r"Requests/sec: +([\d.]+)", said)[1]), "errors": sum(map(int, failed))}


# ---------------------------------------------------------------- our own client


class Client(asyncio.Protocol):
    """One connection, which sends a request and calls `answered` with whether the whole answer came and was well.

    kept says then whether it can be asked again.
    """

    def __init__(self, request, answered):
        self.request, self.answered = request, answered
        self.came, self.waits, self.kept = b"", False, False

    def connection_made(self, transport):
        self.transport = transport

    def ask(self):
        self.came, self.waits = b"", True
        self.transport.write(self.request)

    def data_received(self, data):
        self.came += data
        head, found, body = self.came.partition(b"\r\n\r\n")
        if not found:
            return
        fields = head.lower()
        if length := re.search(rb"content-length: *(\d+)", fields):
            whole = len(body) >= int(length[1])
        else:
            whole = b"transfer-encoding: chunked" in fields and body.endswith(b"0\r\n\r\n")
        if whole:
            self.done(kept=b"connection: close" not in fields and not head.startswith(b"HTTP/1.0"))

    def done(self, kept):
        self.waits, self.kept = False, kept
        if not kept:
            self.transport.close()
        self.answered(self, bool(re.match(rb"HTTP/1\.[01] 2", self.came)))

    def connection_lost(self, error):
        self.kept = False
        if self.waits:  # an answer whose end is the end of the connection, or none
            self.done(kept=False)


def asked_of(url, close):
    """(host, port, the bytes of the request)."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    path = url[url.index("/", len("http://")) :]
    fields = "Host: localhost\r\n" + "Connection: close\r\n" * close
    return host, port, f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode()


async def closed(url, connections, seconds, close):
    """`load`, in this process."""
    host, port, request = asked_of(url, close)
    loop, counted = asyncio.get_running_loop(), collections.Counter()
    stop = time.perf_counter() + seconds

    async def visitor():
        client = None
        while time.perf_counter() < stop:
            over = loop.create_future()

            def answered(_, well, over=over):
                over.done() or over.set_result(well)

            try:
                if client is None or not client.kept:
                    _, client = await loop.create_connection(lambda: Client(request, None), host, port)
            except OSError:
                counted[False] += 1
                await asyncio.sleep(0.01)
                continue
            client.answered = answered
            client.ask()
            await asyncio.wait([over], timeout=max(0, stop - time.perf_counter()))
            if over.done() and time.perf_counter() <= stop:
                counted[over.result()] += 1
        if client:
            client.waits = False
            client.transport.abort()

    began = time.perf_counter()
    await asyncio.gather(*(visitor() for _ in range(connections)))
    return {"rate": counted[True] / (time.perf_counter() - began), "errors": counted[False]}


PATIENCE = 2  # seconds after the last request was due in which answers still count
MOST = 500  # connections at once: who finds all of them busy waits, and that counts


class Steady:
    """Requests that are due one after the other, the connections that are free, and how late the answers were."""

    def __init__(self, url):
        self.host, self.port, self.request = asked_of(url, close=False)
        self.free, self.waiting, self.connections = [], collections.deque(), 0
        self.late, self.lags, self.errors, self.opening = [], [], 0, set()

    def due(self, moment):
        """A request is due: on a free connection, on a new one, or when one is free."""
        self.lags.append(time.perf_counter() - moment)
        self.waiting.append(moment)
        while self.free and not self.free[-1].kept:
            self.free.pop()
            self.connections -= 1
        if self.free:
            self.ask(self.free.pop())
        else:
            self.connect()

    def connect(self):
        """Open a connection for a request that waits, unless as many are being opened: who comes and asks nothing
        would keep a worker from the others."""
        if len(self.opening) < len(self.waiting) and self.connections < MOST:
            self.connections += 1
            task = asyncio.ensure_future(self.open())
            self.opening.add(task)
            task.add_done_callback(self.opening.discard)

    async def open(self):
        try:
            transport, client = await asyncio.get_running_loop().create_connection(
                lambda: Client(self.request, self.answered), self.host, self.port)
        except OSError:
            self.connections -= 1
            self.errors += bool(self.waiting and self.waiting.popleft())
            return
        if self.waiting:
            client.kept = True
            self.ask(client)
        else:  # another one was free sooner
            self.connections -= 1
            transport.abort()

    def ask(self, client):
        client.moment = self.waiting.popleft()
        client.ask()

    def answered(self, client, well):
        if well:
            self.late.append(time.perf_counter() - client.moment)
        else:
            self.errors += 1
        if not client.kept:
            self.connections -= 1
            self.connect()
        elif self.waiting:
            self.ask(client)
        else:
            self.free.append(client)

    def leave(self):
        for client in self.free:
            client.transport.abort()


async def opened(url, rate, seconds):
    """`steady`, in this process."""
    state, count = Steady(url), round(rate * seconds)
    began = time.perf_counter() + 0.05
    for number in range(count):
        moment = began + number / rate
        if (wait := moment - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        elif number % 8 == 0:
            await asyncio.sleep(0)  # who is late lets answers in, too
        state.due(moment)
    until = time.perf_counter() + PATIENCE
    while len(state.late) + state.errors < count and time.perf_counter() < until:
        await asyncio.sleep(0.005)
    state.leave()
    missing = count - len(state.late)
    late = sorted(state.late) + [PATIENCE + seconds] * missing
    return {"rate": len(state.late) / seconds, "p50": 1000 * late[count // 2], "p99": 1000 * late[count * 99 // 100],
            "errors": missing, "lag": 1000 * sorted(state.lags)[count * 99 // 100]}


if __name__ == "__main__":
    kind, url, *numbers = sys.argv[1:]
    first, second, *rest = map(float, numbers)
    try:
        work = closed(url, int(first), second, bool(rest[0])) if kind == "closed" else opened(url, first, second)
        print(json.dumps(asyncio.run(work)))
    except KeyboardInterrupt:
        pass
