"""Load for a server: `wrk` where it is installed, otherwise the client at the end of this file.

Both ask again as soon as they have an answer, over connections that are kept where the server keeps
them, and count what was answered within the time.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from functools import cache
from urllib.parse import urlsplit

UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


@cache
def generator():
    """The name and version of the load generator."""
    if not shutil.which("wrk"):
        return "the asyncio client of the museum"
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True)
    return " ".join((said.stdout + said.stderr).split()[:2])


def load(url, connections, seconds):
    """Ask for a URL over so many connections for so many seconds.

    Returns {"rate": answers per second, "p50", "p99": ms, "errors": connections and answers that failed}.
    """
    if generator().startswith("wrk"):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", url]
        return read_wrk(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    command = [sys.executable, "-m", __name__, url, str(connections), str(seconds)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def read_wrk(said):
    """What wrk printed, as `load` returns it."""
    at = {percent: float(number) * UNITS[unit] for percent, number, unit in
          re.findall(r"(50|99)% +([\d.]+)(us|ms|s|m)\b", said)}  # fmt: skip
    failed = re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", said)
    return {"rate": float(re.search(r"Requests/sec: +([\d.]+)", said)[1]), "p50": at["50"], "p99": at["99"],
            "errors": sum(map(int, failed))}  # fmt: skip


# ---------------------------------------------------------------- our own client


class Client(asyncio.Protocol):
    """One connection that asks, waits for the whole answer, and asks again."""

    def __init__(self, request, count):
        self.request, self.count = request, count

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def ask(self):
        self.came = b""
        self.began = time.perf_counter()
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
            self.done()
            if b"connection: close" in fields or head.startswith(b"HTTP/1.0"):
                self.came = b""
                self.transport.close()
            else:
                self.ask()

    def done(self):
        well = re.match(rb"HTTP/1\.[01] 2", self.came)
        self.count((time.perf_counter() - self.began) * 1000 if well else None)

    def connection_lost(self, error):
        if self.came:  # an answer whose end is the end of the connection
            self.done()
        self.lost()


async def visit(url, connections, seconds):
    """`load`, in this process."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    path = url[url.index("/", len("http://")) :]
    request = f"GET {path} HTTP/1.1\r\nHost: museum.test\r\n\r\n".encode()
    times, errors, loop = [], 0, asyncio.get_running_loop()
    stop = time.perf_counter() + seconds

    def count(milliseconds):
        nonlocal errors
        if time.perf_counter() > stop:
            return
        if milliseconds is None:
            errors += 1
        else:
            times.append(milliseconds)

    async def again():
        nonlocal errors
        while time.perf_counter() < stop:
            over = loop.create_future()

            def protocol(over=over):
                client = Client(request, count)
                client.lost = lambda: over.done() or over.set_result(None)
                return client

            try:
                transport, _ = await loop.create_connection(protocol, host, port)
            except OSError:
                errors += 1
                await asyncio.sleep(0.01)
                continue
            await asyncio.wait([over], timeout=max(0, stop - time.perf_counter()))
            transport.abort()

    began = time.perf_counter()
    await asyncio.gather(*(again() for _ in range(connections)))
    took = time.perf_counter() - began
    times.sort()
    at = {p: times[min(len(times) - 1, len(times) * p // 100)] if times else 0 for p in (50, 99)}
    return {"rate": len(times) / took, "p50": at[50], "p99": at[99], "errors": errors}


if __name__ == "__main__":
    try:
        print(json.dumps(asyncio.run(visit(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
    except KeyboardInterrupt:
        pass
