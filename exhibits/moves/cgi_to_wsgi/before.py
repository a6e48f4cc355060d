"""A form handler as a CGI program."""

import os
import sys
from urllib.parse import parse_qs

visits = 0


def main():
    global visits
    visits += 1
    length = int(os.environ.get("CONTENT_LENGTH") or 0)
    form = parse_qs(sys.stdin.buffer.read(length).decode())
    name = form.get("name", ["World"])[0]
    print("Content-Type: text/plain; charset=utf-8")
    print()
    print(f"Hello, {name}! Visit {visits}.")


main()
