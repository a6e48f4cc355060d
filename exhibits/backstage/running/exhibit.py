"""Starting a stack of the catalog and stopping it without a trace."""

import contextlib
import importlib.util
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exhibits.backstage.ending import uninterrupted
from exhibits.backstage.running import doors, ports
from exhibits.backstage.running.addresses import own_names
from exhibits.backstage.running.installed import ROOT, made_of, missing, modules, program
from exhibits.backstage.running.nobody import NOBODY, nobody_writes, readable_python, runs_as_nobody
from exhibits.backstage.running.ports import CannotStart, free_port
from exhibits.backstage.terminal import plain
from exhibits.backstage.visiting import Place
from exhibits.catalog.stacks import Process, Stack
from exhibits.store import Refused, Store

START = 20  # seconds a stack has to answer its first request
SLOW = 3  # seconds after which a program of the visitor's own is taken to be there, and slow
PROBE = "?ready"  # our own question whether it is, kept out of the log that is shown
# Variables that servers and frameworks take settings from: those of a visitor are not meant for our exhibits, which
# would have another number of processes and not say so, or not start.
SETTINGS = re.compile("(DJANGO|FASTMCP|FCGI|FLASK|GRANIAN|GUNICORN|LITESTAR|QUART|SANIC|UVICORN|UWSGI)_.*|"
                      "WEB_CONCURRENCY|FORWARDED_ALLOW_IPS")
LINE = 65536  # bytes; what is longer counts as several lines
GRACE = 1.0  # seconds a process has to end by itself once it is asked to

# If we are killed with no chance to clean up, this notices: its input ends without "done".
GUARD = """while read group; do
    if [ "$group" = done ]; then exit; fi
    groups="$groups $group"
done
[ -z "$groups" ] || kill -9 $groups
for each in $(grep -lsF "$1" /proc/[0-9]*/environ); do  # who has left his group, as daemons do
    each=${each#/proc/}
    kill -9 "${each%/environ}"
done 2>/dev/null
for pause in 0.2 1 5; do  # who is being killed may still be writing a file
    rm -rf "$1" && exit
    sleep $pause
done 2>/dev/null
"""


