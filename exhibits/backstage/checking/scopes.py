"""What each ASGI server says in the scope that it offers: versions, extensions, state.

    python -m exhibits.backstage.checking.scopes [STACK …]

asks these stacks, or all, and writes `docs/asgi-scopes.json`. Those that are not asked stay as they were.
"""

import json
import sys
from pathlib import Path

from exhibits import catalog
from exhibits.asking import request
from exhibits.backstage.own import target
from exhibits.backstage.running import ROOT, Exhibit, eventually, version

FILE = ROOT / "docs" / "asgi-scopes.json"
PROGRAM = f"{Path(__file__).parent}/told_scope.py:application"


def stacks():
    """Those that call an ASGI program."""
    return [stack for stack in catalog.STACKS if stack.interface == "ASGI coroutine"]


def ask(stack):
    """What the scopes of a stack tell: {"http": …, "websocket": … or None}, each as `told_scope.py` has it."""
    from websockets.sync.client import connect

    with Exhibit(stack, app=target.find(PROGRAM, stack, ROOT)) as exhibit:
        http, websocket = eventually(lambda: get(exhibit), 30), None  # the exhibit does not wait for others' programs
        if "WebSocket" in stack.carrier:
            with connect(f"ws://127.0.0.1:{exhibit.port}/", proxy=None) as visitor:
                websocket = json.loads(visitor.recv())
    return {"http": http, "websocket": websocket}


def get(exhibit):
    """The program's answer; None where none came."""
    with exhibit.visitor() as visitor:
        answer = visitor.ask(request("GET", "/"))
    return json.loads(answer.body) if answer.status == 200 else None


def read():
    """The last run: {stack: {"parts": versions, "http": …, "websocket": …}}."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def main():
    found = read() if FILE.exists() else {}
    for stack in stacks():
        if stack.name in sys.argv[1:] or not sys.argv[1:]:
            found[stack.name] = {"parts": {part.name: version(part) for part in stack.parts}, **ask(stack)}
            print(stack.name, found[stack.name], flush=True)
    lines = ",\n".join(f" {json.dumps(each.name)}: {json.dumps(found[each.name])}" for each in stacks())
    FILE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
