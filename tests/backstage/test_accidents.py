"""The accidents the site shows happen today as they did when they were recorded."""

import json

import pytest
from conftest import require

from exhibits import catalog
from exhibits.backstage import accidents
from exhibits.backstage.running import version
from exhibits.fields import gaps
from exhibits.uwsgi import wire as uwsgi


def recorded(name):
    return json.loads((accidents.FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "stack"),
    [(name, stack) for name, accident in accidents.ACCIDENTS.items() for stack in accident.stacks],
)
def test_it_happens_as_recorded(name, stack):
    stack = catalog.find(stack)
    require(stack)
    kept = next(each for each in recorded(name) if each["stack"] == stack.name)
    if kept["parts"] != {part.name: version(part) for part in stack.parts}:
        pytest.skip(f"recorded with {kept['parts']}: nox -s record makes it anew")
    made = accidents.happen_at(accidents.ACCIDENTS[name], stack)
    assert json.loads(json.dumps(made)) == kept, "stale: nox -s record"


def test_every_accident_is_recorded():
    assert {path.stem for path in accidents.FOLDER.glob("*.json")} == accidents.ACCIDENTS.keys()
    for name, accident in accidents.ACCIDENTS.items():
        assert [each["stack"] for each in recorded(name)] == list(accident.stacks)


@pytest.mark.parametrize("name", accidents.READINGS)
def test_every_byte_of_an_accident_is_in_exactly_one_field(name):
    sent = accidents.ACCIDENTS[name].sent
    assert gaps(accidents.READINGS[name](sent), sent) is None


@pytest.mark.parametrize(("method", "size"), [(b"GET ", 21573), (b"POST", 21327)])
def test_the_numbers_of_the_page(method, size):
    assert uwsgi.HEADER.unpack(method)[1] == size
