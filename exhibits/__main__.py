"""python -m exhibits VERB: start the exhibits, look inside them, compare them."""

import _signal  # which `signal` wraps: it is there already, and the rest takes a while to import
import os
import sys

if __name__ == "__main__" and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    # Ctrl-C may come at any moment. Before everything is imported, nothing has to be stopped.
    _signal.signal(_signal.SIGINT, lambda number, frame: os._exit(128 + number))

import argparse
import difflib
import re
import shutil
import tempfile
from pathlib import Path

from exhibits import catalog
from exhibits.backstage import ending
from exhibits.backstage.arguments import (
    count,
    existing_file,
    file_name,
    header_field,
    method,
    mount_point,
    new_file,
    port_number,
    seconds,
    target,
)
from exhibits.backstage.terminal import complain, plain
from exhibits.messages import Refused

EXAMPLES = """\
examples:
  {prog} list                          all stacks, and whether they can run here
  {prog} serve asgi                    the guestbook behind uvicorn
  {prog} serve wsgi --server waitress  the same program, another server
  {prog} serve wsgi --app blog:app     your own program behind the same stack
  {prog} serve cgi --hello --once      the smallest CGI program: one request, then stop
  {prog} museum                        all stages at one address, with a page to send requests from
  {prog} compare '/hello?name=Ada'     one request to every stack: is the response the same?
  {prog} check -- gunicorn --bind {{host}}:{{port}} {{app}}
                                       test whether a server does what a gateway has to do
  {prog} wire fastcgi                  the bytes between nginx and the program, explained
"""


GRIDS = ("contract", "rude", "hard")
OF_THE_CHECKOUT = ("record", "grid", "bench")  # verbs that need more than this package


class Parser(argparse.ArgumentParser):
    """One that says what is wrong without obeying what was typed, and how to use the verb that was meant."""

    def parse_known_args(self, args=None, namespace=None):
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            near = difflib.get_close_matches(unknown[0], re.findall(r"--[a-z-]+", self.format_help()), n=1)
            self.error(f"unrecognized arguments: {' '.join(unknown)}" + "".join(f". Did you mean {it}?" for it in near))
        return options, unknown

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


def find_stacks(names):
    """Those of a list with commas; none where no list was given. An empty name is no name: it does not mean all."""
    return [] if names is None else [find_stack(name.strip()) for name in names.split(",")]


