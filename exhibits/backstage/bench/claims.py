"""The claims of `exhibits/backstage/bench/claims.toml`, and what the figures of a run say of them."""

import contextlib
import functools
import json
import statistics
import tomllib
from dataclasses import dataclass, field, replace
from math import inf

from exhibits.backstage.running import ROOT

FILE = ROOT / "exhibits/backstage/bench/claims.toml"
RUNS = ROOT / "docs" / "measurements"
MARGIN = 1.15  # less is no difference; more, where servers against themselves differed by more in the same run
HOLDS, FALSE, SOMETIMES = "holds", "false", "holds only when"


class Missing(Exception):
    """The results have no such figure."""


@dataclass(frozen=True)
class Outcome:
    """What came of one test: yes (bool), and what it follows from: kind is "ratio" or the name of a figure.

    under: what came of it under other conditions, {condition: Outcome}.
    """

    says: str
    when: str
    yes: bool
    median: float
    low: float
    high: float
    kind: str
    under: dict = field(default_factory=dict)

    @property
    def turns(self):
        """The conditions under which the answer is another one."""
        return [condition for condition, other in self.under.items() if other.yes != self.yes]


@dataclass(frozen=True)
class Verdict:
    """word is HOLDS, FALSE or SOMETIMES; when completes the last of them; outcomes are those of the tests.

    ValueError where SOMETIMES does not say when, or another word does.
    """

    word: str
    when: str = ""
    outcomes: tuple[Outcome, ...] = ()

    def __post_init__(self):
        if self.word not in (HOLDS, FALSE, SOMETIMES) or (self.word == SOMETIMES) != bool(self.when):
            raise ValueError(f"no verdict: {self.word!r}, when {self.when!r}")


@functools.cache
def book():
    """The file: {"claim": [...], "figure": [...]}."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def claim(id):
    """One claim; StopIteration where there is none."""
    return next(each for each in book()["claim"] if each["id"] == id)


def runs():
    """The committed results of full runs, the first one first."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RUNS.glob("full-*.json"))]


def quiet(results):
    """Whether the machine had nothing else to do when the run began: what came of others proves nothing."""
    return results["machine"].get("busy", 0) < 0.3


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


def pairs(results):
    """A server against itself: [(its title, its ratio to itself in each round)] of all that were measured twice."""
    found = []

    def look(group):
        for name, each in group.items():
            if not isinstance(each, dict):
                continue
            if f"{name} again" in group:
                # At a constant rate the rate says nothing.
                figure = "p50" if "lag" in each else "rate"
                both = zip(group[f"{name} again"][figure], each[figure], strict=True)
                found.append((each["title"], [one / other for one, other in both if other]))
            look(each)

    for suite in results["suites"].values():
        look(suite["figures"])
    return [(title, ratios) for title, ratios in found if ratios]


def margin(results):
    """How much more counts as more: MARGIN, or as far as a server was from itself where that is further."""
    medians = [statistics.median(ratios) for _, ratios in pairs(results)]
    return max([MARGIN, *(max(each, 1 / each) for each in medians if each)])


PLACES = ("more", "than", "like", "as", "of")  # the keys of a test that name figures


def outcome(test, results):
    """What a test of a claim says to the results of one run, and what it says under other conditions."""
    under = {condition: single(conditioned(test, condition, results), results) for condition in test.get("under", ())}
    return replace(single(test, results), under=under)


def conditioned(test, condition, results):
    """The test with those of its figures that were measured under the condition, too. Missing where none was."""
    changed = {}
    for key in PLACES:
        if key in test:
            *group, contender, figure = test[key]
            place = [*group, f"{contender} {condition}", figure]
            with contextlib.suppress(Missing):
                numbers(results, place)
                changed[key] = place
    if not changed:
        raise Missing(f"{test['says']} {condition}")
    return {**test, **changed}


def single(test, results):
    """An Outcome without conditions."""
    if "more" in test:
        values = ratios(results, test["more"], test["than"])
        yes = statistics.median(values) >= test.get("by", margin(results))
    elif "like" in test:
        values = ratios(results, test["like"], test["as"])
        yes = 1 / margin(results) < statistics.median(values) < margin(results)
    else:
        values = numbers(results, test["of"])
        middle = statistics.median(values)
        yes = middle >= test["least"] if "least" in test else middle <= test["most"]
    return Outcome(test["says"], test.get("when", ""), yes, statistics.median(values), min(values), max(values),
                   test["of"][-1] if "of" in test else "ratio")


def verdict(claim, results=None):
    """The verdict on a claim. Missing where a figure it needs was not measured; ValueError where it lacks a `when`.

    It holds where all parts do, whatever the condition; it is false where none does under any.
    """
    if "verdict" in claim:
        return Verdict(claim["verdict"], claim.get("when", ""))
    if results is None:
        raise Missing("no full run is committed")
    outcomes = tuple(outcome(test, results) for test in claim["test"])
    turns = {condition: CONDITIONS[condition] for each in outcomes if each.yes for condition in each.turns}
    if all(each.yes for each in outcomes):
        return Verdict(SOMETIMES, " and ".join(turns.values()), outcomes) if turns else Verdict(HOLDS, "", outcomes)
    if not any(each.yes or each.turns for each in outcomes):
        return Verdict(FALSE, "", outcomes)
    whens = []
    for each in outcomes:
        if (each.yes or each.turns) and not each.when:
            raise ValueError(f"the tests of {claim['says']!r} do not all say when it holds")
        if each.yes:
            whens.append(" and ".join([each.when, *(CONDITIONS[condition] for condition in each.turns)]))
        else:
            whens += [f"{each.when}, {condition}" for condition in each.turns]
    return Verdict(SOMETIMES, ", or ".join(whens), outcomes)


# Under which a part of a claim is measured, too, and what it means that a part holds but not there.
CONDITIONS = {
    "on one core": "there are two cores", "with a log": "no log is written",
    "with connections that close": "connections are kept", "with 100 threads": "there are few threads",
    "without buffers": "nginx buffers", "ten times a second": "they ask rarely",
}


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
