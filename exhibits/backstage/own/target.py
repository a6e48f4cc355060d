"""What `--app` names: a program of the visitor's own, and how it takes the guestbook's place."""

import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from exhibits import catalog
from exhibits.backstage.own import stand_in
from exhibits.backstage.running import ROOT, module_path, readable_python, runs_as_nobody
from exhibits.backstage.running.exhibit import kill_escaped

IMPORTING = 20  # seconds a program may take to be imported
# The room whose app.py a program of this interface replaces.
ROOMS = {
    "CGI program": "cgi", "CGI-shaped function": "cgi", "WSGI callable": "wsgi", "ASGI coroutine": "asgi",
    "RSGI application": "rsgi",
}
MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\(\))?")


class Unfit(Exception):
    """The stack cannot serve this program; the message says why, and what helps."""


class Program:
    """A program that takes the guestbook's place."""

    def take_place(self, folder):
        """Make `folder`/exhibits our package, if it is not there yet, and its app.py for this interface the program."""
        package = Path(folder, "exhibits")
        room = package / ROOMS[self.interface]
        if not package.exists():
            link_all(ROOT / "exhibits", package)
            room.unlink()
            link_all(ROOT / "exhibits" / room.name, room)
        app = room / "app.py"
        app.unlink()
        app.write_text(self.written(), encoding="utf-8")
        app.chmod(0o755)


def link_all(source, folder):
    folder.mkdir()
    for path in source.iterdir():
        if path.name != "__pycache__":
            (folder / path.name).symlink_to(path)


@dataclass(frozen=True)
class Script(Program):
    """A CGI program: a file that can be executed, in any language."""

    typed: str
    file: Path
    interface = "CGI program"

    @property
    def path(self):
        return self.file.parent

    def __str__(self):
        return str(self.file)

    def written(self):
        """A program that starts it, in its own folder (RFC 3875 section 7.2): the file itself stays as it is."""
        return f"#!/bin/sh\ncd {shlex.quote(str(self.file.parent))} && exec {shlex.quote(str(self.file))}\n"


@dataclass(frozen=True)
class Callable(Program):
    """What a module has.

    typed: on the command line. path: the folder it is imported from. folder: where it runs. file: its source.
    """

    typed: str
    module: str
    name: str
    path: Path
    folder: Path
    file: Path | None = None
    interface: str = ""
    awaits: bool = True

    def __str__(self):
        return f"{self.module}:{self.name} in {self.file or self.path}"

    def arguments(self):
        """What `stand_in.load` has to be told."""
        packages = [each for each in sys.path if each.endswith(("site-packages", "dist-packages"))]
        return self.module, self.name, str(self.path), str(self.folder), [list(sys.version_info[:2]), packages]

    def written(self):
        """A module that has it under the names that servers look for."""
        text = Path(stand_in.__file__).read_text(encoding="utf-8")
        program = f"load({', '.join(map(repr, self.arguments()))})"
        if self.interface == "ASGI coroutine" and not self.awaits:
            program = f"as_coroutine({program})"
        return f"{text}\n\napplication = respond = {program}\n"


def find(typed, stack, folder=None):
    """The Script or Callable that was typed, if this stack can serve it; Unfit says what is wrong with it.

    folder: where the visitor is; modules are imported from there.
    """
    folder = Path(folder or os.getcwd())
    if not stack.takes:
        raise Unfit(f"{stack.name} has a program of its own: --app is for the stacks of "
                    f"{', '.join(stage.name for stage in catalog.STAGES)}")
    if stack.takes == "CGI program":
        own = script(typed, stack, folder)
    else:
        own = inspected(parsed(typed, stack, folder), python_of(stack))
        own = own if own.interface else replace(own, interface=stack.takes)  # nobody can tell
        if own.interface != stack.takes:
            fitting = [stack.stage for stack in catalog.defaults() if stack.takes == own.interface] or [
                stack.name for stack in catalog.STACKS if stack.takes == own.interface]
            raise Unfit(f"{typed} is {an(own.interface)}, and {stack.name} calls {an(stack.takes)}"
                        + (f". Try it at {', '.join(fitting)}" if fitting else ""))
    if runs_as_nobody(stack) and (hidden := unreadable(own.file)):
        raise Unfit(f"{stack.processes[-1].part}, started by root, runs programs as nobody, who cannot read {hidden}. "
                    "Put the program where everybody can read it, or start the exhibit as another user")
    return own


def an(interface):
    return f"an {interface}" if interface[0] in "AR" else f"a {interface}"


def unreadable(file):
    """The file, or the first of its folders, that other users cannot read; None where they can."""
    for path in reversed([file, *file.parents]) if file else ():
        needed = stat.S_IROTH if path == file else stat.S_IXOTH
        if not path.stat().st_mode & needed:
            return path
    return None


# ---------------------------------------------------------------- a file


