"""The claims of `exhibits/claims.toml`, and what the figures of a run say of them."""

import json
import statistics
import tomllib
from dataclasses import dataclass
from math import inf

from exhibits.backstage.running import ROOT

FILE = ROOT / "exhibits" / "claims.toml"
RUNS = ROOT / "docs" / "measurements"
MARGIN = 1.15  # the same server against itself varies nearly as much: less is no difference
HOLDS, FALSE, SOMETIMES = "holds", "false", "holds only when"


class Missing(Exception):
    """The results have no such figure."""


@dataclass(frozen=True)
class Outcome:
    """What came of one test: yes (bool), and what it follows from: kind is "ratio" or the name of a figure."""

    says: str
    when: str
    yes: bool
    median: float
    low: float
    high: float
    kind: str


@dataclass(frozen=True)
class Verdict:
    """word is HOLDS, FALSE or SOMETIMES; when completes the last of them; outcomes are those of the tests."""

    word: str
    when: str = ""
    outcomes: tuple[Outcome, ...] = ()


def book():
    """The file: {"claim": [...], "figure": [...]}."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def claim(id):
    """One claim; StopIteration where there is none."""
    return next(each for each in book()["claim"] if each["id"] == id)


def runs():
    """The committed results of full runs, the first one first."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RUNS.glob("full-*.json"))]


def at(results, place):
    """What stands at a place of the results: (suite, key, key …). Missing where nothing does."""
    suite, *keys = place
    try:
        found = results["suites"][suite]["figures"]
        for key in keys:
            found = found[key]
    except KeyError:
        raise Missing(" / ".join(place)) from None
    return found


def numbers(results, place):
    """The figures at a place, one for each visit. Missing where there are none."""
    values = at(results, place)
    if not values or None in values:
        raise Missing(" / ".join(place))
    return values


def ratios(results, one, other):
    """One figure in parts of another: within each round where both have the same rounds, else of their medians."""
    ones, others = numbers(results, one), numbers(results, other)
    if one[0] != other[0] or len(ones) != len(others):
        ones, others = [statistics.median(ones)], [statistics.median(others)]
    return [a / b if b else inf for a, b in zip(ones, others, strict=True)]


def outcome(test, results):
    """What a test of a claim says to the results of one run."""
    if "more" in test:
        values = ratios(results, test["more"], test["than"])
        yes = statistics.median(values) >= test.get("by", MARGIN)
    elif "like" in test:
        values = ratios(results, test["like"], test["as"])
        yes = 1 / MARGIN < statistics.median(values) < MARGIN
    else:
        values = numbers(results, test["of"])
        middle = statistics.median(values)
        yes = middle >= test["least"] if "least" in test else middle <= test["most"]
    return Outcome(test["says"], test.get("when", ""), yes, statistics.median(values), min(values), max(values),
                   test["of"][-1] if "of" in test else "ratio")  # fmt: skip


def verdict(claim, results=None):
    """The verdict on a claim. Missing where a figure it needs was not measured."""
    if "verdict" in claim:
        return Verdict(claim["verdict"], claim.get("when", ""))
    if results is None:
        raise Missing("no full run is committed")
    outcomes = tuple(outcome(test, results) for test in claim["test"])
    if all(each.yes for each in outcomes):
        return Verdict(HOLDS, "", outcomes)
    if not any(each.yes for each in outcomes):
        return Verdict(FALSE, "", outcomes)
    return Verdict(SOMETIMES, ", or ".join(each.when for each in outcomes if each.yes), outcomes)


def moved(first, second):
    """By which factor each ratio of the claims moved from one run to another, 1.0 for not at all: sorted."""
    factors = []
    for each in book()["claim"]:
        for test in each.get("test", ()):
            try:
                one, other = outcome(test, first), outcome(test, second)
            except Missing:
                continue
            if one.kind == "ratio" and 0 < one.median < inf and 0 < other.median < inf:
                factors.append(max(one.median, other.median) / min(one.median, other.median))
    return sorted(factors)
