# /// script
# dependencies = ["nox"]
# ///
"""The museum's doors. `nox -l` lists them; `nox -s exhibit-asgi` opens one.

What stands after `--` goes to the command behind the session:
nox -s exhibit-wsgi -- --server waitress --port 9000
"""

import argparse
import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))  # Nox does not look beside its file
from exhibits import catalog

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True

LABORATORY = "site/lab/python"  # not in docs/: it is fetched and compiled, and no builder of pages has to copy it
PYPROJECT = nox.project.load_toml("pyproject.toml")


def requirements(*groups):
    """The lines of these groups: name of the package to its requirement."""
    lines = [line for group in groups for line in nox.project.dependency_groups(PYPROJECT, group)]
    return {re.match(r"[\w.-]+", line)[0]: line for line in lines}


def install(session, *lines):
    """Install these requirements, unless this environment has just these already."""
    wanted, stamp = "\n".join(lines), Path(session.virtualenv.location, "installed.txt")
    if not (stamp.exists() and stamp.read_text() == wanted):
        session.install(*lines)
        stamp.write_text(wanted)


def install_group(session, group):
    """Install a dependency group."""
    install(session, *requirements(group).values())


def parted(arguments):
    """The arguments without `--with PACKAGE`, and the packages: what a program of the visitor's own (--app) needs."""
    rest, packages, words = [], [], iter(arguments)
    for word in words:
        if word == "--with":
            packages.append(next(words, ""))
        elif word.startswith("--with="):
            packages.append(word.removeprefix("--with="))
        else:
            rest.append(word)
    return rest, [package for package in packages if package]


def install_for(session, stack, *more):
    """Install what the museum itself needs, the packages of a stack, and more of them."""
    known = requirements("hall", "bridges", "frameworks")
    names = dict.fromkeys([*requirements("base"), *stack.packages])
    install(session, *(known[name] for name in names), *more)


def museum(session, *arguments):
    """Run a command of the museum where the visitor is: paths and programs are named from there."""
    called = Path(sys.argv[0])
    nox_as_typed = called.name if shutil.which(called.name) == sys.argv[0] else sys.argv[0]
    environ = {"MUSEUM_NOX": shlex.quote(nox_as_typed), "PYTHONPATH": str(Path(__file__).parent)}
    with session.chdir(session.invoked_from):
        python(session, "-P", "-m", "exhibits", *arguments, env=environ)


def python(session, *arguments, **more):
    """Run Python in the session; Ctrl-C leaves it the time to stop its servers and exit with 0."""
    session.run("python", *arguments, interrupt_timeout=10, terminate_timeout=5, **more)


FEW = 8  # more tests than these do not fail by chance
FAILED = Path(".pytest_cache/v/cache/lastfailed")


def pytest(session, *arguments):
    """Run pytest. In CI the few tests that failed are asked once more, one at a time.

    Thousands of tests start real servers, several at once: one may be late by chance. A fault fails twice,
    and what failed once stands in the log.
    """
    command = "-m", "pytest", *arguments
    try:
        python(session, *command)
    except nox.command.CommandFailed:
        tests = json.loads(FAILED.read_text()) if FAILED.exists() else {}
        if not os.environ.get("CI") or not 0 < len(tests) <= FEW:
            raise
        # pytest-xdist writes a test's group behind its name; without it the test is not found.
        tests = {re.sub(r"@[^\]]*$", "", test): failed for test, failed in tests.items()}
        FAILED.write_text(json.dumps(tests))
        session.warn(f"Once more, alone: {', '.join(tests)}")
        python(session, *command, "-n", "0", "--last-failed", "--last-failed-no-failures", "none")


def exhibit(stage, about):
    def start(session):
        arguments = session.posargs
        if arguments and not arguments[0].startswith("-"):
            arguments = ["--server", *arguments]
        words = argparse.ArgumentParser(add_help=False)
        words.add_argument("--server", nargs="?", default="")  # as the command reads it: two words, or one with "="
        server = (words.parse_known_args(arguments)[0].server or "").lower()
        arguments, packages = parted(arguments)
        install_for(session, catalog.find(stage.name, server or None) or catalog.find(stage.name), *packages)
        museum(session, "serve", stage.name, *arguments)

    start.__doc__ = f"{about}: {stage.idea}."
    nox.session(start, name=f"exhibit-{stage.name}", default=False)


for stage in catalog.STAGES:
    exhibit(stage, f"{stage.title}, {stage.year}")
for annex in catalog.ANNEXES:
    exhibit(annex, annex.title)


@nox.session(name="list", default=False)
def list_stacks(session):
    """List every stack, and whether it can run here: nox -s list -- --stage wsgi --parts"""
    install_group(session, "servers")
    museum(session, "list", *session.posargs)