def script(typed, stack, folder):
    """The file as a Script, or Unfit: what the system says of these when it is too late is hard to understand."""
    file = (folder / typed).absolute()
    if not file.exists():
        if ":" in typed:
            raise Unfit(f"{stack.name} starts a file for each request, and {typed} is something in a module. Name an "
                        "executable file, in any language, or take a stage that calls modules: wsgi, asgi")
        raise Unfit(f"there is no file {file}")
    if not file.is_file():
        raise Unfit(f"{file} is not a file")
    if not os.access(file, os.X_OK):
        raise Unfit(f"{file} cannot be executed. This makes it so: chmod +x {shlex.quote(typed)}")
    try:
        with open(file, "rb") as opened:
            first = opened.readline(512)
    except OSError as error:
        raise Unfit(f"{file} cannot be read: {error.strerror}") from None
    if not first.startswith(b"#!"):
        if b"\0" in first:
            return Script(typed, file)  # a compiled program
        raise Unfit(f"the first line of {file} does not say what runs it, for example #!/bin/sh or "
                    "#!/usr/bin/env python3")
    if first.endswith(b"\r\n"):
        raise Unfit(f"the lines of {file} end with CR LF, as on Windows; here the CR becomes a part of the name of "
                    "what runs it")
    words = os.fsdecode(first[2:]).split()
    if not words or not Path(words[0]).is_file():
        raise Unfit(f"the first line of {file} names {words[0] if words else 'nothing'}, which is not there")
    named = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if Path(words[0]).name == "env" and named and not shutil.which(named[0]):
        raise Unfit(f"the first line of {file} names {named[0]}, which is not on PATH")
    return Script(typed, file)


# ---------------------------------------------------------------- a module


def parsed(typed, stack, folder):
    """What was typed as a Callable of which nothing is known yet."""
    where, _, name = typed.rpartition(":")
    if not where or not NAME.fullmatch(name):
        hint = " A file is what the stage cgi starts." if (folder / typed).is_file() else ""
        raise Unfit(f"{stack.name} calls {an(stack.takes)}: name a module, a colon and what it has, "
                    f"for example --app app:{'respond' if stack.takes == 'CGI-shaped function' else 'application'}, "
                    f"not {typed!r}.{hint}")
    if where.endswith(".py"):
        file = (folder / where).absolute()
        if not file.is_file():
            raise Unfit(f"there is no file {file}")
        above, module = file.parent, file.stem
        while (above / "__init__.py").is_file():  # a module of a package
            above, module = above.parent, f"{above.name}.{module}"
        return Callable(typed, module, name, above, folder)
    if not MODULE.fullmatch(where):
        raise Unfit(f"{where!r} is not the name of a module; a file of it may be named, too: app.py:{name}")
    return Callable(typed, where, name, folder, folder)


def python_of(stack):
    """The Python that imports the program at this stack."""
    brought = [part.python for part in stack.parts if part.python]
    return brought[0] if brought else readable_python() if stack.copies_program else sys.executable


def inspected(own, python):
    """The Callable with what a process of its own found out by importing it; Unfit where that fails."""
    with tempfile.TemporaryDirectory(prefix="museum-") as private:
        answer = Path(private, "answer.json")
        command = [python, "-P", "-m", "exhibits.backstage.own.inspecting", answer, json.dumps(own.arguments())]
        said = open(Path(private, "said"), "w+b")
        with said, subprocess.Popen(command, cwd=own.folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                    env={**os.environ, "PYTHONPATH": module_path(ROOT), "INSPECTION": private},
                                    start_new_session=True) as process:
            try:
                process.wait(IMPORTING)
            except subprocess.TimeoutExpired:
                raise Unfit(f"importing {own.module} has not ended after {IMPORTING} seconds. If it starts a server, "
                            'let it do so below: if __name__ == "__main__"') from None
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)  # and what it has started
                except (ProcessLookupError, PermissionError):
                    pass
                kill_escaped(private)
            said.seek(0)
            last = said.read()[-2000:].decode("utf-8", "replace").strip()
        if not answer.exists() or not answer.stat().st_size:
            raise Unfit(f"importing {own.module} ended Python (exit code {process.returncode}). {last}".strip())
        found = json.loads(answer.read_text(encoding="utf-8"))
    if lacking := found.get("lacks"):
        raise Unfit(f"{found['error']}\n{installing(lacking, python)}")
    if "error" in found:
        raise Unfit(found["error"])
    file = Path(found["file"]).absolute() if found["file"] else None
    return replace(own, file=file, interface=found["interface"], awaits=found["awaits"])


def installing(module, python):
    """What brings a module that the program needs to this Python, in a sentence."""
    if python != sys.executable:
        return f"This server runs the program with {python}, which has its own packages."
    if "NOX_CURRENT_SESSION" in os.environ:
        return f"Name the package it is of after the two dashes, for example: --with {module.partition('.')[0]}"
    return f"Install the package it is of, for example: {sys.executable} -m pip install {module.partition('.')[0]}"
