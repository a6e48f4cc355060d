#!/usr/bin/env python3
"""Wrong on purpose, for the page of accidents: it begins like HTTP, not with a header field.

RFC 3875 §6.2 wants one.
"""

print("HTTP/1.1 200 OK")
print("Content-Type: text/plain; charset=utf-8")
print()
print("Hello, World!")
