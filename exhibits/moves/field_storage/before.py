"""A CGI script that takes a name and a file, with what Python has until 3.12."""

import cgi
import hashlib

form = cgi.FieldStorage()
name = form.getfirst("name", "World")
said = [f"Hello, {name}!"]
if "file" in form:
    file = form["file"]
    data = file.file.read()
    said.append(f"{file.filename}: {len(data)} bytes, {hashlib.sha256(data).hexdigest()[:8]}")
print("Content-Type: text/plain; charset=utf-8")
print()
print(*said)
