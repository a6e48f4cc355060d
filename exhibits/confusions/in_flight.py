"""Eight visitors at once, each answer waits for half a second: how many calls overlap?"""

import asyncio
import threading
import time

from exhibits.confusions import ask, uvicorn_server, waitress_server

VISITORS, WAIT = 8, 0.5


class Peak:
    """Counts what is under way; `most` is the most there ever was."""

    now = most = 0

    def __enter__(self):
        self.now += 1
        self.most = max(self.most, self.now)

    def __exit__(self, *_):
        self.now -= 1


peak = Peak()


def wsgi(environ, start_response):
    with peak:
        time.sleep(WAIT)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]


def asgi(wait):
    async def application(scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        with peak:
            await wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return application


async def block():
    time.sleep(WAIT)


waiting, blocking = asgi(lambda: asyncio.sleep(WAIT)), asgi(block)


def visit(port):
    visitors = [threading.Thread(target=ask, args=[port]) for _ in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()


if __name__ == "__main__":
    for title, server, application in (
        ("WSGI in 4 threads, time.sleep", waitress_server, wsgi),
        ("ASGI, await asyncio.sleep", uvicorn_server, waiting),
        ("ASGI, time.sleep", uvicorn_server, blocking),
    ):
        peak = Peak()
        with server(application) as port:
            visit(port)
        print(f"{title:30}{peak.most} of {VISITORS}")
