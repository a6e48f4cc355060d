"""The program of a room, each call through its interface written down as it happens.

TRACED names the module of the program, TRACE a folder. Each request gets a file there, with a line of JSON when a
call of it begins, and one when it ends. Started as a command, it is that module's command.
"""

import importlib
import inspect
import itertools
import json
import os
import sys
import time

counting = itertools.count(1)


def begins():
    """A request begins: where its calls are written down (see `exhibits.wsgi.wire.Traced`)."""
    path = os.path.join(os.environ["TRACE"], f"{time.monotonic():.6f}-{os.getpid()}-{next(counting)}")

    def changed(number, call):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps([number, call], ensure_ascii=False) + "\n")

    return changed


module = importlib.import_module(os.environ["TRACED"])
is_coroutine = inspect.iscoroutinefunction(module.application)
room = importlib.import_module(f"exhibits.{'asgi' if is_coroutine else 'wsgi'}.wire")
traced = room.trace(module.application, begins=begins)


async def coroutine(scope, receive, send):
    """Servers tell ASGI by its being a coroutine function."""
    await traced(scope, receive, send)


application = coroutine if is_coroutine else traced

if __name__ == "__main__":
    module.application = application
    sys.exit(module.main())
