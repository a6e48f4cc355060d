"""A CGI script that takes a name and a file, with what Python 3.13 still has."""

import hashlib
import os
import sys
from email.parser import BytesHeaderParser
from email.policy import HTTP
from urllib.parse import parse_qs

LIMIT = 1_000_000  # bytes: all of it is held in memory
headers = BytesHeaderParser(policy=HTTP).parsebytes


def read_form():
    """Texts by their names, and files by theirs: ({name: text}, {name: (filename, bytes)})."""
    kind = os.environ.get("CONTENT_TYPE", "")
    length = int(os.environ.get("CONTENT_LENGTH") or 0)
    if length > LIMIT:
        print("Status: 413 Content Too Large\nContent-Type: text/plain\n\nToo much.")
        sys.exit()
    body = sys.stdin.buffer.read(length)
    pairs = os.environ.get("QUERY_STRING", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        pairs = f"{body.decode(errors='replace')}&{pairs}"
    texts, files = {name: values[0] for name, values in parse_qs(pairs).items()}, {}
    if kind.startswith("multipart/form-data"):
        # Only the head of a part is for email, which would take an uploaded mail to pieces.
        boundary = headers(f"Content-Type: {kind}".encode()).get_boundary("")
        for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
            head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            disposition = headers(head)["Content-Disposition"]
            field = dict(disposition.params if disposition else {})
            if "filename" in field:
                files[field.get("name")] = field["filename"], data
            elif "name" in field:
                texts.setdefault(field["name"], data.decode(errors="replace"))
    return texts, files


texts, files = read_form()
name = texts.get("name", "World")
said = [f"Hello, {name}!"]
if "file" in files:
    filename, data = files["file"]
    said.append(f"{filename}: {len(data)} bytes, {hashlib.sha256(data).hexdigest()[:8]}")
print("Content-Type: text/plain; charset=utf-8")
print()
print(*said)
