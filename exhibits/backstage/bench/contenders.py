"""Who is measured: stacks of the catalog, with the edits a measurement makes to their commands."""

import os
import re
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from exhibits import catalog
from exhibits.backstage import running
from exhibits.backstage.running.watching import Watch
from exhibits.catalog.stacks import ADDRESS

PROGRAMS = "exhibits.backstage.bench.programs."
# Edits of QUIET and ONE are made wherever they match: each is for some of the stacks.
# Logs cost time, and not every server writes one by default. Those that can do without are told to.
QUIET = (
    ("--access-logfile - ", ""), (" --access-log ", " "), ("-m uvicorn ", "-m uvicorn --no-access-log "),
    ("-m daphne ", "-m daphne -v 0 "), ("--ini uwsgi.ini ", "--ini uwsgi.ini --disable-logging "),
    ("access_log /dev/stdout brief", "access_log off"), ('filename = "/dev/stdout"', 'filename = "/dev/null"'),
    ("""CustomLog "|/bin/cat\"""", "CustomLog /dev/null"),
    *((f"exhibits.{ours}.server ", f"exhibits.{ours}.server --no-access-log ") for ours in ("cgi", "wsgi", "asgi")),
)
# One process, where the catalog has several.
ONE_OF_GUNICORN, ONE_OF_UWSGI = ("--workers 4", "--workers 1"), ("processes = 2", "processes = 1")
ONE = (ONE_OF_GUNICORN, ONE_OF_UWSGI)


# What may turn a verdict: the name under which a contender is measured in it, and what it changes.
CONDITIONS = {
    "on one core": {"one_core": True}, "with a log": {"logs": True}, "with connections that close": {"close": True},
}


class Left(Exception):
    """Somebody who cannot take part here; the message says why."""


@dataclass(frozen=True)
class Contender:
    """A stack under a name of its own.

    name: in the results. title: for readers. stack: of the catalog, by name.
    edits: (old, new) in its commands and configuration; ValueError where one matches neither.
    anywhere: the same, each of them where it matches.
    serves: "app", the guestbook; "hello", the smallest program of its room; "bench", the program of the measurements.
    path: what is asked for.
    one_core: keep all its processes and threads on the first core.
    close: whoever asks closes each connection after one answer.
    logs: it writes what it writes by default of its stack, a line for each request.
    """

    name: str
    title: str
    stack: str
    edits: tuple[tuple[str, str], ...] = ()
    anywhere: tuple[tuple[str, str], ...] = ()
    serves: str = "app"
    path: str = "/hello"
    one_core: bool = False
    close: bool = False
    logs: bool = False

    def under(self, condition):
        """The same under one of CONDITIONS, which its name and title then tell."""
        return replace(self, name=f"{self.name} {condition}", title=f"{self.title}, {condition}",
                       **CONDITIONS[condition])

    def again(self):
        """The same once more: how far a server is from itself is what counts as no difference."""
        return replace(self, name=f"{self.name} again", title=f"{self.title}, once more")

    def resolve(self):
        """The stack with its edits; Left where the catalog or this machine lacks it."""
        try:
            stack = BUILT[self.stack]() if self.stack in BUILT else catalog.find(self.stack)
        except KeyError:
            raise Left(f"the catalog has no stack {self.stack}") from None
        if not self.logs:
            stack = with_edits(stack, QUIET)
        if self.serves == "bench":
            stack = with_program(stack)
        for old, _ in self.edits:
            if not any(old in process.command + configuration(process) for process in stack.processes):
                raise ValueError(f"{self.name}: {old!r} is nowhere in {stack.name}")
        stack = with_edits(stack, (*self.edits, *self.anywhere))
        if lacking := running.missing(stack):
            raise Left("; ".join(lacking))
        return stack


def with_edits(stack, edits):
    """The stack with the edits made where they match, in the commands and in the configuration."""
    return replace(stack, processes=tuple(
        replace(process, command=substituted(process.command, edits),
                edits=(*process.edits, *(edit for edit in edits if edit[0] in configuration(process))))
        for process in stack.processes
    ))


def configuration(process):
    return "".join((running.ROOT / "exhibits" / name).read_text() for name in process.files)


def substituted(text, edits):
    for old, new in edits:
        text = text.replace(old, new)
    return text


def with_program(stack):
    """The stack with the program of the measurements instead of the room's."""
    interface = "asgi" if stack.interface.startswith("ASGI") else "wsgi"
    edits = [("exhibits.{room}.{program} {near}app.sock", PROGRAMS + "flup {room} {near}app.sock"),
             ("exhibits/cgi/{program}.py", "exhibits/backstage/bench/programs/cgi.py")]
    stack = with_edits(stack, edits)
    named = re.compile(r"exhibits\.(\{room\}|\w+)\.\{program\}")
    return replace(stack, processes=tuple(
        replace(process, command=named.sub(PROGRAMS + interface, process.command)) for process in stack.processes
    ))


def settings(stack):
    """How a stack is started, for the results: commands as the catalog writes them, without places of this machine."""
    return [process.command for process in stack.processes]


def nginx_alone():
    """nginx with nobody behind it."""
    stack = catalog.find("asgi-nginx")
    file = ("STATIC", "{root}/docs/assets/museum.css")
    alone = replace(stack.processes[-1], files=("backstage/bench/nginx.conf",), edits=(ADDRESS, file))
    return replace(stack, processes=(alone,), needs=())


def two_uwsgi():
    """Two uWSGI behind one nginx, which passes over the one that is gone."""
    stack = catalog.find("uwsgi-uwsgi")
    server, front = stack.processes
    both = (("unix:app.sock", "both"), ("    server {", "    upstream both {{ server unix:one.sock max_fails=0; "
            "server unix:two.sock max_fails=0; }}\n    server {{"))
    one, two = (replace(server, command=server.command.replace("app.sock", name)) for name in ("one.sock", "two.sock"))
    # All of them have to be there: who answers first makes the exhibit ready.
    return replace(stack, processes=(
        one, replace(two, after="one.sock"), replace(front, edits=(*front.edits, *both), after="two.sock"),
    ))


BUILT = {"nginx": nginx_alone, "two-uwsgi": two_uwsgi}


@contextmanager
def running_as(contender):
    """The contender, started: an Exhibit with `watch` and `url`. Left where it does not start."""
    exhibit = running.Exhibit(contender.resolve(), hello=contender.serves == "hello")
    try:
        with on_one_core() if contender.one_core else nullcontext():
            exhibit.__enter__()
    except running.CannotStart as reason:
        raise Left(f"it does not start: {str(reason).splitlines()[0]}") from None
    try:
        exhibit.watch = Watch(exhibit)
        exhibit.url = exhibit.base + contender.path
        yield exhibit
    finally:
        exhibit.stop()


@contextmanager
def on_one_core():
    """What is started in the block stays on the first of our cores."""
    if not hasattr(os, "sched_setaffinity"):
        raise Left("processes cannot be kept on one core here")
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
