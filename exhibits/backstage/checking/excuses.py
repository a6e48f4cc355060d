"""Why parts of others are not right in the grids of rude programs and hard requests, from the catalog."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from exhibits.backstage.running import ROOT


@dataclass(frozen=True)
class Excuse:
    """One entry of `exhibits/catalog/rude.toml` or `hard.toml`; the fields are described there."""

    rows: tuple[str, ...]
    happens: str
    why: str
    source: str
    stacks: tuple[str, ...] = ()
    fronts: tuple[str, ...] = ()
    fault: str = "*"
    verdict: str = ""

    def explains(self, stack, family, row, fault):
        """Whether it is about this cell: a catalog.Stack, a row of a family, and what the judge says."""
        return ((matches(self.stacks, stack.name) or stack.processes[-1].part in self.fronts)
                and (matches(self.rows, row) or matches(self.rows, f"{family}/{row}"))
                and fnmatchcase(fault, self.fault))


def matches(patterns, name):
    return any(name == each or fnmatchcase(name, each) for each in patterns)


@cache
def excuses(name):
    """All of a grid ("rude" or "hard"), in the order of its file."""
    entries = tomllib.loads((ROOT / "exhibits" / "catalog" / f"{name}.toml").read_text(encoding="utf-8"))["known"]
    return [Excuse(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})
            for entry in entries]


def excuse(name, stack, family, row, fault):
    """The first that explains a cell of a grid, or None; the rest as `explains` has it."""
    return next((each for each in excuses(name) if each.explains(stack, family, row, fault)), None)
