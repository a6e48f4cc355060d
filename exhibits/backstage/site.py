"""The fences of the site: what Markdown cannot say, rendered from the catalog and the other data.

A page under `docs/` asks for one with a fenced code block that has its name:

    ```servers
    wsgi
    ```

`mkdocs.yml` maps the name to a function here. The function takes the text in the
fence and returns HTML. Whatever goes wrong stops the build.
"""

import ast
import json
import re
import tomllib
from functools import wraps
from html import escape
from pathlib import Path

from pymdownx.superfences import SuperFencesException

from exhibits import catalog
from exhibits.backstage import tapping
from exhibits.fields import gaps

ROOT = Path(__file__).resolve().parents[2]


def fence(render):
    """Make a formatter for superfences of render(text in the fence) -> HTML."""

    @wraps(render)
    def formatter(source, language, class_name, options, md, **more):
        try:
            return render(source.strip())
        except Exception as error:  # any other kind would be printed into the page as code
            raise SuperFencesException(f"fence {language} {source.strip()!r}: {error!r}") from error

    return formatter


# ---------------------------------------------------------------- the grid


@fence
def grid(_):
    """The map, for the home page: a row for each carrier, a column for each interface."""
    return map_of(catalog.main_stacks(), "")


@fence
def hall(_):
    """The map of all stacks, for its own page."""
    return map_of(catalog.STACKS, "../")


def map_of(stacks, base):
    """A map of these stacks. base: the address of the home page, from where the map stands."""
    interfaces = unique(stack.interface for stack in stacks)
    carriers = unique(carrier for stack in stacks for carrier in carriers_of(stack))
    rows = [
        ("", [escape(carrier), *(cell(stacks, interface, carrier, base) for interface in interfaces)])
        for carrier in carriers
    ]
    return table("map", ["Carrier ↓ interface →", *map(escape, interfaces)], rows)


def cell(stacks, interface, carrier, base):
    """The stages and stacks of one cell, as links; how many more there are in the hall; or why there are none."""
    there = [s for s in catalog.STACKS if s.interface == interface and carrier in carriers_of(s)]
    here = [stack for stack in there if stack in stacks]
    lines = []
    for name in unique(stack.stage for stack in here):
        names = (link(f"{base}stages/{name}/#{s.name}", escape(s.server)) for s in here if s.stage == name)
        stage = link(f"{base}stages/{name}/", escape(catalog.stage(name).title), "stage")
        lines.append(f"{stage}<ul>{''.join(f'<li>{name}</li>' for name in names)}</ul>")
    if more := len(there) - len(here):
        lines.append(f"<small>{link(f'{base}hall/', f'{more} more' if here else f'{more} in the hall')}</small>")
    reason = nobody().get(carrier, {}).get(interface, "").replace("](", f"]({base}")
    return "".join(lines) or f'<small class="none">{prose(reason)}</small>'


def nobody():
    """What `docs/map.toml` says of the cells without a stack: {carrier: {interface: sentence}}."""
    return tomllib.loads((ROOT / "docs" / "map.toml").read_text(encoding="utf-8"))


def carriers_of(stack):
    return stack.carrier.split(", ")


@fence
def rooms(_):
    """The stages in the order of history, for the home page."""
    items = (
        f'<li><span class="year">{stage.year}</span> {link(f"stages/{stage.name}/", escape(stage.title))} '
        f"<span>{escape(stage.idea)}</span></li>"
        for stage in catalog.STAGES
    )
    return f'<ol class="rooms">{"".join(items)}</ol>'


@fence
def glass(_):
    """What is not started here, and why."""
    items = (f"<dt>{escape(name)}</dt><dd>{prose(reason)}</dd>" for name, reason in catalog.GLASS.items())
    return f"<dl>{''.join(items)}</dl>"


# ---------------------------------------------------------------- commands


@fence
def clone(commands):
    """The commands, after the ones that fetch the project."""
    url = settings()["repo_url"]
    return shell([f"git clone {url}", f"cd {url.rpartition('/')[2]}", *commands.splitlines()])