def parser():
    prog = "python -m exhibits" if Path(sys.argv[0]).name == "__main__.py" else Path(sys.argv[0]).name
    main = Parser(
        prog=prog, description=f"{prog} VERB: start the exhibits, look inside them, compare them.",
        epilog=EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = main.add_subparsers(dest="verb", metavar="VERB", required=True)

    request = argparse.ArgumentParser(add_help=False)  # what `compare` and `wire` send, named as curl names it
    request.add_argument("-X", dest="method", type=method, metavar="METHOD",
                         help="default: GET, or POST if there is data")
    request.add_argument("-H", dest="headers", type=header_field, action="append", default=[],
                         metavar="'NAME: VALUE'")
    request.add_argument("-d", dest="data", metavar="DATA", help="the body; sent as a form unless -H says otherwise")

    verb = verbs.add_parser("list", help="every stack, and whether it can run here")
    verb.add_argument("--stage", metavar="STAGE", help="only this stage")
    verb.add_argument("--parts", action="store_true", help="the parts of each stack, with versions")
    verb.add_argument("--json", action="store_true", help="print JSON")

    verb = verbs.add_parser("serve", help="start a stack until Ctrl-C",
                            description="Start a stack, print its address and its processes, and show each request.")
    verb.add_argument("stack", metavar="STAGE-or-STACK", help="asgi, or asgi-hypercorn: see `list`")
    verb.add_argument("--server", help="another server of the stage, for example --server hypercorn")
    verb.add_argument("--port", type=port_number, help="default: 8000, or a free one")
    verb.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, which only this machine can reach")
    verb.add_argument("--allow-host", type=host_name, action="append", default=[], metavar="NAME",
                      help="also serve it under this name or address; can be given several times")
    verb.add_argument("--mount", type=mount_point, default="", metavar="PATH",
                      help="serve below a path, for example /museum")
    verb.add_argument("--app", metavar="TARGET",
                      help="your own program instead of the guestbook: module:callable, or a file for CGI stacks")
    verb.add_argument("--hello", action="store_true", help="the stage's smallest program instead of the guestbook")
    verb.add_argument("--open", action="store_true", help="open its address in the browser")
    verb.add_argument("--reload", action="store_true", help="restart it when a file of the program changes")
    verb.add_argument("--trace", action="store_true",
                      help="print the journey of each request: what passed on each link, byte by byte and call by call")
    verb.add_argument("--once", action="store_true", help="send some requests, print the responses, and stop")
    verb.add_argument("--guestbook", type=file_name, metavar="FILE",
                      help="the SQLite file; default: guestbook.sqlite3 here")

    verb = verbs.add_parser("museum", help="start all stages at one address until Ctrl-C",
                            description="Start the default stack of each stage, all with one guestbook, at one "
                            "address. The page there, the lobby, sends requests to all and shows their bytes.")
    verb.add_argument("--port", type=port_number, help="default: 8000, or a free one")
    verb.add_argument("--open", action="store_true", help="open the lobby in the browser")
    verb.add_argument("--guestbook", type=file_name, metavar="FILE",
                      help="the SQLite file; default: guestbook.sqlite3 here")

    verb = verbs.add_parser("compare", parents=[request], help="send the same request to every stack that can run here",
                            description="Send the same bytes to every stack and compare the responses, as the contract "
                            "does. The exit code is 1 if there is a difference that is not a known one.")
    verb.add_argument("path", nargs="?", type=target, default="/request", metavar="PATH", help="default: /request")
    verb.add_argument("--stacks", metavar="A,B,…",
                      help="these stages or stacks; default: all on the map of the site's front page")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.add_argument("--svg", type=new_file, metavar="FILE", help="also save the output as a picture")

    verb = verbs.add_parser("check", help="test whether any server does what a gateway has to do",
                            usage="%(prog)s [options] URL\n       %(prog)s [options] -- COMMAND …",
                            description="Start a server with COMMAND, in which {host} {port} {socket} {app} {file} are "
                            "filled in, and test it with the contract, with programs that misbehave and with requests "
                            "that are hard to read; or test a URL that already serves the guestbook. Exit code 0: all "
                            "checks pass, 1: some fail, 2: the server cannot be started.")
    verb.add_argument("url", nargs="*", metavar="URL", help="a server that already serves the guestbook")
    verb.add_argument("--interface", choices=("wsgi", "asgi", "cgi"), help="how the server calls a program")
    verb.add_argument("--carrier", choices=("http", "fastcgi", "scgi", "uwsgi"), default="http",
                      help="the protocol it speaks; default: http. The others get nginx in front")
    verb.add_argument("--mount", type=mount_point, default="", metavar="PATH",
                      help="the command serves the program below this path")
    verb.add_argument("--only", action="append", default=[], metavar="CHECKS",
                      help="contract, rude, hard, or a name from --list, also with *; can be given several times")
    verb.add_argument("--list", action="store_true", help="print the name of each check and what it tests")
    verb.add_argument("--known", type=existing_file, metavar="FILE",
                      help="accepted failures, in TOML: the name of a check and the reason. One that no longer "
                           "happens fails")
    verb.add_argument("--wait", type=seconds, default=20, metavar="SECONDS",
                      help="how long the server may take until its first response; default: 20")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.add_argument("--junit", type=new_file, metavar="FILE", help="write the results there as JUnit XML")

    verb = verbs.add_parser("wire", parents=[request], help="show the bytes of one live request, every field named",
                            description="Start a stage, send one request, print the bytes and calls between its parts.")
    verb.add_argument("stack", metavar="STAGE-or-STACK")
    verb.add_argument("path", nargs="?", type=target, default="/hello?name=Ada", metavar="PATH",
                      help="default: /hello?name=Ada")
    verb.add_argument("--websocket", action="store_true", help="a short WebSocket conversation at /live instead")
    verb.add_argument("--json", action="store_true", help="print JSON: bytes as latin-1 text, and the fields")

    verbs.add_parser("record", help="make the recordings in docs/recordings again",
                     description="Record a fixed set of requests at the default stack of every stage.")

    verb = verbs.add_parser("grid", help="test every stack with the contract, the rude program and the hard requests",
                            description="Test every stack and write the data that the site shows: for the contract "
                            "(docs/agreement.json, only if the run agrees with the known differences), for the rude "
                            "program (docs/rude-programs.json) and for the hard requests (docs/hard-requests.json).")
    verb.add_argument("grids", nargs="*", choices=[*GRIDS, "all"], default="all", metavar="GRID",
                      help=f"{', '.join(GRIDS)}; default: all")
    verb.add_argument("--stacks", metavar="A,B,…", help="only these; the results of the others stay")

    verb = verbs.add_parser("bench", help="make the measurements behind the site's figures",
                            description="Measure what requests, waiting, connections and starts cost. Quick by default "
                            "(about a minute); --full is for figures to publish and takes a quarter of an hour.")
    size = verb.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_false", dest="full", default=False, help="the default")
    size.add_argument("--full", action="store_true", help="every server, five rounds")
    verb.add_argument("--only", nargs="+", metavar="SUITE", help="only these suites; a wrong name prints all names")
    verb.add_argument("--output", type=new_file, metavar="FILE", help="write every figure there, as JSON")
    verb.add_argument("--json", action="store_true", help="print every figure as JSON")
    verb.add_argument("--rounds", type=count, help="how often each is measured; default: 1, or 5 with --full")
    verb.add_argument("--seconds", type=seconds, help="length of each measurement; default: 1")
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
        complain(f"{error.name} is missing. A Nox session installs what it needs: try nox -s exhibit-asgi; "
                 f"nox -l lists all sessions. Or: {sys.executable} -m pip install {error.name}")
        return 1
    except KeyboardInterrupt:
        return ending.leave(130)
    except BrokenPipeError:
        ending.hush()
        return 1
    except shutil.Error as error:  # a list of (from, to, why) for files that could not be copied
        complain(error.args[0][0][2])
        return 1
    except OSError as error:
        complain(error)
        return 1
    except Refused as refused:  # by a guestbook of our own, where there is no room for temporary files
        complain(f"in {tempfile.gettempdir()}: {refused.sentence}")
        return 1


def tappable(stack, options=None):
    """Unknown: there are no taps at this stack, or none that go with these options of `serve`."""
    if stack.hall:
        tapped = [other for other in catalog.stacks_of(stack.stage) if not other.hall] or catalog.defaults()
        names = ", ".join(other.name for other in tapped)
        raise Unknown(f"{stack.name} stands in the hall, where no taps are; there are some at {names}")
    if options and (options.app is not None or options.reload or options.once):
        raise Unknown("--trace works with the guestbook and the smallest programs, unchanged: "
                      "--app, --reload and --once do not go with it")


def run(options):
    """Run the verb that the options name; return the exit code. Unknown: they name something that is not there."""
    if options.verb in OF_THE_CHECKOUT and not Path(__file__).parents[1].joinpath("noxfile.py").exists():
        raise Unknown(f"{options.verb} needs files that only a clone of the repository has")
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
            raise Unknown("--open and --reload do not go with --once, which stops the exhibit after its requests")
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

        chosen = find_stacks(options.stacks)
        names = [name for name in GRIDS if name in options.grids or "all" in options.grids]
        return max(agreeing.agree(chosen) if name == "contract" else gridding.make(gridding.GRIDS[name], chosen)
                   for name in names)
    if options.verb == "bench":
        from exhibits.backstage.bench.main import bench

        return bench(options)
    chosen = find_stacks(options.stacks)
    from exhibits.backstage.verbs.comparing import compare

    return compare(chosen or catalog.main_stacks(), options)


if __name__ == "__main__":
    sys.exit(main())
