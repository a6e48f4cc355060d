"""`grid rude` and `grid hard`: what every stack makes of the rude program and of the hard requests, for the site."""

import json
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from exhibits import catalog, hard, rude
from exhibits.backstage.checking import hardness, rudeness
from exhibits.backstage.ending import workers
from exhibits.backstage.running import ROOT, CannotStart, Exhibit, version

HASTE = 1.5  # seconds of silence that are no answer; what is bad is asked again, with more patience
PAUSE = 1.5  # seconds in which a server that is ending has ended
AT_ONCE = 2  # stacks that run at the same time: a busy machine makes answers late, and late ones look missing
# A run shows the bytes of an answer. What differs at each moment is left out, and so is the middle of long ones.
CHANGING = re.compile(rb"(?i)^(date|sec-websocket-accept): [^\r\n]*", re.MULTILINE)
HEAD, TAIL = 500, 100  # bytes of a long answer that are shown


class Seen(NamedTuple):
    """What a stack made of one row: verdict, in a few words what came, why it is not right, and the bytes."""

    verdict: str
    outcome: str
    why: str
    raw: bytes


@dataclass(frozen=True)
class Grid:
    """One of the two grids.

    verdicts: from the best to the worst. bad: those that need an explanation. rows: {name: what is asked};
    families: {title: names of rows}.
    able(stack): whether it can be asked. ask(stack, names, patience): {name: Seen}, raises CannotStart.
    asked(name): all of a row that an answer depends on.
    """

    name: str
    file: Path
    verdicts: tuple[str, ...]
    bad: tuple[str, ...]
    rows: dict
    families: dict
    able: Callable
    ask: Callable
    asked: Callable

    def stacks(self):
        """Those of the catalog that can be asked, in its order."""
        return [stack for stack in catalog.STACKS if self.able(stack)]

    def family(self, row):
        """The title of those it stands among."""
        return next(title for title, rows in self.families.items() if row in rows)

    def read(self):
        """The last run: {"rows": {name: fingerprint}, "stacks": {name: `result`}}; without a file, an empty one."""
        if not self.file.exists():
            return {"rows": {}, "stacks": {}}
        run = json.loads(self.file.read_text(encoding="utf-8"))
        for found in run["stacks"].values():
            numbered = zip(run["rows"], found["cells"], strict=True)
            found["cells"] = {row: tuple(run["seen"][number]) for row, number in numbered if number is not None}
        return run

    def fingerprint(self):
        """{name: eight digits that change with what is asked}."""
        return {name: sha256(repr(self.asked(name)).encode()).hexdigest()[:8] for name in self.rows}


def ask_rudely(stack, names, patience=rudeness.PATIENCE):
    chosen = [pair for pair in rudeness.behaviours(stack) if pair[1].name in names]
    cells = list(rudeness.hold(stack, chosen, patience))
    if any(rudeness.NOT_SERVED in cell.why for cell in cells):  # who of them has ended the server?
        cells = rudeness.hold(stack, chosen, patience, pause=PAUSE)
    return {cell.behaviour.name: Seen(cell.verdict, cell.outcome, "; ".join(cell.why), cell.raw) for cell in cells}


def ask_hard(stack, names, patience=None):  # the judge asks patiently by itself where nothing comes
    if not names:
        return {}
    with Exhibit(stack) as exhibit:
        cells = hardness.judge(exhibit, [each for each in hard.REQUESTS if each.name in names])
    return {name: Seen(cell.verdict, cell.short, cell.why, cell.received) for name, cell in cells.items()}


def acted(name):
    """A behaviour, without the words for people, and the programs that act it out."""
    behaviour = RUDE.rows[name]
    rules = {interface: (rule.right, rule.tolerable) for interface, rule in behaviour.rules.items()}
    return behaviour._replace(does="", rules=rules)


def sent(name):
    """A hard request, without the words for people."""
    request = HARD.rows[name]
    rule = request.rule
    return (request.sent, request.sees, request.before, request.more,
            rule.right, rule.tolerable, rule.keeps, rule.ends)


RUDE = Grid(
    "rude", ROOT / "docs" / "rude-programs.json", rudeness.VERDICTS, (rudeness.WRONG, rudeness.POISONS),
    {each.name: each for each in rude.BEHAVIOURS},
    {title: [each.name for each in family] for title, family in rude.FAMILIES.items()},
    rudeness.can_be_rude, ask_rudely, acted)
