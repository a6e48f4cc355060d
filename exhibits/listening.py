"""A socket, and threads that serve whoever connects: what our FastCGI, SCGI and uwsgi servers share."""

import contextlib
import importlib
import os
import signal
import socket
import struct
import sys
import threading
import time

THREADS = 64  # so many connections at once; the next ones wait to be accepted
TIMEOUT = struct.pack("ll", 30, 0)  # the longest silence of a peer: seconds, microseconds


def main(serve, name):
    """Serve `name` of a module: SOCKET and MODULE are on the command line.

    SOCKET: the path of a Unix socket or HOST:PORT. serve: a function that takes a connected
    socket and what the module has; an OSError from it is a peer that left, or was silent for too long.
    """
    if len(sys.argv) != 3:
        sys.exit(f"usage: python -m {__package__}.STAGE.server SOCKET MODULE")
    _, where, module = sys.argv
    program = getattr(importlib.import_module(module), name)
    try:
        listener = listen(where)
    except (OSError, OverflowError) as error:
        log(f"cannot listen at {where}: {error}")
        sys.exit(2)

    def stop(*_):
        with contextlib.suppress(OSError):
            os.unlink(where)
        os._exit(0)  # without waiting for anybody

    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, stop)
    log(f"listening at {where}")
    for _ in range(THREADS):
        threading.Thread(target=work, args=(listener, serve, program), daemon=True).start()
    signal.pause()


def listen(where):
    """A listening socket at HOST:PORT or at a path."""
    host, colon, port = where.rpartition(":")
    if colon and port.isdecimal():
        return socket.create_server((host, int(port)), backlog=1024)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.connect(where)
    except ConnectionRefusedError:  # left behind by somebody who was killed
        os.unlink(where)
        listener = socket.socket(socket.AF_UNIX)
    except OSError:
        pass  # there is none: the usual case; or no socket, and bind will say so
    listener.bind(where)
    listener.listen(1024)
    return listener


def work(listener, serve, program):
    while True:
        try:
            sock, _ = listener.accept()
        except OSError as error:  # no file to be had
            log(error.strerror)
            time.sleep(0.1)
            continue
        with contextlib.suppress(OSError), sock:
            for silence in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:  # settimeout would poll before each recv and send
                sock.setsockopt(socket.SOL_SOCKET, silence, TIMEOUT)
            serve(sock, program)


def log(line):
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode())  # the whole line at once: other threads write too
