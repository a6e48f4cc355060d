"""Where third-party servers break the contract, from `differences.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Difference:
    """One entry of `differences.toml`; the fields are described there."""

    stack: str
    cases: tuple[str, ...]
    happens: str
    why: str
    source: str
    mounted: bool = False


@dataclass(frozen=True)
class Untestable:
    """One `not_testable` of `differences.toml`: where cases that need a kept connection cannot be tested, and why."""

    stack: str
    cases: tuple[str, ...]
    why: str
    source: str


@cache
def entries(kind):
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).get(kind, [])


@cache
def known_differences():
    """All of them, in the order of the file; what several stacks have in common, once for each."""
    return [
        Difference(stack, tuple(entry["cases"]), *(entry[key] for key in ("happens", "why", "source")),
                   entry.get("mounted", False))
        for entry in entries("difference") for stack in entry.get("stacks") or [entry["stack"]]
    ]


@cache
def untestables():
    """All of them, in the order of the file."""
    return [Untestable(stack, tuple(entry["cases"]), entry["why"], entry["source"])
            for entry in entries("not_testable") for stack in entry["stacks"]]


def untestable(stack, case):
    """The Untestable that explains why a stack cannot be held to the case of this name, or None."""
    return next((entry for entry in untestables() if entry.stack == stack.name and case in entry.cases), None)


def known_difference(stack, case, mounted=False):
    """The Difference that explains why a stack fails the case or behaviour of this name, or None."""
    for difference in known_differences():
        if difference.stack == stack.name and case in difference.cases and mounted >= difference.mounted:
            return difference
    return None