HARD = Grid(
    "hard", ROOT / "docs" / "hard-requests.json",
    (hardness.RIGHT, hardness.TOLERABLE, hardness.WRONG, hardness.SMUGGLED), (hardness.WRONG, hardness.SMUGGLED),
    {each.name: each for each in hard.REQUESTS},
    {title: [each.name for each in hard.REQUESTS if each.rule.family == title]
     for title in dict.fromkeys(each.rule.family for each in hard.REQUESTS)},
    lambda stack: not (stack.encrypted or stack.fixed_mount), ask_hard, sent)
GRIDS = {grid.name: grid for grid in (RUDE, HARD)}


def make(grid, stacks=()):
    """Ask these stacks, or all that can be asked, and write the file of the grid; return the exit code.

    Of the stacks that are not asked the last run stays.
    """
    chosen = [stack for stack in grid.stacks() if not stacks or stack in stacks]
    found = grid.read()["stacks"] if stacks else {}

    def of(stack):
        began = time.monotonic()
        seen = steadily(grid, stack)
        counts = Counter(each.verdict for each in seen.values())
        print(f"{grid.name}: {stack.name}: {counted(grid, counts)} ({time.monotonic() - began:.0f} s)", flush=True)
        return stack.name, result(stack, seen)

    try:
        with workers(AT_ONCE) as pool:
            found |= pool.map(of, chosen)
    except CannotStart as reason:
        print(f"exhibits: {reason}", file=sys.stderr)
        return 1
    ordered = {stack.name: found[stack.name] for stack in grid.stacks() if stack.name in found}
    grid.file.write_text(as_text(grid, ordered), encoding="utf-8")
    print(f"{grid.file.relative_to(ROOT)} is new: {len(chosen)} stacks, {len(grid.rows)} rows")
    return 0


def counted(grid, counts):
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in grid.verdicts if counts[verdict])


def steadily(grid, stack):
    """{name: Seen} of all rows. What is bad is asked again, patiently; where the two disagree a third time decides."""
    seen = grid.ask(stack, grid.rows, HASTE)
    again = grid.ask(stack, [name for name, each in seen.items() if each.verdict in grid.bad])
    return seen | again | grid.ask(stack, [name for name, each in again.items() if each[:2] != seen[name][:2]])


def result(stack, seen):
    """{"date", "Python", "parts", "cells"} of a stack; each cell (verdict, outcome, why, the bytes as shown)."""
    return {
        "date": datetime.now(UTC).date().isoformat(), "Python": platform.python_version(),
        "parts": {part.name: version(part) for part in stack.parts},
        "cells": {name: (each.verdict, shortened(each.outcome), shortened(each.why), shown(each.raw))
                  for name, each in seen.items()},
    }


def shown(raw):
    """The bytes of an answer as text, a character for each, shortened by the rule above."""
    raw = CHANGING.sub(rb"\1: ...", raw)
    if len(raw) > HEAD + TAIL + 50:
        raw = b"%b[... %d bytes ...]%b" % (raw[:HEAD], len(raw) - HEAD - TAIL, raw[-TAIL:])
    return raw.decode("latin-1")


def shortened(text):
    return text if len(text) <= 120 else f"{text[:119]}…"


def as_text(grid, stacks):
    """The run as JSON: {"rows": {name: fingerprint}, "sent": [bytes], "seen": [cell, …], "stacks": {name: result}}.

    The cells of a stack are a list there, with a number for each row in their order: of its cell in "seen", where most
    stand for many, or null where the row does not apply. sent: to each row, where that is what it is about.
    """
    numbers, blocks = {}, []
    for name, found in stacks.items():
        cells = [numbers.setdefault(found["cells"][row], len(numbers)) if row in found["cells"] else None
                 for row in grid.rows]
        told = ", ".join(f"{dump(key)}: {dump(found[key])}" for key in ("date", "Python", "parts"))
        blocks.append(f'  {dump(name)}: {{{told},\n   "cells": {dump(cells)}}}')
    seen = ",\n".join(f"  {dump(cell)}" for cell in numbers)
    stacks = ",\n".join(blocks)
    sent = ",\n".join(f"  {dump(shown(each.sent))}" for each in grid.rows.values() if hasattr(each, "sent"))
    return (f'{{\n "rows": {dump(grid.fingerprint())},\n "sent": [\n{sent}\n ],\n'
            f' "seen": [\n{seen}\n ],\n "stacks": {{\n{stacks}\n }}\n}}\n')


def dump(value):
    return json.dumps(value, ensure_ascii=False)
