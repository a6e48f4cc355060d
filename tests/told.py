"""A CGI-shaped program that does what it is told in the variable DO, and how tests start and reach its servers."""

import contextlib
import socket
import sys

from started import Started

CGI = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_NAME": "localhost",
       "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_LONG": "x" * 300}
PROGRAM = '''
import sys, time

def respond(environ, stdin, stdout, stderr):
    if environ["DO"] == "echo":
        stdout.write(b"Status: 200\\n\\n" + stdin.read(3) + b"|" + stdin.read())
    elif environ["DO"] == "echo as files do":
        stdout.write(b"Status: 200\\n\\n" + stdin.read(-1) + stdin.read(None))
    elif environ["DO"] == "answer":
        stdout.write(b"Status: 200\\n\\nanswer")
    elif environ["DO"] == "long":
        stdout.write(b"Status: 200\\n\\n")
        for _ in range(100):
            stdout.write(b"x" * 10000)
        stdout.flush()
        stdout.flush()
    elif environ["DO"] == "complain":
        print("oops", file=stderr)
    elif environ["DO"] == "crash":
        stdout.write(b"Status: 200\\n\\n")
        raise RuntimeError("broken")
    elif environ["DO"] == "crash late":
        stdout.write(b"Status: 200\\n\\nsome")
        stdout.flush()
        raise RuntimeError("broken")
    elif environ["DO"] == "break":
        raise BrokenPipeError("a pipe of my own")
    elif environ["DO"] == "exit":
        stdout.write(b"Status: 200\\n\\n")
        sys.exit(3)
    elif environ["DO"] == "exit in words":
        sys.exit("these are my last words")
    elif environ["DO"] == "stream":
        stdout.write(b"Status: 200\\n\\n")
        try:
            while True:
                stdout.write(b"line\\n")
                stdout.flush()
                time.sleep(0.01)
        except BrokenPipeError:
            print("client left", file=stderr)
            raise
'''


@contextlib.contextmanager
def running(folder, module, *arguments):
    """A server at the Unix socket `s` in a folder; its standard error is in the file `log` there."""
    with Started(folder, sys.executable, "-m", module, folder / "s", *arguments, ready=folder / "s") as process:
        yield process


@contextlib.contextmanager
def doing_as_told(folder, room):
    """Our server of a room with the program above; the folder."""
    (folder / "told.py").write_text(PROGRAM)
    with running(folder, f"exhibits.{room}.server", "told"):
        yield folder


def connect(folder):
    """A connection with the server at the Unix socket `s` in a folder."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(str(folder / "s"))
    return sock
