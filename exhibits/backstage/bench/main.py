"""`bench`: everything the site says about cost, measured. JSON to a file or to standard output.

Absolute figures do not travel from machine to machine; ratios within one run nearly do. So those who are
compared run at the same time, are visited in turns, and a ratio is the median over the rounds.
"""

import json
import resource
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from exhibits.backstage import running
from exhibits.backstage.bench import load
from exhibits.backstage.bench.run import CLIENTS, Run, machine
from exhibits.backstage.bench.suites import SUITES


def bench(options):
    """Run the suites the options name and write what was found; return the exit code (2: no such suite)."""
    chosen = options.only or [name for name in SUITES if SUITES[name].seconds[options.full]]
    if unknown := [name for name in chosen if name not in SUITES]:
        print(f"exhibits: there is no suite {unknown[0]!r}; there are {', '.join(SUITES)}", file=sys.stderr)
        return 2
    for number in running.SIGNALS:
        signal.signal(number, signal.default_int_handler)
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
        Path(options.output).write_text(text, encoding="utf-8")
        console.print(f"written to {options.output}", highlight=False)
    else:
        print(text, end="")
    return 0


def measure(run, chosen):
    """The results of the suites that are named, as they are written."""
    found = {}
    expected = [(SUITES[name].title, SUITES[name].seconds[run.full]) for name in chosen]
    with run.measuring(expected) as begin:
        for name in chosen:
            begin()
            run.settings = {}
            figures = SUITES[name].measure(run)
            found[name] = {"title": SUITES[name].title, "figures": figures, "settings": run.settings}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "mode": "full" if run.full else "quick",
        "command": "python -m exhibits bench " + ("--full" if run.full else "--quick"),
        "rounds": run.rounds, "seconds": run.seconds, "clients": CLIENTS,
        "load": load.generator(),
        "machine": machine(),
        "left out": run.left,
        "suites": found,
    }  # fmt: skip


def allow_many_files():
    """A connection is an open file, and systems allow few of them at first. What we start inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
