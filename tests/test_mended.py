"""What the grids of rude programs and hard requests hold against servers of others: the day it is over, this says so.

Each reason is tried at one stack, in one cell after the other, until one is bad as ever: a server may be lucky once.
"""

import pytest
from conftest import marks_of, require

from exhibits import catalog
from exhibits.backstage.checking.excuses import excuse
from exhibits.backstage.checking.gridding import HARD, RUDE
from exhibits.backstage.checking.hardness import judge
from exhibits.backstage.checking.rudeness import behaviours, hold

pytestmark = pytest.mark.hall

TRIES = 4
QUICK = 2  # seconds of silence that are no answer


def chosen(grid):
    """{stack: [rows of a reason, …]}: each reason at one stack, at few of them, first the rows where little waits."""
    cells = {}
    for name, found in grid.read()["stacks"].items():
        stack = catalog.find(name)
        for row, (verdict, outcome, fault, _) in found["cells"].items():
            entry = verdict in grid.bad and excuse(grid.name, stack, grid.family(row), row, fault)
            if entry:
                waits = outcome == "silence" or outcome.endswith("open") or verdict == grid.bad[-1]
                cells.setdefault(entry, []).append((waits, stack.hall, name, row))
    found = {}
    for several in cells.values():
        _, _, name, _ = min(several, key=lambda cell: (cell[0], cell[2] not in found, cell[1]))
        rows = sorted((waits, row) for waits, _, stack, row in several if stack == name)
        found.setdefault(name, []).append([row for _, row in rows[:TRIES]])
    return found


def each_chosen(grid):
    return pytest.mark.parametrize(("stack", "reasons"), [
        pytest.param(catalog.find(name), reasons, id=name, marks=marks_of(catalog.find(name)))
        for name, reasons in chosen(grid).items()])


def mended(grid, reasons, ask):
    """The rows of the reasons of which none is bad any more. ask(rows): {row: verdict}."""
    for turn in range(TRIES):
        verdicts = ask([rows[turn % len(rows)] for rows in reasons]) if reasons else {}
        reasons = [rows for rows in reasons if verdicts[rows[turn % len(rows)]] not in grid.bad]
    return reasons


@each_chosen(HARD)
def test_what_is_said_of_hard_requests_still_holds(run, stack, reasons):
    def ask(rows):
        cells = judge(run(stack), [HARD.rows[row] for row in rows])
        return {row: cell.verdict for row, cell in cells.items()}

    assert mended(HARD, reasons, ask) == [], "mended: run python -m exhibits grid hard, and look into hard.toml"


@each_chosen(RUDE)
def test_what_is_said_of_rude_programs_still_holds(stack, reasons):
    require(stack)

    def ask(rows):
        pairs = [pair for pair in behaviours(stack) if pair[1].name in rows]
        return {cell.behaviour.name: cell.verdict for cell in hold(stack, pairs, QUICK)}

    assert mended(RUDE, reasons, ask) == [], "mended: run python -m exhibits grid rude, and look into rude.toml"