@fence
def run(stage_name):
    """Every way to start a stage."""
    start = f"nox -s exhibit-{catalog.stage(stage_name).name}"
    others = [f"{start} -- --server {stack.server}" for stack in catalog.stacks_of(stage_name)[1:]]
    return shell([start, *others, f"{start} -- --hello"])


def shell(lines):
    return f'<div class="language-sh highlight"><pre><code>{escape(chr(10).join(lines))}</code></pre></div>'


# ---------------------------------------------------------------- tables


@fence
def servers(stage_name):
    """The stacks of a stage: parts, interface, carrier, who speaks what to whom."""
    stage = catalog.stage(stage_name)
    columns = ["Stack", "Parts", "Interface", "Carrier", "Who speaks what, from the visitor inwards"]
    return table("servers", columns, [
        (stack.name, [name_of(stack), parts(stack), escape(stack.interface), escape(stack.carrier), speakers(stack)])
        for stack in catalog.stacks_of(stage.name)
    ]) + today(catalog.stacks_of(stage.name))  # fmt: skip


def today(stacks):
    """When one would still choose each of the parts of these stacks."""
    known = unique(part for stack in stacks for part in stack.parts if part.today)
    items = (f"<li>{link(part.home, escape(part.name))}: {prose(part.today)}</li>" for part in known)
    return f'<p>When one would choose them today:</p><ul class="today">{"".join(items)}</ul>' if known else ""


def name_of(stack):
    """The stack's name; the first of its stage is the default."""
    default = stack == catalog.stacks_of(stack.stage)[0]
    return f"<code>{escape(stack.name)}</code>" + (" <small>default</small>" if default else "")


def parts(stack):
    """What the stack is made of, each part linked to its home."""
    names = unique([process.part for process in stack.processes] + list(stack.needs))
    known = catalog.PARTS
    return ", ".join(link(known[name].home, escape(name)) if name in known else escape(name) for name in names)


def speakers(stack):
    items = (f"<li><b>{escape(p.part)}</b>: {escape(p.speaks)}</li>" for p in reversed(stack.processes))
    return f"<ol>{''.join(items)}</ol>"


@fence
def differences(stage_name):
    """The known differences of a stage, or of every stage where the fence says "all"."""
    stacks = catalog.EVERYTHING if stage_name == "all" else catalog.stacks_of(catalog.stage(stage_name).name)
    names = {stack.name for stack in stacks}
    entries = [entry for entry in known_differences() if entry["stack"] in names]
    if not entries:
        return "<p>None are known.</p>"
    columns = ["Stack and cases", "What happens", "Why"]
    return table("differences", columns, [
        (difference_id(entry["stack"], entry["cases"]), difference(entry)) for entry in entries
    ])  # fmt: skip


def known_differences():
    """The entries of `exhibits/differences.toml`, which says what their fields mean; KeyError at an unknown stack."""
    with open(ROOT / "exhibits" / "differences.toml", "rb") as file:
        entries = tomllib.load(file).get("difference", [])
    for entry in entries:
        catalog.find(entry["stack"])
    return entries


def difference_id(stack, cases):
    """What a link to a known difference names."""
    return f"known-{stack}-{cases[0]}"


def difference(entry):
    """The cells of one known difference."""
    cases = "".join(f"<li>{escape(case)}</li>" for case in entry["cases"])
    mounted = "<small>under a mount point</small>" if entry.get("mounted") else ""
    source = f"<small>Source: {prose(entry['source'])}</small>"
    return [f"<code>{escape(entry['stack'])}</code><ul>{cases}</ul>{mounted}",
            prose(entry["happens"]), prose(entry["why"]) + source]  # fmt: skip


