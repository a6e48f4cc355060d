"""The guestbook of a room, each call through its interface written down.

TRACED names the room, TRACE the file. Once a call of the program has ended, the
steps of it are added to the file as one line of JSON.
"""

import importlib
import inspect
import json
import os

room = os.environ["TRACED"]
program = importlib.import_module(f"exhibits.{room}.app").application
traced = importlib.import_module(f"exhibits.{room}.wire").trace(program)


def write_down():
    with open(os.environ["TRACE"], "a", encoding="utf-8") as file:
        file.write(json.dumps(traced.traces[-1], ensure_ascii=False) + "\n")


def wsgi(environ, start_response):
    blocks = traced(environ, start_response)
    try:
        yield from blocks
    finally:
        getattr(blocks, "close", lambda: None)()  # a list has none
        write_down()


async def asgi(scope, receive, send):
    try:
        await traced(scope, receive, send)
    finally:
        write_down()


application = asgi if inspect.iscoroutinefunction(program) else wsgi
