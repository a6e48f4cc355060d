"""`check`: any server, held to the contract, the rude program and the hard requests."""

import difflib
import fnmatch
from contextlib import closing
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from exhibits.backstage.checking import holding, reports
from exhibits.backstage.checking.holding import NOT_ASKED, PARTS, POISONS, RIGHT, TOLERABLE, WRONG
from exhibits.backstage.running import CannotStart, foreign
from exhibits.backstage.terminal import complain, escape

COLOURS = {RIGHT: "green", TOLERABLE: "yellow", WRONG: "red", POISONS: "bold red", NOT_ASKED: "dim"}

WITH_BYTES = 10  # findings of which the report for people shows them


def check(options):
    """Hold the server to its checks and say what came of it.

    Return 0: all is kept; 1: something is not; 2: the server cannot be started, or what was typed is wrong.
    """
    try:
        if options.list:
            return list_checks(options)
        server, subject = the_server(options)
        chosen = choose(server.checks, options.only)
        known = reports.read_known(options.known, server.checks) if options.known else {}
        report = reports.Report(subject, known)
        hold(server, chosen, report)
    except CannotStart as reason:
        complain(reason)
        return 2
    report.end()
    if options.junit:
        options.junit.write_text(report.as_junit(), encoding="utf-8")
    if options.json:
        print(report.as_text())
    else:
        show(report, Console(highlight=False))
    return int(not report.kept)


def the_server(options):
    """What is to be checked, and {…} that says so in the report."""
    words = options.command
    if len(options.url) + bool(words) > 1:
        raise CannotStart(f"one URL, or a command behind --, not both: {' '.join(options.url)!r} is before it")
    if options.url:
        return served(*options.url)
    if not words:
        raise CannotStart("what is to be checked? A URL where the guestbook is served, or a command behind --, for "
                          "example: check --interface wsgi -- gunicorn --bind {host}:{port} {app}")
    interface = options.interface or foreign.guessed(words)
    if not interface:
        raise CannotStart(f"how does this server call a program? Say --interface {', or '.join(foreign.INTERFACES)}")
    server = holding.Started(words, interface, options.carrier, mount=options.mount, patience=options.wait)
    return server, {"command": words, "interface": interface, "carrier": options.carrier, "mount": options.mount,
                    "versions": foreign.versions(words)}


def choose(checks, patterns):
    """The Checks that the patterns name, or all; CannotStart where one names none."""
    for pattern in patterns:
        if not any(matches(name, pattern) for name in checks):
            near = difflib.get_close_matches(pattern, checks, n=3, cutoff=0.5)
            raise CannotStart(f"no check here is named {pattern!r}. " + (f"Is it {' or '.join(near)}? " if near else "")
                              + "--list names them all")
    return [check for name, check in checks.items()
            if not patterns or any(matches(name, pattern) for pattern in patterns)]


def matches(name, pattern):
    return name == pattern or name.startswith(f"{pattern}/") or fnmatch.fnmatchcase(name, pattern)


def hold(server, chosen, report):
    """Fill the report, with a progress bar on a terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=len(chosen))
        with closing(holding.hold(server, chosen)) as findings:
            for finding in findings:
                report.findings.append(finding)
                progress.update(task, advance=1, description=escape(finding.check.part))


def show(report, console):
    """The report for people: first the numbers, then each finding that has to be looked at, then the verdict."""
    for name, value in report.subject.items():
        if value:
            console.print(f"{name} [cyan]{escape(reports.as_words(value))}[/]", soft_wrap=True)
    console.print()
    for part, says in PARTS.items():
        if counts := report.counts(part):
            numbers = ", ".join(f"[{COLOURS[verdict]}]{count} {verdict}[/]" for verdict, count in counts.items())
            console.print(f"{part:9} {numbers}  [dim]{says}[/]", soft_wrap=True)
    tell_not_asked(report, console)
    tolerable = [each.name for each in report.findings if each.verdict == TOLERABLE]
    if tolerable:
        console.print(f"\n[yellow]tolerable[/]: {escape(', '.join(tolerable))}")
    groups = alike(report)
    for at, (finding, others) in enumerate(groups):
        show_finding(finding, others, report.known.get(finding.name), console, at < WITH_BYTES)
    if len(groups) > WITH_BYTES:
        console.print(f"\n--only NAME shows the bytes of one, --json or --junit those of all {len(groups)}")
    for name in report.over:
        console.print(f"\n[red]no longer[/] [bold]{escape(name)}[/]: {reports.NO_LONGER}", soft_wrap=True)
    console.print(f"\n{verdict(report)}, {report.seconds:g} s, from-cgi-to-asgi {reports.museum()}")


def alike(report):
    """(Finding, [names of others with the same verdict for the same reason]) of all that is not kept, worst first."""
    groups = {}
    for each in report.findings:
        if not each.kept:
            groups.setdefault((each.check.part, each.verdict, each.why, report.known.get(each.name)), []).append(each)
    found = [(first, [each.name for each in others]) for first, *others in groups.values()]
    return sorted(found, key=lambda one: (one[0].name in report.known, one[0].verdict != POISONS))


def show_finding(finding, others, known, console, with_bytes):
    console.print(f"\n[{COLOURS[finding.verdict]}]{finding.verdict}[/] [bold]{escape(finding.name)}[/]"
                  + (f" known: {escape(known)}" if known else ""), soft_wrap=True)
    if not known:
        for line in reports.explained(finding) if with_bytes else [finding.why]:
            console.print(f"  {escape(line)}", soft_wrap=True)
    if others:
        console.print(f"  [dim]and likewise[/] {escape(', '.join(others))}", soft_wrap=True)


def tell_not_asked(report, console):
    reasons = {}
    for finding in report.findings:
        if finding.verdict == NOT_ASKED:
            reasons.setdefault((finding.check.part, finding.why), []).append(finding.name)
    for (part, why), names in reasons.items():
        many = names[0] if len(names) == 1 else f"{len(names)} of {part}"
        console.print(f"not asked: {escape(many)}, because {escape(why)}", soft_wrap=True)


def verdict(report):
    if report.kept:
        return "[green]Kept[/]"
    return f"[red]Not kept[/]: {len(report.broken) + len(report.over)} of {len(report.findings)}"


def list_checks(options):
    """Print the name of each check and what it asks."""
    words = options.command
    interface = options.interface or (foreign.guessed(words) if words else None)
    checks = holding.of_interface(interface, options.carrier) if interface else holding.everything()
    for each in choose(checks, options.only):
        print(f"{each.name}\t{each.asks}" + (f" ({each.section})" if each.section else ""))
    return 0


def served(url):
    """(holding.Served, {…} for the report) of a URL; CannotStart says what is wrong with it."""
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError:  # a port that is none, half an address of IPv6
        parts = None
    if not parts or parts.scheme != "http" or not parts.hostname or parts.query or parts.fragment:
        raise CannotStart(f"{url!r} is not the address of a guestbook that speaks HTTP/1.1, like http://127.0.0.1:8000/")
    return holding.Served(parts.hostname, port, parts.path.rstrip("/")), {"url": url}


