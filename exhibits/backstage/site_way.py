"""The fence `way`: the way of a request through the processes and sockets of a stage, as SVG.

It draws the first stack of the stage from the catalog, twice: wide, and tall for narrow
screens; the style sheet shows the one that fits. The places are the same at every stage.
"""

from html import escape
from itertools import pairwise
from textwrap import wrap

from exhibits import catalog
from exhibits.backstage.site import fence

# What goes over a carrier, what comes back (in lines), and what it rides on.
CARRIERS = {
    "process": (["environment,", "standard input"], ["standard output"], "pipes"),
    "FastCGI": (["FastCGI records:", "PARAMS, STDIN"], ["STDOUT,", "END_REQUEST"], "Unix socket"),
    "SCGI": (["SCGI netstring,", "body"], ["output", "as at CGI"], "Unix socket"),
    "uwsgi": (["uwsgi packet,", "body"], ["HTTP answer"], "Unix socket"),
    "HTTP/1.1": (["HTTP request"], ["HTTP answer"], "TCP"),
    "HTTP/1.1, WebSocket": (["HTTP request,", "WebSocket frames"], ["HTTP answer,", "WebSocket frames"], "TCP"),
}
# The same of the interfaces.
CALLS = {
    "CGI program": CARRIERS["process"],
    "WSGI callable": (["environ,", "start_response"], ["status, fields,", "iterable"], "call"),
    "ASGI coroutine": (["scope,", "events received"], ["events sent"], "call, awaited"),
}
EACH = "a process for each request"


@fence
def way(stage_name):
    """The way of a request through the first stack of a stage."""
    stack = catalog.stacks_of(catalog.stage(stage_name).name)[0]
    return (f'<figure class="way">{wide(stack)}{tall(stack)}'
            "<figcaption>Frames are processes: a solid one stays, a dashed one is made for one request.</figcaption>"
            "</figure>")  # fmt: skip


def hops(stack):
    """From visitor to program: a list of (column, who, link to the next), a link being (there, back, on what)."""
    carrier = CARRIERS[stack.carrier]
    *fronts, server = reversed(stack.processes)
    outer = carrier if stack.carrier.startswith("HTTP") else CARRIERS["HTTP/1.1"]
    return [(0, "visitor", outer), *((1, name_of(front), carrier) for front in fronts),
            (2, name_of(server), CALLS[stack.interface]), (3, "guestbook", None)]  # fmt: skip


def name_of(process):
    return process.part if process.part in catalog.PARTS else "our server"


def is_alone(stack):
    """Whether the program has a process to itself."""
    return stack.carrier == "process"


def described(stack):
    """The picture in words."""
    says = [f"{one.capitalize() if one == 'visitor' else one} to {other}, by {on}: {' '.join(there)}; "
            f"back: {' '.join(back)}."
            for (_, one, (there, back, on)), (_, other, _) in pairwise(hops(stack))]  # fmt: skip
    server = stack.processes[0]
    lives = f"The guestbook is {EACH}" if is_alone(stack) else "The guestbook stays inside"
    return " ".join([*says, f"What serves: {server.workers}.", f"{lives}."])


# ---------------------------------------------------------------- two layouts


def wide(stack):
    """From left to right. Without a front, the first link is longer."""
    left, width, middle, top, deep = (2, 188, 416, 646), 90, 64, 2, 126
    server, found = stack.processes[0], hops(stack)
    low = top + deep + 4 * server.copies + 14
    if is_alone(stack):
        parts = [frame(left[2] - 8, top, width + 16, deep), frame(left[3] - 8, top, width + 16, deep, "once"),
                 label([server.workers], left[2] + width / 2, low, "workers"),
                 label([EACH], left[3] + width + 8, low, "workers end")]  # fmt: skip
    else:
        parts = [frame(left[2] - 8, top, left[3] - left[2] + width + 16, deep, "", server.copies),
                 label([server.workers], (left[2] + left[3] + width) / 2, low, "workers")]  # fmt: skip
    for here, (column, who, link) in enumerate(found):
        if column == 1:
            parts.insert(0, frame(left[1] - 8, top, width + 16, deep))
        parts.append(box(left[column], middle - 24, width, 48, who, stack))
        if link:
            there, back, on = link
            following = found[here + 1][0]
            start, end = left[column] + width + 5, left[following] - 5
            centre = (start + end) / 2 + 4 * (column == 1 or is_alone(stack)) - 4 * (following in (1, 2))
            parts += [arrow(start, middle - 6, end, middle - 6), arrow(end, middle + 6, start, middle + 6),
                      label(there, centre, middle - 14 * len(there)), label(back, centre, middle + 23),
                      label([on], centre, middle + 54, "on")]  # fmt: skip
    return svg("wide", 758, low + 8, stack, parts)


