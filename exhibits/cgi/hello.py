#!/usr/bin/env python3
"""The smallest CGI program: print a header, an empty line, the page."""

print("Content-Type: text/plain; charset=utf-8")
print()
print("Hello, World!")
