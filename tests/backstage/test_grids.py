"""The grids of rude programs and hard requests: of today's rows, with no cell unexplained, and made as they say."""

import json
import re

import pytest

from exhibits import catalog
from exhibits.backstage.checking import gridding, rudeness
from exhibits.backstage.checking.excuses import Excuse, excuse, excuses, matches
from exhibits.backstage.checking.gridding import GRIDS, HARD, RUDE, Seen
from exhibits.backstage.site import grids

EACH = pytest.mark.parametrize("grid", [pytest.param(grid, id=name) for name, grid in GRIDS.items()])


def bad(grid):
    """(stack, row, fault) of all cells that need an explanation."""
    return [(catalog.find(name), row, cell[2]) for name, found in grid.read()["stacks"].items()
            for row, cell in found["cells"].items() if cell[0] in grid.bad]


@EACH
def test_the_run_is_of_todays_stacks_and_rows(grid):
    run, again = grid.read(), f"run: python -m exhibits grid {grid.name}"
    assert list(run["stacks"]) == [stack.name for stack in grid.stacks()], again
    assert run["rows"] == grid.fingerprint(), again
    for stack in grid.stacks():
        found = run["stacks"][stack.name]
        rows = [each.name for _, each in rudeness.behaviours(stack)] if grid is RUDE else list(grid.rows)
        assert list(found["cells"]) == rows, again
        assert found["parts"].keys() == {part.name for part in stack.parts} and all(found["parts"].values()), again


@EACH
def test_no_cell_is_unexplained_and_none_is_ours(grid):
    unexplained = [f"{stack.name}: {row}: {fault}" for stack, row, fault in bad(grid)
                   if not excuse(grid.name, stack, grid.family(row), row, fault)]
    assert unexplained == []
    ours = {(stack.processes[-1].part, row) for stack, row, _ in bad(grid) if stack.server == "ours"}
    assert {part for part, _ in ours} <= ({"nginx"} if grid is HARD else set())


@EACH
def test_each_reason_and_each_of_its_names_explains_a_cell(grid):
    used = {}
    for stack, row, fault in bad(grid):
        entry = excuse(grid.name, stack, grid.family(row), row, fault)
        used.setdefault(excuses(grid.name).index(entry), []).append((stack, row))
    for number, entry in enumerate(excuses(grid.name)):
        if entry.verdict == "tolerable":
            assert all(any(matches([pattern], row) for row in grid.rows) for pattern in entry.rows)
            continue
        cells = used.get(number, [])
        assert cells, f"{entry.rows} at {entry.stacks or entry.fronts} explain nothing any more"
        for pattern in entry.rows:
            assert any(Excuse((pattern,), "", "", "", stacks=("*",)).explains(stack, grid.family(row), row, "")
                       for stack, row in cells), f"{pattern} of {entry.rows} explains nothing"
        for pattern in entry.stacks:
            assert any(Excuse(("*",), "", "", "", stacks=(pattern,)).explains(stack, "", row, "")
                       for stack, row in cells), f"{pattern} of {entry.stacks} has no such cell"
        assert entry.source.startswith("https://") and entry.happens and entry.why


@EACH
def test_the_run_is_written_as_it_is_read(grid):
    text = grid.file.read_text(encoding="utf-8")
    stacks = grid.read()["stacks"]
    assert gridding.as_text(grid, stacks) == text
    assert len(text) < 1_500_000


# ---------------------------------------------------------------- how it is made


def test_bytes_are_shown_without_what_changes_and_without_the_middle_of_long_ones():
    assert gridding.shown(b"HTTP/1.1 200 OK\r\nDate: now\r\n\r\n\xff") == "HTTP/1.1 200 OK\r\nDate: ...\r\n\r\n\xff"
    assert gridding.shown(b"a" * 499 + b"bc" + b"d" * 400 + b"e" * 100) == (
        "a" * 499 + "b" + "[... 401 bytes ...]" + "e" * 100)
    assert gridding.shown(b"x" * 600) == "x" * 600


def test_what_is_bad_is_asked_again_and_a_third_time_where_the_two_disagree():
    good, one, other = Seen("right", "200", "", b""), Seen("wrong", "cut", "", b"1"), Seen("wrong", "500", "", b"2")
    told = {"good": [good], "bad": [one, one], "shaky": [one, good, good], "late": [one, other, one]}
    asked = []

    def ask(stack, names, patience=None):
        asked.append(list(names))
        return {name: told[name].pop(0) for name in names}

    grid = gridding.Grid("", None, ("right", "wrong"), ("wrong",), dict.fromkeys(told), {}, None, ask, None)
    assert gridding.steadily(grid, None) == {"good": good, "bad": one, "shaky": good, "late": one}
    assert asked == [list(told), ["bad", "shaky", "late"], ["shaky", "late"]]


def test_a_run_of_a_few_stacks_leaves_the_others(tmp_path, capsys):
    def ask(stack, names, patience=None):
        return {name: Seen("right", f"{len(made)} {stack.name}", "", b"x") for name in names}

    made = []
    grid = gridding.Grid("test", gridding.ROOT / "docs" / ".test-grid.json", ("right",), (), {"a row": "asked"},
                         {}, lambda stack: stack.name in ("wsgi-ours", "asgi-ours"), ask, lambda name: name)
    try:
        assert gridding.make(grid) == 0
        made.append(1)
        assert gridding.make(grid, [catalog.find("asgi-ours")]) == 0
        cells = {name: found["cells"]["a row"] for name, found in grid.read()["stacks"].items()}
        assert cells == {"wsgi-ours": ("right", "0 wsgi-ours", "", "x"), "asgi-ours": ("right", "1 asgi-ours", "", "x")}
        assert json.loads(grid.file.read_text())["rows"] == grid.fingerprint()
    finally:
        grid.file.unlink(missing_ok=True)
    assert "test: asgi-ours: 1 right" in capsys.readouterr().out


# ---------------------------------------------------------------- what the site shows


@EACH
def test_the_site_has_each_row_with_a_letter_for_each_stack_and_every_reason(grid):
    html = grids.cells(grid.name, "cells", "cells", {}, None)
    assert html.count("<tr id=") == len(grid.rows) == len(set(grids.anchors(grid.name).values()))
    assert html.count('data-cells="') == len(grid.rows)
    told = grids.reasons(grid.name, "reasons", "reasons", {}, None)
    needed = {grids.reason(grid, stack.name, row, ["", "", fault]) for stack, row, fault in bad(grid)}
    assert all(f'id="why-{number}"' in told for number in needed)
    assert grids.tally(grid.name, "tally", "tally", {}, None).count("<tr ") == len(grid.stacks()) + 1


@EACH
def test_the_page_says_how_many_rows_there_are(grid):
    page = grid.file.with_suffix(".md").read_text(encoding="utf-8")
    assert re.search(rf'^description: ".*\b{len(grid.rows)} (misbehaviours|requests)', page, re.MULTILINE)


def test_pairs_that_disagree_are_found_in_the_data():
    html = grids.passes("hard", "passes", "passes", {}, None)
    assert 'href="#cl-te"' in html
    sent = b"POST / HTTP/1.1\r\n\r\nhello"
    assert grids.takes_all(["right", "200, kept", "", ""], sent)
    assert grids.takes_all(["wrong", "200, closed", "", '{"length":5,"sha256":""}'], sent)
    assert not grids.takes_all(["right", "200, closed", "", '{"length":0,"sha256":""}'], sent)
    assert not grids.takes_all(["right", "400, closed", "", ""], sent)
    assert not grids.takes_all(["smuggled", "200, kept", "2 answers to 1 request", ""], sent)
