"""`record`: the fixed set of requests, recorded at every stage into docs/recordings."""

import json

from exhibits import catalog
from exhibits.backstage import accidents
from exhibits.backstage.running import ROOT, version
from exhibits.backstage.tapping import REQUESTS, Tapped

FOLDER = ROOT / "docs" / "recordings"


def recordings(stack):
    """Run the stack and record every request: name of the request to what is kept of it."""
    parts = {part.name: version(part) for part in stack.parts}
    with Tapped(stack) as exhibit:
        links = {name: exhibit.ask(sent) for name, sent in REQUESTS.items()}
        if "WebSocket" in stack.carrier:
            links["websocket"] = exhibit.converse()
    return {
        name: {"stage": stack.stage, "stack": stack.name, "parts": parts, "links": each}
        for name, each in links.items()
    }


def record():
    """Write every recording anew; return 0."""
    FOLDER.mkdir(exist_ok=True)
    for stack in catalog.defaults():
        for name, recording in recordings(stack).items():
            path = FOLDER / f"{stack.stage}-{name}.json"
            path.write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(path.relative_to(ROOT))
    accidents.record()
    return 0
