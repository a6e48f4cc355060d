"""The results of a run as tables for people: each figure is the median of its rounds."""

import statistics

from rich import box
from rich.table import Table

# Where the name of a figure does not say in what it is measured.
UNITS = {"rate": "answers/s", "p50": "ms, 50 %", "p99": "ms, 99 %", "cpu": "CPU ms", "memory": "MiB"}
ASIDE = ("processes", "threads")  # they say how a contender is made, and rarely change: JSON has them


def tables(results):
    """A rich Table for each group of contenders, in the order of the results."""
    for suite in results["suites"].values():
        for name, group in groups(suite["figures"], suite["title"]):
            yield table(name, group)


def groups(figures, name):
    """(name, {contender: figures}): a contender has a title, and what has none is a group of them."""
    own = {key: each for key, each in figures.items() if isinstance(each, dict) and "title" in each}
    if own:
        yield name, own
    for key, each in figures.items():
        if isinstance(each, dict) and key not in own:
            yield from groups(each, f"{name}: {key}")


def table(name, group):
    figures = list(dict.fromkeys(figure for each in group.values() for figure in each
                                if figure not in ASIDE and in_words(each[figure]) not in ("", "0")))
    made = Table("", title=name, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    made.columns[0].min_width = 28
    for figure in figures:
        made.add_column(UNITS.get(figure, figure), justify="right")
    for each in group.values():
        made.add_row(each["title"], *(in_words(each.get(figure)) for figure in figures))
    return made


def in_words(value):
    """A figure in words: the median of several; "" where it is none."""
    if isinstance(value, list) and value and all(isinstance(each, (int, float)) for each in value):
        value = statistics.median(value)
    if not isinstance(value, (int, float)):
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
