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


def prepare():
    """Put something in the place of what is missing. Before any program is loaded."""
    import _thread

    os.environ["GUESTBOOK"] = GUESTBOOK
    os._exit = sys.exit  # a program ends itself, and not the page
    _thread.start_new_thread = look_out
    sys.modules["argparse"] = SimpleNamespace(ArgumentParser=None, Namespace=None)  # the servers import it for main()


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
    if question.get("fresh"):
        renew()
    asked = stages.Asked(
        tuple(piece.encode("latin-1") for piece in [question["request"], *question.get("then", [])]),
        question.get("program") or "guestbook", bool(question.get("hangs_up")), int(question.get("leaves") or 0),
        tuple(question.get("messages") or ()),
    )
    environ, count = {b"GUESTBOOK": GUESTBOOK.encode()}, int(question.get("count") or 1)
    try:
        if count > 1:
            lanes = await stages.ask_at_once(question["stage"], asked, min(count, AT_ONCE), environ)
            return json.dumps({"lanes": lanes})
        journey = await stages.ask(question["stage"], asked, environ)
    except programs.Unfit as unfit:
        return json.dumps({"trouble": str(unfit), "traceback": unfit.traceback})
    return json.dumps(answer(question["stage"], journey, question.get("draws", True)))


def answer(stage, journey, draws):
    """What has come of a journey, as data. draws: with its HTML."""
    links = journey.links
    said = [piece for link in links if link["between"][0] == "visitor" for piece in link["pieces"] if piece["by"]]
    parts = {"Python": sys.version.partition(" ")[0]}
    whole = {"stage": stage, "stack": f"{stage}-page", "parts": parts, "links": links}
    found = {"journey": whole, "response": "".join(piece["bytes"] for piece in said), "log": "".join(journey.logged)}
    if draws:
        from exhibits.backstage.site.journey import journey_view

        found["html"] = journey_view(whole, f"lab-{stage}", "A frame is a process at home; here all is in the page.")
    return found
