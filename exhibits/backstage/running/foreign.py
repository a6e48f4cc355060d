"""A server that is not in the catalog: the command of its author takes the place of a server that is."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from exhibits import catalog
from exhibits.backstage.running.exhibit import Exhibit, eventually, module_path
from exhibits.backstage.running.nobody import NOBODY
from exhibits.backstage.running.ports import CannotStart, authority, is_free, lsof
from exhibits.catalog.parts import PARTS
from exhibits.catalog.stacks import Process, Stack

COMMAND = "the command"
PROGRAM = "museum_program"  # a module of this name in the run folder is what the server calls
PATIENCE = 10  # seconds in which a Python says which versions it has

# Whose place it takes: (interface, carrier) with the name of a stack.
PLACES = {
    ("wsgi", "http"): "wsgi-waitress", ("asgi", "http"): "asgi-daphne", ("cgi", "http"): "cgi-lighttpd",
    ("wsgi", "fastcgi"): "fastcgi-flup", ("asgi", "fastcgi"): "fastcgi-fcgisgi", ("cgi", "fastcgi"): "fastcgi-fcgiwrap",
    ("wsgi", "scgi"): "scgi-flup", ("asgi", "scgi"): "scgi-aioscgi",
    ("wsgi", "uwsgi"): "uwsgi-uwsgi", ("asgi", "uwsgi"): "uwsgi-gunicorn-asgi",
}
INTERFACES, CARRIERS = (tuple(dict.fromkeys(each)) for each in zip(*PLACES, strict=True))

# What says which versions a Python has of the distributions that are named.
VERSIONS = """if True:
    import platform, sys
    from importlib import metadata
    print("Python", platform.python_version())
    packages = metadata.packages_distributions()
    for name in sys.argv[1:]:
        for each in packages.get(name, [name]):
            try:
                print(each, metadata.version(each))
            except Exception:
                pass
"""


@dataclass(frozen=True)
class ForeignStack(Stack):
    """One whose first process is the author's affair, and needs nothing that the museum could name."""

    @property
    def takes(self):
        return super().takes or (self.interface if PROGRAM in self.processes[0].command else "")

    @property
    def parts(self):
        return [PARTS[process.part] for process in self.processes if process.part in PARTS]


def place(interface, carrier):
    """The stack of the catalog in which such a server takes the first place; CannotStart where there is none."""
    if (interface, carrier) not in PLACES:
        fitting = " or ".join(each for one, each in PLACES if one == interface)
        raise CannotStart(f"no server here calls a program through {interface} over {carrier}; with {interface} "
                          f"goes {fitting}")
    return catalog.find(PLACES[interface, carrier])


def stack(words, interface, carrier):
    """The ForeignStack that runs a command; CannotStart says what is wrong with it.

    words: of the command, {host}, {port}, {socket}, {app} and {file} not yet filled in.
    interface, carrier: see `PLACES`.
    """
    like = place(interface, carrier)
    if not shutil.which(words[0], path=path()):
        raise CannotStart(f"there is no program {words[0]!r}, neither on PATH nor beside this Python")
    fronts = like.processes[1:]
    if not any("{port}" in word or (fronts and "{socket}" in word) for word in words):
        wanted = "{socket}, or {host} and {port}" if fronts else "{port}"
        raise CannotStart(f"the command has to say where the server listens: {wanted} "
                          f"{'are' if fronts else 'is'} filled in, for example --bind "
                          + ("{socket}" if fronts else "{host}:{port}"))
    over_tcp = fronts and not any("{socket}" in word for word in words)
    if over_tcp:
        fronts = [replace(each, edits=(*each.edits, ("unix:app.sock", "127.0.0.1:{inner}"))) for each in fronts]
    script = "{copies}/cgi/{program}.py"
    places = {
        "host": "{host}", "port": "{inner}" if fronts else "{port}", "socket": "{run}/app.sock",
        "app": script if interface == "cgi" else f"{PROGRAM}:application",
        "file": script if interface == "cgi" else f"{{run}}/{PROGRAM}.py",
    }

    def filled(word):
        return re.sub(r"\{(\w+)\}|[{}]", lambda found: places.get(found[1]) or
                      found[0].replace("{", "{{").replace("}", "}}"), word)

    command = Process(COMMAND, shlex.join(map(filled, words)), like.processes[0].speaks)
    return ForeignStack(
        f"{interface}-foreign", like.stage, like.interface, like.carrier, (command, *fronts),
        copies_program=like.copies_program, program_room=like.room,
    )


def guessed(words):
    """The interface of a server that the catalog has under a name in the command, or None."""
    names = {re.split("[-_.]", Path(word).name.lower())[0] for word in words}  # waitress-serve is waitress
    for each in catalog.STACKS:
        servers = {process.part.lower() for process in each.processes if process.part in PARTS}
        if each.interface in ("WSGI callable", "ASGI coroutine") and servers & names:
            return each.interface.partition(" ")[0].lower()
    return None


def path():
    """Where programs are looked for: the visitor's PATH, then beside this Python, whose environment may be asleep."""
    return os.pathsep.join(filter(None, [os.environ.get("PATH"), str(Path(sys.executable).parent)]))


