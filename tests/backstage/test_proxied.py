"""What the page "Behind a proxy" shows comes from the servers of today, before each cure and after it."""

import re
import warnings

import pytest
from conftest import require

from exhibits.backstage.recording import aged, errors, proxied
from exhibits.backstage.running import ROOT, version

pytestmark = pytest.mark.hall

PAGES = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("behind-a-proxy.md", "in-service.md")]
WAYS = [pytest.param(name, number, id=f"{name}-{number}")
        for name, trouble in proxied.TROUBLES.items() for number in range(len(trouble["way"]))]


@pytest.mark.parametrize(("name", "number"), WAYS)
def test_it_is_so_before_and_after(name, number):
    stack = errors.stack(name, proxied.ways(proxied.TROUBLES[name])[number])
    require(stack)
    made, wrong = proxied.happen(name, number)
    assert wrong == []
    kept = proxied.recorded(name)[number]
    if age := aged(kept["parts"], {part.name: version(part) for part in stack.parts}):
        warnings.warn(f"{name}: {age}: nox -s record", stacklevel=1)
    else:
        assert made == kept, "stale: nox -s record"


def test_every_trouble_is_recorded_and_has_its_section():
    names = set(proxied.TROUBLES)
    assert {path.stem for path in proxied.FOLDER.glob("*.json")} == names
    shown = [re.findall(r"^## .+ \{ #([a-z-]+) \}$(?:(?!^## )[^`]|`(?!``))*```proxied\n(.+)\n```", page, re.MULTILINE)
             for page in PAGES]
    assert {heading for page in shown for heading, fence in page if heading == fence} == names


@pytest.mark.parametrize("name", proxied.TROUBLES)
def test_a_cure_changes_each_set_up_and_each_way_is_recorded(name):
    ways = proxied.ways(proxied.TROUBLES[name])
    assert len(proxied.recorded(name)) == len(ways) == len({way["title"] for way in ways})
    for way in ways:
        assert errors.cured(way) != way and way["ask"]


@pytest.mark.parametrize(("before", "after", "faults"), [
    (["404"], ["200"], 0), (["200", "404"], ["200"], 0), (["200"], ["200"], 1), (["404"], ["200", "404"], 2),
])
def test_a_cure_has_to_help_everybody(before, after, faults):
    assert len(proxied.faults({"before": "404", "after": "200"}, before, after)) == faults


@pytest.mark.parametrize(("answer", "gist"), [
    ("HTTP/1.1 200 OK\r\nServer: x\r\nLocation: /a\r\n\r\nHello!\nMore", "200 OK · Location: /a · Hello!"),
    ("HTTP/1.1 200 \r\n\r\ndata: 0\n\n(the body came in 4 parts)", "200 · data: 0 · (the body came in parts)"),
    ("HTTP/1.1 502 Bad Gateway\r\n\r\n<html>\r\n<h1>502</h1>", "502 Bad Gateway"),
    ("HTTP/1.1 200 OK\r\n\r\n\x1f\x8b\na", "200 OK"),
    ("connection refused", "connection refused"),
])
def test_the_gist_of_an_answer(answer, gist):
    assert proxied.gist(answer, ["location"]) == gist
