"""A FastCGI server: a loop around a CGI-shaped program, which is called anew for each request.

    python -m exhibits.fastcgi.server SOCKET MODULE

SOCKET is the path of a Unix socket or HOST:PORT, MODULE a module with
`respond(environ, stdin, stdout, stderr)`: what a process was for CGI is here a call in a thread.
A connection carries one request at a time, and a next one if the web server wishes so.
What it says is in `wire.py`; "§" names a section of the FastCGI specification.

Left out: further processes, reloading, a log of requests, a limit on the time a whole request
takes; requests that share a connection; the roles Authorizer and Filter (§6.3, §6.4).
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

from exhibits.fastcgi import wire
from exhibits.fields import Malformed

THREADS = 64  # so many connections at once; the next ones wait to be accepted
TIMEOUT = struct.pack("ll", 30, 0)  # the longest silence of the web server: seconds, microseconds
CHUNK = 32 * 1024  # bytes of an answer that are sent although the program does not ask for it
VALUES = {"FCGI_MAX_CONNS": str(THREADS), "FCGI_MAX_REQS": str(THREADS), "FCGI_MPXS_CONNS": "0"}  # §4.1
CRASHED = (b"Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r\n"
           b"The program raised an exception, its log has the traceback.\n")  # fmt: skip


class Connection:
    """A connection from the web server, in a thread, and the request it carries."""

    def __init__(self, sock):
        self.socket, self.reader = sock, wire.ApplicationReader()
        self.id = None  # of the request, None between two
        self.keep = True
        for option in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:
            sock.setsockopt(socket.SOL_SOCKET, option, TIMEOUT)

    def serve(self, respond):
        while self.keep or self.id:
            if self.id and self.environ is not None:
                self.run(respond)
            else:
                self.receive()
        if not self.complete:  # closed with bytes unread, a connection is reset, and the answer lost
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(65536):
                pass

    def receive(self, flags=0):
        """Take what the web server says next; wait for it, unless flags say otherwise."""
        data = self.socket.recv(65536, flags)
        if not data:
            self.keep = False
            raise ConnectionAbortedError("the web server left")
        try:
            for message in self.reader.receive(data):
                self.take(message)
        except Malformed as error:
            log(f"this is not FastCGI: {error}")
            self.socket.shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError("the web server speaks another language") from error

    def take(self, message):
        match message:
            case wire.BeginRequest(id) if self.id:
                self.end(id, protocol_status=wire.CANT_MPX_CONN)
            case wire.BeginRequest(id, role, flags):
                self.id, self.keep = id, bool(flags & wire.KEEP_CONN)
                self.environ, self.input, self.complete, self.aborted = None, bytearray(), False, False
                if role != wire.RESPONDER:
                    self.end(id, protocol_status=wire.UNKNOWN_ROLE)
            case wire.Params(_, variables):
                self.environ = variables
            case wire.Stdin(_, data):
                self.input += data
                self.complete = not data
            case wire.AbortRequest(id):
                self.aborted = True
                if self.environ is None:
                    self.end(id, app_status=1)
            case wire.GetValues(names):
                self.send(wire.GetValuesResult({name: VALUES[name] for name in names if name in VALUES}))
            case wire.UnknownType():
                self.send(message)  # the question is the answer (§4.2)

    def run(self, respond):
        stdout, stderr = Output(self), Errors(self)
        status = 1
        try:
            respond(self.environ, io.BufferedReader(Input(self)), stdout, stderr)
            status = 0
        except BrokenPipeError:
            pass
        except SystemExit as exit:  # appStatus is "the status code that the CGI program would have returned" (§6.2)
            status = exit.code & 0xFF if isinstance(exit.code, int) else int(exit.code is not None)
        except BaseException:
            stderr.write(traceback.format_exc())
            if not stdout.began:
                stdout.waiting = CRASHED
        last = [wire.Stdout(self.id, data) for data in (stdout.waiting, b"") if not data or not self.aborted]
        self.end(self.id, *last[not stdout.waiting:], app_status=status)

    def end(self, id, *last, app_status=0, protocol_status=wire.REQUEST_COMPLETE):
        self.reader.forget(id)
        if id == self.id:
            self.id = None
        self.send(*last, wire.EndRequest(id, app_status, protocol_status))

    def send(self, *messages):
        try:
            self.socket.sendall(b"".join(map(wire.build, messages)))
        except OSError as error:  # also when it does not read for too long
            raise BrokenPipeError("the web server left") from error


class Input(io.RawIOBase):
    """Standard input, without its buffer: nothing is read before the program reads."""

    def __init__(self, connection):
        self.connection = connection

    def readable(self):
        return True

    def readinto(self, buffer):
        """The next bytes of STDIN into the buffer. If they break off they end: CONTENT_LENGTH tells (§6.2)."""
        here = self.connection
        with contextlib.suppress(OSError):
            while not (here.input or here.complete or here.aborted):
                here.receive()
        data = here.input[:len(buffer)]
        del here.input[:len(buffer)]
        buffer[:len(data)] = data
        return len(data)


class Output:
    """Standard output. What is written waits until flush or for more, so that a short answer is sent at once."""

    def __init__(self, connection):
        self.connection, self.waiting, self.began = connection, b"", False

    def write(self, data):
        self.waiting += data
        if len(self.waiting) >= CHUNK:
            self.flush()

    def flush(self):
        data, self.waiting = self.waiting, b""
        if not data:
            return
        if len(self.connection.input) < CHUNK:  # read no more than that ahead of the program
            with contextlib.suppress(BlockingIOError, ConnectionAbortedError):  # nothing to hear, or never again
                self.connection.receive(socket.MSG_DONTWAIT)
        if self.connection.aborted:
            raise BrokenPipeError("the web server has aborted the request")
        self.began = True
        self.connection.send(wire.Stdout(self.connection.id, data))


class Errors(Output):
    """Standard error, line by line: web servers log a record as one line, and cut long ones."""

    def write(self, text):
        self.waiting += text.encode("utf-8", "replace")
        *lines, self.waiting = self.waiting.split(b"\n")
        for line in lines:
            try:
                self.connection.send(wire.Stderr(self.connection.id, line + b"\n"))
            except BrokenPipeError:
                log(line.decode("utf-8", "replace"))

    def flush(self):
        pass


def work(listener, respond):
    while True:
        try:
            sock, _ = listener.accept()
        except OSError as error:  # no file to be had
            log(error.strerror)
            time.sleep(0.1)
        else:
            with sock, contextlib.suppress(OSError):  # the web server left, or is silent for too long
                Connection(sock).serve(respond)


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
