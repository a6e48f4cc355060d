"""The poster: the same request at six stages on a sheet of A3, drawn from the recordings.

`python -m exhibits.backstage.site.poster` draws docs/assets/poster.svg anew. Its units are millimetres.
"""

from html import escape

from exhibits import catalog, journey
from exhibits.backstage.running import ROOT
from exhibits.backstage.site.same import SAME, variable_at
from exhibits.backstage.site.wire import recording
from exhibits.journey import literal, readable

FILE = ROOT / "docs" / "assets" / "poster.svg"
WIDTH, HEIGHT, MARGIN, GAP = 420, 297, 14, 10  # A3, lying
COLUMNS = 3
PANEL = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
LETTER, LINE = 3.1, 4.5  # of the dumps: about nine points
LETTERS = int(PANEL / (0.6 * LETTER))  # to a line: those of a monospaced face are six tenths as wide as high
HEAD, BACK = 4, 5  # the first fields of what goes to the program and of what comes back
SOUGHT = "PATH_INFO", "QUERY_STRING"  # variables of the request that are shown as well
ABOUT = {key for *_, variable, key in SAME.values() for key in (variable, key)}  # as the page of it has it


def poster():
    """The poster as SVG: black on white, with letters as text, in the faces of whoever prints it."""
    panels = [panel(stage, MARGIN + number % COLUMNS * (PANEL + GAP), 57 + number // COLUMNS * 120)
              for number, stage in enumerate(catalog.STAGES)]
    request = recording(f"{catalog.STAGES[0].name}-greeting")["links"][0]["pieces"][0]["bytes"].partition(" HTTP/")[0]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title">',
        '<title id="title">The same request at six stages</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(MARGIN, 24, "The same request at six stages", 12, "serif"),
        text(MARGIN, 34, request, 6),
        text(MARGIN, 42, "What passes to the program's side and back, as it was recorded: of bytes the first, then "
             "path and query, each field with its value and its name; of WSGI and ASGI the calls.", 4, "sans-serif"),
        *(line for lines in panels for line in lines),
        text(MARGIN, HEIGHT - 7, "From CGI to ASGI: a museum of Python's web gateways", 4, "serif"),
        "</svg>\n"])


def panel(stage, x, y):
    """The lines of a stage, from a corner of the sheet on."""
    found = recording(f"{stage.name}-greeting")
    link = found["links"][1]
    yield f'<path d="M{x:g} {y - 7.5:g}h{PANEL:g}" stroke="#000" stroke-width=".3"/>'
    yield text(x, y, f"{stage.title}, {stage.year}", 7, "serif")
    parts = ", ".join(f"{name} {version}" for name, version in found["parts"].items())
    yield text(x, y + 5.5, " → ".join(link["between"]) + (f" ({parts})" if parts else ""), 3.6, "sans-serif")
    y += 12
    for line in called(link) if "calls" in link else passed(link):
        for place, words in line:
            yield text(x + place * 0.6 * LETTER, y, words, LETTER)
        y += LINE


def passed(link):
    """The lines of a link of bytes: offset, bytes, value and name of the fields that are shown each way."""
    said, fields = journey.said(link), journey.explain(link)
    for what in (what for what in said if said[what]):
        arrow = "←" if journey.BY[what] else "→"
        yield [(0, f"{arrow} {what}, {len(said[what])} bytes")]
        end = 0
        for field in fields[what][:BACK] if journey.BY[what] else there(fields[what]):
            if field.offset > end:
                yield [(0, "…")]
            end = field.offset + field.length
            data = said[what][field.offset : end]
            digits = data[:8].hex(" ") if len(data) < 9 else data[:7].hex(" ") + " …"
            yield [(0, str(field.offset)), (4, digits), (29, cut(readable(field.value), 21)),
                   (51, field.name)]


def there(fields):
    """The first fields of a request, and those of the variables that are sought, in their order."""
    spans = sorted(variable_at(name, fields) for name in SOUGHT)
    return [*fields[:HEAD], *(field for start, end in spans for field in fields[HEAD:] if start <= field.offset < end)]


def called(link):
    """The lines of a link of calls: who calls what, what of the request is found in it, and what comes of it."""
    for call in link["calls"]:
        who = link["between"][0] if call["by"] == "server" else link["between"][1]
        arrow = "→" if call["by"] == "server" else "←"
        yield [(0, cut(f"{arrow} {who} calls {call['call']}{journey.given(call['arguments'])}", LETTERS))]
        for argument in call["arguments"]:
            if isinstance(argument, dict):
                for key in argument:
                    if key in ABOUT or len(argument) < 4:
                        yield [(3, cut(f"{key!r}: {literal(argument[key])}", LETTERS - 3))]
        yield [(3, cut(journey.outcome(call), LETTERS - 3))]


def cut(words, most):
    return words if len(words) <= most else words[: most - 1] + "…"


def text(x, y, words, size, face="monospace"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-family="{face}">{escape(words, quote=False)}</text>'


if __name__ == "__main__":
    FILE.write_text(poster(), encoding="utf-8")
