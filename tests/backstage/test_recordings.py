"""The recordings the site shows are what the stages do today, and every byte of them is explained."""

import difflib
import json
import sys
import warnings

import pytest
from conftest import require

from exhibits import catalog, journey
from exhibits.backstage import recording
from exhibits.backstage.recording import tapping
from exhibits.backstage.recording.conversations import CONVERSATIONS, happen
from exhibits.backstage.running import ROOT, version
from exhibits.backstage.site import wire as site_wire
from exhibits.shared.fields import gaps

pytestmark = pytest.mark.hall

PATHS = sorted(recording.FOLDER.glob("*.json"))


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_byte_of_a_recording_is_in_exactly_one_field(path):
    for link in load(path)["links"]:
        for what, fields in journey.explain(link).items():
            assert gaps(fields, journey.said(link)[what]) is None
            assert all(field.name and field.meaning and field.section for field in fields)


@pytest.mark.parametrize("stack", catalog.defaults(), ids=lambda stack: stack.name)
def test_recordings_are_not_stale(stack):
    kept = {path.stem.partition("-")[2]: load(path) for path in PATHS
            if path.stem.startswith(stack.stage + "-") and path.stem not in CONVERSATIONS}
    compared(stack, kept, lambda: recording.recordings(stack))


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversations_are_not_stale(name):
    compared(CONVERSATIONS[name].stack, {name: load(recording.FOLDER / f"{name}.json")}, lambda: {name: happen(name)})


def compared(stack, kept, make):
    """Hold the recordings of a stack that are kept, by name, to the ones that are made now."""
    require(stack)
    age = {recording.aged(each["parts"], {part.name: version(part) for part in stack.parts}) for each in kept.values()}
    for _ in range(4):  # two tasks of the ASGI program may call in either order; what is stale differs each time
        made = json.loads(json.dumps(make()))
        differ = [name for name in sorted(kept | made) if said(name, kept) != said(name, made)]
        if not differ:
            break
    if age != {""}:
        # What somebody else's next release changes is for a person to look at, and no fault of a change of ours.
        which = f"{', '.join(differ) or 'nothing'} changed with it"
        warnings.warn(f"{stack.name}: {'; '.join(sorted(age))}; {which}: nox -s record", stacklevel=1)
    else:
        assert not differ, f"stale: nox -s record; {', '.join(differ)}:\n{difference(kept, made, differ[0])}"


def difference(kept, made, name):
    """What is different in a recording, in a few lines."""
    then, now = (json.dumps(said(name, each), indent=1, default=str).splitlines() for each in (kept, made))
    return "\n".join(line[:200] for line in list(difflib.unified_diff(then, now, n=1, lineterm=""))[:20])


def said(name, recordings):
    """What has to be the same again; tracebacks look different in every Python, and these are from 3.11."""
    if name == "crash" and sys.version_info[:2] != (3, 11):
        return name in recordings
    return name in recordings and list(map(journey.shape, recordings[name]["links"]))


def test_a_recording_of_another_version_says_so(monkeypatch):
    assert recording.aged({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "2.1"}) == (
        "recorded with b 2, and not with 2.1")
    assert recording.aged({"a": "1"}, {"a": "1", "new": "1"}) == recording.aged({}, {"a": "1"}) == ""
    found = site_wire.recording("fastcgi-greeting")
    now = {name: "99.9" if name == "flup" else number for name, number in found["parts"].items()}
    for parts, note in (found["parts"], False), (now, True):
        monkeypatch.setattr(site_wire, "the_run", lambda p=parts: {"stacks": {found["stack"]: {"parts": p}}})
        html = site_wire.wire("fastcgi-greeting 1", "wire", "wire", {}, None)
        told = f"recorded with flup {found['parts']['flup']}, and not with 99.9, with which the contract was last run."
        assert (told in html) == ('class="note"' in html) == note


def test_what_a_recording_replaces_is_told():
    page = (ROOT / "docs" / "how-it-checks-itself.md").read_text(encoding="utf-8")
    for told in (*(fixed for _, fixed in tapping.SETTLED), *map(str, tapping.PORTS), str(tapping.TOGETHER)):
        assert told in page, told
