"""The fence `layout`: how the message of a carrier is put together, and all its types and codes, from `layout.toml`.

A name leads to the first recording that has it; this is looked up. Of what none can have the card says why.
"""

import re
import tomllib
from functools import cache
from html import escape

from exhibits import journey
from exhibits.backstage.recording import FOLDER
from exhibits.backstage.recording.conversations import CONVERSATIONS
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import hyperlink
from exhibits.backstage.site.sections import section_link
from exhibits.backstage.site.wire import TITLES, recording
from exhibits.shared.cgi_variables import meaning
from exhibits.shared.fields import Field


@cache
def cards():
    """`layout.toml`: name of a card to what it shows."""
    with open(ROOT / "exhibits/backstage/site/layout.toml", "rb") as file:
        return tomllib.load(file)


@fence
def layout(name):
    """The card with this name: its records, drawn and told field by field, and the tables of its codes."""
    card = cards()[name]
    records = (titled(each) + drawn(each) + told(card, each, (f"{unit(each).title()}s", "Field"), placed(each))
               for each in card["record"])
    codes = (titled(table) + told(card, table, table["heads"], coded(table)) for table in card["codes"])
    return f'<div class="layout">{"".join(records)}{"".join(codes)}</div>'


def titled(part):
    return f"<p><b>{escape(part['title'])}.</b> {escape(part.get('says', ''))}</p>"


def drawn(record):
    """The boxes of a record, in rows of so many columns; who cannot see them has the table that follows."""
    columns, at, boxes = record.get("columns"), 0, []
    for where, field in placed(record):
        text = f"{escape(field['name'])}<small>{where}</small>"
        for wide in pieces(field["size"], at, columns) if columns else [0]:
            boxes.append(f'<span class="n{wide}">{text}</span>' if wide else f"<span>{text}</span>")
            at, text = at + wide, "…"
    kind = f"boxes c{columns}" if columns else "boxes"
    return f'<div class="{kind}" aria-hidden="true" data-search-exclude>{"".join(boxes)}</div>'


def pieces(size, at, columns):
    """How wide a field is in each row that it stands in, from `at` on. Where its size varies: the rest of a row."""
    room = columns - at % columns
    left = size if isinstance(size, int) else room
    while left:
        yield min(left, room)
        left, room = left - min(left, room), columns


def unit(record):
    """What its sizes count."""
    return record.get("unit", "byte")


def placed(record):
    """The rows of a record's fields: where each stands, or how long it is where that varies; and the field."""
    one, at = unit(record), 0
    for field in record["fields"]:
        size = field["size"]
        if not isinstance(size, int):
            where, at = f"{size} {one}s" if size[0].isdigit() or " " not in size else size, None
        elif at is None:
            where = f"{size} {one}{'s' if size > 1 else ''}"
        else:
            where = f"{at}" if size == 1 else f"{at}–{at + size - 1}"
            at += size
        yield where, {"field": field["name"], "value": "", "within": record.get("within", ""), **field}


def coded(table):
    """The rows of a table of codes: the code, and the row with what to look for in recordings."""
    for row in table["rows"]:
        value = row.get("value", table.get("value", "{code}")).format(**row)
        yield row["code"], {**{key: table[key] for key in ("field", "carrier") if key in table}, **row, "value": value}


def told(card, part, heads, rows):
    """A table of fields or codes. rows: what stands in the first column, and a row as in `layout.toml`.

    There is space between its cells, or the index of the search would take two of them for one word.
    """
    lines = []
    for first, row in rows:
        sentence, section = cited(card, row)
        limit = f" {row['limit']}" if "limit" in row else ""
        place = example(card, row, sentence, section)
        name = breakable(row["name"])
        name = hyperlink(place, name) if place else name
        unseen = "" if place else f" {row['absent']}"
        says = escape(row.get("text", sentence) + limit + unseen)
        lines.append(f'<tr><td>{breakable(str(first))}</td> <th scope="row">{name}</th> '
                     f"<td>{says} <small>{section_link(section)}</small></td></tr>\n")
    head = " ".join(f'<th scope="col">{each}</th>' for each in (*heads, "Meaning"))
    return (f'<table class="codes" aria-label="{escape(part["title"])}"><thead><tr>{head}</tr></thead> '
            f'<tbody>{"".join(lines)}</tbody></table>')


def breakable(text):
    """A text whose long names may go on in the next line of a narrow cell."""
    return re.sub("(?<=_)|(?<=[a-z])(?=[A-Z])", "<wbr>", escape(text))


def cited(card, row):
    """The sentence of a row, and the whole name of the section it rests on."""
    if "says" not in row:
        return meaning(row["name"])
    section = row["section"]
    return row["says"], section if re.search(r" section | § |\(\d\)", section) else card["book"] + section


def example(card, row, sentence, section):
    """Where a dump or a call on the pages of a room has what a row speaks of, or "" where none has."""
    looked_for = re.compile(rf"(?<![^\s,])(?:{row['value']})(?![^\s,])" if row["value"] else "")
    best, place = -1, ""
    there = row.get("carrier", card["carrier"]), row["field"]
    for found, carrier, said, field in recorded(card["room"]):
        if ((carrier, field.name) != there or row.get("within", said) not in ("", said)
                or not looked_for.search(field.value)):
            continue
        likeness = (sentence in field.meaning) + (section == field.section)
        if likeness > best and (likeness == 2 or not row.get("strict")):
            best, place = likeness, found
    return place


@cache
def recorded(room):
    """All that a room's recordings explain: (address from its page of bytes, carrier, what was said, Field)."""
    pages = {f"{room}-{what}": "" for what in TITLES if (FOLDER / f"{room}-{what}.json").exists()}
    others = {name: each.page for name, each in CONVERSATIONS.items() if each.stack.stage == room}
    pages |= {name: page and f"../../bytes/{page}/" for name, page in others.items()}
    del pages[greeting := f"{room}-greeting"]  # last: it stands on the page of the stage
    return [
        (f"{page}#{name}-{index}-{place}", link["carrier"], said, field)
        for name, page in {**pages, greeting: f"../../stages/{room}/"}.items()
        for index, link in enumerate(recording(name)["links"])
        for place, said, field in (keys_of(link) if "calls" in link else fields_of(link))
    ]


def fields_of(link):
    """What the bytes of a link say: (where in the dumps, what was said, Field)."""
    for said, fields in journey.explain(link).items():
        for field in fields:
            yield f"{said}-{field.offset}", said, field


def keys_of(link):
    """So too what the calls of a link hand over, each key as a Field of no bytes."""
    for number, call in enumerate(link["calls"], 1):
        for where, holder in (*(("", each) for each in call["arguments"]), ("-returns", call.get("returned"))):
            for key, value in holder.items() if isinstance(holder, dict) else ():
                says = journey.explain_key(link, holder, key)
                yield f"call-{number}{where}-{key}", "", Field(0, 0, key, str(value), *says)