@nox.session(name="museum", default=False)
def open_museum(session):
    """All stages behind one door, with a lobby to ask them all from: nox -s museum -- --open"""
    install_group(session, "servers")
    museum(session, "museum", *session.posargs)


@nox.session(default=False)
def compare(session):
    """Send one request to every stage, and see that all answer alike."""
    install_group(session, "servers")
    museum(session, "compare", *session.posargs)


@nox.session(default=False)
def wire(session):
    """Show the bytes of one live request, every field named: nox -s wire -- fastcgi /hello"""
    install_group(session, "servers")
    museum(session, "wire", *session.posargs)


@nox.session(default=False)
def record(session):
    """Make the recordings the site shows anew."""
    install(session, *requirements("frameworks", "hall").values())
    python(session, "-m", "exhibits", "record", *session.posargs)


@nox.session(default=False)
def grid(session):
    """Ask every stack, the hall included, for the grids the site shows: -- contract, rude, hard, or all three."""
    install_group(session, "bench")  # all the stacks, and what measures their memory
    python(session, "-m", "exhibits", "grid", *session.posargs)


@nox.session
def tests(session):
    """The contract at the main stacks, and what else is tested in a minute or two."""
    install_group(session, "tests")
    pytest(session, "-n", "5", *session.posargs)


@nox.session(default=False)
def hall(session):
    """The contract at the stacks that the session tests leaves out, and all tests that take long."""
    install_group(session, "hall-tests")
    pytest(session, "-n", "5", "-m", "hall", *session.posargs)


@nox.session(default=False)
def bench(session):
    """Measure what the site says about speed, in a minute. -- --full for all of it, --json for machines."""
    install_group(session, "bench")
    museum(session, "bench", *session.posargs)


def publish(session, *arguments):
    """Build all that is published: the pages, the Python of their laboratory, and the pages as plain text."""
    python(session, "-m", "mkdocs", "build", "--strict", *arguments)
    python(session, "-m", "exhibits.backstage.pyodide", LABORATORY)
    python(session, "-m", "exhibits.backstage.site.plain", "site")


@nox.session(default=False)
def docs(session):
    """Build the site into site/, with the Python of its laboratory, and as plain text."""
    install(session, *requirements("docs", "lab").values())
    publish(session, *session.posargs)


@nox.session(name="site-check", default=False)
def site_check(session):
    """Build the site and check links, accessibility and weight. Needs Chromium."""
    install_group(session, "site-check")
    tools, lock = Path("tests/site/node_modules/.package-lock.json"), Path("tests/site/package-lock.json")
    if not (tools.exists() and tools.stat().st_mtime > lock.stat().st_mtime):
        session.run("npm", "ci", "--prefix", lock.parent)
    # Zensical builds into site/ too: what it makes is kept beside, and MkDocs' is what is published.
    other = Path(".cache/zensical-site")
    for folder in (other, Path("site")):
        shutil.rmtree(folder, ignore_errors=True)
    python(session, "-m", "zensical", "build", "--strict", "--clean")
    shutil.move("site", other)
    publish(session)
    pytest(session, "-n", "2", "-o", "addopts=", "-o", "python_files=check_*.py", "-o", "timeout=300",
           "-rP", "tests/site", *session.posargs)


@nox.session(name="docs-serve", default=False)
def docs_serve(session):
    """Show the site on http://127.0.0.1:8001/ and build it anew at each change."""
    install_group(session, "docs")
    python(session, "-m", "mkdocs", "serve", "--dev-addr", "127.0.0.1:8001", *session.posargs)


CONSTRAINTS = Path(__file__).parent / ".ci" / "constraints.txt"
INSTALLED = """
from importlib.metadata import distributions
print(*sorted({f"{one.name.lower()}=={one.version}" for one in distributions()}), sep="\\n")
"""


@nox.session(default=False)
def versions(session):
    """Write down the newest version of every package, for CI to use; -- --compare: print what is newer than it."""
    session.install("--upgrade", *requirements("lint", "hall-tests", "bench", "site-check").values())
    newest = dict(line.split("==") for line in session.run("python", "-c", INSTALLED, silent=True).split())
    if session.posargs == ["--compare"]:
        written = dict(line.split("==") for line in CONSTRAINTS.read_text().split("\n") if "==" in line)
        print("| package | the site was made with | newest |\n|---|---|---|")
        for name, version in newest.items():
            if written.get(name) != version:
                print(f"| {name} | {written.get(name, 'none')} | {version} |")
        return
    head = "# What the site and its recordings were made with. Written by: nox -s versions\n"
    CONSTRAINTS.write_text(head + "".join(f"{name}=={version}\n" for name, version in newest.items()))


@nox.session(default=False)
def lint(session):
    """Look over the code with ruff, and over the types of what readers read with ty."""
    install_group(session, "lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ty", "check")


if __name__ == "__main__":
    nox.main()
