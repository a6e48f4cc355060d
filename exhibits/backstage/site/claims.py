"""The fences of the hall of claims: `claim`, `plot`, and `measured`, which tells of the runs themselves.

All figures come from the runs in `docs/measurements`; what was not measured is not shown.
"""

import itertools
import re
import statistics
from html import escape

from exhibits.backstage.bench import claims
from exhibits.backstage.site import fence, plots
from exhibits.backstage.site.files import on_the_web
from exhibits.backstage.site.html import hyperlink, prose, shell, table

NAMES = {
    "rate": "Responses per second", "p50": "50 % within, ms", "p99": "99 % within, ms",
    "lag": "Delay of the load generator, ms", "cpu": "Processor time per request, ms", "cores": "Processors in use",
    "load cores": "Processors of the load", "memory": "Memory, MiB", "processes": "Processes", "threads": "Threads",
    "errors": "Errors", "ms": "Milliseconds", "per thousand": "MiB per thousand", "held": "Clients held",
    "threads before": "Threads before", "first to fail": "First to fail", "delay": "Delay, ms",
    "requests": "Requests per entry", "bytes": "Bytes per entry", "missed": "Entries missed",
    "lines": "Lines", "frames": "Server's frames in a traceback", "start": "Start, ms", "answered": "Answered",
    "failed": "Not answered", "mib": "MiB sent", "down first ms": "First byte, ms", "down mib/s": "Response, MiB/s",
    "down memory": "Added memory, MiB", "up mib/s": "Upload, MiB/s", "up memory": "Added memory, MiB ",
}
MOST = 12  # bars one can still compare


@fence
def claim(id):
    """A claim: what is said and by whom, the verdict, what it follows from, and how to measure it again."""
    found = claims.claim(id)
    runs = claims.runs()
    says = f'<p class="says">{escape(found["says"])}</p><p class="note">{sources(found)}</p>'
    try:
        verdict = claims.verdict(found, runs[0] if runs else None)
        figures = "".join(figure_or_link(name, runs[0], id) for name in found.get("figures", ()))
    except claims.Missing as missing:
        return f'<div class="claim">{says}{unmeasured(missing)}</div>'
    word = verdict.word.capitalize() + (f" {escape(verdict.when)}" if verdict.when else "")
    how = "measured" if verdict.outcomes else "from sources and tests"
    parts = "".join(map(told, verdict.outcomes))
    parts = f'<ul class="parts">{parts}</ul>{conditions(found, runs[0])}' if parts else ""
    return (f'<div class="claim">{says}<p class="verdict"><b>{word}.</b> <small>{how}</small></p>'
            f"{parts}{figures}{evidence(found)}</div>")


def sources(found):
    """Who says it, in a few of their words."""
    told = []
    for each in found["said"]:
        language = f", from {each['language']}" if "language" in each else ""
        told.append(f"“{escape(each['words'])}”, {hyperlink(escape(each['url']), escape(each['by']))}{language}")
    return f"Said by: {'; '.join(told)}."


def told(outcome):
    """One part of a claim, with the figure that decides it, and the conditions under which it was measured, too."""
    figures = plots.plain(outcome.median)
    if outcome.low != outcome.high:
        figures += f", {plots.plain(outcome.low)} to {plots.plain(outcome.high)}"
    kind = NAMES.get(outcome.kind, outcome.kind).lower()
    under = "".join(f"; {escape(condition)}: {plots.plain(other.median)}, {'yes' if other.yes else 'no'}"
                    for condition, other in outcome.under.items())
    return (f"<li><b>{'Yes' if outcome.yes else 'No'}.</b> {prose(outcome.says)} "
            f"<small>{kind} {figures}{under}</small></li>")


