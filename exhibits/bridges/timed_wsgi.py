"""A middleware for WSGI: it tells how long the program took.

Its twin is `timed_asgi.py`.
"""

import time

from exhibits.wsgi.app import application as guestbook


def timed(program):
    def application(environ, start_response):
        began = time.perf_counter()

        def start_timed(status, headers, *exc_info):
            passed = ("Server-Timing", f"app;dur={(time.perf_counter() - began) * 1000:.2f}")
            # It returns write(), which has to reach the program.
            return start_response(status, [*headers, passed], *exc_info)

        body = ()
        try:
            body = program(environ, start_timed)
            # Each piece when it comes (PEP 3333, "Middleware Handling of Block Boundaries").
            yield from body
        finally:  # the end, an exception, or a visitor who left: the server calls our close()
            if hasattr(body, "close"):
                body.close()
            environ["wsgi.errors"].write(f"took {time.perf_counter() - began:.3f} s\n")
            environ["wsgi.errors"].flush()

    return application


application = timed(guestbook)
