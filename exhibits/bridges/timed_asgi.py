"""A middleware for ASGI: it tells how long the program took.

Its twin is `timed_wsgi.py`.
"""

import sys
import time

from exhibits.asgi.app import application as guestbook


def timed(program):
    async def application(scope, receive, send):
        if scope["type"] != "http":  # a WebSocket and the lifespan pass untouched
            return await program(scope, receive, send)
        began = time.perf_counter()

        async def send_timed(event):
            if event["type"] == "http.response.start":
                seconds = time.perf_counter() - began
                passed = (b"server-timing", b"app;dur=%.2f" % (seconds * 1000))
                event = {**event, "headers": [*event.get("headers", ()), passed]}
            await send(event)  # each piece when it comes

        try:
            await program(scope, receive, send_timed)
        finally:  # the end, an exception, or a visitor who left
            sys.stderr.write(f"took {time.perf_counter() - began:.3f} s\n")

    return application


application = timed(guestbook)
