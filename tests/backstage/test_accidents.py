"""The accidents the site shows happen today as they did when they were recorded."""

import json
import warnings

import pytest
from conftest import require

from exhibits import catalog, journey
from exhibits.backstage.recording import accidents, aged
from exhibits.backstage.running import version
from exhibits.fastcgi import wire as fastcgi
from exhibits.shared.fields import gaps
from exhibits.uwsgi import wire as uwsgi

pytestmark = pytest.mark.hall


def recorded(name):
    return json.loads((accidents.FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def untimed(result):
    return {**result, **({"calls": journey.shape({"calls": result["calls"]})} if "calls" in result else {})}


@pytest.mark.parametrize(
    ("name", "stack"),
    [(name, stack) for name, accident in accidents.ACCIDENTS.items() for stack in accident.stacks],
)
def test_it_happens_as_recorded(name, stack):
    stack = catalog.find(stack)
    require(stack)
    kept = next(each for each in recorded(name) if each["stack"] == stack.name)
    made = json.loads(json.dumps(accidents.happen_at(accidents.ACCIDENTS[name], stack)))
    kept, made = untimed(kept), untimed(made)
    if age := aged(kept["parts"], {part.name: version(part) for part in stack.parts}):
        changed = "the same happens" if made | {"parts": {}} == kept | {"parts": {}} else "something else happens"
        warnings.warn(f"{name} at {stack.name}: {age}; {changed} now: nox -s record", stacklevel=1)
    else:
        assert made == kept, "stale: nox -s record"


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


def test_what_the_page_says_that_flup_waits_for():
    assert fastcgi.HEADER.unpack(accidents.ACCIDENTS["wrong-port"].sent[:8])[3] == 12064
