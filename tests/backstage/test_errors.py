"""The errors of the site come from the servers of today, and are gone after their cures."""

import json
import re
import warnings

import pytest
from conftest import require

from exhibits.backstage.recording import aged, errors
from exhibits.backstage.running import ROOT, version

pytestmark = pytest.mark.hall

PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def recorded(name):
    return json.loads((errors.FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", errors.ERRORS)
def test_it_happens_and_the_cure_helps(name):
    stack = errors.stack(name, errors.ERRORS[name])
    require(stack)
    made, wrong = errors.happen(name)
    assert wrong == []
    kept = recorded(name)
    first = [[found[when]["visitor"][0] for when in ("before", "after")] for found in (kept, made)]
    if age := aged(kept["parts"], {part.name: version(part) for part in stack.parts}):
        warnings.warn(f"{name}: {age}: nox -s record", stacklevel=1)
    else:
        assert first[0] == first[1], "stale: nox -s record"


def test_every_error_is_recorded_and_has_its_section():
    names = set(errors.ERRORS)
    assert {path.stem for path in errors.FOLDER.glob("*.json")} == names
    fences = re.findall(r"```error\n(.+)\n```", PAGE)
    assert len(fences) == len(set(fences)) and set(fences) == names


@pytest.mark.parametrize("name", errors.ERRORS)
def test_a_cure_changes_a_set_up_that_says_something(name):
    error = errors.ERRORS[name]
    assert any(error["says"].values()) and error["cure"]
    assert errors.cured(error) != error


def test_an_edit_that_finds_nothing_is_no_cure():
    error = {"files": {"a": "b"}, "commands": "", "cure": [{"file": "a", "old": "c", "new": "d"}]}
    with pytest.raises(ValueError, match="a does not hold 'c'"):
        errors.cured(error)


def test_stamps_are_taken_off():
    class Bare(errors.Happening):
        def __init__(self):
            self.real = {"8000": "41234"}

    for line, shown in [
        ("2026/11/27 13:15:02 [error] 12#12: *1 connect() failed", "[error] connect() failed"),
        ("[2026-11-27 13:15:02 +0000] [123] [CRITICAL] WORKER TIMEOUT (pid:124)", "[CRITICAL] WORKER TIMEOUT (pid:…)"),
        ("Fri Nov 27 13:20:47 2026 - *** HARAKIRI", "*** HARAKIRI"),
        ("in use: ('127.0.0.1', 41234)", "in use: ('127.0.0.1', 8000)"),
    ]:
        assert Bare().shown(line) == shown


def test_a_port_that_holds_another_one_is_filled_in_whole():
    class Bare(errors.Happening):
        def __init__(self):
            self.real = {"8000": "28080", "8080": "41234", "5000": "15000"}

    line = "from 8080 to 8000 and 5000"
    assert Bare().filled(line) == "from 41234 to 28080 and 15000"
    assert Bare().shown(Bare().filled(line)) == line
