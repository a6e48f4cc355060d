"""A large answer and a large upload at each stage: how soon the first byte comes, how fast the rest, in what memory."""

import socket
import time

from exhibits import catalog
from exhibits.backstage.bench.contenders import Contender, Left
from exhibits.backstage.bench.run import rounded
from exhibits.backstage.running.watching import Peak

PIECE = bytes(256 * 1024)


class Broken(Exception):
    """A transfer that did not come to its end."""


def streaming(run):
    """{stage: {"title", "mib", "down first ms", "down mib/s", "down memory", "up mib/s", "up memory"}}.

    Memory is what the processes had at most above what they had before, in MiB.
    """
    mib = 256 if run.full else 64
    found = {}
    for stack in catalog.defaults():
        title = f"{catalog.stage(stack.stage).title}: {stack.server}"
        contender = Contender(stack.stage, title, stack.name, serves="bench")
        try:
            with run.alone(contender) as exhibit:
                figures = {**measured(exhibit, "down", download, mib), **measured(exhibit, "up", upload, mib)}
        except Left:
            continue
        except (Broken, OSError) as error:
            run.leave(stack.stage, str(error) or type(error).__name__)
            continue
        found[stack.stage] = {"title": title, "mib": mib, **{name: [rounded(each)] for name, each in figures.items()}}
        run.step(len(catalog.STAGES))
    return found


def measured(exhibit, direction, transfer, mib):
    before = exhibit.watch.memory()
    with Peak(exhibit.watch) as peak:
        began = time.perf_counter()
        first = transfer(exhibit.port, mib)
        took = time.perf_counter() - began
    figures = {"first ms": (first - began) * 1000, "mib/s": mib / took, "memory": max(0.0, peak.most - before)}
    return {f"{direction} {name}": value for name, value in figures.items()}


def connected(port):
    return socket.create_connection(("127.0.0.1", port), 60)


def download(port, mib):
    """Fetch so many MiB; return when the first byte of the body came."""
    buffer = bytearray(1 << 20)
    with connected(port) as visitor:
        visitor.sendall(b"GET /large?mib=%d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % mib)
        head = b""
        while b"\r\n\r\n" not in head or head.endswith(b"\r\n\r\n"):
            if not (more := visitor.recv(65536)):
                raise Broken(f"no answer of {mib} MiB, but {head[:60]!r}")
            head += more
        first, count = time.perf_counter(), len(head)
        while read := visitor.recv_into(buffer):
            count += read
    if count < mib << 20:
        raise Broken(f"{count >> 20} of {mib} MiB came")
    return first


def upload(port, mib):
    """Send so many MiB; return when the answer came."""
    with connected(port) as visitor:
        visitor.sendall(b"POST /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                        b"Content-Length: %d\r\n\r\n" % (mib << 20))
        for _ in range((mib << 20) // len(PIECE)):
            visitor.sendall(PIECE)
        answer = b""
        while more := visitor.recv(65536):
            answer += more
    if str(mib << 20).encode() not in answer:
        raise Broken(f"{answer[-60:]!r} is the answer to {mib} MiB")
    return time.perf_counter()
