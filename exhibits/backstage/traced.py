"""The guestbook, with every call through its interface written down.

TRACED names the room, TRACE the file: one JSON array for each call of the
program is added to it, once the call has ended.
"""

import importlib
import json
import os

room = os.environ["TRACED"]


def write(events):
    with open(os.environ["TRACE"], "a", encoding="utf-8") as file:
        file.write(json.dumps(events, ensure_ascii=False) + "\n")


program = importlib.import_module(f"exhibits.{room}.app").application
application = importlib.import_module(f"exhibits.{room}.wire").trace(program, write)
