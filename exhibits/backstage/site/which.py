"""The fences of "Which server": a form, the same as a table, the cases with their figures, the servers, the runs.

The cases and what they rest on stand in `which.toml`; figures come from the runs in `docs/measurements`, by their
place. `docs/assets/which.js` does in the page what `chosen` and `filled` do here.
"""

import statistics
import tomllib
from datetime import date
from html import escape
from math import ceil, sqrt

from exhibits.backstage.bench import claims
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence, plots
from exhibits.backstage.site.claims import NAMES
from exhibits.backstage.site.html import hyperlink, prose, shell, table

FILE = ROOT / "exhibits/backstage/site/which.toml"
CONNECTIONS = 1000  # that gunicorn's greenlets take where nobody says more
DOES = {
    "wait": "waits: for a database, another service, a file",
    "compute": "computes",
    "stream": "stays open and gets something now and then: server-sent events, long polling",
    "websocket": "is a WebSocket",
}
CALL = {
    "def": "<code>def</code>, called through WSGI: Flask, Django, Bottle",
    "async": "<code>async def</code>, called through ASGI: FastAPI, Starlette, Quart",
}
NUMBERS = {
    "rate": ("Requests per second, at peak", "0.01"),
    "seconds": ("Seconds that each takes or stays open", "0.001"),
    "cores": ("Cores", "1"),
    "memory": ("Memory for all workers, MiB", "1"),
    "worker": ("Memory of one worker with your program, MiB", "1"),
}