def conditions(found, results):
    """Under what a claim was measured: the machine, who took part in which version, and how each was started."""
    machine, started = results["machine"], {}
    for test in found["test"]:
        for suite, *groups, _ in (test[key] for key in claims.PLACES if key in test):
            if commands := results["suites"][suite]["settings"].get(groups[-1]):
                started[groups[-1]] = commands
    told = " ".join(itertools.chain.from_iterable(started.values())).lower()
    versions = [f"{name} {number}" for name, number in machine["versions"].items()
                if re.search(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", told)]
    summary = ", ".join([f"Measured on {machine['cores']} cores", f"Python {machine['python']} {machine['build']}",
                         *versions])
    warm = f"{plots.plain(results['warm-up'])} s of warm-up, " if "warm-up" in results else ""
    said = (f"Load: {results['load']}, {warm}{plots.plain(results['seconds'])} s at each visit, "
            f"{results['clients']} connections unless stated otherwise. Logs are off unless they are named.")
    rows = "".join(f"<li>{escape(name)}: {' '.join(f'<code>{escape(each)}</code>' for each in commands)}</li>"
                   for name, commands in started.items())
    rows = f"<ul>{rows}</ul>" if rows else ""
    return f'<details class="conditions"><summary>{escape(summary)}</summary><p>{escape(said)}</p>{rows}</details>'


def evidence(found):
    """The files that show it, and the command that measures it anew."""
    shown = ""
    if found.get("proofs"):
        links = (hyperlink(on_the_web(name), f"<code>{escape(name)}</code>") for name in found["proofs"])
        shown += f'<p class="note">Shown by {", ".join(links)}.</p>'
    if found.get("stacks"):
        names = ", ".join(f"<code>{escape(name)}</code>" for name in found["stacks"])
        shown += f'<p class="note">Stacks that run here: {names}.</p>'
    if found.get("repeat"):
        shown += shell([f".venv/bin/nox -s bench -- --full --only {found['repeat']}"])
    return shown


@fence
def plot(name):
    """One figure of the first full run: a plot and the table under it."""
    runs = claims.runs()
    if not runs:
        return unmeasured("no full run is committed")
    try:
        return drawn(name, runs[0], "figure")
    except claims.Missing as missing:
        return unmeasured(missing)


def unmeasured(what):
    return f'<p class="note">Not shown yet, because it was not measured: {escape(str(what))}.</p>'


def figure_or_link(name, results, id):
    """A figure of a claim, or a link to it where another claim shows it before."""
    first = next(each["id"] for each in claims.book()["claim"]
                 if name in each.get("figures", ()) and (each["id"] == id or is_shown(each, results)))
    if first == id:
        return drawn(name, results, id)
    title = next(each for each in claims.book()["figure"] if each["name"] == name)["title"]
    return f'<p class="note">Figure: {hyperlink(f"#{first}-{name}".lower(), escape(title))}, at {first}.</p>'


def is_shown(found, results):
    """Whether everything a claim shows was measured."""
    try:
        claims.verdict(found, results)
        return all(drawn(name, results, found["id"]) for name in found["figures"])
    except claims.Missing:
        return False


def drawn(name, results, where):
    """A figure of claims.toml as HTML. claims.Missing where the run has nothing of it."""
    figure = next(each for each in claims.book()["figure"] if each["name"] == name)
    id = f"{where}-{name}".lower()
    unit = NAMES[figure["draw"]]
    if "over" in figure:
        picture, under, visits = over_steps(id, figure, results, unit)
    else:
        picture, under, visits = side_by_side(id, figure, results, unit)
    if visits > 1:
        unit += f"; median of {visits}, with smallest and largest"
    caption = f"<figcaption>{escape(figure['title'])}. <small>{escape(unit)}</small></figcaption>"
    return f'<figure class="measured" id="{id}" data-search-exclude>{caption}{picture}{under}</figure>'


def side_by_side(id, figure, results, unit):
    group = claims.at(results, figure["of"])
    rows = [group[row] for row in figure.get("rows", group) if row in group]
    if not rows:
        raise claims.Missing(" / ".join(figure["of"]))
    rows.sort(key=lambda row: -statistics.median(row[figure["draw"]]) if "rows" not in figure else 0)
    drawn = [(row["title"], row[figure["draw"]]) for row in picked(rows)]
    picture = plots.bars(id, figure["title"], drawn, unit.lower())
    cells = [("", [escape(row["title"]), *(value(row.get(column)) for column in figure["columns"])]) for row in rows]
    columns = ["", *(NAMES[column] for column in figure["columns"])]
    visits = max(len(row[figure["draw"]]) for row in rows)
    return picture, folded(table("figures", columns, cells), figure["title"]), visits


def picked(rows):
    """As many rows as can be compared: where there are more, evenly from the first to the last."""
    if len(rows) <= MOST:
        return rows
    return [rows[round(number * (len(rows) - 1) / (MOST - 1))] for number in range(MOST)]


def over_steps(id, figure, results, unit):
    steps = figure["over"]
    groups = [claims.at(results, [*figure["of"], step]) for step in steps]
    names = [row for row in figure["rows"] if all(row in group for group in groups)]
    if not names:
        raise claims.Missing(" / ".join(figure["of"]))
    series = [(name, [group[name][figure["draw"]] for group in groups]) for name in names]
    picture = plots.lines(id, figure["title"], [int(step) for step in steps], series, unit.lower())
    everybody = [row for row in groups[0] if all(row in group for group in groups)]
    cells = [("", [escape(groups[0][row]["title"]), *(value(group[row][figure["draw"]]) for group in groups)])
             for row in everybody]
    visits = max(len(group[name][figure["draw"]]) for group in groups for name in names)
    under = folded(table("figures", ["", *(f"{step} at once" for step in steps)], cells), figure["title"])
    return picture, under, visits


def value(figures):
    if figures is None:
        return "–"
    if isinstance(figures, str):
        return escape(figures)
    return plots.spread(figures if isinstance(figures, list) else [figures])


def folded(html, title):
    """A table behind a summary; it may be wider than a screen, and the keyboard has to be able to scroll it."""
    scrolls = f'<div class="table" tabindex="0" role="group" aria-label="{escape(title)}: all figures"'
    html = html.replace('<div class="table"', scrolls, 1)
    return f"<details><summary>All figures</summary>{html}</details>"


# ---------------------------------------------------------------- the runs


@fence
def measured(_):
    """How the runs were made, and how much two of them differed."""
    runs = claims.runs()
    if not runs:
        return '<p class="note">No full run is committed yet.</p>'
    first, machine = runs[0], runs[0]["machine"]
    rows = [
        ("Command", f"<code>{escape(first['command'])}</code>, {escape(first['date'])}"),
        ("Load", escape(f"{first['load']}, {first['clients']} connections unless stated otherwise")),
        ("Limit of the load generator", ceiling(first)),
        ("A server compared with itself", themselves(first)),
        ("Rounds", f"{first['rounds']}, back and forth, {plots.plain(first['seconds'])} s of load at each visit"),
        ("Machine", escape(f"{machine['processor']}, {machine['cores']} cores, {machine['system']}")),
        ("Other load before the run", busy(first)),
        ("Kept on one core", escape(machine["pinned"])),
        ("Python", escape(f"{machine['python']}, {machine['build']}")),
        ("nginx", escape(f"{machine['nginx']}, {machine['versions'].get('nginx', '')}")),
        ("Versions", escape(", ".join(f"{name} {number}" for name, number in machine["versions"].items()))),
        ("Left out", "<br>".join(map(escape, first["left out"])) or "nothing"),
        ("Settings", settings(first)),
    ]
    if len(runs) > 1:
        rows.append(("Two runs", differed(*runs[:2])))
    return table("method", ["", "In the first run"], [("", list(row)) for row in rows])


def busy(results):
    """How busy the machine was before, and what follows."""
    machine = results["machine"]
    if "busy" not in machine:
        return "not recorded"
    warning = "" if claims.quiet(results) else "; <b>these figures have to be replaced</b>"
    return f"others used {machine['busy']} of {machine['cores']} processors{warning}"


def themselves(results):
    """How far servers were from themselves in a run, and what counts as a difference there."""
    pairs = claims.pairs(results)
    if not pairs:
        return "not measured"
    told = "; ".join(f"{escape(title)}: {plots.spread(ratios)}" for title, ratios in pairs)
    return f"{told}. So less than {(claims.margin(results) - 1) * 100:.0f} % counts as no difference."


def ceiling(results):
    try:
        rate = statistics.median(claims.numbers(results, ["cost", "nginx", "rate"]))
        fastest = max(statistics.median(claims.numbers(results, ["cost", name, "rate"]))
                      for name in claims.at(results, ["cost"]) if name != "nginx")
    except claims.Missing:
        return "not measured"
    return f"{plots.plain(rate)} responses per second from nginx alone; {plots.plain(fastest)} from the fastest stage"


def settings(results):
    """The command of everybody who was measured, folded."""
    folds = []
    for suite in results["suites"].values():
        started = (f"{escape(who)}: {' '.join(f'<code>{escape(command)}</code>' for command in commands)}"
                   for who, commands in suite["settings"].items())
        if suite["settings"]:
            items = "".join(f"<li>{each}</li>" for each in started)
            folds.append(f"<details><summary>{escape(suite['title'])}</summary><ul>{items}</ul></details>")
    return "".join(folds)


def differed(first, second):
    """How far the second run was from the first, in words."""
    factors = claims.moved(first, second)
    changed = []
    for each in claims.book()["claim"]:
        try:
            one, other = claims.verdict(each, first), claims.verdict(each, second)
        except claims.Missing:
            continue
        if (one.word, one.when) != (other.word, other.when):
            changed.append(each["id"])
    verdicts = "No verdict changed." if not changed else f"Verdicts changed: {', '.join(changed)}."
    if not factors:
        return verdicts
    return (f"{verdicts} Of {len(factors)} ratios, half moved by less than "
            f"{(statistics.median(factors) - 1) * 100:.0f} %, and none by more than {(factors[-1] - 1) * 100:.0f} %.")
