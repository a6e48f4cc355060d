"""`record`: the fixed set of requests, recorded at every stage into docs/recordings."""

import json

from exhibits import catalog
from exhibits.backstage.recording.tapping import REQUESTS, Tapped
from exhibits.backstage.running import ROOT

FOLDER = ROOT / "docs" / "recordings"


def recordings(stack):
    """Run the stack and record every request: name of the request to its journey."""
    with Tapped(stack) as exhibit:
        found = {name: exhibit.ask(sent) for name, sent in REQUESTS.items()}
        if "WebSocket" in stack.carrier:
            found["websocket"] = exhibit.converse()
    return found


def aged(then, now):
    """A sentence on what has another version now, "" where nothing has: then, now: {name of a part: its version}."""
    others = [name for name in then if then[name] != now.get(name, then[name])]
    return "; ".join(f"recorded with {name} {then[name]}, and not with {now[name]}" for name in others)


def record():
    """Write every recording anew; return 0."""
    from exhibits.backstage.recording import accidents, conversations, errors, proxied, service

    FOLDER.mkdir(exist_ok=True)
    for stack in catalog.defaults():
        for name, recording in recordings(stack).items():
            write(f"{stack.stage}-{name}", recording)
    for name in conversations.CONVERSATIONS:
        write(name, conversations.happen(name))
    accidents.record()
    errors.record()
    proxied.record()
    service.record()
    return 0


def write(name, recording):
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(path.relative_to(ROOT))
