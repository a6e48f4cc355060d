"""What the command lines of our servers share: how a program is named, and the options of those that speak HTTP."""

import argparse
import importlib
import sys
from typing import Any

from exhibits.shared.log import log


def parser(description: str) -> argparse.ArgumentParser:
    """An argparse parser; who calls it adds what is to be served."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1", type=host)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--mount", default="", metavar="/PATH", type=mount, help="where the program is")
    parser.add_argument("--no-access-log", dest="access_log", action="store_false", help="say nothing of requests")
    return parser


def host(name: str) -> str:
    """Where to listen. An empty name would be every address of the machine, and is a variable that nobody has set."""
    if not name:
        raise argparse.ArgumentTypeError("it is a name or an address; 0.0.0.0 stands for all of them")
    return name


def mount(path: str) -> str:
    """Where the program is, as servers compare it: without a slash at its end."""
    if path and not path.startswith("/"):
        raise argparse.ArgumentTypeError("it begins with a slash")
    return path.rstrip("/")


def load(module: str, name: str) -> Any:
    """What a module has under this name. Where there is none, or no module, the process ends: a sentence, and 2."""
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):  # it is there, and imports what is not
            raise
        log(f"there is no module {module}")
        sys.exit(2)
    if not hasattr(found, name):
        log(f"the module {module} has no {name}")
        sys.exit(2)
    return getattr(found, name)
