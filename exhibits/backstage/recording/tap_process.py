"""Stands between a CGI server and its program, and writes down what passes.

    python -I -S tap_process.py FOLDER PROGRAM [ARG ...]

Environment, standard input, standard output and standard error are the whole of CGI's carrier. What passes goes
into a file in FOLDER, a line of JSON for each piece, and on to where it belongs.
"""

import json
import os
import selectors
import subprocess
import sys
import threading
import time

folder, command = sys.argv[1], sys.argv[2:]
began = time.monotonic()
writing = threading.Lock()
KEPT, kept = 256 * 1024, 0  # bytes that are written down; what comes behind them passes, too


def write(**line):
    with writing:
        file.write(json.dumps({"at": time.monotonic(), **line}) + "\n")
        file.flush()


def piece(what, data):
    global kept
    if kept < KEPT:
        kept += len(data)
        write(what=what, bytes=data.decode("latin-1"))


def take_in(program):
    """Standard input: in a thread of its own, since neither reading nor writing it may hold up the answer."""
    try:
        while data := sys.stdin.buffer.read1(65536):
            piece("stdin", data)
            program.stdin.write(data)
            program.stdin.flush()
        program.stdin.close()
    except OSError:
        pass  # the program has ended, or closed it


def give_out(program):
    """Both outputs in one thread, errors first: what came first on one of two pipes can be told in no other way."""
    ways = {program.stderr: ("stderr", sys.stderr.buffer), program.stdout: ("stdout", sys.stdout.buffer)}
    with selectors.DefaultSelector() as selector:
        for source in ways:
            selector.register(source, selectors.EVENT_READ)
        while selector.get_map():
            ready = {key.fileobj for key, _ in selector.select()}
            for source, (what, target) in ways.items():
                if source not in ready:
                    continue
                if data := source.read1(65536):
                    piece(what, data)
                    target.write(data)
                    target.flush()
                else:
                    selector.unregister(source)


def main():
    os.environb.pop(b"LC_CTYPE", None)  # this Python has put it there, not the server (PEP 538)
    # As execve(2) lays them out: NAME=VALUE, NUL, one after the other. Sorted, since no order is promised.
    piece("environ", b"".join(b"%s=%s\0" % pair for pair in sorted(os.environb.items())))
    program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    threading.Thread(target=take_in, args=(program,), daemon=True).start()
    give_out(program)
    code = program.wait()
    write(began=began, exit=code)
    sys.stdout.flush()
    os._exit(code if code >= 0 else 128 - code)  # and wait for no thread that still reads


with open(os.path.join(folder, f"{began:.6f}-{os.getpid()}"), "w") as file:
    main()
