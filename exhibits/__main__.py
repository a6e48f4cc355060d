"""python -m exhibits VERB: start the exhibits, look inside, compare them."""

import _signal  # which `signal` wraps: it is there already, and the rest takes a while to import
import os
import sys

if __name__ == "__main__" and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    # Ctrl-C may come at any moment. Before everything is imported, nothing has to be stopped.
    _signal.signal(_signal.SIGINT, lambda number, frame: os._exit(128 + number))

import argparse
import difflib
from pathlib import Path

from exhibits import catalog
from exhibits.backstage import ending
from exhibits.backstage.arguments import (
    count,
    existing_file,
    header_field,
    method,
    mount_point,
    new_file,
    port_number,
    seconds,
    target,
)
from exhibits.backstage.terminal import complain, plain

EXAMPLES = """\
examples:
  {prog} list                          what there is, and whether it can run here
  {prog} serve asgi                    the guestbook behind uvicorn
  {prog} serve wsgi --server waitress  the same program, another server
  {prog} serve wsgi --app blog:app     your own program behind the same stack
  {prog} serve cgi --hello --once      the smallest CGI program, asked once
  {prog} museum                        all stages behind one door, and a lobby to ask them from
  {prog} compare '/hello?name=Ada'     one request to every stack: is the answer the same?
  {prog} check -- gunicorn --bind {{host}}:{{port}} {{app}}
                                       hold a server to what a gateway has to do
  {prog} wire fastcgi                  the bytes between nginx and the program, explained
"""


GRIDS = ("contract", "rude", "hard")
OF_THE_CHECKOUT = ("record", "grid", "bench")  # verbs that need more than this package


class Parser(argparse.ArgumentParser):
    """One that says what is wrong without obeying what was typed."""

    def error(self, message):
        super().error(plain(message))


class Unknown(Exception):
    """A name that is not in the catalog; the message says which ones are."""


def find_stack(name, server=None):
    """The stack of this stage or stack name; Unknown says what was probably meant."""
    try:
        stack = catalog.find(name.lower())
    except KeyError:
        stages = [stage.name for stage in catalog.doors()]
        stacks = [stack.name for stack in catalog.EVERYTHING]
        near = difflib.get_close_matches(name.lower(), stages + stacks, n=3)
        meant = f" Did you mean {near[0]}?" if near else ""
        meant += f" Or {' or '.join(near[1:])}?" if near[1:] else ""
        raise Unknown(
            f"there is no stage or stack {name!r}.{meant}\n  stages: {', '.join(stages)}; the stacks: see `list`"
        ) from None
    if server is None:
        return stack
    servers = {other.server: other for other in catalog.stacks_of(stack.stage)}
    if server.lower() not in servers:
        raise Unknown(f"{stack.stage} has no server {server!r}; it has {', '.join(servers)}")
    return servers[server.lower()]


