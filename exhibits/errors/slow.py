"""A WSGI program that takes three seconds, for the set-ups of errors."""

import time


def app(environ, start_response):
    time.sleep(3)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"At last!\n"]
