"""What the museum itself costs: the start of each exhibit, and the contract."""

import contextlib
import socket
import time
from dataclasses import replace

from exhibits import catalog
from exhibits.backstage import checking
from exhibits.backstage.bench.contenders import ONE, Contender, Left
from exhibits.backstage.bench.run import rounded
from exhibits.backstage.running import ROOT, eventually


def museum(run):
    """{"start": {stage: ms}, "contract": {stage: s}, "effort": {stage: ...}}:
    how long each takes, and what the guestbook asks of those who write and run it.
    """
    contenders = [
        Contender(stack.stage, f"{catalog.stage(stack.stage).title}: {stack.server}", stack.name)
        for stack in catalog.defaults()
    ]
    found = {"start": {}, "contract": {}, "effort": {}}
    for _ in range(run.rounds):
        for contender in contenders:
            try:
                began = time.perf_counter()
                with run.alone(contender):
                    took = (time.perf_counter() - began) * 1000
            except Left:
                continue
            entry = found["start"].setdefault(contender.name, {"title": contender.title, "ms": []})
            entry["ms"].append(rounded(took))
            run.step(2 * run.rounds * len(contenders))
    for contender in contenders:
        if contender.name in EFFORT:
            alone = replace(contender, anywhere=ONE, serves="bench")
            with contextlib.suppress(Left), run.alone(alone) as exhibit:
                start = found["start"][contender.name]["ms"]
                found["effort"][contender.name] = {"title": contender.title, **effort(exhibit), "start": start}
    if run.full:
        for contender in contenders:
            try:
                with run.alone(contender) as exhibit:
                    found["contract"][contender.name] = {"title": contender.title, "s": [rounded(kept(exhibit))]}
            except Left:
                continue
    return found


EFFORT = ("wsgi", "asgi")


def effort(exhibit):
    """Lines of the guestbook's program; of a server with one worker its processes, and its own frames in the
    traceback of a program that raises and catches nothing."""
    program = ROOT / "exhibits" / exhibit.stack.room / "app.py"
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", exhibit.port), 5) as visitor:
        visitor.sendall(b"GET /crash HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        visitor.recv(4096)
    # The log comes a moment after the answer.
    eventually(lambda: any(line.startswith("RuntimeError") for _, line in list(exhibit.lines)), 2)
    log = [line.strip() for _, line in list(exhibit.lines)]
    begins = max((n for n, line in enumerate(log) if line.startswith("Traceback")), default=len(log))
    return {
        "lines": [len(program.read_text(encoding="utf-8").splitlines())],
        "frames": [sum(line.startswith("File ") and "/bench/programs/" not in line for line in log[begins:])],
        "processes": [exhibit.watch.processes()],
    }


def kept(exhibit):
    """Seconds that all cases of the contract take at an exhibit."""
    began = time.perf_counter()
    for _ in checking.run(exhibit):  # a known difference, or what cannot be tested, is for the tests to tell
        pass
    return time.perf_counter() - began
