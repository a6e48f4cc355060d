"""Commands and paths as a visitor can paste them, where he is."""

import os
import shlex
import sys
from pathlib import Path

from exhibits import catalog

NOX = os.environ.get("MUSEUM_NOX")  # how Nox was called, where it was (see noxfile.py)


def serve(stack, app=None):
    """The command that starts a stack, with a program of the visitor's own where there is one."""
    is_default = stack is catalog.stacks_of(stack.stage)[0]
    more = ["--app", app.typed] if app else []
    if NOX:
        more = ([] if is_default else [stack.server]) + more
        return nox(f"exhibit-{stack.stage}", *more)
    return verb("serve", stack.stage if is_default else stack.name, *more)


def verb(name, *arguments):
    """The command of another verb."""
    return nox(name, *arguments) if NOX else shlex.join([*ourselves(), name, *arguments])


def nox(session, *arguments):
    return shlex.join([*shlex.split(NOX), "-s", session, *(["--"] if arguments else []), *arguments])


def ourselves():
    """What the visitor typed to call us, as words: an installed command, or Python with its module."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return [near(sys.executable), "-m", "exhibits"]
    return [called.name if on_path(called) else near(called)]


def on_path(called):
    return any(Path(folder, called.name) == called.absolute() for folder in os.get_exec_path())


def near(path):
    """A path from the current folder on, where it is below that."""
    path, here = str(path), os.path.join(os.getcwd(), "")
    return path.removeprefix(here)
