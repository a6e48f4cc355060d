"""The fence `scopes`: which ASGI server offers what, as `docs/asgi-scopes.json` has it."""

from html import escape

from exhibits.backstage.checking import scopes as asked
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import hyperlink, table, unique


@fence
def scopes(_):
    """A row for each that some stacks say alike; on a page of the top level."""
    run = asked.read()
    alike = {}
    for name, found in run.items():
        alike.setdefault(said(found), []).append(name)
    rows = [("", [", ".join(hyperlink(f"../stages/{name.partition('-')[0]}/#{name}", escape(name)) for name in names),
                  *cells]) for cells, names in alike.items()]
    parts = unique(f"{name} {number}" for found in run.values() for name, number in found["parts"].items() if number)
    made = escape(", ".join(parts))
    return (table("scopes", ["Stacks", "HTTP", "WebSocket", "State", "Extensions"], rows)
            + f'<p class="note">What their scopes say, with {made}.</p>')


def said(found):
    """The cells of a stack: the versions of the messages, whether a lifespan's state arrives, the extensions."""
    http, websocket = found["http"], found["websocket"] or {"spec_version": "", "extensions": []}
    extensions = sorted({*http["extensions"], *websocket["extensions"]})
    return (http["spec_version"], websocket["spec_version"], "yes" if http["state"] else "no",
            " ".join(f"<code>{escape(name)}</code>" for name in extensions) or "none")
