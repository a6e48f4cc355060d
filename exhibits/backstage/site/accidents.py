"""The fences of the page of accidents, from what `accidents.py` recorded."""

import json
from html import escape

from exhibits import catalog
from exhibits.backstage.recording import accidents
from exhibits.backstage.site import fence
from exhibits.backstage.site.calls import calls_view
from exhibits.backstage.site.dumps import piece_view
from exhibits.backstage.site.html import table
from exhibits.journey import readable


def results(name):
    return json.loads((accidents.FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@fence
def accident(name):
    """What came of an accident at each of its stacks."""
    found = results(name)
    columns = ["Server", "What comes back", "What its log says"]
    rows = [[server(each), came_back(each), log(each["log"])] for each in found]
    if "reached" in found[0]:
        columns.append("It went on to")
        for row, each in zip(rows, found, strict=True):
            row.append(", ".join(escape(to) for _, to in each["reached"]) or "nobody")
    return table("accident", columns, [("", row) for row in rows])


def server(result):
    stack = catalog.find(result["stack"])
    versions = ", ".join(f"{name} {number}" for name, number in result["parts"].items())
    label = f"{escape(catalog.stage(stack.stage).title)}: {escape(stack.server)}"
    return f"{label}<br><small>{escape(versions)}</small>" if versions else label


def came_back(result):
    """The first line and the first of the body."""
    if not result["got"] and result.get("waits"):
        return f"nothing: {accidents.SILENCE} s later the connection is still open"
    if not result["got"]:
        return "nothing: the connection is closed"
    head, _, body = result["got"].replace("\r\n", "\n").partition("\n\n")
    said = body.strip().splitlines()
    says = f"<br>{escape(readable(said[0][:80]))}" if said and not said[0].startswith("<") else ""
    return f"<code>{escape(head.splitlines()[0])}</code>{says}"


def log(lines):
    return "<br>".join(f"<code>{escape(line)}</code>" for line in lines) or "nothing"


@fence
def misread(name):
    """The bytes of an accident as who gets them reads them."""
    sent = accidents.ACCIDENTS[name].sent
    link = {"between": ["whoever", "the program"], "carrier": "These bytes:"}
    return piece_view(f"{name}-sent", link, "request", sent, accidents.READINGS[name](sent))


@fence
def aftermath(text):
    """The calls of a program in an accident: "half-body wsgi-gunicorn"."""
    name, stack_name = text.split()
    result = next(each for each in results(name) if each["stack"] == stack_name)
    stack = catalog.find(stack_name)
    server = catalog.called(stack, stack.processes[0])
    link = {"between": [server, "program"], "carrier": stack.interface, "calls": result["calls"]}
    return calls_view(f"{name}-{stack_name}", link)
