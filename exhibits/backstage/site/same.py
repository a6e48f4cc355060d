"""The fence `same`: where one thing of the same request stands at every stage."""

import re
from html import escape

from exhibits import catalog, journey
from exhibits.backstage.site import fence
from exhibits.backstage.site.dumps import glyphs_of, kind_of
from exhibits.backstage.site.html import hyperlink, table
from exhibits.backstage.site.wire import recording
from exhibits.journey import literal

# What `same` can look for: in which recording, among which things said, by which pattern where it is HTTP or
# like it, under which of CGI's names elsewhere, and under which key of an ASGI scope.
SAME = {
    "method": ("greeting", "request", rb"\A\w+", "REQUEST_METHOD", "method"),
    "path": ("greeting", "request", rb"/[^? ]*", "PATH_INFO", "path"),
    "query": ("greeting", "request", rb"(?<=\?)[^ ]*", "QUERY_STRING", "query_string"),
    "host": ("greeting", "request", rb"Host:[^\r]*\r\n", "HTTP_HOST", "headers"),
    "end": ("form", "request", rb"Content-Length:[^\r]*\r\n", "CONTENT_LENGTH", None),
    "status": ("greeting", "response", rb"(HTTP/1.1 |Status: )[^\r]*\r\n", None, "status"),
    "header": ("greeting", "response", rb"(?i)Content-Type:[^\r]*\r\n", None, "headers"),
}


@fence
def same(item):
    """Where one thing of the same request stands at every stage, from the recordings."""
    name = SAME[item][0]
    rows = [("", ["HTTP", *said_at(f"wsgi-{name}", 0, item)])]
    for stage in catalog.STAGES:
        found = called_at if stage.name in ("wsgi", "asgi") else said_at
        rows.append(("", [escape(stage.title), *found(f"{stage.name}-{name}", 1, item)]))
    return table("same", ["Stage", "Where", "What is there"], rows)


def said_at(name, index, item):
    """Where the bytes of an item stand, and the bytes: two cells. ValueError if there are none."""
    _, what, pattern, variable, _ = SAME[item]
    link = recording(name)["links"][index]
    if link["carrier"] == "process":
        what = {"request": "environ", "response": "stdout"}[what]
    data, fields = journey.said(link)[what], journey.explain(link)[what]
    if link["carrier"] == "HTTP/1.1" or not variable:
        found = re.search(pattern, data)
        if not found:
            raise ValueError(f"{name}: no {item} in the {what}")
        spans = [found.span()]
    else:
        spans = [variable_at(variable, fields)]
        if link["carrier"] == "FastCGI" and item == "end":  # there also a record of standard input without content
            spans.append(re.search(rb"\x01\x05\x00\x01\x00{4}", data).span())
    where, bytes_there = "", ""
    for start, end in spans:
        within = [field for field in fields if field.offset < end and field.offset + field.length > start]
        where += place(f"{name}-{index}-{what}-{within[0].offset}", f"{what}, bytes {start}–{end - 1}")
        parts = [(kind_of(f), data[max(f.offset, start) : min(f.offset + f.length, end)]) for f in within]
        digits = " ".join(f'<span class="{kind}">{part.hex(" ")}</span>' for kind, part in parts)
        glyphs = "".join(f'<span class="{kind}">{glyphs_of(part)}</span>' for kind, part in parts)
        bytes_there += f'<div class="wire bytes"><div>{glyphs}</div><div class="hex">{digits}</div></div>'
    return where, bytes_there


def variable_at(name, fields):
    """From where to where a variable stands: its name, its value and what belongs to them. StopIteration if nowhere."""
    kinds = [kind_of(field) for field in fields]
    first = last = next(i for i, f in enumerate(fields) if kinds[i] == "name" and f.value == name)
    while fields[first - 1].name in ("key_size", "nameLength", "valueLength"):  # and no val_size, of the one before
        first -= 1
    while kinds[last] != "value":
        last += 1
    while fields[last + 1].name == "NUL":
        last += 1
    return fields[first].offset, fields[last].offset + fields[last].length


def called_at(name, index, item):
    """The same of a link of calls: which call, and the value there."""
    _, what, _, variable, key = SAME[item]
    calls = list(enumerate(recording(name)["links"][index]["calls"], 1))
    if name.startswith("wsgi") and what == "request":
        return called(name, index, 1, "environ", variable, calls[0][1]["arguments"][0][variable], variable)
    if name.startswith("wsgi"):
        number, call = next(each for each in calls if each[1]["call"] == "start_response")
        status, headers = call["arguments"]
        return called(name, index, number, "start_response", None, status if item == "status" else pair(headers, item))
    if item == "end":
        number, call = next(each for each in calls if each[1]["call"] == "receive")
        return called(name, index, number, "event", "more_body", call["returned"]["more_body"], "returns-more_body")
    holder, which = ("scope", "application") if what == "request" else ("event", "send")
    number, call = next(each for each in calls if each[1]["call"] == which)
    value = call["arguments"][0][key]
    return called(name, index, number, holder, key, pair(value, item) if key == "headers" else value, key)


def pair(headers, item):
    """The pair of a list of header fields that an item is about; StopIteration if there is none."""
    sought = {"host": "host", "header": "content-type"}[item]
    return next(each for each in headers if sought in each[0].lower())


def called(name, index, number, holder, key, value, anchor=None):
    expression = holder if key is None else f"{holder}[{key!r}]"
    id = f"{name}-{index}-call-{number}" + (f"-{anchor}" if anchor else "")
    return place(id, f"call {number}"), f"<code>{escape(expression)}</code><br><code>{escape(literal(value))}</code>"


def place(id, text):
    """A link from a page of the top level to a part of a recording: greetings are shown by their stages."""
    stage, name, _ = id.split("-", 2)
    folder = "stages" if name == "greeting" else "bytes"
    return f"<p>{hyperlink(f'../{folder}/{stage}/#{id}', escape(text))}</p>"
