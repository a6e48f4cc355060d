"""An ASGI program inside a WSGI server, with a2wsgi: a thread has the event loop.

WSGI has one request and one response, and so has the program now: no WebSocket, no
lifespan, no word when a visitor leaves. The server's threads wait for the loop.
"""

import os
from functools import cache

from a2wsgi import ASGIMiddleware

from exhibits.asgi.app import application as guestbook


@cache
def bridge(process):
    """One for each process: a fork would leave the thread of its loop behind."""
    return ASGIMiddleware(guestbook)


def application(environ, start_response):
    return bridge(os.getpid())(environ, start_response)
