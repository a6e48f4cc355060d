"""`wire`: the journey of one live request through a stage, each field and each call named."""

import json

from rich import box
from rich.console import Console
from rich.table import Table

from exhibits import journey
from exhibits.backstage.recording.tapping import PATIENCE, Tapped
from exhibits.backstage.running import CannotStart
from exhibits.backstage.terminal import escape
from exhibits.backstage.verbs.comparing import the_request

SHOWN = 48  # bytes of a field that are printed; a body goes on and on
COLOURS = ("cyan", "green", "yellow", "magenta")


def wire(stack, options):
    """Start the stack with taps, send one request, print what passed; return the exit code."""
    console = Console(highlight=False)
    try:
        with Tapped(stack) as exhibit:
            options.headers = [*options.headers, "Connection: close"]
            found = exhibit.converse() if options.websocket else exhibit.ask(the_request(options))
    except CannotStart as reason:
        Console(stderr=True, highlight=False).print(f"exhibits: {stack.name}: {escape(str(reason))}")
        return 1
    if options.json:
        found["links"] = [{**link, "fields": as_json(link)} for link in found["links"]]
        print(json.dumps(found, indent=1))
        return 0
    show(found, console)
    if exhibit.unended:
        console.print(f"\nThe answer had no end within {PATIENCE} s. Then the client disconnected.")
    return 0


def as_json(link):
    return {what: [field._asdict() for field in fields] for what, fields in journey.explain(link).items()}


def show(found, console):
    """Print a journey: the steps in their order, then each link with the names of all its bytes."""
    console.print()
    for step in journey.steps(found):
        console.print(f"{step.at * 1000:9.1f} ms  {escape(step.caption)}", soft_wrap=True)
    for link in found["links"]:
        show_link(link, console)


def show_link(link, console):
    one, other = link["between"]
    console.print(f"\n[bold]{escape(one)} ↔ {escape(other)}[/]: {link['carrier']}")
    said = journey.said(link)
    for what, fields in journey.explain(link).items():
        data = said[what]
        console.print(f"\n  [bold]{what}[/], {len(data)} bytes")
        table = Table("at", "bytes", "field", "value", "meaning", box=box.SIMPLE_HEAD, padding=(0, 1))
        for number, field in enumerate(fields):
            colour = COLOURS[number % len(COLOURS)]
            table.add_row(
                str(field.offset), f"[{colour}]{escape(printable(data, field))}[/]", escape(field.name),
                escape(shortened(journey.readable(field.value))),
                f"{escape(field.meaning)} [dim]{escape(field.section)}[/]",
            )
        console.print(table)
    show_calls(link, console)


def show_calls(link, console):
    """The calls in the order they began, those made inside another one behind it and further in."""
    depth, calls = [], link.get("calls", ())
    for call, around in zip(calls, journey.inside(calls), strict=True):
        depth.append(0 if around is None else depth[around] + 1)
        given = ", ".join(map(literal, call["arguments"]))
        indent = "  " * depth[-1]
        meaning, section = journey.explain_call(link, call)
        console.print(f"{call['began'] * 1000:9.1f} ms  {indent}[bold]{escape(call['by'])}[/] calls "
                      f"{escape(call['call'])}({escape(given)}){escape(ending(call))}. "
                      f"{escape(meaning)} [dim]{escape(section)}[/]", soft_wrap=True)
        for value in (*call["arguments"], call.get("returned")):
            if isinstance(value, dict):
                console.print(keys(link, value))


def keys(link, holder):
    """The keys of an environ, a scope or an event, each with what it is for."""
    table = Table("key", "value", "meaning", box=box.SIMPLE_HEAD, padding=(0, 1))
    for key, value in holder.items():
        meaning, section = journey.explain_key(link, holder, key)
        said = escape(shortened(journey.literal(value)))
        table.add_row(escape(key), said, f"{escape(meaning)} [dim]{escape(section)}[/]")
    return table


def literal(value):
    """A value in the line of its call: the keys of a dict come below."""
    return "{…}" if isinstance(value, dict) else journey.literal(value)


def ending(call):
    """How a call ended, and when, for its line."""
    if "ended" not in call:
        return ", which had not ended when the journey did"
    how = f"returned {literal(call['returned'])}" if "returned" in call else f"raised {call['raised']}"
    return f", which {how} at {call['ended'] * 1000:.1f} ms"


def printable(data, field):
    """The bytes of a field: text as text, everything else in hexadecimal."""
    piece = data[field.offset : field.offset + min(field.length, SHOWN)]
    text = piece.decode("latin-1")
    more = " …" if field.length > SHOWN else ""
    return (text if text.isascii() and text.isprintable() else piece.hex(" ")) + more


def shortened(text):
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
