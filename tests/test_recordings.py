"""The recordings the site shows are what the stages do today, and every byte of them is explained."""

import json
import sys

import pytest
from conftest import require

from exhibits import catalog
from exhibits.backstage import recording
from exhibits.backstage.running import version
from exhibits.backstage.tapping import explain
from exhibits.fields import gaps

PATHS = sorted(recording.FOLDER.glob("*.json"))


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_byte_of_a_recording_is_in_exactly_one_field(path):
    for link in load(path)["links"]:
        for what, fields in explain(link).items():
            assert gaps(fields, link["said"][what].encode("latin-1")) is None
            assert all(field.name and field.meaning and field.section for field in fields)


@pytest.mark.parametrize("stack", catalog.defaults(), ids=lambda stack: stack.name)
def test_recordings_are_not_stale(stack):
    require(stack)
    kept = {path.stem.partition("-")[2]: load(path) for path in PATHS if path.stem.startswith(stack.stage + "-")}
    parts = {part.name: version(part) for part in stack.parts}
    others = {name for each in kept.values() for name in parts if each["parts"].get(name) != parts[name]}
    if others:
        pytest.skip(f"recorded with another version of {', '.join(sorted(others))}: nox -s record makes them anew")
    for _ in range(4):  # two tasks of the ASGI program may call in either order; what is stale differs each time
        made = recording.recordings(stack)
        if json.loads(json.dumps(made)) == kept:
            break
    assert kept.keys() == made.keys()
    for name in made:
        if name == "crash" and sys.version_info[:2] != (3, 11):
            continue  # tracebacks look different in every Python; these are from 3.11
        assert json.loads(json.dumps(made[name])) == kept[name], f"{stack.stage}-{name} is stale: nox -s record"