def prose(text):
    """Plain text as HTML: `code` is code, an address is a link, and so is [text](place on the site)."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text.strip()))
    text = re.sub(r"\[([^]]+)\]\(([\w./#-]+)\)", r'<a href="\2">\1</a>', text)
    return re.sub(r"https?://[^\s<>()]*[^\s<>().,;:]", lambda found: link(found[0], found[0].partition("//")[2]), text)


def table(css_class, columns, rows):
    """An HTML table. columns and cells are HTML; a row is (id or "", cells), its first cell the row's header.

    Style sheets stack the cells of narrow screens, each under its data-label.
    A browser forgets then that it is a table, so the roles are spelled out.
    """
    head = "".join(f'<th scope="col" role="columnheader">{column}</th>' for column in columns)
    body = []
    for id, (first, *others) in rows:
        cells = "".join(
            f'<td role="cell" data-label="{column}">{other}</td>' if other else '<td role="cell"></td>'
            for column, other in zip(columns[1:], others, strict=True)
        )
        attribute = f' id="{id}"' if id else ""
        body.append(f'<tr role="row"{attribute}><th scope="row" role="rowheader">{first}</th>{cells}</tr>')
    return (f'<div class="table"><table class="{css_class}" role="table">'
            f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
            f'<tbody role="rowgroup">{"".join(body)}</tbody></table></div>')  # fmt: skip


# ---------------------------------------------------------------- recordings: what was said, byte by byte

# In which order the pieces of a link are shown. The ones with True go from the first of its two ends to the second.
SAID = {"request": True, "client": True, "environ": True, "stdin": True,
        "response": False, "server": False, "stdout": False, "stderr": False}  # fmt: skip
# A field's kind chooses its colour. What no pattern names is a value.
KINDS = [
    ("size", re.compile(r"\w+Length|\w+_size|datasize|chunk-size|\[len\]|MASK, length")),
    ("name", re.compile(r"name|key|nameData|field[- ]name")),
    ("frame", re.compile(r"[:=,]|SP|OWS|CRLF|NL|NUL|line end|empty line|reserved|paddingData|version|type|requestId|"
                         r"modifier\d|FIN, RSV, opcode|masking key|last-chunk")),
    ("body", re.compile(r"body|message-body|contentData|chunk-data|payload|log")),
]  # fmt: skip
LEGEND = {"name": "name", "value": "value", "size": "length", "body": "body", "frame": "what holds them together"}
KEPT = 128  # of a longer field the dump shows this many bytes, and leaves the middle out


def recording(name):
    """What docs/recordings keeps of a run, by name ("fastcgi-greeting")."""
    return json.loads((ROOT / "docs" / "recordings" / f"{name}.json").read_text(encoding="utf-8"))


@fence
def wire(text):
    """A recording, "fastcgi-greeting", or the one link of it whose number follows: its dumps, or its calls."""
    name, *number = text.split()
    links = recording(name)["links"]
    chosen = [int(*number)] if number else range(len(links))
    return "".join(link_view(f"{name}-{index}", links[index]) for index in chosen)


def link_view(id, link):
    """Everything that passed on one link of a recording. Its parts have ids that begin with `id`."""
    if "calls" in link:
        return calls_view(id, link)
    explained = tapping.explain(link)
    return "".join(
        piece_view(f"{id}-{what}", link, what, link["said"][what].encode("latin-1"), explained[what])
        for what in sorted(explained, key=list(SAID).index)
    )


def piece_view(id, link, what, data, fields):
    """One thing that was said: its dump, and the table of its fields. ValueError if the fields leave a gap."""
    if gap := gaps(fields, data):
        raise ValueError(f"{id}: {gap}")
    one, other = map(escape, link["between"] if SAID[what] else reversed(link["between"]))
    title = f"<b>{what}</b> from {one} to {other}"
    if not data:
        return f'<p class="silent">{escape(link["carrier"])} {title}: no bytes.</p>'
    rows = "".join(
        f"<tr><td>{f.offset}</td><td>{f.length}</td><td><b>{escape(f.name)}</b> {escape(shown(f.value))}</td>"
        f"<td>{escape(f.meaning)} <small>{escape(f.section)}</small></td></tr>"
        for f in fields
    )
    named = unique(field.section for field in fields)
    said_by = ", ".join(f"<span>{section_link(section)}</span>" for section in named)
    count = f"{len(fields)} fields" if len(fields) > 1 else "1 field"
    kinds = [kind for kind in LEGEND if kind in map(kind_of, fields)]
    legend = " ".join(f'<span class="{kind}">{LEGEND[kind]}</span>' for kind in kinds)
    caption = f"{escape(link['carrier'])} {title}: {len(data):,} bytes in {count}"
    return f"""<figure class="wire" id="{id}" data-search-exclude><figcaption>{caption}</figcaption>
