"""The fence `bridged`: a bridge under each server that it is for, what goes wrong there, why, and what helps.

The run is docs/bridges.json; `python -m exhibits.backstage.checking.bridging` makes it.
"""

import json
from functools import cache
from html import escape

from exhibits.backstage.checking import bridging
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import prose, table


@cache
def read():
    return json.loads(bridging.FILE.read_text(encoding="utf-8"))


def alike(bridge):
    """[(servers, {case: what came})]: servers under which the same came of all cases, for the same reasons."""
    groups = {}
    for server, found in read()["cells"][bridge].items():
        why = [bridging.reason(bridge, server, case)["happens"] for case, came in found.items() if came]
        groups.setdefault((*found.items(), *why), ([], found))[0].append(server)
    return list(groups.values())


@fence
def bridged(bridge):
    """A row for the servers of which all is the same, a column for each case: ✓ or what came; then the reasons."""
    groups = alike(bridge)
    cases = list(groups[0][1])
    rows = [("", ["<br>".join(f"<code>{escape(server)}</code>" for server in servers),
                  *(escape(found[case]) or "✓" for case in cases)]) for servers, found in groups]
    reasons = {}  # each once, with the words of its cells
    for servers, found in groups:
        for case, came in found.items():
            if came:
                entry = bridging.reason(bridge, servers[0], case)
                reasons[entry["happens"]] = came, entry
    told = "".join(f"<li><b>{escape(came)}</b>: {prose(entry['happens'])} {prose(entry['why'])}"
                   f"<br>Cure: {prose(entry['cure'])}</li>" for came, entry in reasons.values())
    run = read()
    used = dict.fromkeys(part.name for server in bridging.servers(bridge)
                         for part in bridging.stack(bridge, server).parts)
    parts = "".join(f", {escape(name)}&nbsp;{escape(run['parts'][name])}" for name in used)
    return (table("bridged", ["Served by", *(bridging.TITLES[case] for case in cases)], rows)
            + (f"<ul>{told}</ul>" if told else "")
            + f'<p class="note">Run on <time>{run["date"]}</time> with Python&nbsp;{run["Python"]}{parts}.</p>')
