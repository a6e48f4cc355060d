"""An SCGI server: a loop around a CGI-shaped program, which is called anew for each request.

    python -m exhibits.scgi.server SOCKET MODULE

SOCKET is the path of a Unix socket or HOST:PORT, MODULE a module with
`respond(environ, stdin, stdout, stderr)`: what a process was for CGI is here a call in a thread.
A connection carries one request. What it says is in `wire.py`.

Left out: further processes, reloading, a log of requests, a limit on the time a whole request
takes. SCGI has no mark for the end of an answer, so one that the program broke off looks whole.
"""

import contextlib
import importlib
import io
import os
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from pathlib import Path

from exhibits.fields import Malformed
from exhibits.scgi import wire

THREADS = 64  # so many requests at once; the next ones wait to be accepted
TIMEOUT = struct.pack("ll", 30, 0)  # the longest silence of the web server: seconds, microseconds
CHUNK = 64 * 1024  # bytes of an answer that are sent although the program does not ask for it
BAD_REQUEST = b"Status: 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nThis is no SCGI request.\n"
CRASHED = (b"Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r\n"
           b"The program raised an exception, its log has the traceback.\n")  # fmt: skip


class Input(io.RawIOBase):
    """Standard input, without its buffer: nothing is read before the program reads."""

    def __init__(self, sock):
        self.socket, self.reader, self.messages = sock, wire.RequestReader(), []

    def next_message(self):
        while not self.messages:
            data = self.socket.recv(65536)
            self.messages = self.reader.receive(data) if data else self.reader.close()
        return self.messages.pop(0)

    def readable(self):
        return True

    def readinto(self, buffer):
        """The next bytes of the body into the buffer. If it breaks off it ends: CONTENT_LENGTH tells."""
        if self.reader.ended and not self.messages:
            return 0
        with contextlib.suppress(OSError, Malformed):
            if type(message := self.next_message()) is wire.Body:
                size = min(len(buffer), len(message.data))
                buffer[:size] = message.data[:size]
                if rest := message.data[size:]:
                    self.messages.insert(0, wire.Body(rest))
                return size
        return 0


class Output:
    """Standard output. What is written waits until flush or for more, so that a short answer is sent at once."""

    def __init__(self, sock):
        self.socket, self.waiting, self.began = sock, b"", False

    def write(self, data):
        self.waiting += data
        if len(self.waiting) >= CHUNK:
            self.flush()

    def flush(self):
        data, self.waiting = self.waiting, b""
        if data:
            self.began = True
            try:
                self.socket.sendall(data)
            except OSError as error:  # also when it has been silent for too long
                raise BrokenPipeError("the web server left") from error


def serve(sock, respond):
    """Answer the request on a connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, TIMEOUT)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, TIMEOUT)
    stdin, stdout = Input(sock), Output(sock)
    try:
        run(respond, stdin.next_message().variables, io.BufferedReader(stdin), stdout)
    except Malformed as error:
        log(f"no SCGI request: {error}")
        stdout.write(BAD_REQUEST)
    stdout.flush()
    if not stdin.reader.ended:  # closed with bytes unread, a connection is reset, and the answer lost
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass


def run(respond, environ, stdin, stdout):
    try:
        respond(environ, stdin, stdout, sys.stderr)
    except BrokenPipeError:
        raise
    except BaseException:
        log(traceback.format_exc())
        if not stdout.began:
            stdout.waiting = CRASHED


def work(listener, respond):
    while True:
        try:
            sock, _ = listener.accept()
        except OSError as error:  # no file to be had
            log(error.strerror)
            time.sleep(0.1)
        else:
            with sock, contextlib.suppress(OSError, Malformed):  # the web server left, or is silent for too long
                serve(sock, respond)


def log(line):
    os.write(2, f"{line.rstrip()}\n".encode())  # the whole line at once: other threads write too


def listen(where):
    """A listening socket at HOST:PORT or at a path."""
    host, colon, port = where.rpartition(":")
    if colon and port.isdecimal():
        return socket.create_server((host, int(port)), backlog=1024)
    listener = socket.socket(socket.AF_UNIX)
    if Path(where).is_socket():
        try:
            listener.connect(where)
        except ConnectionRefusedError:  # left behind by somebody who was killed
            os.unlink(where)
    listener.bind(where)
    listener.listen(1024)
    return listener


def main(where, module):
    def stop(*_):
        with contextlib.suppress(OSError):
            os.unlink(where)
        os._exit(0)  # without waiting for anybody

    respond = importlib.import_module(module).respond
    try:
        listener = listen(where)
    except (OSError, OverflowError) as error:
        log(f"cannot listen at {where}: {error}")
        sys.exit(2)
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, stop)
    log(f"listening at {where}")
    for _ in range(THREADS - 1):
        threading.Thread(target=work, args=(listener, respond), daemon=True).start()
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
