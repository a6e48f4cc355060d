"""What the page's script calls, and what a page lacks: threads, processes, a command line.

`ask` gets and gives JSON as text, so that nothing of Python has to be known on the other side.
"""

import asyncio
import json
import os
import sys
from types import SimpleNamespace

GUESTBOOK = "/tmp/guestbook.sqlite3"
ENTRY = (1, "1993-12-05T12:00:00Z", "Ada", "First!")  # what stands in a new guestbook, as in that of the contract
AT_ONCE = 10  # visitors
ASKED = ('ask with {"stage": …, "request": …}: the stage is one of %s, and the request text in which each character '
         "is a byte; a program is text, messages are a list of texts, leaves and count are numbers")


def prepare():
    """Put something in the place of what is missing. Before any program is loaded."""
    import _thread
    import socket

    os.environ["GUESTBOOK"] = GUESTBOOK
    os._exit = sys.exit  # a program ends itself, and not the page
    _thread.start_new_thread = look_out
    socket.getaddrinfo = socket.socket.connect = no_network
    sys.meta_path.append(Absent)
    sys.modules["argparse"] = SimpleNamespace(ArgumentParser=None, Namespace=None)  # the servers import it for main()


def no_network(*_, **__):
    raise OSError("this page has no network")


class Absent:
    """Finds no module, and says why there is none."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        raise ModuleNotFoundError(f"No module named {name!r}: this page has a part of Python's standard library, "
                                  "and no other packages", name=name)


def look_out(function, arguments):
    """`Store.watch` starts a thread that looks for new entries. Here the event loop looks, between everything else."""
    from exhibits.store import LOOK

    store, (here,), loop = function.__self__, arguments, asyncio.get_running_loop()

    def look():
        with here.watching:
            if here.watches:
                store.look(here)
                loop.call_later(LOOK, look)
            else:
                here.watches = None
                store.look_away(here)

    loop.call_later(LOOK, look)


def renew():
    """Let the guestbook hold ENTRY and nothing else."""
    from exhibits.store import Store

    store = Store(GUESTBOOK)
    store.execute("DELETE FROM entries")
    store.execute("DELETE FROM sqlite_sequence")
    store.execute("INSERT INTO entries (id, at, name, message) VALUES (?, ?, ?, ?)", *ENTRY)
    store.close()


async def ask(text):
    """Answer a question, both as JSON; docs/assets/lab.js says what is in them."""
    from exhibits.lab import programs, stages  # not above: `prepare` comes first

    question = json.loads(text)
    try:
        stage, fresh, draws = question["stage"], question.get("fresh"), question.get("draws", True)
        asked = stages.Asked(
            tuple(piece.encode("latin-1") for piece in [question["request"], *question.get("then", ())]),
            question.get("program") or "guestbook", bool(question.get("hangs_up")), int(question.get("leaves") or 0),
            tuple(message.encode().decode() for message in question.get("messages") or ()),
        )
        count = int(question.get("count") or 1)
        if stage not in stages.STAGES or not isinstance(asked.program, str):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return json.dumps({"refused": ASKED % ", ".join(stages.STAGES)})
    if fresh:
        renew()
    environ = {b"GUESTBOOK": GUESTBOOK.encode()}
    try:
        if count > 1:
            lanes = await stages.ask_at_once(stage, asked, min(count, AT_ONCE), environ)
            return json.dumps({"lanes": lanes})
        journey = await stages.ask(stage, asked, environ)
    except programs.Unfit as unfit:
        return json.dumps({"trouble": str(unfit), "traceback": unfit.traceback})
    return json.dumps(answer(stage, journey, draws))


def answer(stage, journey, draws):
    """What has come of a journey, as data. draws: with its HTML."""
    links = journey.links
    said = [piece for link in links if link["between"][0] == "visitor" for piece in link["pieces"] if piece["by"]]
    parts = {"Python": sys.version.partition(" ")[0]}
    whole = {"stage": stage, "stack": f"{stage}-page", "parts": parts, "links": links}
    found = {"journey": whole, "response": "".join(piece["bytes"] for piece in said), "over": journey.over,
             "log": "".join(journey.logged)}
    if draws:
        from exhibits.backstage.site.journey import drawing

        found["html"] = drawing(whole, f"lab-{stage}", "A frame is a process at home; here all is in the page.")
    return found
