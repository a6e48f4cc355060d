"""A socket, and threads that serve whoever connects: what our FastCGI, SCGI and uwsgi servers share."""

import contextlib
import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from exhibits.shared import command_line, sockets
from exhibits.shared.ends import ENDS
from exhibits.shared.log import log, log_exception

THREADS = 256  # at most: one more connection at once is told to come back
TIMEOUT = 30  # seconds: the longest silence of a peer
BRIEFLY = 1  # the same for one who is refused
Serve = Callable[[socket.socket], None]


def main(serve: Callable, name: str, busy: Callable) -> None:
    """Serve `name` of a module: SOCKET and MODULE are on the command line.

    SOCKET: the path of a Unix socket or HOST:PORT. serve: a function that takes a connected
    socket and what the module has; an OSError from it is a peer that left, or was silent for too long.
    busy: what the module might have as well, which says that there are too many visitors.
    """
    if len(sys.argv) != 3 or not all(sys.argv):
        log("usage: python -m exhibits.STAGE.server SOCKET MODULE")
        sys.exit(2)
    _, where, module = sys.argv
    program = command_line.load(module, name)
    try:
        listener = listen(where)
    except OSError as error:
        log(f"cannot listen at {where}: {error}")
        sys.exit(2)

    def stop(*_: object) -> None:
        with contextlib.suppress(OSError):
            remove(where)
        os._exit(0)  # without waiting for anybody

    # A signal that comes just before signal.pause() would not end it: this byte does.
    bell, button = socket.socketpair()
    button.setblocking(False)
    for sock in listener, bell:  # the program may have set a time for all sockets, and means its own
        sock.setblocking(True)
    signal.set_wakeup_fd(button.fileno())
    for number in ENDS:
        signal.signal(number, stop)
    if listener.family != socket.AF_UNIX:  # the system has chosen the port, perhaps
        where = f"{where.rpartition(':')[0]}:{listener.getsockname()[1]}"
    log(f"listening at {where}")
    Pool(listener, lambda sock: serve(sock, program), lambda sock: serve(sock, busy)).grow()
    while True:
        bell.recv(1)


def listen(where: str) -> socket.socket:
    """A listening socket at HOST:PORT or at a path. HOST: a name, an address, or one of IPv6 in brackets."""
    host, colon, port = where.rpartition(":")
    if colon and port.isdecimal():
        return sockets.listener(host.removeprefix("[").removesuffix("]"), int(port))
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.connect(where)
    except ConnectionRefusedError:  # left behind by somebody who was killed
        remove(where)
        listener = socket.socket(socket.AF_UNIX)
    except OSError:
        pass  # there is none: the usual case; or no socket, and bind will say so
    listener.bind(where)
    listener.listen(1024)
    return listener


def remove(where: str) -> None:
    """Remove a socket. A file gets no connection either, and is somebody's: OSError."""
    if not stat.S_ISSOCK(os.lstat(where).st_mode):
        raise FileExistsError("what is there is no socket")
    os.unlink(where)


class Pool:
    """Threads that accept and serve. One is always free to accept: when the last one is, there will be another.

    When there can be none, the last one refuses whom it accepts, so that nobody waits for nothing.
    """

    def __init__(self, listener: socket.socket, serve: Serve, refuse: Serve) -> None:
        self.listener, self.serve, self.refuse = listener, serve, refuse
        self.lock, self.threads, self.free = threading.Lock(), 0, 0
        self.short = False  # of file descriptors

    def grow(self) -> bool:
        """Start a thread; false if there can be no more."""
        with self.lock:
            if self.threads == THREADS:
                return False
            self.threads, self.free = self.threads + 1, self.free + 1
        try:
            threading.Thread(target=self.work, daemon=True).start()
        except RuntimeError as error:  # the system has no more
            with self.lock:
                self.threads, self.free = self.threads - 1, self.free - 1
            log(f"{error}: {self.threads} are all there are")
            return False
        return True

    def work(self) -> None:
        while True:
            sock = self.accept()
            with self.lock:
                self.free -= 1
                last = self.free == 0
            self.handle(sock, self.refuse if last and not self.grow() else self.serve)
            with self.lock:
                self.free += 1

    def accept(self) -> socket.socket:
        """The next connection. While there is no file descriptor for it, all wait, and one sentence says so."""
        while True:
            try:
                sock, _ = self.listener.accept()
                self.short = False
                return sock
            except OSError as error:
                if not self.short:
                    log(f"nobody can be accepted for now: {error.strerror}")
                self.short = True
                time.sleep(0.1)

    def handle(self, sock: socket.socket, serve: Serve) -> None:
        try:
            with sock:
                sockets.bound(sock, TIMEOUT if serve is self.serve else BRIEFLY)
                serve(sock)
        except OSError:
            pass  # the peer left
        except BaseException:  # whatever it is, it ends neither the thread nor the server
            log_exception()


def hang_up(sock: socket.socket) -> None:
    """Read what nobody has: a connection closed with bytes unread is reset, and the answer lost."""
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(65536):
        pass


def busy(environ: dict[str, str], stdin: Any, stdout: Any, stderr: Any) -> None:
    """The CGI-shaped program that answers when all threads are taken."""
    stdout.write(b"Status: 503 Service Unavailable\nContent-Type: text/plain\nRetry-After: 1\n\n"
                 b"There are too many visitors at once.\n")
