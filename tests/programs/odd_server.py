"""Servers that do not do what `check` expects of one: python odd_server.py KIND PORT."""

import os
import signal
import socket
import sys
import time

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\nHello, World!\n"
ERROR = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def serve(port, answers):
    with socket.create_server(("127.0.0.1", port)) as listener:
        for answer in answers:
            sock, _ = listener.accept()
            with sock:
                asked = sock.recv(65536)
                sock.sendall(answer(asked) if callable(answer) else answer)


def always(answer):
    while True:
        yield answer


def exits(port):
    print("no such setting")
    sys.exit(3)


def leaves(port):
    """As a daemon, in a group of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            serve(port, always(HELLO))
        os._exit(0)


def never_listens(port):
    time.sleep(100)


def listens_elsewhere(port):
    serve(0, always(HELLO))


def is_deaf(port):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.create_server(("127.0.0.1", port)):
        time.sleep(100)


def prints_much(port):
    while True:
        sys.stdout.write(100_000 * "x")


def answers_500(port):
    serve(port, always(ERROR))


def cannot_read(port):
    """As a program can do that needs another event loop, or a folder that it may not read."""
    serve(port, always(lambda asked: HELLO if b"/hello" in asked else ERROR))


def greets(port):
    serve(port, always(HELLO))


def speaks_otherwise(port):
    serve(port, always(b"SSH-2.0-Odd\r\n"))


def ends_soon(port):
    serve(port, [HELLO])


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]))
