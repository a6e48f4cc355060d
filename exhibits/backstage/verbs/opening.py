"""`museum`: all default stages behind one door, started for a visitor and stopped without a trace."""

import signal
import threading

from rich.console import Console

from exhibits.backstage import ending, running
from exhibits.backstage.museum.house import House
from exhibits.backstage.running import doors, ports
from exhibits.backstage.terminal import complain, escape
from exhibits.backstage.verbs import pasting, serving

HOST = "127.0.0.1"


def museum(options):
    """Run the museum until Ctrl-C, SIGTERM or a closed terminal; return the exit code.

    0: stopped as asked; 1: no stage can start here, or nobody can listen; 2: the port is taken.
    """
    console = Console(highlight=False)
    greeted = threading.Event()

    def log(stage, part, line):
        if not greeted.is_set():
            return
        try:
            console.print(f"[cyan]{stage}[/] {part} {escape(line)}", soft_wrap=True)
        except (OSError, SystemExit):  # the terminal is gone, or whoever read our output (rich exits then)
            signal.raise_signal(signal.SIGTERM)

    house, door, code = House(options.guestbook or serving.guestbook_of_all(), log), None, 0
    try:
        port = options.port or serving.the_port(HOST, console) or running.free_port(HOST)
        ports.demand(HOST, port)
        url = f"http://{HOST}:{port}/"
        house.start(url)
        from exhibits.backstage.museum.door import Door  # meanwhile: what only the door needs takes its time
        from exhibits.backstage.museum.pages import pages

        door = Door(house, HOST, port, pages())
        door.start()
        while house.starting:
            threading.Event().wait(0.02)
        if not any(place.is_open for place in house.places.values()):
            raise running.CannotStart("\n".join(f"{each.name}: {each.reason}" for each in house.places.values()))
        doors.put(house.guestbook, url, "lobby", -1)
        introduce(house, url, console)
        greeted.set()
        if options.open:
            serving.open_browser(url, console)
        while True:
            for stage, sentence in house.watch():
                console.print(f"[red]{stage}[/] {escape(sentence)}", soft_wrap=True)
            threading.Event().wait(0.2)
    except running.PortTaken as taken:
        complain(f"{taken}; choose another with --port, or none")
        code = 2
    except (running.CannotStart, OSError) as reason:
        complain(reason)
        code = 1
    except KeyboardInterrupt:
        pass
    finally:
        if door:
            door.stop()
        if house.url:
            whole = house.stop()
            doors.take_out(house.guestbook, house.url)  # who closes the file last leaves no other beside it
            if not whole:
                ending.leave(code)
    return code


def introduce(house, url, console):
    """Say where the museum is, and what there is in it."""

    def say(line=""):
        console.print(line, soft_wrap=True)

    say(f"[bold]The museum is open[/], with one guestbook for all stages: {escape(pasting.near(house.guestbook))}\n\n"
        f"  [bold underline]{url}[/]  the lobby\n")
    for place in house.places.values():
        if place.is_open:
            pids = ", ".join(f"{process.part} {popen.pid}" for process, popen, _ in place.exhibit.processes)
            say(f"  [underline]{url}{place.name}/[/]  {escape(pids)}")
        else:
            say(f"  {url}{place.name}/  [red]closed[/]: {escape(place.reason)}")
    say("\nCtrl-C stops everything.\n")