class Exhibit:
    """A stack that runs, from `with Exhibit(stack) as exhibit:` to the end of the block.

    stack: a `catalog.Stack`.
    host, port: where visitors reach it; port None picks a free one.
    mount: the mount point, "" or "/museum".
    hello: serve the smallest program of the room instead of the guestbook.
    app: a program of the visitor's own in the guestbook's place (see `own.target.find`).
    guestbook: the SQLite file; None: one of its own, gone at the end.
    allow: names and addresses to be served besides those of this machine (see `guarding.guard`).
    log: called with (name of the process, line) for each line a process prints once it runs.
    door: where visitors find it, where somebody in front has another address for it.

    Raises CannotStart (with the last words of the process that failed) and PortTaken.
    """

    patience = START
    temporary: str | None = None  # the folder for the folder of a run; None: the system's

    def __init__(
        self, stack: Stack, *, host: str = "127.0.0.1", port: int | None = None, mount: str = "", hello: bool = False,
        app: Any = None, guestbook: str | Path | None = None, allow: Iterable[str] = (),
        log: Callable[[str, str], object] | None = None, door: str = "",
    ) -> None:
        self.stack, self.host, self.hello, self.app = stack, host, hello, app
        self.mount = stack.fixed_mount.format(program=self.program) or mount
        self.port: Any = port  # None until it has one
        self.allow, self.hosts = tuple(allow), ()  # hosts: what a Host field may say, once it is started
        # The caller's path: the servers have another folder.
        self.guestbook = Path(guestbook).absolute() if guestbook else None
        self.log, self.door = log, door
        self.lines = deque(maxlen=1000)  # the latest of the log, as (name, line)
        self.processes = []  # (catalog.Process, subprocess.Popen), in the order they were started
        self.ready = False
        self.run: Any = None  # its folder
        self.guard: Any = None

    @property
    def program(self) -> str:
        return "hello" if self.hello else "app"

    @property
    def is_guestbook(self) -> bool:
        return not (self.hello or self.app)

    @property
    def stands_in(self) -> Path | None:
        """The folder whose `exhibits` has the visitor's program in the guestbook's place, where servers import that."""
        return self.run if self.app and not self.stack.copies_program else None

    @property
    def base(self) -> str:
        """Where visitors find the program's "/", without the slash."""
        address = ports.authority(ports.reached(self.host), self.port)
        return f"{self.stack.scheme}://{address}" + ("" if self.stack.mount_is_stripped else self.mount)

    @property
    def address(self) -> str:
        """Where the guestbook says that visitors find it."""
        return self.door or self.base + "/"

    def __enter__(self) -> "Exhibit":
        if lacking := missing(self.stack):
            raise CannotStart("; ".join(lacking))
        typed, self.host = self.host, ports.resolve(self.host)
        self.hosts = (*own_names(typed, self.host), *self.allow)
        if self.port is None:
            self.port = free_port(self.host)
        else:
            ports.demand(self.host, self.port)
        self.inner = free_port()
        try:
            with uninterrupted():
                self.run = self.make_run_folder()
                self.guard = subprocess.Popen(["sh", "-c", GUARD, "guard", self.run], stdin=subprocess.PIPE,
                                              start_new_session=True)
            if self.guestbook is None:
                self.guestbook = self.run / "guestbook.sqlite3"
            if runs_as_nobody(self.stack):
                os.chown(self.run, NOBODY, NOBODY)
                if not nobody_writes(self.guestbook):
                    if self.guestbook.exists() or not self.guestbook.parent.exists():
                        self.check_guestbook()  # what no user can use gets the sentence it gets everywhere
                    raise CannotStart(
                        f"where root starts {self.stack.processes[-1].part}, programs run as nobody (user {NOBODY}), "
                        f"who cannot write {self.guestbook}: --guestbook names a file in a folder where that user "
                        "can write, and any other user than root can start this with a file of his own"
                    )
            if self.is_guestbook:
                self.check_guestbook()
            if self.stack.encrypted:
                from exhibits.backstage.visiting.encrypted import make_certificate

                make_certificate(self.run, ports.reached(self.host))
            if self.stack.copies_program:
                self.copy_program()
            if self.app:
                self.put_program()
            for process in self.stack.processes:
                self.start(process)
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        self.ready = True
        if self.is_guestbook:
            doors.enter(self)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def visitor(self, timeout: float = 5) -> Any:
        """A visitor, to be used in a `with` block, who speaks what visitors speak here."""
        return self.place.visitor(timeout)

    @cached_property
    def place(self) -> Place:
        """Where visitors find it, and what they know of it."""
        return Place(
            ports.reached(self.host), self.port, self.guestbook, self.mount, self.stack.mount_is_stripped,
            self.stack.encrypted, self.run / "ca.pem", self.stack.interface, self.stack.carrier,
        )

    def check_guestbook(self) -> None:
        """Make its file where there is none; raise CannotStart where it cannot be used."""
        store = Store(self.guestbook)
        try:
            store.check()
        except Refused as refused:
            raise CannotStart(f"{self.guestbook}: {refused.sentence}") from None
        finally:
            store.close()

    def make_run_folder(self) -> Path:
        """A folder for what belongs to this run, with an empty one in it: the document root of web servers."""
        folder = Path(tempfile.mkdtemp(prefix="museum-", dir=self.temporary))
        (folder / "empty").mkdir()
        return folder

    def places(self):
        """What {…} stands for in the catalog's commands."""
        programs = {part.name.lower(): program(part) for part in self.stack.parts if part.programs}
        if "apache" in programs:
            programs["modules"] = modules()
        address = ports.authority(self.host, self.port)
        return {
            **programs,
            "python": sys.executable, "bin": Path(sys.executable).parent, "root": self.stands_in or ROOT,
            "run": self.run, "near": f"{self.run}/" if self.app else "",  # a socket's path has to be short
            "host": self.host, "port": self.port, "address": address, "bracketed": address.rpartition(":")[0],
            "inner": self.inner, "mount": self.mount, "prefix": self.mount or "/",
            "guestbook": self.guestbook, "hosts": ",".join(self.hosts),
            "stack": f"{self.stack.name}: {', '.join(made_of(self.stack))}",
            "program": self.program, "responder": "responder" if self.hello else "app",
            "room": self.stack.room, "mount_pattern": re.escape(self.mount),
            "copies": self.run / "exhibits",
        }

    def command(self, process: Process) -> list[str]:
        """The words of a process's command, {…} not yet filled in."""
        return shlex.split(process.own if self.app and process.own else process.command)

    def folder(self, process):
        """Where a process runs: not where the caller is."""
        return self.run

    def environment(self, process: Process) -> dict[str, str]:
        places, given = self.places(), dict(os.environ)
        if not self.app:  # a program of the visitor's own may need them
            given = {name: value for name, value in given.items() if not SETTINGS.fullmatch(name)}
        return {
            **given, "PWD": str(self.folder(process)),
            "PYTHONPATH": module_path(places["root"]), "PYTHONUNBUFFERED": "1",
            "GUESTBOOK": str(places["guestbook"]), "GUESTBOOK_HOSTS": places["hosts"],
            "GUESTBOOK_STACK": places["stack"],
            **{name: value.format(**places) for name, value in process.environ.items()},
        }

    def start(self, process: Process) -> None:
        eventually(lambda: (self.run / process.after).exists() or self.check(), self.patience)
        places = self.places()
        self.install(process)
        with uninterrupted():
            try:
                popen = subprocess.Popen(
                    [word.format(**places) for word in self.command(process)],
                    cwd=self.folder(process), env=self.environment(process),
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for us; we stop them in order, with all their children
                )
            except OSError as error:
                raise CannotStart(f"{process.part} cannot be started: {error}") from None
            reader = threading.Thread(target=self.read, args=(process, popen), daemon=True)
            reader.start()
            self.processes.append((process, popen, reader))
            self.guard.stdin.write(b"-%d\n" % popen.pid)
            self.guard.stdin.flush()

    def install(self, process):
        """Copy the configuration of a process into the run folder, edited; ValueError where an edit finds nothing."""
        files = [ROOT / "exhibits" / name for name in process.files]
        texts = [file.read_text(encoding="utf-8") for file in files]
        for old, new in process.edits:
            if not any(old in text for text in texts):
                raise ValueError(f"{self.stack.name}: no file of {process.part} holds {old!r}")
            texts = [text.replace(old, new.format(**self.places()) if "{" in new else new) for text in texts]
        for file, text in zip(files, texts, strict=True):
            (self.run / file.name).write_text(text, encoding="utf-8", errors="surrogateescape")  # paths are in it

    def put_program(self) -> None:
        """Put the visitor's own program where the guestbook would be."""
        self.app.take_place(self.run)

    def copy_program(self):
        """Install the room's programs in the run folder, as one does in a cgi-bin."""
        folder = self.run / "exhibits"
        shutil.copytree(ROOT / "exhibits", folder, ignore=shutil.ignore_patterns("backstage", "__pycache__"))
        if name := self.stack.copies_package:
            shutil.copytree(Path(str(importlib.util.find_spec(name).origin)).parent, self.run / name)
        for file in (folder / self.stack.room).glob("*.py"):
            shebang, _, rest = file.read_text(encoding="utf-8").partition("\n")
            if shebang.startswith("#!"):
                file.write_text(first_line(readable_python()) + rest, encoding="utf-8", errors="surrogateescape")
                file.chmod(0o755)
        if runs_as_nobody(self.stack):
            for path in self.run.rglob("*"):  # what we made ourselves; a guestbook with another place stays as it is
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def read(self, process, popen):
        for raw in iter(lambda: popen.stdout.readline(LINE), b""):
            line = plain(raw.decode("utf-8", "replace").rstrip())
            self.lines.append((process.part, line))
            if self.ready and self.log and PROBE not in line:
                self.log(process.part, line)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError):  # nobody listens yet
                if self.answers(deadline):
                    return
            time.sleep(0.01)
        raise CannotStart(f"{self.stack.name} did not answer within {self.patience:g} s\n{self.last_words()}")

    def answers(self, deadline):
        """Ask once; whether somebody is there. A program of the visitor's own may answer what it likes, and slowly."""
        status = self.status("/", SLOW) if self.app else self.status("/hello", self.patience)
        if not self.app:
            return status == 200
        # Silence is what a server says that is not ready, 502 and 503 a front that finds nobody. Programs do so, too.
        patience = {0: SLOW, 502: self.patience / 2, 503: self.patience / 2}.get(status, 0)
        return time.monotonic() >= deadline - self.patience + patience

    def status(self, path, patience):
        """The status with which it answers our own question for a path; 0: with none. OSError: nobody listens."""
        url = urlsplit(self.base + path + PROBE)
        question = f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
        with self.visitor(patience) as visitor:
            return visitor.ask(question, within=patience).status  # what a visitor's own program says may have no end

    def check(self) -> None:
        """Raise CannotStart if a process has ended."""
        for process, popen, reader in self.processes:
            if popen.poll() is not None:
                reader.join(1)
                raise CannotStart(
                    f"{process.part} ended with exit code {popen.returncode}\n{self.last_words(process.part)}"
                )

    def last_words(self, part: str | None = None) -> str:
        return "\n".join(f"  {name}: {line[:500]}" for name, line in list(self.lines)[-15:] if part in (None, name))

    def stop(self) -> None:
        """Stop every process of the stack, with its children, and remove the run folder."""
        if self.ready and self.is_guestbook:
            doors.leave(self)
        for _, popen, _ in reversed(self.processes):  # first the one that lets visitors in
            signal_group(popen, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for _, popen, _ in self.processes:
            try:
                popen.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
        for _, popen, _ in self.processes:
            signal_group(popen, signal.SIGKILL)  # who did not listen, and children who outlived their parent
        if self.processes:
            kill_escaped(self.run)
        for _, popen, reader in self.processes:
            popen.wait()
            reader.join(1)
            if not reader.is_alive():  # else somebody has left us and holds the other end: we would wait for him
                popen.stdout.close()
        if self.run:
            shutil.rmtree(self.run, ignore_errors=True)
        if self.guard:  # last: whoever ends us before this leaves the rest to it
            self.guard.communicate(b"done\n")


def first_line(python):
    """The line by which the system finds the Python of a program.

    "#!" ends at the first space, and at 127 bytes: where the path has one or is longer, the shell
    starts Python, which reads the same lines as a text that nobody uses.
    """
    if " " not in python and len(os.fsencode(python)) < 120:
        return f"#!{python} -IS\n"
    quoted = re.sub(r'(["$`\\])', r"\\\1", python)
    return f"""#!/bin/sh
'''exec' "{quoted}" -IS "$0" "$@"
' '''
"""


def signal_group(popen, number):
    try:
        os.killpg(popen.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        pass


def kill_escaped(folder):
    """Kill the processes of a run, whatever group they are in: its folder is in their environment. Linux says so."""
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # another user's, or gone
            if os.fsencode(folder) in file.read_bytes():
                os.kill(int(file.parent.name), signal.SIGKILL)


def eventually(condition: Callable[[], Any], seconds: float = START) -> Any:
    """Wait until condition() is true, at most so many seconds; return what it returned last."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


def module_path(root: Path) -> str:
    """PYTHONPATH: where our package is; all else is found as without us, and not from where a server happens to run."""
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join([str(root), *(os.path.abspath(path) for path in named if path)])
