"""`wire`: the bytes of one live request on every link of a stage, each field named."""

import json

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from exhibits.backstage.client import request
from exhibits.backstage.running import CannotStart
from exhibits.backstage.tapping import Tapped, explain

SHOWN = 48  # bytes of a field that are printed; a body goes on and on
COLOURS = ("cyan", "green", "yellow", "magenta")


def wire(stack, options):
    """Start the stack with taps, send one request, print what passed; return the exit code."""
    path = options.path if options.path.startswith("/") else f"/{options.path}"
    console = Console(highlight=False)
    try:
        with Tapped(stack) as exhibit:
            links = exhibit.ask(request("GET", path, "Connection: close"))
    except CannotStart as reason:
        Console(stderr=True, highlight=False).print(f"exhibits: {stack.name}: {escape(str(reason))}")
        return 1
    if options.json:
        print(json.dumps([{**link, "fields": as_json(link)} for link in links], indent=1, ensure_ascii=False))
        return 0
    for link in links:
        show(link, console)
    return 0


def as_json(link):
    return {what: [field._asdict() for field in fields] for what, fields in explain(link).items()}


def show(link, console):
    one, other = link["between"]
    console.print(f"\n[bold]{one} ↔ {other}[/]: {link['carrier']}")
    for what, fields in explain(link).items():
        data = link["said"][what].encode("latin-1")
        console.print(f"\n  [bold]{what}[/], {len(data)} bytes")
        table = Table("at", "bytes", "field", "value", "meaning", box=box.SIMPLE_HEAD, padding=(0, 1))
        for number, field in enumerate(fields):
            colour = COLOURS[number % len(COLOURS)]
            table.add_row(
                str(field.offset), f"[{colour}]{escape(printable(data, field))}[/]", escape(field.name),
                escape(shortened(field.value)), f"{escape(field.meaning)} [dim]{escape(field.section)}[/]",
            )  # fmt: skip
        console.print(table)
    for number, event in enumerate(link.get("calls", ()), 1):
        console.print(f"  {number:2} {escape(json.dumps(event, ensure_ascii=False))}", soft_wrap=True)


def printable(data, field):
    """The bytes of a field: text as text, everything else in hexadecimal."""
    piece = data[field.offset : field.offset + min(field.length, SHOWN)]
    text = piece.decode("latin-1")
    more = " …" if field.length > SHOWN else ""
    return (text if text.isascii() and text.isprintable() else piece.hex(" ")) + more


def shortened(text):
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
