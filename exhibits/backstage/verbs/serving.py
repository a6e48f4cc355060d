"""`serve`: one stack, started for a visitor and stopped without a trace."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import webbrowser
from functools import partial

from rich.console import Console

from exhibits.backstage import running
from exhibits.backstage.own import target as own
from exhibits.backstage.running import ports
from exhibits.backstage.terminal import complain, escape
from exhibits.backstage.verbs import reloading
from exhibits.backstage.verbs.greeting import introduce

DEFAULT_PORT = 8000
COLOURS = ("cyan", "magenta", "green", "yellow")


def serve(stack, options):
    """Run the stack until Ctrl-C, SIGTERM or a closed terminal; return the exit code.

    0: stopped as asked; 1: it could not start, or a process of it ended; 2: the port is taken, or the visitor's
    own program does not fit.
    """
    console = Console(highlight=False)
    colours = {process.part: colour for process, colour in zip(stack.processes, COLOURS, strict=False)}

    def log(part, line):
        try:
            console.print(f"[{colours[part]}]{part}[/] {escape(line)}", soft_wrap=True)
        except (OSError, SystemExit):  # the terminal is gone, or whoever read our output (rich exits then)
            signal.raise_signal(signal.SIGTERM)

    greeted = False

    if options.trace:
        from exhibits.backstage.verbs import tracing  # and with it the museum's door

        kind = partial(tracing.Traced, print=tracing.printer(console, lambda: greeted))
    else:
        kind = running.Exhibit

    here = options.app and os.getcwd()  # a folder that may go, and come again, while we run

    def program():
        return None if options.app is None else own.find(options.app, stack, here)

    def make(port, app):
        return kind(
            stack, host=options.host, port=port, mount=options.mount, hello=options.hello, app=app,
            guestbook=options.guestbook or shared_guestbook(stack, options), allow=options.allow_host,
            log=log if greeted else None,
        )

    try:
        app = program()  # first: what is wrong with it is said before anything else
        exhibit = make(options.port if options.port or options.once else the_port(options.host, console), app)
        seen, all_of_it = reloading.look(exhibit.app) if options.reload else ({}, True)
        exhibit.__enter__()
        try:
            if options.once:
                from exhibits.backstage.verbs.touring import tour  # and with it the contract, which takes its time

                return tour(exhibit, console)
            introduce(exhibit, console, colours)
            if options.trace:
                tracing.introduce(exhibit, console)
            if not all_of_it:
                console.print(f"Some files are not watched: there are more than {reloading.MOST} files and folders.\n")
            exhibit.log, greeted = log, True
            if options.open:
                open_browser(exhibit.base + "/", console)
            if options.reload:
                port = exhibit.port
                started, exhibit = exhibit, None
                reloading.stay(started, seen, lambda: make(port, program()), console)
            while True:
                exhibit.check()
                threading.Event().wait(0.2)
        finally:
            if exhibit:
                exhibit.stop()
    except own.Unfit as unfit:
        complain(unfit)
        return 2
    except running.PortTaken as taken:
        complain(f"{taken}; choose another with --port, or none")
        return 2
    except running.CannotStart as reason:
        complain(f"{stack.name}: {reason}")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def the_port(host, console):
    """The port that visitors expect, or None for a free one."""
    try:
        ports.demand(ports.resolve(host), DEFAULT_PORT)
    except running.PortTaken:
        console.print(f"Port {DEFAULT_PORT} is in use, so a free one is taken.")
        return None
    return DEFAULT_PORT


def shared_guestbook(stack, options):
    """The guestbook of all stages, or None where this exhibit has one of its own, or none."""
    if options.once or options.hello or options.app is not None:
        return None
    if running.runs_as_nobody(stack) and not running.nobody_writes(running.GUESTBOOK):
        return None
    return guestbook_of_all()


def guestbook_of_all():
    """The file of the guestbook that all stages share; where it is to be is a folder then."""
    if not running.CHECKOUT:
        with contextlib.suppress(OSError):  # what cannot be made is said when it is used
            running.GUESTBOOK.parent.mkdir(parents=True, exist_ok=True)
    return running.GUESTBOOK


def open_browser(url, console):
    """Open the visitor's browser, in a process of its own: it stays when we go, and has no say in this terminal."""
    try:
        webbrowser.get()  # heeds BROWSER
    except webbrowser.Error:
        console.print("No browser was found to open the address.")
        return
    subprocess.Popen([sys.executable, "-m", "webbrowser", url], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL, start_new_session=True)