def book():
    """The file: {"case": [...], "server": [...], "column": [...]}."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


# ---------------------------------------------------------------- the arithmetic


def places(at_once):
    """How many may be there at once, nearly always, where it is so many on average."""
    return ceil(at_once + 2 * sqrt(at_once))


def filled(case, rate, seconds, cores, memory, worker):
    """What is filled into the command of a case: {"workers", "threads", "connections"}."""
    workers = max(1, min(cores, memory // worker)) if case["workers"] == "cores" else 1
    threads = places(rate * seconds / workers)
    return {"workers": workers, "threads": threads, "connections": max(CONNECTIONS, threads)}


def command(case, **numbers):
    return case["command"].format(**filled(case, **numbers))


def chosen(does, call, **numbers):
    """The case for such a program: the first that fits."""
    return next(case for case in book()["case"] if does in case["does"] and call in case["call"]
                and filled(case, **numbers)["threads"] <= case.get("most", float("inf")))


# ---------------------------------------------------------------- what is asked, and the answers


@fence
def which(_):
    """The form, with the numbers of the first case; where the script does not run it is not shown."""
    example = book()["case"][0]["example"]
    numbers = "".join(
        f'<label>{label} <input type="number" name="{name}" min="{least}" step="any" value="{example[name]}" '
        'autocomplete="off" required></label>' for name, (label, least) in NUMBERS.items())
    return (f'<form class="which">{radios("does", "A request", DOES)}{radios("call", "The program is", CALL)}'
            f'<fieldset><legend>How much</legend>{numbers}</fieldset></form>'
            '<div class="which-answer"><div role="status"></div><div class="which-why"></div></div>'
            '<script src="../assets/which.js" defer></script>')


def radios(name, legend, choices):
    inputs = "".join(
        f'<label><input type="radio" name="{name}" value="{value}" autocomplete="off"{" checked" * (number == 0)}> '
        f"{label}</label>" for number, (value, label) in enumerate(choices.items()))
    return f"<fieldset><legend>{legend}</legend>{inputs}</fieldset>"


@fence
def which_table(_):
    """Each case with the command for its example."""
    rows = []
    for case in book()["case"]:
        example = case["example"]
        said = (f"{example['rate']:,} requests a second of {example['seconds']} s, {example['cores']} cores: "
                f"{plots.plain(example['rate'] * example['seconds'])} at once")
        rows.append(("", [hyperlink(f"#{case['name']}", prose(case["title"])), escape(said),
                          f"<code>{escape(command(case, **example))}</code>"]))
    return table("which", ["Your case", "For example", "Start it with"], rows)


@fence
def which_case(name):
    """One case: the command for its example, the reason, and what that rests on in both runs."""
    case = next(case for case in book()["case"] if case["name"] == name)
    data = {"name": name, "does": " ".join(case["does"]), "call": " ".join(case["call"]), "most": case.get("most", ""),
            "command": case["command"], "workers": case["workers"]}
    attributes = "".join(f' data-{key}="{escape(str(value))}"' for key, value in data.items())
    lines = [f"pip install '{case['install']}'", command(case, **case["example"])]
    rests = "".join(map(rest, case["rests"]))
    figures = "".join(map(figure, case["figures"]))
    return (f'<div class="which-case"{attributes}>{shell(lines)}<div class="why"><p>{prose(case["why"])}</p>'
            f'<ul class="parts">{rests}</ul>{figures}</div></div>')


def in_runs(look):
    """What look(results) says of each run, as HTML; a sentence where a run has no such figure."""
    said = []
    for results in claims.runs():
        try:
            said.append(look(results))
        except claims.Missing as missing:
            said.append(f"not measured ({escape(str(missing))})")
    return said


def rest(test):
    """A sentence that a case rests on, and the figure in each run that decides it."""
    yes = []

    def look(results):
        found = claims.outcome(test, results)
        yes.append(found.yes)
        low, high = plots.plain(found.low), plots.plain(found.high)
        return plots.plain(found.median) + (f" ({low} to {high})" if low != high else "")

    figures = ", then ".join(in_runs(look))
    word = "Not shown." if not yes else "Yes." if all(yes) else "No."
    kind = "ratio" if "more" in test else NAMES[test["of"][-1]].lower()
    return f"<li><b>{word}</b> {prose(test['says'])} <small>{kind} {figures}</small></li>"


def figure(shown):
    """Figures of a case side by side, a column for each run."""

    def value(row):
        return in_runs(lambda results: plots.spread(claims.numbers(results, [*shown["of"], row, shown["draw"]])))

    rows = [("", [title(shown["of"], row), *value(row)]) for row in shown["rows"]]
    return (f"<div data-search-exclude><p>{escape(shown['title'])}:</p>"
            f"{table('figures', ['', *columns()], rows)}</div>")


def title(group, row):
    """The name of who was measured, from the first run that has it."""
    for results in claims.runs():
        try:
            return escape(claims.at(results, [*group, row])["title"])
        except claims.Missing:
            pass
    return escape(row)


def columns():
    return ["First run", "Second run"][:len(claims.runs())]


@fence
def which_servers(_):
    """The servers side by side: medians of both runs."""
    found = book()
    rows = [("", [escape(server["title"]), *(both(server, column) for column in found["column"])])
            for server in found["server"]]
    return table("figures", ["", *(column["title"] for column in found["column"])], rows)


def both(server, column):
    try:
        place = [part.format(**server) for part in column["of"]]
    except KeyError:
        return "–"
    medians = in_runs(lambda results: plots.plain(statistics.median(claims.numbers(results, place))))
    return ", ".join(dict.fromkeys(medians))


@fence
def which_runs(_):
    """Under which conditions all this was measured, and how everybody of this page was started."""
    runs = claims.runs()
    days = sorted({date.fromisoformat(each["date"]) for each in runs})
    when = " and ".join(f"{day.day} {day:%B %Y}" for day in days)
    machine, load = runs[0]["machine"], runs[0]["load"]
    said = (f"{len(runs)} full runs, {when}: {machine['processor']}, {machine['cores']} cores, {machine['system']}, "
            f"Python {machine['python']} {machine['build']}; load by {load} on the same cores.")
    items = "".join(f"<li>{escape(f'{suite}, {who}')}: {commands}</li>" for suite, who in measured_here()
                    if (commands := " ".join(f"<code>{escape(each)}</code>" for each in settings(suite, who))))
    return (f"<p>{escape(said)}</p><details data-search-exclude><summary>How they were started</summary>"
            f"<ul>{items}</ul></details>")


def measured_here():
    """(suite, name) of everybody whose figures stand under a case, each once."""
    return dict.fromkeys((shown["of"][0], row) for case in book()["case"] for shown in case["figures"]
                         for row in shown["rows"])


def settings(suite, who):
    """The commands of somebody in the first run that has them."""
    found = (results["suites"].get(suite, {}).get("settings", {}).get(who) for results in claims.runs())
    return next(filter(None, found), [])