<div><p class="says">Point at a byte, or move through them with Tab and the arrow keys.</p>
{dump(id, data, fields)}</div>
<p class="legend">{legend}</p>
<details><summary>{count} in a table</summary>
<table class="fields"><thead><tr><th>Offset</th><th>Bytes</th><th>Name, value</th><th>Meaning, section</th></tr></thead>
<tbody>{rows}</tbody></table>
<p class="sections">Named here: {said_by}.</p></details></figure>"""


def dump(id, data, fields):
    """The bytes in rows of 16, or of 8 where that is too wide: offsets, hexadecimal, text."""
    digits, glyphs = [], []
    for field in fields:
        end = field.offset + field.length
        first, last = left_out(field)
        pieces = [data[field.offset : first], data[last:end]] if last else [data[field.offset : end]]
        kind = kind_of(field)
        gap = f'<em class="out">{last - first:,} bytes left out</em>'
        shown_digits = gap.join(piece.hex(" ") for piece in pieces)
        digits.append(f'<span class="{kind}" id="{id}-{field.offset}">{shown_digits}</span>')
        gap = '<em class="out"> </em>'
        glyphs.append(f'<span class="{kind}">{gap.join(map(glyphs_of, pieces))}</span>')
    return (f'<div class="dump"><div class="offsets" aria-hidden="true">{offsets(len(data), fields)}</div>'
            f'<div class="hex">{" ".join(digits)}</div>'
            f'<div class="text" aria-hidden="true">{"".join(glyphs)}</div></div>')  # fmt: skip


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


def shown(value):
    """A value as a reader may see it: as UTF-8 where it is that, and what cannot be seen escaped."""
    try:
        value = value.encode("latin-1").decode()
    except UnicodeError:
        pass
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in value)


SECTIONS = [
    (re.compile(r"RFC (\d+)(?: section |.*§ ?)([\d.]+)"), r"https://www.rfc-editor.org/rfc/rfc\1#section-\2"),
    (re.compile(r"FastCGI 1\.0 section ([\d.]+)"), rf"{catalog.stage('fastcgi').url}#S\1"),
    (re.compile(r"SCGI section .*"), catalog.stage("scgi").url),
    (re.compile(r"The uwsgi Protocol §.*"), catalog.stage("uwsgi").url),
    (re.compile(r"nginx, \$(\w+)"), r"https://nginx.org/en/docs/http/ngx_http_core_module.html#var_\1"),
    (re.compile(r"(\w+)\((\d)\)"), r"https://man7.org/linux/man-pages/man\2/\1.\2.html"),
]


def section_link(section):
    """The name of a section, linked to where it can be read if that is known."""
    for pattern, address in SECTIONS:
        if found := pattern.fullmatch(section):
            return link(found.expand(address), escape(section))
    return escape(section)


# ---------------------------------------------------------------- recordings: calls


def calls_view(id, link):
    """The calls of a link, in order."""
    server, program = link["between"]
    title = f"{escape(link['carrier'])}, between {escape(server)} and {escape(program)}: {len(link['calls'])} calls. "
    title += "Tuples are shown as lists, and other objects by the name of their type."
    calls = (call_view(f"{id}-call-{number}", call, server) for number, call in enumerate(link["calls"], 1))
    return (f'<figure class="calls" id="{id}" data-search-exclude><figcaption>{title}</figcaption>'
            f"<ol>{''.join(calls)}</ol></figure>")  # fmt: skip


def call_view(id, call, server):
    """One call: who makes it, with what, and what comes of it."""
    by = server if call["by"] == "server" else "program"
    arguments = [value_view(id, argument) for argument in call["arguments"]]
    says = f"<p><b>{escape(by)}</b> calls <code>{escape(call['call'])}{'' if arguments else '()'}</code></p>"
    for number, argument in enumerate(arguments):
        says += f'<div class="with"><span>{"and" if number else "with"}</span> {argument}</div>'
    if "returns" in call:
        says += f'<div class="gives"><span>returns</span> {value_view(f"{id}-returns", call["returns"])}</div>'
    if "raises" in call:
        says += f'<div class="gives"><span>raises</span> <code>{escape(call["raises"])}</code></div>'
    return f'<li class="{call["by"]}" id="{id}">{says}</li>'


def value_view(id, value):
    """A value of a call. A dict becomes a list of its keys, which a link can name."""
    if not isinstance(value, dict):
        return f"<code>{escape(literal(value))}</code>"
    pairs = "".join(
        f'<div id="{id}-{escape(key)}"><dt><code>{escape(repr(key))}</code></dt>'
        f"<dd><code>{escape(literal(each))}</code></dd></div>"
        for key, each in value.items()
    )
    if len(value) <= 6:
        return f"<dl>{pairs}</dl>"
    return f"<details open><summary>a dict of {len(value)}</summary><dl>{pairs}</dl></details>"


def literal(value):
    """A value of a recording as Python writes it. Bytes ("b'…'") and other objects ("<method>") are texts there."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {literal(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, str) and (re.match(r"b['\"]|<\w+>$", value) or value == "None"):
        return value
    return repr(value)


# ---------------------------------------------------------------- recordings: the same thing at every stage

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
    return table("same", ["Stage", "Where", "What stands there"], rows)


def said_at(name, index, item):
    """Where the bytes of an item stand, and the bytes: two cells. ValueError if there are none."""
    _, what, pattern, variable, _ = SAME[item]
    link = recording(name)["links"][index]
    if link["carrier"] == "process":
        what = {"request": "environ", "response": "stdout"}[what]
    data, fields = link["said"][what].encode("latin-1"), tapping.explain(link)[what]
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
    while kinds[first - 1] == "size":
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
        return called(name, index, number, "event", "more_body", call["returns"]["more_body"], "returns-more_body")
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
    return f"<p>{link(f'../{folder}/{stage}/#{id}', escape(text))}</p>"


# ---------------------------------------------------------------- the repository


@fence
def sources(stage_name):
    """The specification of a stage, the files of its room, what they share with others, and their tests."""
    stage = catalog.stage(stage_name)
    room = sorted(path for path in (ROOT / "exhibits" / stage.name).iterdir() if is_source(path))
    shared = [ROOT / "exhibits" / name for name in ("guestbook.py", "cgi_variables.py", "catalog.py", "stacks.py")]
    tests = [ROOT / "tests" / "test_contract.py", *sorted((ROOT / "tests").glob(f"test_{stage.name}*.py"))]
    specification = f"<li>{link(stage.url, escape(stage.specification))}: the specification</li>"
    return file_list([*room, *shared, *tests], specification)


@fence
def files(names):
    """Files of the repository, one name a line."""
    return file_list([ROOT / name for name in names.split()])


def is_source(path):
    return path.is_file() and path.name != "__init__.py" and not path.name.startswith(".") and path.suffix != ".pyc"


def file_list(paths, first=""):
    """A list of links to files (Path), each with what it says of itself; `first` is an item to begin with."""
    items = []
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        says = prose(summary(path))
        address = link(on_the_web(name), f"<code>{escape(name)}</code>")
        items.append(f"<li>{address}: {says}</li>" if says else f"<li>{address}</li>")
    return f'<ul class="files">{first}{"".join(items)}</ul>'


def summary(path):
    """The first sentence of a file's docstring or of the comment it begins with; "" where there is neither."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    else:
        comment = re.match(r"(?:[#;].*\n)*", text)[0]
        text = re.sub(r"(?m)^[#;] ?", "", comment)
    return re.split(r"(?<=[.!?])\s", text.partition("\n\n")[0].replace("\n", " ").strip())[0]


def on_the_web(name):
    """Where a file of the repository can be read."""
    found = settings()
    branch = found["edit_uri"].split("/")[1]
    return f"{found['repo_url']}/blob/{branch}/{name}"


def settings():
    """repo_url and edit_uri, from mkdocs.yml."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    return dict(re.findall(r"^(repo_url|edit_uri): *(\S+)$", text, re.MULTILINE))


# ---------------------------------------------------------------- HTML


def link(address, text, css_class=""):
    """A link; address is plain or escaped text without quotes, text is HTML."""
    attribute = f' class="{css_class}"' if css_class else ""
    return f'<a href="{address}"{attribute}>{text}</a>'


def unique(values):
    """The values without repeats, in order."""
    return list(dict.fromkeys(values))
