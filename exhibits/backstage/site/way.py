"""The way of a journey through processes and sockets, as SVG.

It is drawn twice: wide, and tall for narrow screens; the style sheet shows the one that fits. What moves on it
(docs/assets/journey.js) finds its hops by their numbers.
"""

import re
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import NamedTuple

from exhibits import catalog

# What goes over a carrier and what comes back, in lines.
CARRIERS = {
    "process": (["environment,", "standard input"], ["standard output"]),
    "FastCGI": (["FastCGI records:", "PARAMS, STDIN"], ["STDOUT,", "END_REQUEST"]),
    "SCGI": (["SCGI netstring,", "body"], ["output", "as at CGI"]),
    "uwsgi": (["uwsgi packet,", "body"], ["HTTP answer"]),
    "HTTP/1.1": (["HTTP request"], ["HTTP answer"]),
    "HTTP/1.1, WebSocket": (["HTTP request,", "WebSocket frames"], ["HTTP answer,", "WebSocket frames"]),
    "WebSocket": (["WebSocket frames"], ["WebSocket frames"]),
    "WSGI callable": (["environ,", "start_response"], ["status, fields,", "iterable"]),
    "ASGI coroutine": (["scope,", "events received"], ["events sent"]),
    "CGI program": (["the variables,", "a stream to read"], ["what it prints"]),  # as a function: of our own servers
}
RIDES_ON = {"process": "pipes", "WSGI callable": "call", "ASGI coroutine": "call, awaited", "CGI program": "call"}
EACH = "a process for each request"


class Hop(NamedTuple):
    """From one to the next: who it begins with, what goes there and comes back (in lines), and what that rides on."""

    who: str
    there: list[str]
    back: list[str]
    on: str


class Way(NamedTuple):
    """The hops of a journey; who is at the end and how that is called; what of the server a drawing tells.

    alone: the program has a process to itself. workers: what serves requests, or "". copies: how many processes.
    """

    hops: list[Hop]
    program: str
    interface: str
    alone: bool
    workers: str
    copies: int


def way_of(journey):
    """The Way of a journey. Where nothing was tapped, or it went no further, the catalog knows what is behind."""
    stack = {stack.name: stack for stack in catalog.EVERYTHING}.get(journey["stack"])
    # Once each: the second request of a connection passes links of its own.
    carriers = {pair: list(dict.fromkeys(link["carrier"] for link in journey["links"] if link["between"] == [*pair]))
                for pair in pairs(journey)}
    if stack:
        carriers = {**known(stack), **carriers} if carriers.keys() <= known(stack).keys() else carriers
    hops = []
    for (one, other), (carrier, *more) in carriers.items():
        if stack and stack.carrier.startswith(carrier):  # a WebSocket may come there, if it did not now
            carrier, more = stack.carrier, ()
        on = next((link["on"] for link in journey["links"] if link["between"] == [one, other] and "on" in link), None)
        both = ", ".join(dict.fromkeys([carrier, *more]))  # a connection may have carried several requests
        there, back = CARRIERS.get(both) or CARRIERS[carrier]
        hops.append(Hop(one, there, back, on or RIDES_ON.get(carrier) or ("Unix socket" if hops else "TCP")))
    alone = carrier == "process"
    server = stack.processes[0] if stack else None
    return Way(hops, other, "CGI program" if alone else carrier, alone,
               server.workers if server else "", server.copies if server else 1)


def known(stack):
    """Between whom a stack lets requests pass, and by which carrier or interface: {(one, other): [carrier]}."""
    *fronts, server = reversed(stack.processes)
    whos = ["visitor", *(catalog.called(stack, each) for each in (*fronts, server)), "program"]
    inner = "process" if stack.carrier == "process" else stack.interface
    outer = [stack.carrier] if not fronts and inner != "process" else ["HTTP/1.1", *[stack.carrier for _ in fronts]]
    return {pair: [carrier] for pair, carrier in zip(pairwise(whos), [*outer, inner], strict=True)}


def pairs(journey):
    """Between whom a journey passes, each pair once, in order."""
    return list(dict.fromkeys(tuple(link["between"]) for link in journey["links"]))


def way_view(journey, id):
    """The drawing of a journey's way, for wide screens and for narrow ones."""
    way = way_of(journey)
    return wide(way, f"{id}-wide") + tall(way, f"{id}-tall")


def described(way):
    """The picture in words."""
    whos = [*(hop.who for hop in way.hops), way.program]
    says = [f"{one.capitalize() if one == 'visitor' else one} to {other}, by {hop.on}: {' '.join(hop.there)}; "
            f"back: {' '.join(hop.back)}." for hop, (one, other) in zip(way.hops, pairwise(whos), strict=True)]
    lives = f"The program is {EACH}" if way.alone else "The program stays inside"
    return " ".join([*says, *([f"What serves: {way.workers}."] if way.workers else []), f"{lives}."])


# ---------------------------------------------------------------- two layouts


