"""`serve`: one stack, started for a visitor and stopped without a trace."""

import signal
import sys
import threading
from urllib.parse import quote

from rich.console import Console
from rich.markup import escape

from exhibits import catalog, contract
from exhibits.backstage import running
from exhibits.backstage.client import request

DEFAULT_PORT = 8000
COLOURS = ("cyan", "magenta", "green", "yellow")

# What `--once` asks, in this order.
TOUR = (
    request("GET", "{mount}/hello?name=" + quote("Jürgen")),
    request("POST", "{mount}/entries", contract.FORM, body=b"name=Grace&message=Hello"),
    request("GET", "{mount}/entries"),
    request("GET", "{mount}/stream?n=3"),
)


def serve(stack, options):
    """Run the stack until Ctrl-C, SIGTERM or a closed terminal; return the exit code.

    0: stopped as asked; 1: it could not start, or a process of it ended; 2: the port is taken.
    """
    console = Console(highlight=False)
    for number in running.SIGNALS:
        signal.signal(number, interrupt)
    port = options.port
    if port is None and not options.once:
        port = DEFAULT_PORT if running.is_free(options.host, DEFAULT_PORT) else None
        if port is None:
            console.print(f"Port {DEFAULT_PORT} is in use, so a free one is taken.")
    colours = {process.part: colour for process, colour in zip(stack.processes, COLOURS, strict=False)}

    def log(part, line):
        try:
            console.print(f"[{colours[part]}]{part}[/] {escape(line)}", soft_wrap=True)
        except (OSError, SystemExit):  # the terminal is gone, or whoever read our output (rich exits then)
            signal.raise_signal(signal.SIGTERM)

    guestbook = options.guestbook or (None if options.once else running.GUESTBOOK)
    exhibit = running.Exhibit(stack, host=options.host, port=port, mount=options.mount, hello=options.hello,
                              guestbook=guestbook, log=None if options.once else log)  # fmt: skip
    try:
        with exhibit:
            if options.once:
                tour(exhibit, console)
            else:
                introduce(exhibit, console, colours)
                while True:
                    exhibit.check()
                    threading.Event().wait(0.2)
    except running.PortTaken as taken:
        print(f"exhibits: {taken}; choose another with --port, or none", file=sys.stderr)
        return 2
    except running.CannotStart as reason:
        print(f"exhibits: {stack.name}: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def interrupt(number, frame):
    """Stop once: while everything is being stopped, further signals change nothing."""
    for other in running.SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def introduce(exhibit, console, colours):
    stack = exhibit.stack
    stage = catalog.stage(stack.stage)
    url = exhibit.base + ("/hello" if stack.partial else "/")
    console.print(f"[bold]{stage.title}[/]: {stage.idea}\n\n  [bold underline]{url}[/]\n", soft_wrap=True)
    for process, popen, _ in exhibit.processes:
        part = catalog.PARTS.get(process.part)
        number = running.version(part) if part else ".".join(map(str, sys.version_info[:3]))
        console.print(f"  [{colours[process.part]}]{process.part}[/] {number}, pid {popen.pid}: {process.speaks}")
    if not exhibit.hello:
        console.print(f"  The entries are in {exhibit.guestbook}; every stage shows the same ones.", soft_wrap=True)
    if exhibit.mount and stack.mount_is_stripped:
        console.print(f"  It believes to be below {exhibit.mount}, which a proxy in front would have taken off.")
    console.print("\nTry, in another terminal:")
    for command in commands(exhibit):
        console.print(f"  {command}", soft_wrap=True)
    console.print("\nCtrl-C stops everything.\n")


def commands(exhibit):
    """Commands that show what the stage can do."""
    curl = f"curl --cacert {exhibit.run}/ca.pem" if exhibit.stack.encrypted else "curl"
    if exhibit.hello:
        return [f"{curl} -i{more} {exhibit.base}/" for more in ("", " -X POST -d data", " --head")]
    live = "WebSocket" in exhibit.stack.carrier
    commands = [
        f"{curl} '{exhibit.base}/hello?name=Ada'",
        f"{curl} -i -d name=Ada -d message=Hello {exhibit.base}/entries",
        f"python -m websockets {exhibit.base.replace('http', 'ws', 1)}/live" if live
        else f"{curl} -N '{exhibit.base}/stream?n=5&delay=1'",
    ]  # fmt: skip
    return commands[:2] if exhibit.stack.partial else commands


def tour(exhibit, console):
    """Send the tour requests and print what goes over the wire, both ways."""
    base = exhibit.base.partition("//")[2].partition("/")[2]
    with exhibit.visitor() as visitor:
        for template in TOUR[: 1 if exhibit.hello else 2 if exhibit.stack.partial else None]:
            sent = template.replace(b"{mount}", f"/{base}".encode() if base else b"")
            answer = visitor.ask(sent)
            head, _, body = sent.decode("latin-1").partition("\r\n\r\n")
            console.print(f"[cyan]{escape(head)}\n[/]")
            if body:
                console.print(f"[cyan]{escape(body)}[/]\n")
            console.print(f"[green]{answer.status}[/]")
            for name, value in answer.headers:
                console.print(f"[green]{escape(name)}: {escape(value)}[/]", soft_wrap=True)
            console.print("\n" + escape(answer.body.decode()), soft_wrap=True)
