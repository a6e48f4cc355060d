"""The layout cards: true to the code that speaks the protocols, and to the sections they name."""

import os
import re

import pytest

from exhibits.asgi import explain as websocket
from exhibits.asgi import wire as frames
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import layout
from exhibits.cgi import wire as cgi
from exhibits.fastcgi import explain as fastcgi
from exhibits.fastcgi import wire as records
from exhibits.shared import cgi_variables
from exhibits.uwsgi import wire as packets
from tests.explained import TABLE, sentences
from tests.specifications import quoted, sections, words

CARDS = layout.cards()
SIZES = {"B": 1, "H": 2, "L": 4, "x": 1}


def rows():
    """(card, row) of every field and code."""
    for card in CARDS.values():
        for record in card["record"]:
            yield from ((card, field) for field in record["fields"])
        for table in card["codes"]:
            yield from ((card, row) for row in table["rows"])


def codes(card, title):
    """{code: name} of a table."""
    table = next(each for each in CARDS[card]["codes"] if each["title"].startswith(title))
    return {row["code"]: row["name"] for row in table["rows"]}


def drawn(card, title):
    """The sizes of the fields of a record that have one."""
    record = next(each for each in CARDS[card]["record"] if each["title"] == title)
    return [field["size"] for field in record["fields"] if isinstance(field["size"], int)]


@pytest.mark.parametrize("card, title, struct", [
    ("fastcgi", "A record", records.HEADER), ("fastcgi", "The content of FCGI_BEGIN_REQUEST", records.BEGIN_BODY),
    ("fastcgi", "The content of FCGI_END_REQUEST", records.END_BODY),
    ("fastcgi", "The content of FCGI_UNKNOWN_TYPE", records.UNKNOWN_BODY), ("uwsgi", "A request", packets.HEADER),
])  # fmt: skip
def test_a_record_has_the_sizes_and_the_byte_order_of_its_struct(card, title, struct):
    order, *parts = re.findall(r"[<>]|\d*[A-Za-z]", struct.format)
    assert drawn(card, title) == [int(part[:-1] or 1) * SIZES[part[-1]] for part in parts]
    assert {">": "big-endian", "<": "little-endian"}[order] in CARDS[card]["record"][0]["says"]


def test_fastcgi_has_all_its_codes():
    assert codes("fastcgi", "Record types") == {n: f"FCGI_{name}" for n, name in enumerate(records.NAMES) if name}
    assert codes("fastcgi", "Roles") == {code: name for code, (name, *_) in fastcgi.ROLES.items()}
    assert codes("fastcgi", "Flags") == {0: "no flag", records.KEEP_CONN: "FCGI_KEEP_CONN"}
    assert codes("fastcgi", "Values of") == {code: name for code, (name, _) in fastcgi.STATUSES.items()}
    assert set(codes("fastcgi", "Variables").values()) <= set(fastcgi.VALUES)
    assert len(CARDS["fastcgi"]["codes"][-1]["rows"]) == len(fastcgi.VALUES)
    for row in (row for table in CARDS["fastcgi"]["codes"][:4] for row in table["rows"] if row["name"] != "no flag"):
        assert getattr(records, row["name"].removeprefix("FCGI_")) == row["code"]


def numbers(table):
    """Every number that stands in a table of codes, alone or in a range, and how often."""
    for code in table:
        for part in str(code).split(", "):
            first, _, last = part.partition("–")
            yield from range(int(first), int(last or first) + 1)


def test_websocket_has_every_opcode_and_close_code_once():
    opcodes, closing = codes("websocket", "Opcodes"), codes("websocket", "Close codes")
    assert {code: name for code, name in opcodes.items() if name != "reserved"} == frames.NAMES
    assert sorted(numbers(opcodes)) == list(range(16))
    assert sorted(numbers(closing)) == list(range(5000))
    never = {code for code, name in closing.items() if name.startswith("reserved")}
    alone = {code for code in closing if isinstance(code, int)}
    assert {code for code in alone if not frames.may_be_sent(code)} == never
    assert alone - never == set(websocket.CODES)


def test_cgi_has_every_variable_of_its_section_and_every_field_of_its_answer():
    named = {name for name, (_, section) in cgi_variables.MEANINGS.items() if "RFC 3875 section 4.1" in section}
    variables, answer = (table["rows"] for table in CARDS["cgi"]["codes"])
    assert {row["name"] for row in variables} == named | {"HTTP_…"}
    its = [row["name"].lower() for row in answer if row["code"] == "CGI's"]
    assert sorted(its) == sorted(cgi.CGI_FIELDS)


def test_a_name_leads_to_a_recording_or_it_is_said_why_not():
    """Each is looked for where the card looks; who has an example needs no excuse."""
    for card in CARDS.values():
        for part in (*card["record"], *card["codes"]):
            for _, row in layout.placed(part) if "fields" in part else layout.coded(part):
                place = layout.example(card, row, *layout.cited(card, row))
                assert bool(place) != ("absent" in row), (part["title"], row["name"], place)
    html = layout.layout("fastcgi", "layout", "layout", {}, None).replace("<wbr>", "")
    found = re.findall(r'<th scope="row"><a href="[^"]*#[^"]+">(FCGI_\w+)</a>', html)
    assert set(codes("fastcgi", "Record types").values()) <= set(found)
    assert "Not recorded" in layout.layout("websocket", "layout", "layout", {}, None)


def test_examples_stand_on_the_page_that_is_linked():
    for room in {card["room"] for card in CARDS.values()}:
        for address in {address.rpartition("-")[0] for address, *_ in layout.recorded(room)}:
            page, _, id = address.partition("#")
            file = (ROOT / "docs" / "bytes" / room / page).resolve().with_suffix(".md")
            fence = r"```(recorded|journey)\n([\w-]+)\n```"
            shown = re.findall(fence, file.read_text(encoding="utf-8"))
            assert any(id.startswith(f"{name}-") for _, name in shown), address


def test_each_cell_is_words_of_its_own_for_the_search():
    html = layout.layout("fastcgi", "layout", "layout", {}, None)
    assert set(codes("fastcgi", "Record types").values()) <= set(re.sub("<[^>]+>", "", html).split())


def test_every_sentence_rests_on_words_of_its_section():
    for card, row in rows():
        said, section = layout.cited(card, row)
        missing = [sentence for sentence in sentences(said) if sentence not in TABLE.get(section, ())]
        assert "words" in row or missing == [], (section, missing)


def test_the_words_stand_in_the_sections():
    folder = os.environ.get("SPECIFICATIONS")
    if not folder:
        pytest.skip("SPECIFICATIONS names no folder with the texts")
    texts = sections(folder)
    documents = {document for document, _ in texts}
    for card, row in rows():
        place = quoted(layout.cited(card, row)[1])
        if place and place[0] in documents:
            assert words(row.get("words", "")) in texts[place], row
