"""Stands between a CGI server and its program, and writes down what passes.

    python -I -S tap_process.py FOLDER PROGRAM [ARG ...]

Environment, standard input, standard output and standard error are the whole of
CGI's carrier. Each goes into a file of its own in FOLDER, and on to where it belongs.
"""

import os
import subprocess
import sys
import threading

folder, command = sys.argv[1], sys.argv[2:]


def pump(name, source, target):
    with open(os.path.join(folder, name), "wb") as file:
        while chunk := source.read1(65536):
            file.write(chunk)
            target.write(chunk)
            target.flush()
    if name == "stdin":
        target.close()


def main():
    os.environb.pop(b"LC_CTYPE", None)  # this Python has put it there, not the server (PEP 538)
    with open(os.path.join(folder, "environ"), "wb") as file:
        # As execve(2) lays them out: NAME=VALUE, NUL, one after the other. Sorted, since no order is promised.
        file.write(b"".join(b"%s=%s\0" % pair for pair in sorted(os.environb.items())))
    program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ways = (
        ("stdin", sys.stdin.buffer, program.stdin),
        ("stdout", program.stdout, sys.stdout.buffer),
        ("stderr", program.stderr, sys.stderr.buffer),
    )
    pumps = [threading.Thread(target=pump, args=way) for way in ways]
    for thread in pumps:
        thread.start()
    for thread in pumps:
        thread.join()
    sys.exit(program.wait())


main()
