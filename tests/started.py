"""Programs that tests start: all of them in one way, and they end as for their users.

What a program prints is in the file `log` of its folder, where it also looks for modules. At the end it
gets a SIGTERM, so that what it does at its end is done, and seen by who measures coverage; one that does
not hear it is killed, and the test fails.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from exhibits.backstage.running import ROOT, eventually

PATIENCE = 20  # seconds until something that does not happen counts as failed


class Started(subprocess.Popen):
    """A program with its folder, in a session of its own, until the end of the block.

    ready: what has to be in the log before the block begins, a regular expression; or what it has to
    listen at, a path or a port; None: it is not waited for. log: the name of the file for what it prints.
    """

    def __init__(self, folder, *command, ready="listening (at|on) ", environ=(), log="log", **more):
        self.folder, self.log = folder, folder / log
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}", **dict(environ)}
        with self.log.open("wb") as file:
            streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
            super().__init__(command, start_new_session=True, **{"cwd": folder, "env": environ, **streams, **more})
        try:
            if isinstance(ready, str):
                self.wait_for(ready)
            elif ready is not None:
                self.until(lambda: listens(ready))
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *exception):
        for stream in self.stdin, self.stdout:
            if stream:
                stream.close()
        self.stop()

    @property
    def said(self):
        """What it has printed until now."""
        return self.log.read_text(errors="replace")

    def until(self, condition, seconds=PATIENCE):
        """What condition() returns, once that is true; it has to become true while the program runs."""

        def found():
            running = self.poll() is None  # asked first: what it says last counts
            return condition() or (not running and "ended")

        result = eventually(found, seconds)
        assert result and result != "ended", f"it {result or 'goes on'}: {self.said}"
        return result

    def wait_for(self, pattern, seconds=PATIENCE):
        """The match of a regular expression with what it prints."""
        return self.until(lambda: re.search(pattern, self.said), seconds)

    def stop(self, number=signal.SIGTERM, seconds=10):
        """Send a signal, if it still runs; its exit code. It has so many seconds to end."""
        if self.poll() is None:
            self.send_signal(number)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.wait()
            pytest.fail(f"{self.args} does not hear signal {number}: {self.said}")


def listens(where):
    """Whether somebody accepts connections at a path or a port."""
    family, address = (socket.AF_INET, ("127.0.0.1", where)) if isinstance(where, int) else (socket.AF_UNIX, where)
    with socket.socket(family) as sock:
        # A path that is too long for a socket may be short from here.
        return not sock.connect_ex(address if family == socket.AF_INET else os.path.relpath(address))


class Serving(Started):
    """`python -m exhibits serve …`, with a temporary folder of its own to look into afterwards."""

    def __init__(self, folder, *arguments, command=None, cwd=ROOT, environ=None, **more):
        serve = [sys.executable, "-m", "exhibits", "serve", *arguments, "--guestbook", str(folder / "book.sqlite3")]
        environ = environ or {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
        super().__init__(folder, *(command or serve), ready=None, cwd=cwd, env=environ, **more)

    def interrupt(self, number=signal.SIGINT):
        """Send a signal; the exit code and the seconds it took."""
        start = time.monotonic()
        return self.stop(number), time.monotonic() - start

    def left_behind(self):
        """Run folders that remain, and processes that still work in one."""
        folders = [path.name for path in self.folder.glob("museum-*")]
        listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
        return folders + [line for line in listing.splitlines() if str(self.folder) in line]
