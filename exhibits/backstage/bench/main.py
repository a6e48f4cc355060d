"""`bench`: everything the site says about cost, measured. A table for people, JSON for machines.

Absolute figures do not travel from machine to machine; ratios within one run nearly do. So those who are
compared run at the same time, are visited in turns, and a ratio is the median over the rounds.
"""

import json
import resource
import sys
import time
from datetime import UTC, datetime

from rich.console import Console

from exhibits.backstage.bench import load
from exhibits.backstage.bench.run import CLIENTS, WARM_UP, Run, machine
from exhibits.backstage.bench.suites import SUITES
from exhibits.backstage.bench.table import tables


def bench(options):
    """Run the suites the options name and write what was found; return the exit code (2: no such suite)."""
    chosen = options.only or [name for name in SUITES if SUITES[name].seconds[options.full]]
    if unknown := [name for name in chosen if name not in SUITES]:
        print(f"exhibits: there is no suite {unknown[0]!r}; there are {', '.join(SUITES)}", file=sys.stderr)
        return 2
    allow_many_files()
    console = Console(stderr=True)
    run = Run(options.full, options.rounds or (5 if options.full else 1), options.seconds or 1, console)
    try:
        results = measure(run, chosen)
    except KeyboardInterrupt:
        console.print("stopped; nothing is written")
        return 130
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
        console.print(f"written to {options.output}", highlight=False)
    elif options.json:
        print(text, end="")
    if not options.json:
        people = Console(highlight=False)
        for each in tables(results):
            people.print(each)
        people.print("Every figure: --json, or --output FILE.")
    return 0


def measure(run, chosen):
    """The results of the suites that are named, as they are written."""
    found, where = {}, machine()  # before we make it busy ourselves
    expected = [(SUITES[name].title, SUITES[name].seconds[run.full]) for name in chosen]
    with run.measuring(expected) as begin:
        for name in chosen:
            begin()
            run.settings = {}
            began = time.perf_counter()
            figures = SUITES[name].measure(run)
            took = round(time.perf_counter() - began)
            found[name] = {"title": SUITES[name].title, "took": took, "figures": figures, "settings": run.settings}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "mode": "full" if run.full else "quick",
        "command": "python -m exhibits bench " + ("--full" if run.full else "--quick"),
        "rounds": run.rounds, "seconds": run.seconds, "warm-up": WARM_UP, "clients": CLIENTS,
        "load": load.generator(),
        "machine": where,
        "left out": run.left,
        "suites": found,
    }


def allow_many_files():
    """A connection is an open file, and systems allow few of them at first. What we start inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
