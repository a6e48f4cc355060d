"""Each section that pages, comments and the catalog cite rests on words of it, as citations.toml has them."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from exhibits.backstage.running import ROOT
from tests.specifications import BRIEF, DECLARED, cited, linked, quoted, sections, slug, words

TABLE = tomllib.loads((Path(__file__).parent / "citations.toml").read_text(encoding="utf-8"))
PLACES = {(document, slug(section)): quotations for name, quotations in TABLE.items()
          for document, section in [quoted(name)]}
FELT = re.compile(r"\b(most|few|nearly all) (\w+ )?(servers|programs|people|machines)\b", re.IGNORECASE)
EXPLAINED = "explain.py"  # what these cite is in explanations.toml


def files():
    """What is read by visitors or says why: pages, catalog, comments."""
    for folder in "exhibits", "docs":
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".md", ".toml", ".conf") and path.name != EXPLAINED:
                yield path


def test_the_table_has_all_sections_that_are_cited_and_no_others():
    named = {}
    for path in files():
        text = path.read_text(encoding="utf-8")
        for document, section in [*cited(text), *linked(text)]:
            named.setdefault((document, slug(section)), path.name)
    assert len(named) > 150
    assert {place: name for place, name in named.items() if place not in PLACES} == {}, "without words"
    assert PLACES.keys() - named.keys() == set(), "words for what nobody cites"


def test_who_cites_by_a_bare_sign_says_of_what():
    for path in files():
        text = path.read_text(encoding="utf-8")
        assert path.suffix != ".py" or not BRIEF.search(text) or DECLARED.search(" ".join(text.split())), path


def test_quotations_are_short_and_there():
    for name, quotations in TABLE.items():
        assert quotations and all(0 < len(text.split()) <= 40 for text in quotations), name


def test_the_words_stand_in_the_sections():
    if not (folder := os.environ.get("SPECIFICATIONS")):
        pytest.skip("SPECIFICATIONS names no folder with the texts")
    texts = {(document, slug(section)): text for (document, section), text in sections(folder).items()}
    documents = {document for document, _ in texts}
    looked_for = [(place, text) for place, quotations in PLACES.items() for text in quotations if place[0] in documents]
    assert looked_for
    assert [each for each in looked_for if words(each[1]) not in texts.get(each[0], "")] == []


def test_what_most_do_is_counted_or_they_are_named():
    """"Few servers count" stood on a page beside a grid in which 44 of 57 did."""
    assert [(path.name, found[0]) for path in files() if path.suffix != ".py"
            for found in FELT.finditer(path.read_text(encoding="utf-8"))] == []