def versions(words):
    """{name: version} of the Python that a command runs in, and of the distributions that it names."""
    program = shutil.which(words[0], path=path())
    if not program:
        return {}
    try:
        with open(program, "rb") as file:
            first = file.readline(512)
    except OSError:  # it may be run, and not read
        return {}
    name = Path(program).name
    python = program if name.startswith(("python", "pypy")) else os.fsdecode(first[2:]).strip()
    if not (first.startswith(b"#!") or python == program) or "python" not in python or " " in python:
        return {}
    texts = [name, *(word.removesuffix(".py") for word in words[1:])]
    found = [each for text in texts for each in re.findall(r"[A-Za-z][\w-]*", text)[:200]]
    ends = [(each, [*(at.start() for at in re.finditer("-", each)), len(each)]) for each in found]
    named = dict.fromkeys(each[:end] for each, all_of_it in ends for end in all_of_it)
    try:
        said = subprocess.run([python, "-c", VERSIONS, *named], capture_output=True, text=True, errors="replace",
                              timeout=PATIENCE).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    pairs = (line.rsplit(" ", 1) for line in said.splitlines())
    return dict(pair for pair in pairs if len(pair) == 2)  # a Python may say more when it starts


def let_in(path):
    """Hand it to the user as whom servers run programs where root starts them, as Apache does."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


class Foreign(Exhibit):
    """A foreign stack that runs. The command runs where the visitor is, and sees of the museum this package alone."""

    said = None  # with which status it answered last, 0 for none; None: nobody listens

    def __init__(self, stack, *, patience=Exhibit.patience, **more):
        super().__init__(stack, **more)
        self.patience = patience

    def check_guestbook(self):
        super().check_guestbook()
        let_in(self.guestbook)

    def make_run_folder(self):
        folder = super().make_run_folder()
        let_in(folder)
        if not self.stack.copies_program:
            (folder / "exhibits").symlink_to(Path(catalog.__file__).parents[1])
            program = self.app.written() if self.app else f"from exhibits.{self.stack.room}.app import application\n"
            (folder / f"{PROGRAM}.py").write_text(program, encoding="utf-8")
        return folder

    def put_program(self):
        if self.stack.copies_program:
            super().put_program()

    def folder(self, process):
        return os.getcwd() if process.part == COMMAND else super().folder(process)

    def environment(self, process):
        environ = super().environment(process)
        if process.part != COMMAND:
            return environ
        ours = {"PATH": path(), "PYTHONPATH": module_path(self.run), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **environ, **ours}

    def started(self):
        """The words of the command, as it was started."""
        return [word.format(**self.places()) for word in self.command(self.stack.processes[0])]

    def status(self, path, patience):
        self.said = None
        self.said = super().status(path, patience)
        return self.said

    def check(self):
        try:
            super().check()
        except CannotStart as error:
            reason = str(error).rstrip()
            if not self.ready and any(popen.poll() == 0 for _, popen, _ in self.processes):
                reason += "\n  A server has to stay in the foreground until it is stopped."
            raise CannotStart(reason) from None

    def wait_until_ready(self):
        try:
            super().wait_until_ready()
        except CannotStart:
            self.check()
            raise CannotStart(f"{self.what_is_wrong()}\n{self.last_words()}".rstrip()) from None
        self.check_program()
        # What goes to the background answers a moment before its first process ends, and goes on to answer.
        ended = eventually(lambda: any(popen.poll() is not None for _, popen, _ in self.processes), 0.3)
        if ended and not is_free(self.host, self.port):
            self.check()

    def check_program(self):
        """Raise CannotStart where the guestbook cannot do its work, as in an event loop other than asyncio's."""
        with suppress(OSError):
            if self.is_guestbook and self.status("/entries", self.patience) == 500:
                eventually(lambda: "Error" in self.last_words(), 1)  # what it says of it comes a moment later
                raise CannotStart(f"GET /hello is answered, and GET /entries with 500: the guestbook does not work here"
                                  f"\n{self.last_words()}".rstrip())

    def what_is_wrong(self):
        after = f"after {self.patience:g} s"
        if self.said is None:
            place = authority(self.host, self.port)
            return f"nobody listens at {place} {after}{self.where_it_listens()}"
        asked = "GET /" if self.app else "GET /hello"
        if self.said == 0:
            came = self.what_comes()
            other = f", but {came!r} comes, which is no HTTP" if came and not came.startswith(b"HTTP/") else ""
            return f"connections are accepted, and {asked} has no answer {after}{other}"
        return f"{asked} is answered with {self.said} and not 200 {after}{self.where_it_listens()}"

    def what_comes(self):
        """The first bytes that a request brings; none where it is silent."""
        with suppress(OSError), socket.create_connection((self.host, self.port), 1) as sock:
            sock.sendall(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return sock.recv(60)
        return b""

    def where_it_listens(self):
        """Where the command's processes listen, as far as lsof says."""
        group = next((str(popen.pid) for process, popen, _ in self.processes if process.part == COMMAND), "")
        said = lsof("-a", "-g", group, "-iTCP", fields="n") if group else ""
        found = dict.fromkeys(line[1:] for line in said.splitlines() if line.startswith("n"))
        return f"; it listens at {', '.join(found)}" if found else ""
