"""Environments that hold some packages and what those require: what pip would install.

They are made of links to what is installed where the tests run.
"""

import re
import venv
from importlib.metadata import distribution

from packaging.requirements import Requirement


def required(names):
    """The distributions of these names and all they require, as pip would find them."""
    found, waiting = {}, [each for each in map(Requirement, names) if each.marker is None or each.marker.evaluate()]
    while waiting:
        wanted = waiting.pop()
        key = re.sub(r"[-_.]+", "-", wanted.name).lower(), frozenset(wanted.extras)
        if key in found:
            continue
        found[key] = distribution(wanted.name)
        for line in found[key].requires or ():
            needed = Requirement(line)
            if any(needed.marker is None or needed.marker.evaluate({"extra": extra}) for extra in (*wanted.extras, "")):
                waiting.append(needed)
    return found.values()


def environment(folder, names):
    """Make an environment with these packages alone; return its Python."""
    venv.create(folder, symlinks=True)
    scripts = folder / "bin"
    (library,) = folder.glob("lib/python*/site-packages")
    for found in required(names):
        for file in found.files:
            source, script = file.locate().resolve(), file.parent.name == "bin" and ".." in file.parts
            target = scripts / file.name if script else library / file
            if ".." in target.parts or target.exists():
                continue  # documentation, or shared by two
            target.parent.mkdir(parents=True, exist_ok=True)
            if script and (text := source.read_bytes()).startswith(b"#!"):
                # As pip writes it, where the path of Python has a space.
                first = f"#!/bin/sh\n'''exec' \"{scripts}/python\" \"$0\" \"$@\"\n' '''\n".encode()
                target.write_bytes(first + text.partition(b"\n")[2])
                target.chmod(0o755)
            else:
                target.symlink_to(source)
    return scripts / "python"
