"""The grid the site shows is a run of today's contract, with today's stacks and today's known differences."""

import re

import pytest

from exhibits import catalog, contract
from exhibits.backstage.checking import agreeing
from exhibits.backstage.site import agreement as site_agreement
from exhibits.catalog.differences import known_difference, known_differences, untestable

RUN = site_agreement.the_run()
AGAIN = "run: python -m exhibits grid contract"


def test_the_run_has_every_stack_and_no_other():
    assert list(RUN["stacks"]) == [stack.name for stack in catalog.STACKS], AGAIN


@pytest.mark.parametrize("stack", catalog.STACKS, ids=lambda stack: stack.name)
def test_the_run_has_every_case_once(stack):
    result = RUN["stacks"][stack.name]
    names = [*result["kept"], *result["differs"], *result["not testable"], *result["not asked"]]
    assert sorted(names) == sorted(case.name for case in contract.CASES), AGAIN
    assert set(result["parts"]) == {part.name for part in stack.parts} and all(result["parts"].values()), AGAIN


@pytest.mark.parametrize("stack", catalog.STACKS, ids=lambda stack: stack.name)
def test_the_run_differs_just_where_it_is_known_to(stack):
    expected = {}
    for case in contract.CASES:
        wheres = [
            where for where, mount in agreeing.mounts_of(stack).items()
            if agreeing.applies(stack, mount, case) and known_difference(stack, case.name, bool(mount))
        ]
        if wheres:
            expected[case.name] = wheres
    assert RUN["stacks"][stack.name]["differs"] == expected, AGAIN


@pytest.mark.parametrize("stack", catalog.STACKS, ids=lambda stack: stack.name)
def test_the_run_leaves_open_just_what_cannot_be_tested(stack):
    differs = RUN["stacks"][stack.name]["differs"]
    expected = [case.name for case in contract.CASES if untestable(stack, case.name) and case.name not in differs]
    assert RUN["stacks"][stack.name]["not testable"] == expected, AGAIN
    if expected:
        assert "○ " in site_agreement.cell(stack, RUN["stacks"][stack.name], contract.CASES)


def test_the_run_says_what_each_stack_took_to_start():
    started = [result["started"] for result in RUN["stacks"].values() if result["started"]]  # the others: busy then
    assert all(each.keys() == {"ms", "MiB", "processes"} and min(each.values()) > 0 for each in started), AGAIN
    assert len(started) > 50
    table = site_agreement.started("", "started", "started", {}, None)
    assert [table.count(f"#{stack.name}\"") for stack in catalog.STACKS] == [1] * len(catalog.STACKS)


def test_a_start_is_measured():
    (uvicorn,) = [stack for stack in catalog.STACKS if stack.name == "asgi-uvicorn"]
    found = agreeing.start(uvicorn)
    assert 20 < found["ms"] < 20_000 and 5 < found["MiB"] < 500 and found["processes"] == 1


def test_every_case_is_in_one_row():
    listed = [case for cases in site_agreement.rows().values() for case in cases]
    assert sorted(case.name for case in listed) == sorted(case.name for case in contract.CASES)


def test_every_known_difference_is_a_link_in_the_grid():
    grid = site_agreement.agreement("", "agreement", "agreement", {}, None)
    leads = set(re.findall(r'href="#(known-[^"]+)"', grid))
    cases = {case.name for case in contract.CASES}
    stacks = {stack.name for stack in catalog.STACKS}  # the others: annexes; the other cases: behaviours
    entries = [entry for entry in known_differences() if entry.stack in stacks and cases & set(entry.cases)]
    assert leads == {f"known-{entry.stack}-{entry.cases[0]}" for entry in entries}
    body = grid.partition("<tbody>")[2].partition("</tbody>")[0]
    assert body.count("<td") == len(catalog.STACKS) * len(site_agreement.rows())


def test_an_unexpected_answer_is_told():
    result = {"said": {case.name: {} for case in contract.CASES}, "not testable": []}
    result["said"]["hello"] = {"root": "status 500, not 200"}
    ours = next(stack.name for stack in catalog.STACKS if stack.server == "ours")
    assert list(agreeing.unexpected(ours, result)) == [f"{ours}, root, hello: status 500, not 200"]
    result["not testable"] = ["pipelined"]
    assert f"{ours}, pipelined: it can be tested, or cannot, otherwise than said" in agreeing.unexpected(ours, result)
    known = known_differences()[0]
    result["said"]["hello"] = {}
    told = list(agreeing.unexpected(known.stack, result))
    assert any(known.cases[0] in sentence and "said to break" in sentence for sentence in told)


def test_the_run_is_written_as_it_is_read():
    assert agreeing.FILE.read_text() == agreeing.as_text(RUN["stacks"])
