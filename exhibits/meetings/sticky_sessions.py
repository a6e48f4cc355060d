"""Socket.IO and two processes: one opens the session; which one gets its next request?"""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import socketio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.sync.client import connect

from exhibits.meetings import UVICORN, ask, served

SOCKETIO = "/socket.io/?EIO=4&transport="


async def process(request):
    return PlainTextResponse(str(os.getpid()))


others = Starlette(routes=[Route("/", process)])
application = socketio.ASGIApp(socketio.AsyncServer(async_mode="asgi"), others)

# --8<-- [start:cure]
visitors = socketio.AsyncServer(async_mode="asgi", transports=["websocket"])
websocket_only = socketio.ASGIApp(visitors, others)  # the session is one connection
# --8<-- [end:cure]


def by_requests(port):
    _, opened = ask(port, f"{SOCKETIO}polling")  # "0" and, as JSON, the session
    path = f"{SOCKETIO}polling&sid={json.loads(opened[1:])['sid']}"
    return ask(port, path, "Content-Length: 2", method="POST", body=b"40")


def by_websocket(port):
    with connect(f"ws://127.0.0.1:{port}{SOCKETIO}websocket", proxy=None) as visitor:
        visitor.recv()
        visitor.send("40")
        return (200, "OK") if visitor.recv().startswith("40") else (0, "")


def told(pool, port, visit, workers):
    for _ in range(500):  # until all processes are there
        if len({*pool.map(ask, [port] * 16)}) == workers:
            break
    answers = pool.map(visit, [port] * 100)
    found = {(status, text.strip('"')[:15]) for status, text in answers}  # without its number
    return ", ".join(f"{status} {text}" for status, text in sorted(found))


if __name__ == "__main__":
    plain, cured = ("application", by_requests), ("websocket_only", by_websocket)
    for workers, (program, visit) in ((1, plain), (2, plain), (2, cured)):
        command = f"{UVICORN} --workers {workers} exhibits.meetings.sticky_sessions:{program}"
        with served(command) as port, ThreadPoolExecutor(8) as pool:
            print(f"--workers {workers} {visit.__name__:13}", told(pool, port, visit, workers))
