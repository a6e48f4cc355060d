"""python -m exhibits VERB: start the exhibits, look inside, compare them."""

import argparse
import difflib
import sys

from exhibits import catalog

EXAMPLES = """\
examples:
  python -m exhibits list                          what there is, and whether it can run here
  python -m exhibits serve asgi                    the guestbook behind uvicorn
  python -m exhibits serve wsgi --server waitress  the same program, another server
  python -m exhibits serve cgi --hello --once      the smallest CGI program, asked once
  python -m exhibits compare '/hello?name=Ada'     one request to every stack: is the answer the same?
  python -m exhibits wire fastcgi                  the bytes between nginx and the program, explained
"""


class Unknown(Exception):
    """A name that is not in the catalog; the message says which ones are."""


def find_stack(name, server=None):
    """The stack of this stage or stack name; Unknown says what there is and what was probably meant."""
    try:
        stack = catalog.find(name)
    except KeyError:
        stages = [stage.name for stage in catalog.doors()]
        stacks = [stack.name for stack in catalog.EVERYTHING]
        near = difflib.get_close_matches(name.lower(), stages + stacks, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise Unknown(
            f"there is no stage or stack {name!r}.{meant}\n  stages: {', '.join(stages)}\n  stacks: {', '.join(stacks)}"
        ) from None
    if server is None:
        return stack
    servers = {other.server: other for other in catalog.stacks_of(stack.stage)}
    if server not in servers:
        raise Unknown(f"{stack.stage} has no server {server!r}; it has {', '.join(servers)}")
    return servers[server]


def parser():
    main = argparse.ArgumentParser(
        prog="python -m exhibits", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verbs = main.add_subparsers(dest="verb", metavar="VERB", required=True)

    verb = verbs.add_parser("list", help="every stack, its parts and versions, and whether it can run here")
    verb.add_argument("--json", action="store_true", help="for machines")

    verb = verbs.add_parser("serve", help="start a stack until Ctrl-C",
                            description="Start a stack, print its address and its processes, and show each request.")
    verb.add_argument("stack", metavar="STAGE-or-STACK", help="asgi, or asgi-hypercorn: see `list`")
    verb.add_argument("--server", help="another server of the stage, for example --server hypercorn")
    verb.add_argument("--port", type=port_number, help="default: 8000, or a free one")
    verb.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, which only this machine can reach")
    verb.add_argument("--mount", type=mount_point, default="", metavar="PATH",
                      help="serve below a path, for example /museum")
    verb.add_argument("--hello", action="store_true", help="the room's smallest program instead of the guestbook")
    verb.add_argument("--once", action="store_true", help="send the tour requests, print the answers, stop")
    verb.add_argument("--guestbook", metavar="FILE", help="the SQLite file; default: guestbook.sqlite3 here")

    verb = verbs.add_parser("compare", help="the same request to every stack that can run here",
                            description="Send the same bytes to every stack and compare the answers, as the contract "
                            "does. Exit code 1 where a difference stands that is not a known one.")
    verb.add_argument("path", nargs="?", default="/request", metavar="PATH", help="default: /request")
    verb.add_argument("--stacks", metavar="A,B,…", help="these stages or stacks; default: all outside the hall")
    verb.add_argument("-X", dest="method", metavar="METHOD", help="default: GET, or POST where there is data")
    verb.add_argument("-H", dest="headers", action="append", default=[], metavar="'NAME: VALUE'")
    verb.add_argument("-d", dest="data", metavar="DATA", help="the body; a form unless -H says otherwise")
    verb.add_argument("--json", action="store_true", help="for machines")
    verb.add_argument("--svg", metavar="FILE", help="save what is printed as a picture, too")

    verb = verbs.add_parser("wire", help="the bytes of one live request, every field named",
                            description="Start a stage with taps between its parts, send one request and print what "
                            "passed on each link.")
    verb.add_argument("stack", metavar="STAGE-or-STACK")
    verb.add_argument("path", nargs="?", default="/hello?name=Ada", metavar="PATH", help="default: /hello?name=Ada")
    verb.add_argument("--json", action="store_true", help="for machines: bytes as latin-1 text, and the fields")

    verbs.add_parser("record", help="make the recordings in docs/recordings anew",
                     description="Record a fixed set of requests at the default stack of every stage.")

    verbs.add_parser("grid", help="run the contract against every stack, for the grid in docs/agreement.json",
                     description="Run every case of the contract at every stack, at the root and under a mount point. "
                     "A run that is as the known differences say becomes docs/agreement.json.")

    verb = verbs.add_parser("bench", help="the measurements behind the site's figures; JSON out",
                            description="Measure what requests, waits, connections and starts cost. Quick by default "
                            "(about a minute); --full is for figures to publish and takes a quarter of an hour.")
    size = verb.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_false", dest="full", default=False, help="the default")
    size.add_argument("--full", action="store_true", help="every server, five rounds")
    verb.add_argument("--only", nargs="+", metavar="SUITE", help="only these suites; a wrong name prints them all")
    verb.add_argument("--output", metavar="FILE", help="default: standard output")
    verb.add_argument("--rounds", type=int, help="how often each is visited; default: 1, or 5")
    verb.add_argument("--seconds", type=float, help="of load at each visit; default: 1")
    return main


def port_number(text):
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535")
    return int(text)


def mount_point(text):
    if text and not (text.isascii() and text.startswith("/") and text.strip("/") and text.replace("/", "").isalnum()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a mount point: a path of letters and digits like /museum")
    return text.rstrip("/")


def main(arguments=None):
    """Run one verb; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        if options.verb == "list":
            from exhibits.backstage.listing import show

            return show(options.json)
        if options.verb == "serve":
            from exhibits.backstage.serving import serve

            stack = find_stack(options.stack, options.server)
            if options.hello and stack.stage not in {stage.name for stage in catalog.STAGES}:
                raise Unknown(f"{stack.name} has one program, and none that is smaller")
            return serve(stack, options)
        if options.verb == "wire":
            from exhibits.backstage.wiring import wire

            stack = find_stack(options.stack)
            if stack.hall:
                tapped = [other for other in catalog.stacks_of(stack.stage) if not other.hall] or catalog.defaults()
                names = ", ".join(other.name for other in tapped)
                raise Unknown(f"{stack.name} stands in the hall, where no taps are; there are some at {names}")
            return wire(stack, options)
        if options.verb == "record":
            from exhibits.backstage.recording import record

            return record()
        if options.verb == "grid":
            from exhibits.backstage.agreeing import agree

            return agree()
        if options.verb == "bench":
            from exhibits.backstage.bench.main import bench

            return bench(options)
        names = options.stacks.split(",") if options.stacks else []
        chosen = [find_stack(name.strip()) for name in names]
        from exhibits.backstage.comparing import compare

        return compare(chosen or catalog.main_stacks(), options)
    except Unknown as unknown:
        print(f"exhibits: {unknown}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
