"""Timeline, glossary and sources: data that is complete, in order and used."""

import re
from datetime import date

import pytest

from exhibits import catalog
from exhibits.backstage.site import reference

EVENTS = reference.events()
FIELDS = {"date", "kind", "what", "source", "stage", "disputed"}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["date"])
def test_an_event_has_a_date_a_kind_and_a_source(event):
    assert FIELDS - {"stage", "disputed"} <= set(event) <= FIELDS
    assert event["kind"] in ("specification", "server", "Python", "framework")
    name, address = event["source"]
    assert name and address.startswith("https://")
    assert reference.day(event["date"]).endswith(event["date"][:4])
    assert event["date"] <= date.today().isoformat()
    if "stage" in event:
        catalog.stage(event["stage"])


def test_links_of_the_timeline_are_links():
    html = reference.timeline("", "timeline", "timeline", {}, None)
    assert "](" not in html and '<a href="https://gunicorn.org/news/">all changes</a>' in html


def test_the_timeline_is_in_order():
    dates = [event["date"] for event in EVENTS]
    assert dates == sorted(dates)


@pytest.mark.parametrize("stage", catalog.STAGES, ids=lambda stage: stage.name)
def test_the_year_of_a_stage_is_in_the_timeline(stage):
    assert str(stage.year) in {event["date"][:4] for event in EVENTS if event.get("stage") == stage.name}


@pytest.mark.parametrize("wrong", ["1996-02-30", "96", "April 1996", ""])
def test_what_is_no_date_is_refused(wrong):
    with pytest.raises(ValueError):
        reference.day(wrong)


def test_every_term_is_used():
    folders = reference.DOCS, reference.DOCS.parent / "exhibits"
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".md", ".toml", ".py")]
    said = "\n".join(path.read_text() for path in files if path.stem != "glossary")
    for term in reference.meanings():
        assert re.search(rf"(?<!\w){re.escape(term)}(?!\w)", said), term


def test_the_page_of_sources_has_every_group():
    page = (reference.DOCS / "sources.md").read_text()
    assert re.findall(r"^## (.+?)(?: \{.*\})?$", page, re.MULTILINE) == list(reference.groups())
    assert re.findall(r"```cited\n(.+)\n```", page) == list(reference.groups())


def test_every_source_has_a_group_and_every_name_a_source():
    plain = {title: set() for title in reference.groups()}
    for address in reference.citations():
        title = reference.group_of(address)
        plain[title].add(reference.plain_name(address, reference.groups()[title]))
    for title, group in reference.groups().items():
        assert set(group.get("names", {})) <= plain[title], title
