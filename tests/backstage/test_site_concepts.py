"""The comparison and the drawn ways: every stage in every concept, and nothing that is not in the sources."""

import re
from itertools import combinations

import pytest
from pymdownx.superfences import SuperFencesException

from exhibits import catalog
from exhibits.backstage.site import concepts as site_concepts
from exhibits.backstage.site import moves as site_moves
from exhibits.backstage.site import way as site_way
from exhibits.backstage.site import wire as site_wire

pytestmark = pytest.mark.xdist_group("site")  # one process builds it, once

STAGES = [stage.name for stage in catalog.STAGES]
CONCEPTS = site_concepts.comparison()["concept"]


@pytest.fixture(scope="module")
def page(site):
    """The page as it is published, as a list of its concepts: (name, HTML)."""
    html = (site / "compare" / "index.html").read_text(encoding="utf-8")
    assert len(html) < 300_000
    return dict(re.findall(r'<section class="concept \w+"><h3 id="([^"]+)">(.*?)</section>', html, re.DOTALL))


def rendered(text):
    return site_concepts.concepts(text, "concepts", "concepts", {}, None)


def test_every_stage_has_its_way_in_every_concept(page):
    assert list(page) == [concept["name"] for concept in CONCEPTS]
    for name, html in page.items():
        ways = re.findall(r'<div class="way" data-stages="([^"]+)".*?<p>(.*?)</p>', html, re.DOTALL)
        assert sorted(" ".join(stages for stages, _ in ways).split()) == sorted(STAGES), name
        assert all(says for _, says in ways), name


@pytest.mark.parametrize("pair", [*combinations(STAGES, 2)], ids="-".join)
def test_two_stages_are_shown_and_no_other(pair):
    html = rendered(" ".join(pair))
    assert {*re.findall(r'<li data-stage="(\w+)">', html)} == {*pair}
    for concept, part in zip(CONCEPTS, html.split("<section ")[1:], strict=True):
        shown = re.findall(r'<div class="way" data-stages="([^"]+)">', part)
        alike = any({*pair} <= {*way["stages"]} for way in concept["way"])
        assert len(shown) == (1 if alike else 2)
        assert ('<p class="verdict">alike' in part) == alike
        if not alike:
            assert pair[0] in shown[0] and pair[1] in shown[1]


@pytest.mark.parametrize("place", [
    "exhibits/wsgi/app.py:no-such-section", "exhibits/wsgi/app.py:body |no such line", "exhibits/no-such-file.py",
])
def test_code_that_is_not_there_stops_the_build(monkeypatch, place):
    way = {"stages": STAGES, "says": "It says so.", "code": [place]}
    concept = {"name": "it", "side": "program", "title": "It", "way": [way]}
    monkeypatch.setattr(site_concepts, "comparison", lambda: {"concept": [concept], "pair": []})
    with pytest.raises(SuperFencesException):
        rendered("wsgi asgi")


def test_a_stage_that_is_missing_stops_the_build(monkeypatch):
    monkeypatch.setattr(catalog, "STAGES", (*catalog.STAGES, catalog.Stage("new", "New", 2030, "", "", "")))
    with pytest.raises(SuperFencesException, match="every stage once"):
        rendered("wsgi asgi")


def test_an_excerpt_shows_what_it_leaves_out():
    assert site_concepts.excerpt("exhibits/cgi/app.py:request-line |method=|mount=") == (
        'method=environ["REQUEST_METHOD"],\n# …\nmount=mount,')


@pytest.mark.parametrize("stage", STAGES)
def test_a_way_shows_every_process_in_both_forms_and_in_words(stage):
    html = site_way.way_view(site_wire.recording(f"{stage}-greeting"), "id")
    wide, tall = re.findall(r"<svg .*?</svg>", html, re.DOTALL)
    stack = catalog.stacks_of(stage)[0]
    for drawing in (wide, tall):
        shown = re.findall(r'<tspan class="who">(.*?)</tspan>', drawing)
        called = [catalog.called(stack, each) for each in reversed(stack.processes)]
        assert shown == ["visitor", *(re.sub("our .* server", "our server", each) for each in called), "program"]
        described = re.search(r"<desc.*?>(.*?)</desc>", drawing)[1]
        assert all(who.lower() in described.lower() for who in ["visitor", *called, "program"])
        assert stack.processes[0].workers in described
    identifiers = re.findall(r' id="([^"]+)"', html)
    assert len(identifiers) == len({*identifiers}) == 4


@pytest.mark.parametrize("fence", [site_concepts.concepts, site_moves.move, site_wire.journey, site_wire.recorded])
def test_a_fence_that_cannot_render_stops_the_build(fence):
    with pytest.raises(SuperFencesException):
        fence("nonsense", "name", "name", {}, None)
