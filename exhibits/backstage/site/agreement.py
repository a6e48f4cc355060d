"""The fences `agreement` and `started`: what came of the last run of the contract, and what each stack took to start.

The run is `docs/agreement.json`; `python -m exhibits grid contract` makes it.
"""

import json
from html import escape

from exhibits import catalog, contract
from exhibits.backstage.checking.agreeing import FILE
from exhibits.backstage.site import fence
from exhibits.backstage.site.differences import difference_id
from exhibits.backstage.site.grids import when
from exhibits.backstage.site.html import hyperlink, table
from exhibits.catalog.differences import known_differences

# The rows: the cases whose names begin with these. A case that is in none gets a row of its own.
ROWS = {
    "Any response": ("answer", "fields"),
    "Query": ("hello", "query", "http"),
    "Path": ("path", "target", "not", "mount"),
    "The connection": ("told",),
    "Method": ("head", "options", "method"),
    "Header fields": ("header", "cookies"),
    "Body": ("echo", "body"),
    "Pipelining": ("pipelined",),
    "Guestbook": ("page", "sign", "entries", "entry"),
    "Status, crash": ("status", "crash", "raw"),
    "Streams, waits": ("stream", "slow", "events"),
    "WebSocket": ("live",),
}


def the_run():
    """`docs/agreement.json`; `exhibits/backstage/checking/agreeing.py` says what is in it."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def rows():
    """The cases of each row: {title: [Case]}, every case once."""
    titles = {prefix: title for title, prefixes in ROWS.items() for prefix in prefixes}
    found = {title: [] for title in ROWS}
    for case in contract.CASES:
        prefix = case.name.partition("-")[0]
        found.setdefault(titles.get(prefix, prefix.capitalize()), []).append(case)
    return found


@fence
def agreement(_):
    """The grid of stacks and cases, the versions of the parts, and what each case shows."""
    run = the_run()
    stages = [(stage.title, catalog.stacks_of(stage.name)) for stage in catalog.STAGES]
    stacks = [stack for _, stacks in stages for stack in stacks]
    over = "".join(f'<th scope="colgroup" colspan="{len(own)}">{escape(title)}</th>' for title, own in stages)
    names = "".join(f'<th scope="col"{first(stack)}>{column(stack)}</th>' for stack in stacks)
    body = ""
    for title, cases in rows().items():
        cells = "".join(cell(stack, run["stacks"][stack.name], cases) for stack in stacks)
        body += f'<tr><th scope="row">{escape(title)} <small>{len(cases)}</small></th>{cells}</tr>'
    parts = {name: number for result in run["stacks"].values() for name, number in result["parts"].items()}
    made_of = ", ".join(f"{escape(name)}&nbsp;{escape(number)}" for name, number in sorted(parts.items()))
    return f"""<section class="agreement" aria-label="Stacks and cases" tabindex="0"><table class="held">
<thead><tr><td></td>{over}</tr><tr><th scope="col">Cases</th>{names}</tr></thead><tbody>{body}</tbody></table></section>
<p class="note">✓ all cases agree, at the root and under a mount point; with a number: so many of them do, and the
others are not for this stack. A number alone: so many differ, and it leads to why. ○ so many cannot be tested here,
since the server closes the connection that they need. – not for this stack.
{len(run["stacks"])} stacks, {len(contract.CASES)} cases; {when(run)}, {made_of}.</p>
<details class="cases"><summary>What each case shows</summary>
{"".join(listed(*row) for row in rows().items())}</details>"""


@fence
def started(_):
    """How long each stack took to start, and what it was then, as a table."""
    found = {name: result["started"] or {} for name, result in the_run()["stacks"].items()}
    rows = [
        ("", [hyperlink(f"../stages/{stack.stage}/#{stack.name}", escape(stack.name)), escape(speakers(stack)),
              *(f"{found[stack.name][figure]:,}" if found[stack.name] else "not measured yet"
                for figure in ("ms", "MiB", "processes"))])
        for stack in sorted(catalog.STACKS, key=lambda stack: found[stack.name].get("ms", float("inf")))
    ]
    return table("started", ["Stack", "What runs", "To the first response, ms", "Memory, MiB", "Processes"], rows)


def speakers(stack):
    return ", ".join(dict.fromkeys(process.part for process in stack.processes))


def column(stack):
    return hyperlink(f"../stages/{stack.stage}/#{stack.name}", escape(stack.server))


def first(stack):
    return ' class="first"' if stack == catalog.stacks_of(stack.stage)[0] else ""


def cell(stack, result, cases):
    """What a stack made of the cases of a row: each known difference a link to its entry."""
    names = [case.name for case in cases]
    differs = [name for name in names if name in result["differs"]]
    marks, unknown = [], set(differs)
    for entry in known_differences():
        if entry.stack == stack.name and (here := [name for name in differs if name in entry.cases]):
            label = f"{len(here)} of {len(names)} cases differ: {', '.join(here)}"
            id = difference_id(entry.stack, entry.cases)
            marks.append(f'<a href="#{id}" title="{label}" aria-label="{label}">{len(here)}</a>')
            unknown -= set(here)
    if unknown:  # in a run older than the known differences
        marks.append(f"{len(unknown)}")
    if not marks:
        kept = len(set(names) & set(result["kept"]))
        marks = ["✓" if kept == len(names) else f"✓ <small>{kept}</small>"] if kept else []
    if cannot := [name for name in names if name in result["not testable"]]:
        label = f"{len(cannot)} of {len(names)} cases cannot be tested here: {', '.join(cannot)}"
        marks.append(f'<a href="#not-testable" title="{label}" aria-label="{label}">○ {len(cannot)}</a>')
    marks = marks or ["–"]
    return f"<td{first(stack)}>{' '.join(marks)}</td>"


def listed(title, cases):
    """The cases of a row, and what they show."""
    items = (f"<div><dt><code>{escape(case.name)}</code></dt><dd>{escape(case.shows)}</dd></div>" for case in cases)
    return f"<p><b>{escape(title)}</b></p><dl>{''.join(items)}</dl>"
