# /// script
# dependencies = ["nox >= 2026.10"]
# ///
"""The museum's doors. `nox -l` lists them; `nox -s exhibit-asgi` opens one.

What stands after `--` goes to the command behind the session:
nox -s exhibit-wsgi -- --server waitress --port 9000
"""

import re
import shutil
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))  # Nox does not look beside its file
from exhibits import catalog

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True

PYPROJECT = nox.project.load_toml("pyproject.toml")


def install(session, group, only=None):
    """Install a dependency group, or what of it these packages are, unless this environment has just that already."""
    lines = nox.project.dependency_groups(PYPROJECT, group)
    wanted = "\n".join(line for line in lines if only is None or re.match(r"[\w.-]+", line)[0] in only)
    stamp = Path(session.virtualenv.location, "installed.txt")
    if not (stamp.exists() and stamp.read_text() == wanted):
        session.install(*wanted.splitlines())
        stamp.write_text(wanted)


def packages(stack):
    """What pip installs for a stack: the base, and its parts."""
    base = {re.match(r"[\w.-]+", line)[0] for line in nox.project.dependency_groups(PYPROJECT, "base")}
    return base | {part.package for part in stack.parts}


def python(session, *arguments):
    """Run Python in the session; Ctrl-C leaves it the time to stop its servers and exit with 0."""
    session.run("python", *arguments, interrupt_timeout=10, terminate_timeout=5)


def exhibit(stage, group, about):
    def start(session):
        arguments = session.posargs
        if arguments and not arguments[0].startswith("-"):
            arguments = ["--server", *arguments]
        server = arguments[arguments.index("--server") + 1] if "--server" in arguments[:-1] else ""
        install(session, group, packages(catalog.find(stage.name, server or None) or catalog.find(stage.name)))
        python(session, "-m", "exhibits", "serve", stage.name, *arguments)

    start.__doc__ = f"{about}: {stage.idea}."
    nox.session(start, name=f"exhibit-{stage.name}", default=False)


for stage in catalog.STAGES:
    exhibit(stage, "hall", f"{stage.title}, {stage.year}")
for annex in catalog.ANNEXES:
    exhibit(annex, f"{annex.name}s", annex.title)


@nox.session(default=False)
def compare(session):
    """Send one request to every stage, and see that all answer alike."""
    install(session, "grid")
    python(session, "-m", "exhibits", "compare", *session.posargs)


@nox.session(default=False)
def wire(session):
    """Show the bytes of one live request, every field named: nox -s wire -- fastcgi /hello"""
    install(session, "grid")
    python(session, "-m", "exhibits", "wire", *session.posargs)


@nox.session(default=False)
def record(session):
    """Make the recordings the site shows anew."""
    install(session, "grid")
    python(session, "-m", "exhibits", "record", *session.posargs)


@nox.session(default=False)
def grid(session):
    """Run the contract against every stack, those of the hall included, for the grid the site shows."""
    install(session, "bench")  # all the stacks, and what measures their memory
    python(session, "-m", "exhibits", "grid", *session.posargs)


@nox.session
def tests(session):
    """The contract, run against every stack, and all other tests."""
    install(session, "tests")
    python(session, "-m", "pytest", "-n", "4", *session.posargs)


@nox.session(default=False)
def hall(session):
    """The contract and all that takes time, at the stacks the session tests leaves out."""
    install(session, "hall-tests")
    python(session, "-m", "pytest", "-n", "4", "-m", "hall", "tests/test_contract.py", "tests/test_behaviour.py",
           "tests/test_bridges.py", "tests/test_frameworks.py", "tests/test_mod_perl.py", *session.posargs)  # fmt: skip


@nox.session(default=False)
def bench(session):
    """Measure what the site says about speed, in a minute; JSON on standard output. -- --full for all of it."""
    install(session, "bench")
    python(session, "-m", "exhibits", "bench", *session.posargs)


@nox.session(default=False)
def docs(session):
    """Build the site into site/."""
    install(session, "docs")
    python(session, "-m", "mkdocs", "build", "--strict", *session.posargs)


@nox.session(name="site-check", default=False)
def site_check(session):
    """Build the site and check links, accessibility and weight. Needs Chromium."""
    install(session, "site-check")
    tools, lock = Path("tests/site/node_modules/.package-lock.json"), Path("tests/site/package-lock.json")
    if not (tools.exists() and tools.stat().st_mtime > lock.stat().st_mtime):
        session.run("npm", "ci", "--prefix", lock.parent)
    # Zensical builds into site/ too: what it makes is kept beside, and MkDocs' is what is published.
    other = Path(".cache/zensical-site")
    for folder in (other, Path("site")):
        shutil.rmtree(folder, ignore_errors=True)
    python(session, "-m", "zensical", "build", "--strict", "--clean")
    shutil.move("site", other)
    python(session, "-m", "mkdocs", "build", "--strict")
    python(session, "-m", "pytest", "-n", "2", "-o", "addopts=", "-o", "python_files=check_*.py", "-rP", "tests/site",
           *session.posargs)  # fmt: skip


@nox.session(name="docs-serve", default=False)
def docs_serve(session):
    """Show the site on http://127.0.0.1:8001/ and build it anew at each change."""
    install(session, "docs")
    python(session, "-m", "mkdocs", "serve", "--dev-addr", "127.0.0.1:8001", *session.posargs)


@nox.session(default=False)
def lint(session):
    """Look over the code with ruff."""
    install(session, "lint")
    session.run("ruff", "check", *session.posargs)


if __name__ == "__main__":
    nox.main()
