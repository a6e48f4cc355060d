#!/usr/bin/env python3
"""The program of the measurements that the guestbook cannot make, as a CGI program."""

import os
import sys

out = sys.stdout.buffer
path = os.environ.get("PATH_INFO", "")
if path == "/large":
    count = int(os.environ["QUERY_STRING"].removeprefix("mib=")) * 16
    piece = bytes(64 * 1024)
    out.write(b"Content-Type: text/plain\nContent-Length: %d\n\n" % (count * len(piece)))
    for _ in range(count):
        out.write(piece)
elif path == "/upload":
    remaining = length = int(os.environ["CONTENT_LENGTH"])
    while remaining and (read := sys.stdin.buffer.read(min(remaining, 65536))):
        remaining -= len(read)
    out.write(b"Content-Type: text/plain\n\n%d\n" % (length - remaining))
else:
    out.write(b"Content-Type: text/plain\n\nHello, World!\n")
