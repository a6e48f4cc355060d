"""A meeting place as a WSGI callable: who comes waits a second for somebody else."""

import time

came = 0


def application(environ, start_response):
    global came
    came += 1
    mine = came
    for _ in range(10):
        if came > mine:
            break
        time.sleep(0.1)
    text = "Somebody came after me.\n" if came > mine else "Nobody came after me.\n"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode()]