def wide(way, id):
    """From left to right."""
    count, width, middle, top, deep = len(way.hops) + 1, 90, 64, 2, 126
    # Without a front, the first link is longer.
    left = (2, 188, 416, 646) if count == 4 else (2, *(416 + 230 * here for here in range(count - 1)))
    low = top + deep + 4 * way.copies + 14
    server, program = left[-2:]
    if way.alone:
        frames = [frame(server - 8, top, width + 16, deep)]
        process = [frame(program - 8, top, width + 16, deep, "once"),
                   label([EACH], program + width + 8, low, "workers end")]
        told = [label([way.workers], server + width / 2, low, "workers")]
    else:
        frames, process = [frame(server - 8, top, program - server + width + 16, deep, "", way.copies)], []
        told = [label([way.workers], (server + program + width) / 2, low, "workers")]
    frames += [frame(x - 8, top, width + 16, deep) for x in left[1:-2]]
    parts = [*frames, *(told if way.workers else [])]
    for number, hop in enumerate(way.hops):
        start, end = left[number] + width + 5, left[number + 1] - 5
        leaves = number > 0 and (number < count - 2 or way.alone)  # a frame: both stand into the space between
        enters = number < count - 2 or way.alone
        centre = (start + end) / 2 + 4 * leaves - 4 * enters
        parts.append(hop_view(number, [
            arrow(start, middle - 6, end, middle - 6, "there"), arrow(end, middle + 6, start, middle + 6, "back"),
            label(hop.there, centre, middle - 14 * len(hop.there)), label(hop.back, centre, middle + 23),
            label([hop.on], centre, middle + 54, "on")]))
    boxes = [box(x, middle - 24, width, 48, who) for x, who in zip(left, [hop.who for hop in way.hops], strict=False)]
    last = box(program, middle - 24, width, 48, way.program, way.interface)
    return svg("wide", program + width + 22, low + 8, way, id, [*parts, *boxes], [*process, last])


def tall(way, id):
    """From top to bottom."""
    count, left, width, height, step, margin = len(way.hops) + 1, 110, 120, 40, 108, 8
    tops = [2 + step * here for here in range(count)]
    first, last = tops[-2] - margin, tops[-1] - margin
    low = last + height + 2 * margin + 4 * way.copies + 14
    if way.alone:
        frames = [frame(left - 10, first, width + 20, height + 2 * margin)]
        process = [frame(left - 10, last, width + 20, height + 2 * margin, "once"), label([EACH], 170, low, "workers")]
        told = [label(wrap(way.workers, 10), left + width + 20, tops[-2] + 12, "workers start")]
    else:
        frames, process = [frame(10, first, 312, step + height + 2 * margin, "", way.copies)], []
        told = [label([way.workers], 170, low, "workers")]
    frames += [frame(left - 10, y - margin, width + 20, height + 2 * margin) for y in tops[1:-2]]
    parts = [*frames, *(told if way.workers else [])]
    for number, (hop, y) in enumerate(zip(way.hops, tops, strict=False)):
        start, end = y + height + 5, y + step - 5
        centre = (start + end - margin * (number == 0)) / 2
        parts.append(hop_view(number, [
            arrow(164, start, 164, end, "there"), arrow(176, end, 176, start, "back"),
            label(hop.there, 154, centre + 11 - 7 * len(hop.there), "end"),
            label(hop.back, 186, centre + 4 - 7 * len(hop.back), "start"),
            label([hop.on], 186, centre + 5 + 7 * len(hop.back), "on start")]))
    boxes = [box(left, y, width, height, hop.who) for y, hop in zip(tops, way.hops, strict=False)]
    ends = box(left, tops[-1], width, height, way.program, way.interface)
    return svg("tall", 340, low + 8, way, id, [*parts, *boxes], [*process, ends])


# ---------------------------------------------------------------- what they are made of


def svg(name, width, height, way, id, parts, process):
    """process: the parts that come and go with a process for one request, where there is one."""
    what = "process" if way.alone else "stays"
    return (f'<svg class="{name}" viewBox="0 0 {width} {height:g}" role="img" aria-labelledby="{id}-title {id}-desc">'
            f'<title id="{id}-title">The way of the request</title>'
            f'<desc id="{id}-desc">{escape(described(way))}</desc>{"".join(parts)}'
            f'<g class="{what}">{"".join(process)}</g><g class="parcel">'
            '<rect x="-9" y="-6" width="18" height="12" rx="1.5"></rect>'
            '<path d="M-9 -5L0 1.5L9 -5"></path></g></svg>')


def hop_view(number, parts):
    return f'<g class="hop" data-hop="{number}">{"".join(parts)}</g>'


def frame(x, y, width, height, css_class="", copies=1):
    """A process, and behind it the copies of it."""
    return "".join(
        f'<rect class="frame {css_class}" x="{x + 4 * back}" y="{y + 4 * back:g}" '
        f'width="{width}" height="{height:g}" rx="6"></rect>'
        for back in reversed(range(copies))
    )


def box(x, y, width, height, who, interface=""):
    """Somebody. The program is also told by its interface."""
    short = re.sub("^our .* server$", "our server", who)
    says = f'<tspan class="who">{escape(short)}</tspan>'
    centre, line, css_class = x + width / 2, y + height / 2 + 5, "box"
    if interface:
        line, css_class = line - 7, "box program"
        says += f'<tspan class="on" x="{centre:g}" dy="15">{escape(interface)}</tspan>'
    return (f'<g class="who" data-who="{escape(who)}">'
            f'<rect class="{css_class}" x="{x:g}" y="{y:g}" width="{width}" height="{height}" rx="4"></rect>'
            f'<text x="{centre:g}" y="{line:g}">{says}</text></g>')


def label(lines, x, y, css_class=""):
    spans = "".join(f'<tspan x="{x:g}" dy="{14 if n else 0}">{escape(line)}</tspan>' for n, line in enumerate(lines))
    return f'<text class="{css_class}" x="{x:g}" y="{y:g}">{spans}</text>'


def arrow(x1, y1, x2, y2, css_class=""):
    """A straight line with a head at its end."""
    dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
    back = x2 - 6 * dx, y2 - 6 * dy
    head = f"M{back[0] + 4 * dy:g} {back[1] + 4 * dx:g}L{x2:g} {y2:g}L{back[0] - 4 * dy:g} {back[1] - 4 * dx:g}"
    attribute = f' class="{css_class}"' if css_class else ""
    return f'<path{attribute} d="M{x1:g} {y1:g}L{x2:g} {y2:g}{head}"></path>'