def tall(stack):
    """From top to bottom."""
    found, left, width, height, step, margin = hops(stack), 110, 120, 44, 132, 10
    tops = [2 + step * here for here in range(len(found))]
    server, first, last = stack.processes[0], tops[-2] - margin, tops[-1] - margin
    low = last + height + 2 * margin + 4 * server.copies + 14
    if is_alone(stack):
        beside = label(wrap(server.workers, 10), left + width + 20, tops[-2] + 12, "workers start")
        parts = [frame(left - 10, first, width + 20, height + 2 * margin), beside,
                 frame(left - 10, last, width + 20, height + 2 * margin, "once"),
                 label([EACH], 170, low, "workers")]  # fmt: skip
    else:
        parts = [frame(10, first, 312, step + height + 2 * margin, "", server.copies),
                 label([server.workers], 170, low, "workers")]  # fmt: skip
    for (column, who, link), y in zip(found, tops, strict=True):
        if column == 1:
            parts.insert(0, frame(left - 10, y - margin, width + 20, height + 2 * margin))
        parts.append(box(left, y, width, height, who, stack))
        if link:
            there, back, on = link
            start, end = y + height + 5, y + step - 5
            centre = (start + end - margin * (column == 0)) / 2
            parts += [arrow(164, start, 164, end), arrow(176, end, 176, start),
                      label(there, 154, centre + 11 - 7 * len(there), "end"),
                      label(back, 186, centre + 4 - 7 * len(back), "start"),
                      label([on], 186, centre + 5 + 7 * len(back), "on start")]  # fmt: skip
    return svg("tall", 340, low + 8, stack, parts)


# ---------------------------------------------------------------- what they are made of


def svg(name, width, height, stack, parts):
    id = f"way-{stack.name}-{name}"
    return (f'<svg class="{name}" viewBox="0 0 {width} {height:g}" role="img" aria-labelledby="{id}-title {id}-desc">'
            f'<title id="{id}-title">The way of a request to {escape(stack.name)}</title>'
            f'<desc id="{id}-desc">{escape(described(stack))}</desc>{"".join(parts)}</svg>')  # fmt: skip


def frame(x, y, width, height, css_class="", copies=1):
    """A process, and behind it the copies of it."""
    return "".join(
        f'<rect class="frame {css_class}" x="{x + 4 * back}" y="{y + 4 * back:g}" '
        f'width="{width}" height="{height:g}" rx="6"></rect>'
        for back in reversed(range(copies))
    )


def box(x, y, width, height, who, stack):
    """Somebody. The program is also told by its interface."""
    says = f'<tspan class="who">{escape(who)}</tspan>'
    centre, line, css_class = x + width / 2, y + height / 2 + 5, "box"
    if who == "guestbook":
        line, css_class = line - 7, "box program"
        says += f'<tspan class="on" x="{centre:g}" dy="15">{escape(stack.interface)}</tspan>'
    return (f'<rect class="{css_class}" x="{x:g}" y="{y:g}" width="{width}" height="{height}" rx="4"></rect>'
            f'<text x="{centre:g}" y="{line:g}">{says}</text>')  # fmt: skip


def label(lines, x, y, css_class=""):
    spans = "".join(f'<tspan x="{x:g}" dy="{14 if n else 0}">{escape(line)}</tspan>' for n, line in enumerate(lines))
    return f'<text class="{css_class}" x="{x:g}" y="{y:g}">{spans}</text>'


def arrow(x1, y1, x2, y2):
    """A straight line with a head at its end."""
    dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
    back = x2 - 6 * dx, y2 - 6 * dy
    head = f"M{back[0] + 4 * dy:g} {back[1] + 4 * dx:g}L{x2:g} {y2:g}L{back[0] - 4 * dy:g} {back[1] - 4 * dx:g}"
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}{head}"></path>'
