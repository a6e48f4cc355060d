"""Servers in service: how they stop, take new code, are given a socket, run as process 1 of a container, and log.

exhibits/service/service.toml says which servers, a list for each of the `TRIALS` below. `record` tries all of them and
writes what came into docs/recordings/service; the page "In service" shows it, and a test tries again and compares.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from exhibits.backstage.recording.errors import INNER, Happening, ask, stack
from exhibits.backstage.recording.proxied import gist
from exhibits.backstage.running import ROOT, eventually, version

FOLDER = ROOT / "docs" / "recordings" / "service"
HERE = ROOT / "exhibits" / "service"
ROWS = tomllib.loads((HERE / "service.toml").read_text(encoding="utf-8"))
FILES = {path.name: path.read_text(encoding="utf-8") for path in HERE.glob("*.py")}
PATIENCE = 5  # seconds until a server that was told to stop counts as one that runs on
LONG = 20  # seconds for what has to happen
OLD, NEW = "1", "2"  # of the program
PAUSE, ENOUGH = 0.02, 10  # seconds between two visits, and answers by which one knows who answers
ROOM = ["unshare", *([] if os.geteuid() == 0 else ["-r"]), "--pid", "--fork", "--kill-child"]  # as a container has it
HEARD = 0.5  # seconds after a signal, of the two that the slow response takes


class Serving(Happening):
    """A server that serves the programs of this room, with its own settings."""

    def __init__(self, run, around=()):
        super().__init__("service", {"files": {**FILES, "version.py": f"VERSION = {OLD}\n"}, "commands": run})
        self.around = around

    def command(self, process):
        return [*self.around, *super().command(process)]

    def environment(self, process):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**super().environment(process), "GUNICORN_CMD_ARGS": "--no-control-socket", "PATH": path}

    @property
    def popen(self):
        return self.processes[0][1]

    def visit(self, path):
        """The gist of what a visitor gets, who gives no reason why the connection should end."""
        return gist(self.shown(ask({"request": f"GET {path}", "headers": ["User-Agent: Ada"]}, self, INNER)), ())

    def called(self):
        return (self.run / "called").exists()


def see(true, otherwise):
    """Wait until true() is; TimeoutError with a sentence where it never is."""
    if not eventually(true, LONG):
        raise TimeoutError(otherwise)


def until_busy(server, path):
    """A visit that the program has begun to answer, and its thread: (a function that waits for its end, the thread)."""
    pool = ThreadPoolExecutor(1)
    visit = pool.submit(server.visit, path)
    see(server.called, "nobody called the program")
    pool.shutdown(wait=False)
    return visit


def stop(run):
    """A server that gets SIGTERM while it answers: its first process, or all; and one in the middle of a stream."""
    with ThreadPoolExecutor(3) as trials:
        first = trials.submit(slow_end, run, os.kill)
        everybody = trials.submit(slow_end, run, os.killpg)
        stream = trials.submit(stream_end, run)
        return {**first.result(), "all": everybody.result()["slow"], "stream": stream.result()}


def slow_end(run, send, around=(), pid=lambda popen: popen.pid):
    """What becomes of a slow response after SIGTERM, of who comes meanwhile, and of the server."""
    with Serving(run, around) as server, ThreadPoolExecutor(1) as visitors:
        visit = until_busy(server, "/slow")
        send(pid(server.popen), signal.SIGTERM)
        time.sleep(HEARD)
        later = visitors.submit(server.visit, "/")
        whole = not visit.exception() and "version" in visit.result()
        ended = eventually(lambda: server.popen.poll() is not None, PATIENCE)
        new = "cut off" if later.exception() else later.result().removeprefix("the connection is ")
        return {"slow": "whole" if whole else "cut off", "new": "answered" if "version" in new else new,
                "ends": "ends" if ended else "runs on", "code": server.popen.poll()}


def stream_end(run):
    """Whether a server ends though a response does not."""
    with Serving(run) as server:
        until_busy(server, "/events")
        server.popen.send_signal(signal.SIGTERM)
        ended = eventually(lambda: server.popen.poll() is not None, PATIENCE)
        return "ends" if ended else "runs on"


def reload(run, touch=None):
    """Which program a server has after SIGHUP, or after a file is touched; before that, the program is changed."""
    with Serving(run) as server:
        see(lambda: f"version {OLD}" in server.visit("/"), "the old version does not answer")
        (server.run / "version.py").write_text(f"VERSION = {NEW}\n")
        before, got, over = children(server.popen.pid), [], threading.Event()

        def visit():
            while not over.is_set():
                got.append(server.visit("/"))
                time.sleep(PAUSE)

        def settled():
            """Whether only processes answer that were not there before: ten times in a row."""
            last = [each.rpartition(", ")[2] for each in got[-ENOUGH:]]
            return len(last) == ENOUGH and all(each.isdigit() and int(each) not in before for each in last)

        with ThreadPoolExecutor(1) as visitors:
            visitors.submit(visit)
            try:
                if touch:  # a second later at least: uWSGI compares whole ones
                    os.utime(server.run / touch, (time.time() + 2,) * 2)
                else:
                    server.popen.send_signal(signal.SIGHUP)
                changed = eventually(lambda: server.popen.poll() is not None or settled(), LONG)
            finally:
                over.set()
        if server.popen.poll() is not None:
            return {"version": "none: it ends", "failed": "all"}
        if not changed:
            return {"version": f"{OLD}, the old processes go on", "failed": "none"}
        return {"version": NEW if f"version {NEW}" in got[-1] else f"{OLD}, in new processes",
                "failed": "some" if any("version" not in each for each in got) else "none"}


def children(pid):
    """The processes that one has started."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(each) for each in file.read().split()]
    except OSError:  # it has ended
        return []


