"""What passed on a link of a journey, as HTML: byte by byte, or call by call."""

import re
from collections import Counter
from html import escape

from exhibits import journey
from exhibits.backstage.site.calls import calls_view
from exhibits.backstage.site.sections import named
from exhibits.journey import counted, readable
from exhibits.shared.fields import gaps

# A field's kind chooses its colour. What no pattern names is a value.
KINDS = [
    ("size", re.compile(r"\w+Length|\w+_size|datasize|chunk-size|\[len\]|(Mask, P|Extended p)ayload length")),
    ("name", re.compile(r"name|key|nameData|field-name")),
    ("frame", re.compile(r"[:=,]|SP|OWS|LWSP|CRLF|NL|NUL|reserved|paddingData|version|type|requestId|modifier\d|"
                         r"FIN, RSV, opcode|Masking-key|last-chunk")),
    ("body", re.compile(r"body|\w+-body|contentData|chunk-data|Application data|log|rest")),
]
# Of what a dump is a sequence: the field that begins each of them, and what they are called, by carrier or by what is
# said on it.
CHUNKS = {"chunk-size": "chunk", "last-chunk": "chunk", "message-body": "body"}
BEGINNINGS = {
    "FastCGI": {"version": "record"}, "WebSocket": {"FIN, RSV, opcode": "frame"},
    "HTTP/1.1 request": {"method": "request", **CHUNKS}, "HTTP/1.1 response": {"HTTP-version": "response", **CHUNKS},
    "uwsgi request": {"modifier1": "packet", "body": "body"}, "uwsgi response": {"HTTP-version": "response", **CHUNKS},
    "SCGI request": {"[len]": "netstring", "body": "body"},
}
KIND = {"record": "type", "frame": "FIN, RSV, opcode"}  # the field that says of which kind one is
LEGEND = {"name": "name", "value": "value", "size": "length", "body": "body", "frame": "what holds them together"}
KEPT = 128  # of a longer field the dump shows this many bytes, and leaves the middle out


def link_view(id, link):
    """Everything that passed on one link of a recording. Its parts have ids that begin with `id`."""
    if "calls" in link:
        return calls_view(id, link)
    said = journey.said(link)
    return "".join(
        piece_view(f"{id}-{what}", link, what, said[what], fields) for what, fields in journey.explain(link).items()
    )


def piece_view(id, link, what, data, fields):
    """One thing that was said: its dump, and the table of its fields. ValueError if the fields leave a gap."""
    if gap := gaps(fields, data):
        raise ValueError(f"{id}: {gap}")
    one, other = map(escape, reversed(link["between"]) if journey.BY[what] else link["between"])
    title = f"<b>{what}</b> from {one} to {other}"
    if not data:
        return f'<p class="silent">{escape(link["carrier"])} {title}: no bytes.</p>'
    begun = beginnings(link["carrier"], what, fields)
    rows = "".join(
        f"<tr><td>{f.offset}</td><td>{f.length}</td><td><b>{escape(f.name)}</b> {escape(readable(f.value))}</td>"
        f"<td>{marked(begun.get(f.offset))}{escape(f.meaning)} <small>{escape(f.section)}</small></td></tr>"
        for f in fields
    )
    count = counted(len(fields), "field")
    kinds = [kind for kind in LEGEND if kind in map(kind_of, fields)]
    legend = " ".join(f'<span class="{kind}">{LEGEND[kind]}</span>' for kind in kinds)
    if len(begun) > 1:
        units = dict.fromkeys(f"a {name.split()[0].lower().rstrip(':')}" for name in begun.values())
        legend += f' <span class="begins">where {" or ".join(units)} begins</span>'
    caption = f"{escape(link['carrier'])} {title}: {len(data):,} bytes in {count}"
    return f"""<figure class="wire" id="{id}" data-search-exclude><figcaption>{caption}</figcaption>
<div><p class="says">{HINTS}</p>
{dump(id, data, fields, begun)}</div>
<p class="legend">{legend}</p>
<details><summary>{count} in a table</summary>
<table class="fields"><thead><tr><th>Offset</th><th>Bytes</th><th>Name, value</th><th>Meaning, section</th></tr></thead>
<tbody>{rows}</tbody></table>
{named(field.section for field in fields)}</details></figure>"""


HINTS = ('<span class="keys">Point at a byte, or go there with Tab and the arrow keys; Enter copies the link.</span>'
         '<span class="tap">Tap a byte.</span>')


def beginnings(carrier, what, fields):
    """Where in a dump something begins, and what: {offset: "Record 2 of 5: FCGI_PARAMS"}."""
    names = BEGINNINGS.get(f"{carrier} {what}") or BEGINNINGS.get(carrier, {})
    begin = [number for number, field in enumerate(fields) if field.name in names]
    units, found = Counter(names[fields[number].name] for number in begin), Counter()
    told = {}
    for number in begin:
        found[unit := names[fields[number].name]] += 1
        kind = next((f": {field.value.split()[-1]}" for field in fields[number : number + 2]
                     if field.name == KIND.get(unit)), "")
        which = f" {found[unit]} of {units[unit]}" if units[unit] > 1 else ""
        told[fields[number].offset] = f"{unit.capitalize()}{which}{kind}"
    return told


def marked(beginning):
    return f'<em class="begins">{escape(beginning)}.</em> ' if beginning else ""


def dump(id, data, fields, begun=()):
    """The bytes in rows of 16, or of 8 where that is too wide: offsets, hexadecimal, text.

    begun: the offsets at which something begins, for whose bytes there is a mark.
    """
    digits, glyphs = [], []
    for field in fields:
        end = field.offset + field.length
        first, last = left_out(field)
        pieces = [data[field.offset : first], data[last:end]] if last else [data[field.offset : end]]
        kind = kind_of(field) + (" begins" if field.offset and field.offset in begun else "")
        gap = f'<em class="out">{last - first:,} bytes left out</em>'
        shown_digits = gap.join(piece.hex(" ") for piece in pieces)
        digits.append(f'<span class="{kind}" id="{id}-{field.offset}">{shown_digits}</span>')
        gap = '<em class="out"> </em>'
        glyphs.append(f'<span class="{kind}">{gap.join(map(glyphs_of, pieces))}</span>')
    return (f'<div class="dump"><div class="offsets" aria-hidden="true">{offsets(len(data), fields)}</div>'
            f'<div class="hex">{" ".join(digits)}</div>'
            f'<div class="text" aria-hidden="true">{"".join(glyphs)}</div></div>')


def offsets(length, fields):
    """Where the rows of a dump begin. Wide dumps show every other one."""
    gaps = dict(gap for gap in map(left_out, fields) if any(gap))
    start, rows = 0, []
    while start < length:
        if start in gaps:
            rows.append("<i>⋮</i>")
            start = gaps[start]
        else:
            rows.append(f'<i class="half">{start}</i>' if start % 16 else f"<i>{start}</i>")
            start += 8
    return "".join(rows)


def left_out(field):
    """From where to where the dump leaves out the middle of a long field: whole rows of 16, or (0, 0)."""
    if field.length <= 2 * KEPT:
        return 0, 0
    return (field.offset + KEPT) // 16 * 16, (field.offset + field.length - KEPT // 2) // 16 * 16


def kind_of(field):
    return next((kind for kind, pattern in KINDS if pattern.fullmatch(field.name)), "value")


def glyphs_of(data):
    """A character for each byte: ASCII's own, and a dot for whatever cannot be seen."""
    return escape("".join(chr(byte) if 32 <= byte < 127 else "·" for byte in data))
