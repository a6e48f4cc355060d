"""The fences `cells`, `tally`, `reasons`, `passes` and `fronted`: the grids of rude programs and hard requests.

The text in the fence names the grid, "rude" or "hard". The runs are `docs/rude-programs.json` and
`docs/hard-requests.json`; `python -m exhibits grid rude hard` makes them.
"""

import re
from collections import Counter
from datetime import date
from functools import cache
from html import escape

from exhibits import catalog
from exhibits.backstage.checking.excuses import excuse, excuses
from exhibits.backstage.checking.gridding import GRIDS
from exhibits.backstage.running import version
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import hyperlink, prose, table

SIGNS = "✓", "~", "✗", "‼"  # of the verdicts, from the best to the worst
LETTERS = "rtwp"
INTERFACES = {"cgi": "CGI", "wsgi": "WSGI", "asgi": "ASGI", "websocket": "WebSocket"}


@cache
def read(name):
    """The last run of a grid: see `gridding.as_text`."""
    return GRIDS[name].read()


@cache
def anchors(name):
    """{row: what a link to it names}."""
    found = {}
    for row in GRIDS[name].rows:
        slug = re.sub(r"[^a-z0-9]+", "-", row.lower()).strip("-")
        found[row] = next(each for each in (slug, *(f"{slug}-{n}" for n in range(2, 99)))
                          if each not in found.values())
    return found


@fence
def cells(name):
    """The grid, what each row is, and of what the run was.

    The page has a sentence for each row; its script makes cells of the letters in data-cells when they come near.
    """
    grid, run = GRIDS[name], read(name)
    legend = ", ".join(f'<span class="cell {css}">{sign}</span> {verdict}'
                       for verdict, sign, css in zip(grid.verdicts, SIGNS, LETTERS, strict=True))
    stacks = " ".join(f"{stack}/{catalog.find(stack).stage}" for stack in run["stacks"])
    body = "".join(
        f'<h3>{escape(title)}</h3><section class="cells" aria-label="{escape(title)}"><table class="verdicts">'
        f"<tbody>{''.join(row(grid, run, each) for each in rows)}</tbody></table></section>"
        for title, rows in grid.families.items())
    verdicts = "|".join(grid.verdicts)
    return f"""<p class="note legend">{legend}, <span class="cell n"></span> does not apply. Choose a cell with the
pointer, or with the arrow keys and Enter, to see its bytes.</p>{chooser(grid)}
<div class="verdict-grid" data-run="../{grid.file.name}" data-stacks="{stacks}" data-verdicts="{verdicts}">
{body}<div class="cell-shown" role="status" hidden></div></div>
{made_of(run)}
<details class="rows"><summary>What each row is, and what the specification says</summary>
{"".join(listed(name, title, rows) for title, rows in grid.families.items())}</details>
<script src="../assets/grid.js" defer></script>"""


def column(stack):
    return hyperlink(f"../stages/{catalog.find(stack).stage}/#{stack}", escape(stack))


def row(grid, run, name):
    letters, numbers, at = "", [], {}
    for stack, result in run["stacks"].items():
        found = result["cells"].get(name)
        letters += LETTERS[grid.verdicts.index(found[0])] if found else "n"
        if found:
            at.setdefault(found[0], []).append(stack)
            if found[0] in grid.bad:
                numbers.append(reason(grid, stack, name, found) or 0)
    told = "; ".join(f"{verdict} at {', '.join(at[verdict]) if verdict in grid.bad else len(at[verdict])}"
                     for verdict in grid.verdicts if verdict in at)
    anchor = anchors(grid.name)[name]
    return (f'<tr id="{anchor}" data-cells="{letters}" data-why="{" ".join(map(str, numbers))}">'
            f'<th scope="row">{hyperlink(f"#{anchor}", escape(name))}</th><td>{told}</td></tr>')


def reason(grid, stack, row, found):
    """The number of the excuse of a cell, or None."""
    entry = excuse(grid.name, catalog.find(stack), grid.family(row), row, found[2])
    return entry and excuses(grid.name).index(entry) + 1


def chooser(grid):
    """What picks rows and columns, for who has scripts."""
    stages = "".join(f'<option value="{stage.name}">{escape(stage.title)}</option>' for stage in catalog.STAGES)
    bad, worst = grid.bad
    return f"""<form class="chooser" hidden><label>Rows with <input name="word" type="search" placeholder="a word">
</label><label>that are <select name="verdict"><option value="">anything</option>
<option value="w">{bad} somewhere</option><option value="p">{worst} somewhere</option></select></label>
<label>at <select name="stacks"><option value="">all stacks</option><option value="default">the default stacks</option>
{stages}</select></label> <output></output></form>"""


def made_of(run):
    """When the grid was made, of what, and what has another version here."""
    parts = {name: number for found in run["stacks"].values() for name, number in found["parts"].items()}
    now = {name: version(catalog.PARTS[name]) for name in parts}
    other = [f"{name} {now[name]}" for name, number in sorted(parts.items()) if now[name] not in (None, number)]
    differs = f" Where this page was built, other versions are installed: {escape(', '.join(other))}." if other else ""
    named = ", ".join(f"{escape(name)}&nbsp;{escape(number)}" for name, number in sorted(parts.items()))
    return (f'<p class="note">{len(run["stacks"])} stacks, {len(run["rows"])} rows; {when(run)}, {named}.{differs}</p>')


def when(run):
    """On which days the stacks of a run were asked, and with which Pythons."""
    days = sorted({found["date"] for found in run["stacks"].values()})
    pythons = sorted({found["Python"] for found in run["stacks"].values()})
    said = " to ".join(f'<time datetime="{day}">{date.fromisoformat(day):%-d %B %Y}</time>'
                       for day in dict.fromkeys((days[0], days[-1])))
    return f'run on {said} with Python&nbsp;{escape(", ".join(pythons))}'