def activate(run):
    """A server that is started when the first visitor comes, and given the socket: what that visitor gets."""
    with Given(run, [sys.executable, "as_systemd.py", INNER]) as server:
        return {"visitor": re.sub(r", \d+$", "", server.visit("/"))}


class Given(Serving):
    """A server that is started as systemd starts a service of a socket."""

    def command(self, process):
        return [self.filled(word) if word == INNER else word for word in super().command(process)]

    def listens(self, process):
        return (self.run / "listening").exists()


def first(run):
    """A server as process 1: what becomes of a slow response after SIGTERM, and of the server."""
    found = slow_end(run, os.kill, ROOM, lambda popen: children(popen.pid)[0])
    return {"slow": found["slow"], "ends": found["ends"]}


def has_rooms():
    """Whether process numbers of one's own can be had here."""
    return bool(shutil.which("unshare")) and subprocess.run([*ROOM, "true"], capture_output=True).returncode == 0


def log(run):
    """Where a server says what of two requests, one of which fails: {stream: {what: line}}."""
    with Serving(run, ["sh", "-c", 'exec "$@" >out 2>err', "sh"]) as server:
        see(lambda: "version" in server.visit("/page?q=1"), "no version answers")
        server.visit("/crash")
        names = {"out": "standard output", "err": "standard error"}

        def lines(name):
            return (server.run / name).read_text(errors="replace").splitlines()

        eventually(lambda: any("RuntimeError" in line for name in names for line in lines(name)), LONG)
        found = {"access": ["nowhere", ""], "fault": ["nowhere", ""]}
        for what, pattern in ("access", "GET /page"), ("fault", "RuntimeError: this"):
            for name, where in names.items():
                for line in lines(name):
                    if re.search(pattern, line):
                        found[what] = [where, plain(server.shown(line))]
        return found


def plain(line):
    """A line without what is another one each time: dates, numbers of processes and ports, durations, colours."""
    line = re.sub(r"\x1b\[[\d;]*m", "", line)
    line = re.sub(r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d( [+-]\d{4})?", "27/Nov/2026:12:00:00 +0000", line)
    line = re.sub(r"\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}", "Fri Nov 27 12:00:00 2026", line)
    line = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "2026-11-27 12:00:00", line)
    line = re.sub(r"(?<=127\.0\.0\.1:)(?!8000)\d+|(?<=pid: )\d+", "…", line)
    return re.sub(r"\b\d+(?= msecs\b)|(?<= )\d+\.\d{3}$", "…", line)


TRIALS = {"stop": stop, "reload": reload, "activate": activate, "first": first, "log": log}


def tried(trial, number):
    """What comes of a row: its parts with their versions, and what the trial found."""
    row = ROWS[trial][number]
    parts = {part.name: version(part) for part in parts_of(row)}
    found = TRIALS[trial](*(row[key] for key in ("run", "touch") if key in row))
    return {"parts": parts, **found, **row.get("unsteady", {})}


def parts_of(row):
    return stack("service", {"files": {}, "commands": re.sub(r"^sh -c '.*?(gunicorn)", r"\1", row["run"])}).parts


def recorded(trial):
    return json.loads((FOLDER / f"{trial}.json").read_text(encoding="utf-8"))


def record(*trials):
    """Try these anew, or all, and write down what came."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for trial in trials or TRIALS:
        found = [tried(trial, number) for number in range(len(ROWS[trial]))]
        path = FOLDER / f"{trial}.json"
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    record(*sys.argv[1:])