def parser():
    prog = "python -m exhibits" if Path(sys.argv[0]).name == "__main__.py" else Path(sys.argv[0]).name
    main = Parser(
        prog=prog, description=f"{prog} VERB: start the exhibits, look inside, compare them.",
        epilog=EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = main.add_subparsers(dest="verb", metavar="VERB", required=True)

    request = argparse.ArgumentParser(add_help=False)  # what `compare` and `wire` send, named as curl names it
    request.add_argument("-X", dest="method", type=method, metavar="METHOD",
                         help="default: GET, or POST where there is data")
    request.add_argument("-H", dest="headers", type=header_field, action="append", default=[],
                         metavar="'NAME: VALUE'")
    request.add_argument("-d", dest="data", metavar="DATA", help="the body; a form unless -H says otherwise")

    verb = verbs.add_parser("list", help="every stack, and whether it can run here")
    verb.add_argument("--stage", metavar="STAGE", help="this stage only")
    verb.add_argument("--parts", action="store_true", help="what each is made of, with versions")
    verb.add_argument("--json", action="store_true", help="for machines")

    verb = verbs.add_parser("serve", help="start a stack until Ctrl-C",
                            description="Start a stack, print its address and its processes, and show each request.")
    verb.add_argument("stack", metavar="STAGE-or-STACK", help="asgi, or asgi-hypercorn: see `list`")
    verb.add_argument("--server", help="another server of the stage, for example --server hypercorn")
    verb.add_argument("--port", type=port_number, help="default: 8000, or a free one")
    verb.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, which only this machine can reach")
    verb.add_argument("--allow-host", type=host_name, action="append", default=[], metavar="NAME",
                      help="serve it under this name or address, too; may be given several times")
    verb.add_argument("--mount", type=mount_point, default="", metavar="PATH",
                      help="serve below a path, for example /museum")
    verb.add_argument("--app", metavar="TARGET",
                      help="a program of your own instead of the guestbook: module:callable, or at CGI stacks a file")
    verb.add_argument("--hello", action="store_true", help="the room's smallest program instead of the guestbook")
    verb.add_argument("--open", action="store_true", help="open the browser at its address")
    verb.add_argument("--reload", action="store_true", help="start it anew when a file of the program changes")
    verb.add_argument("--trace", action="store_true",
                      help="print the journey of each request: what passed on each link, byte by byte and call by call")
    verb.add_argument("--once", action="store_true", help="send the tour requests, print the answers, stop")
    verb.add_argument("--guestbook", metavar="FILE", help="the SQLite file; default: guestbook.sqlite3 here")

    verb = verbs.add_parser("museum", help="all stages behind one door, until Ctrl-C",
                            description="Start the default stack of each stage, with one guestbook, behind one door. "
                            "At its address is the lobby: a page to ask them all from, and to see what passes.")
    verb.add_argument("--port", type=port_number, help="default: 8000, or a free one")
    verb.add_argument("--open", action="store_true", help="open the browser at the lobby")
    verb.add_argument("--guestbook", metavar="FILE", help="the SQLite file; default: guestbook.sqlite3 here")

    verb = verbs.add_parser("compare", parents=[request], help="the same request to every stack that can run here",
                            description="Send the same bytes to every stack and compare the answers, as the contract "
                            "does. Exit code 1 where a difference stands that is not a known one.")
    verb.add_argument("path", nargs="?", type=target, default="/request", metavar="PATH", help="default: /request")
    verb.add_argument("--stacks", metavar="A,B,…", help="these stages or stacks; default: all outside the hall")
    verb.add_argument("--json", action="store_true", help="for machines")
    verb.add_argument("--svg", type=new_file, metavar="FILE", help="save what is printed as a picture, too")

    verb = verbs.add_parser("check", help="hold any server to what a gateway has to do",
                            usage="%(prog)s [options] URL\n       %(prog)s [options] -- COMMAND …",
                            description="Start a server with COMMAND, in which {host} {port} {socket} {app} {file} are "
                            "filled in, and hold it to the contract, to programs that misbehave and to requests that "
                            "are hard to read; or ask a URL where the guestbook is served already. Exit code 0: kept, "
                            "1: not, 2: it cannot be started.")
    verb.add_argument("url", nargs="*", metavar="URL", help="where the guestbook is served")
    verb.add_argument("--interface", choices=("wsgi", "asgi", "cgi"), help="how the server calls a program")
    verb.add_argument("--carrier", choices=("http", "fastcgi", "scgi", "uwsgi"), default="http",
                      help="what it speaks; default: http. In front of the others stands nginx")
    verb.add_argument("--mount", type=mount_point, default="", metavar="PATH",
                      help="the command has the program below this path")
    verb.add_argument("--only", action="append", default=[], metavar="CHECKS",
                      help="contract, rude, hard, or a name as --list has it, also with *; may be given several times")
    verb.add_argument("--list", action="store_true", help="the name of each check and what it asks")
    verb.add_argument("--known", type=existing_file, metavar="FILE",
                      help="what is accepted: TOML, the name of a check and the reason a line. What is over fails")
    verb.add_argument("--wait", type=seconds, default=20, metavar="SECONDS",
                      help="that the server has to answer its first request; default: 20")
    verb.add_argument("--json", action="store_true", help="for machines")
    verb.add_argument("--junit", type=new_file, metavar="FILE", help="write JUnit's XML there")

    verb = verbs.add_parser("wire", parents=[request], help="the bytes of one live request, every field named",
                            description="Start a stage with taps between its parts, send one request and print what "
                            "passed on each link.")
    verb.add_argument("stack", metavar="STAGE-or-STACK")
    verb.add_argument("path", nargs="?", type=target, default="/hello?name=Ada", metavar="PATH",
                      help="default: /hello?name=Ada")
    verb.add_argument("--websocket", action="store_true", help="a short conversation at /live instead")
    verb.add_argument("--json", action="store_true", help="for machines: bytes as latin-1 text, and the fields")

    verbs.add_parser("record", help="make the recordings in docs/recordings anew",
                     description="Record a fixed set of requests at the default stack of every stage.")

    verb = verbs.add_parser("grid", help="what every stack makes of the contract, the rude program, the hard requests",
                            description="Ask every stack, those of the hall too, and write what the site shows: the "
                            "contract (docs/agreement.json, kept where the run is as the known differences say), the "
                            "rude program (docs/rude-programs.json), the hard requests (docs/hard-requests.json).")
    verb.add_argument("grids", nargs="*", choices=[*GRIDS, "all"], default="all", metavar="GRID",
                      help=f"{', '.join(GRIDS)}; default: all")
    verb.add_argument("--stacks", metavar="A,B,…", help="only these; what is known of the others stays")

    verb = verbs.add_parser("bench", help="the measurements behind the site's figures",
                            description="Measure what requests, waits, connections and starts cost. Quick by default "
                            "(about a minute); --full is for figures to publish and takes a quarter of an hour.")
    size = verb.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_false", dest="full", default=False, help="the default")
    size.add_argument("--full", action="store_true", help="every server, five rounds")
    verb.add_argument("--only", nargs="+", metavar="SUITE", help="only these suites; a wrong name prints them all")
    verb.add_argument("--output", type=new_file, metavar="FILE", help="write every figure there, as JSON")
    verb.add_argument("--json", action="store_true", help="every figure on standard output, for machines")
    verb.add_argument("--rounds", type=count, help="how often each is visited; default: 1, or 5")
    verb.add_argument("--seconds", type=seconds, help="of load at each visit; default: 1")
    return main


def parsed(arguments):
    """The options. What stands behind the first -- of `check` is the command of somebody else, and stays as it is."""
    command = []
    if arguments[:1] == ["check"] and "--" in arguments:
        at = arguments.index("--")
        arguments, command = arguments[:at], arguments[at + 1:]
    options = parser().parse_args(arguments)
    options.command = command
    return options


def host_name(text):
    from exhibits.backstage.running.addresses import as_name

    try:
        return as_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(error) from None


def main(arguments=None):
    """Run one verb; return the exit code."""
    ending.take_care_of_output()
    try:
        ending.in_order()
        code = run(parsed(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
        ending.settle()
        return code
    except Unknown as unknown:
        complain(unknown)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "exhibits").startswith("exhibits"):
            raise  # a fault of ours
        complain(f"{error.name} is missing. A Nox session brings what it needs: try nox -s exhibit-asgi, "
                 f"nox -l lists them all. Or: {sys.executable} -m pip install {error.name}")
        return 1
    except KeyboardInterrupt:
        return ending.leave(130)
    except BrokenPipeError:
        ending.hush()
        return 1
    except OSError as error:
        complain(error)
        return 1


def tappable(stack, options=None):
    """Unknown: there are no taps at this stack, or none that go with these options of `serve`."""
    if stack.hall:
        tapped = [other for other in catalog.stacks_of(stack.stage) if not other.hall] or catalog.defaults()
        names = ", ".join(other.name for other in tapped)
        raise Unknown(f"{stack.name} stands in the hall, where no taps are; there are some at {names}")
    if options and (options.app is not None or options.reload or options.once):
        raise Unknown("the taps of --trace are made for the guestbook and the smallest programs, which stay as they "
                      "are: --app, --reload and --once do not go with it")


def run(options):
    """Run the verb that the options name; return the exit code. Unknown: they name something that is not there."""
    if options.verb in OF_THE_CHECKOUT and not Path(__file__).parents[1].joinpath("noxfile.py").exists():
        raise Unknown(f"{options.verb} reads and writes what a clone of the repository has, and this copy has not")
    if options.verb == "list":
        from exhibits.backstage.verbs.listing import show

        if options.stage is not None:
            options.stage = find_stack(options.stage).stage
        return show(options)
    if options.verb == "serve":
        from exhibits.backstage.verbs.serving import serve

        stack = find_stack(options.stack, options.server)
        if options.hello and stack.stage not in {stage.name for stage in catalog.STAGES}:
            raise Unknown(f"{stack.name} has one program, and none that is smaller")
        if options.app is not None and (options.hello or options.guestbook):
            raise Unknown("--app takes the place of the guestbook: --hello and --guestbook do not go with it")
        if options.trace:
            tappable(stack, options)
        if options.once and (options.open or options.reload):
            raise Unknown("--open and --reload are for an exhibit that stays, and --once stops it")
        return serve(stack, options)
    if options.verb == "museum":
        from exhibits.backstage.verbs.opening import museum

        return museum(options)
    if options.verb == "wire":
        from exhibits.backstage.verbs.wiring import wire

        stack = find_stack(options.stack)
        tappable(stack)
        if options.websocket and "WebSocket" not in stack.carrier:
            raise Unknown(f"{stack.name} carries no WebSocket; asgi does")
        return wire(stack, options)
    if options.verb == "check":
        from exhibits.backstage.verbs.checking import check

        return check(options)
    if options.verb == "record":
        from exhibits.backstage.recording import record

        return record()
    if options.verb == "grid":
        from exhibits.backstage.checking import agreeing, gridding

        chosen = [find_stack(name.strip()) for name in options.stacks.split(",")] if options.stacks else []
        names = [name for name in GRIDS if name in options.grids or "all" in options.grids]
        return max(agreeing.agree(chosen) if name == "contract" else gridding.make(gridding.GRIDS[name], chosen)
                   for name in names)
    if options.verb == "bench":
        from exhibits.backstage.bench.main import bench

        return bench(options)
    names = options.stacks.split(",") if options.stacks else []
    chosen = [find_stack(name.strip()) for name in names]
    from exhibits.backstage.verbs.comparing import compare

    return compare(chosen or catalog.main_stacks(), options)


if __name__ == "__main__":
    sys.exit(main())