def listed(name, title, rows):
    items = "".join(f"<div><dt>{hyperlink(f'#{anchors(name)[each]}', escape(each))}</dt>"
                    f"<dd>{words(name, each)}</dd></div>" for each in rows)
    return f"<p><b>{escape(title)}</b></p><dl>{items}</dl>"


def words(name, row):
    """What a row is, and what is said of it where."""
    if name == "hard":
        rule = GRIDS[name].rows[row].rule
        return f"{escape(rule.says)} <small>{escape(rule.section)}, {rule.word}</small>"
    behaviour = GRIDS[name].rows[row]
    rules = {}
    for interface, rule in behaviour.rules.items():
        rules.setdefault((rule.section, rule.level, rule.says), []).append(INTERFACES[interface])
    said = "; ".join(f'{", ".join(where) + ": " if len(rules) > 1 else ""}{escape(says)} '
                     f"<small>{escape(section)}, {level}</small>" for (section, level, says), where in rules.items())
    return f"The program {escape(behaviour.does)}. <br>{said}"


# ---------------------------------------------------------------- sums and reasons


@fence
def tally(name):
    """How many cells of each verdict a stack has, the best stack first."""
    grid = GRIDS[name]
    counts = {stack: Counter(found[0] for found in result["cells"].values())
              for stack, result in read(name)["stacks"].items()}
    ordered = sorted(counts, key=lambda stack: [-counts[stack][verdict] for verdict in reversed(grid.verdicts)],
                     reverse=True)
    return table("tally", ["Stack", *(verdict.capitalize() for verdict in grid.verdicts)], [
        ("", [column(stack), *(str(counts[stack][verdict]) for verdict in grid.verdicts)]) for stack in ordered])


@fence
def reasons(name):
    """Why the cells of others are not right: each excuse with the cells it explains."""
    grid, run = GRIDS[name], read(name)
    cells_of = {}
    for stack, result in run["stacks"].items():
        for each, found in result["cells"].items():
            if found[0] in grid.bad:
                cells_of.setdefault(reason(grid, stack, each, found), {}).setdefault(stack, []).append(each)
    rows = []
    for number, entry in enumerate(excuses(name), 1):
        there = cells_of.get(number)
        if not there:  # what is tolerable
            continue
        names = list(dict.fromkeys(each for names in there.values() for each in names))
        links = ", ".join(hyperlink(f"#{anchors(name)[each]}", escape(each)) for each in names)
        count = sum(map(len, there.values()))
        explained = f"<details><summary>{count} cell{'s' * (count != 1)}</summary>{links}</details>"
        rows.append((f"why-{number}", [
            ", ".join(f"<code>{escape(each)}</code>" for each in there), prose(entry.happens) + explained,
            f"{prose(entry.why)}<small>Source: {prose(entry.source)}</small>"]))
    return table("differences", ["Where", "What happens", "Why"], rows)


# ---------------------------------------------------------------- one in front of the other


def takes_all(found, sent):
    """Whether a server took all of these bytes for one request, and it shows: the next one was answered, or the
    program was given every byte behind the head."""
    _, outcome, why, answer = found
    body = sent.partition(b"\r\n\r\n")[2]
    whole = f'"length":{len(body)},' in answer
    return outcome.startswith("200") and not finds_more(why) and (outcome == "200, kept" or whole)


def finds_more(why):
    return "answers to" in why or "inside the body was answered" in why


@fence
def passes(name):
    """Of servers that speak HTTP themselves: who takes a request for one, and who finds another in the same bytes."""
    grid, stacks = GRIDS[name], read(name)["stacks"]
    speak = [stack for stack in stacks
             if len(catalog.find(stack).processes) == 1 or catalog.find(stack).carrier.startswith("HTTP/1.1")]
    pairs = {}
    for row, request in grid.rows.items():
        found = {stack: stacks[stack]["cells"][row] for stack in speak}
        front = tuple(stack for stack in speak if takes_all(found[stack], request.sent))
        behind = tuple(stack for stack in speak if finds_more(found[stack][2]))
        if front and behind and not request.before:
            pairs.setdefault((front, behind), []).append(row)
    return table("passes", ["Requests", "One server reads a single request", "Another finds a second one in it"], [
        ("", [", ".join(hyperlink(f"#{anchors(name)[row]}", escape(row)) for row in rows),
              *(", ".join(f"<code>{escape(stack)}</code>" for stack in side) for side in pair)])
        for pair, rows in sorted(pairs.items(), key=lambda each: -len(each[1]))])


@fence
def fronted(name):
    """Servers that speak HTTP themselves and stand behind a front, too: what is bad at each."""
    grid, stacks = GRIDS[name], read(name)["stacks"]
    bad = {stack: Counter(found[0] for found in result["cells"].values()) for stack, result in stacks.items()}

    def told(stack):
        return f"{column(stack)}: " + ", ".join(f"{bad[stack][verdict]} {verdict}" for verdict in grid.bad)

    kinds = {}  # all that run the same server through the same interface
    for stack in map(catalog.find, stacks):
        kinds.setdefault((stack.processes[0].part, stack.interface), []).append(stack)
    rows = [("", [escape(part), told(alone[0].name), told(stack.name)])
            for (part, _), several in kinds.items() if part in catalog.PARTS
            if (alone := [stack for stack in several if len(stack.processes) == 1])
            for stack in several if len(stack.processes) > 1]
    return table("fronted", ["Server", "Asked directly", "Behind a front"], rows)
