"""The fences `matrix` and `matrix_reasons`: each framework behind each server of its interface.

The text in the fence names the interface, "WSGI" or "ASGI". The run is docs/frameworks.json;
`python -m exhibits.backstage.checking.matrix` makes it.
"""

import json
from functools import cache
from html import escape

from exhibits.backstage.checking import matrix as asking
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import hyperlink, prose, table
from exhibits.catalog.annexes import MET, VARIED


@cache
def read():
    return json.loads(asking.FILE.read_text(encoding="utf-8"))


@cache
def explained():
    """{(framework, stack): the reasons of what differs there, each once}."""
    return {(framework, stack): list(dict.fromkeys(
        asking.reason(framework, stack, where, case) for where, wrong in found.items() for case in wrong))
        for framework, stacks in read()["cells"].items() for stack, found in stacks.items()}


@cache
def numbers():
    """{reason: its number}, in the order of the file, then of those that the server has with the guestbook, too."""
    found = dict.fromkeys(each for reasons in explained().values() for each in reasons)
    ordered = [each for each in asking.reasons() if each in found]
    return {each: number for number, each in enumerate([*ordered, *(each for each in found if each not in ordered)], 1)}


def everywhere(name):
    """The reasons that a framework has at every server: said once, above its column."""
    return set.intersection(*(set(reasons) for (framework, _), reasons in explained().items() if framework == name))


def links(reasons):
    return " ".join(hyperlink(f"#reason-{numbers()[each]}", str(numbers()[each])) for each in reasons)


def name_of(stack):
    """The stack's name, linked to where it is described, and below it the settings that are varied here."""
    usual = {varied.name: usual for usual, varied in VARIED}.get(stack.name, stack.name)
    if not usual:
        return escape(stack.name)
    words = stack.name.removeprefix(usual)
    return hyperlink(f"../stages/{stack.stage}/#{usual}", usual) + (f"<small>{words.strip()}</small>" if words else "")


@fence
def matrix(interface):
    """A row for each server, a column for each framework: ✓, or the numbers of the reasons."""
    met = [each for each in MET if each.interface.startswith(interface)]
    rows = [("", ["everywhere", *(links(sorted(everywhere(each.name), key=numbers().get)) or "✓" for each in met)])]
    for stack in asking.servers(met[0].interface):
        cells = [links(sorted(set(explained()[each.name, stack.name]) - everywhere(each.name), key=numbers().get))
                 or "✓" for each in met]
        rows.append(("", [name_of(stack), *cells]))
    return table("matrix", ["Server", *(escape(each.name) for each in met)], rows)


@fence
def matrix_reasons(_):
    """What the numbers stand for, and of what the run was."""
    rows = []
    for entry, number in numbers().items():
        where = getattr(entry, "where", "") or ("mounted" if getattr(entry, "mounted", False) else "")
        about = ", ".join(f"<code>{escape(case)}</code>" for case in cases_of(entry))
        place = {"mounted": "<small>under a mount point</small>", "root": "<small>at the root</small>"}.get(where, "")
        rows.append((f"reason-{number}", [f"{number}", f"{prose(entry.happens)}<small>{about}</small>{place}",
                                           f"{prose(entry.why)}<small>Source: {prose(entry.source)}</small>"]))
    run = read()
    parts = ", ".join(f"{escape(name)}&nbsp;{escape(number)}" for name, number in run["parts"].items())
    return (table("differences", ["No.", "What happens", "Why"], rows)
            + f'<p class="note">Run on <time>{run["date"]}</time> with Python&nbsp;{run["Python"]}, {parts}.</p>')


def cases_of(entry):
    """The cases that an entry explains in the run, by name."""
    return sorted({case for framework, stacks in read()["cells"].items() for stack, found in stacks.items()
                   for where, wrong in found.items() for case in wrong
                   if asking.reason(framework, stack, where, case) == entry})
