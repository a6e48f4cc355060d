"""The fence `concepts`: any two stages side by side, from `exhibits/backstage/site/concepts.toml`.

Every way of every concept stands in the page. It is built with two stages chosen; `museum.js`
lets the reader choose others, and where scripts do not run, the style sheet shows all.
"""

import re
import tomllib
from html import escape
from itertools import combinations, pairwise
from textwrap import dedent

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename

from exhibits import catalog
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import hyperlink, prose
from exhibits.backstage.site.same import said_at

SIDES = {
    "program": ("In the program", "What its author writes."),
    "wire": ("On the wire", "What passes between the program's server and whoever is in front of it."),
}
VERDICTS = {True: "alike", False: "differs"}


def comparison():
    """`concepts.toml`, checked: each stage stands in one way of a concept, each pair has a sentence; or ValueError."""
    with open(ROOT / "exhibits/backstage/site/concepts.toml", "rb") as file:
        found = tomllib.load(file)
    for concept in found["concept"]:
        stages = [stage for way in concept["way"] for stage in way["stages"]]
        if sorted(stages) != sorted(stage.name for stage in catalog.STAGES):
            raise ValueError(f"{concept['name']}: its ways are of {stages}, and not of every stage once")
    said = {frozenset(pair["stages"]) for pair in found["pair"]}
    if unsaid := {*map(frozenset, combinations((stage.name for stage in catalog.STAGES), 2))} - said:
        raise ValueError(f"pairs without a sentence: {[sorted(pair) for pair in unsaid]}")
    return found


@fence
def concepts(text):
    """Any two stages side by side. text: the two that are shown at first, "wsgi asgi"."""
    chosen, found = [catalog.stage(name) for name in text.split()], comparison()
    concepts, pairs = found["concept"], found["pair"]
    parts = [picker(*chosen), presets(pairs), f'<p class="sum" aria-live="polite">{summary(chosen, concepts)}</p>']
    parts += (pair_view(pair, chosen) for pair in pairs)
    for side, (title, says) in SIDES.items():
        parts.append(f'<h2 id="{side}">{title}</h2><p>{says}</p>')
        parts += (concept_view(concept, chosen) for concept in concepts if concept["side"] == side)
    return f'<div class="concepts">{"".join(parts)}</div>'


def picker(one, other):
    return (f'<div class="picker">{chooser("a", "Lay", one)}<button type="button" class="md-button">Swap</button>'
            f"{chooser('b', 'beside', other)}</div>")


def chooser(name, label, chosen):
    options = "".join(
        f'<option value="{stage.name}"{" selected" if stage == chosen else ""}>{escape(stage.title)}</option>'
        for stage in catalog.STAGES
    )
    return f'<label>{label} <select name="{name}" autocomplete="off">{options}</select></label>'


def presets(pairs):
    items = (f"<li>{hyperlink('?a={}&amp;b={}'.format(*pair['stages']), title(pair, ' → '))}</li>"
             for pair in pairs if pair.get("step"))
    return f'<nav class="presets" aria-label="Steps of history"><ul>{"".join(items)}</ul></nav>'


def title(pair, between):
    return between.join(escape(catalog.stage(name).title) for name in pair["stages"])


def pair_view(pair, chosen):
    """What is said of two stages; shown where they are chosen, in whatever order."""
    shown = sorted(pair["stages"]) == sorted(stage.name for stage in chosen)
    stages = " ".join(pair["stages"])
    name = f"<b>{title(pair, ' and ')}: </b>"
    return f'<p class="step" data-stages="{stages}"{hidden(shown)}>{name}{prose(pair["says"])}</p>'


def summary(chosen, found):
    """How much two stages differ; `museum.js` says it in the same words."""
    alike = sum(any({stage.name for stage in chosen} <= {*way["stages"]} for way in each["way"]) for each in found)
    one, other = (stage.title for stage in chosen)
    return f"{escape(one)} and {escape(other)} differ in {len(found) - alike} of {len(found)} concepts."


def concept_view(concept, chosen):
    """A concept: its heading, and all its ways; those of the two chosen stages come first."""
    name, title = concept["name"], escape(concept["title"])
    first, second = (next(way for way in concept["way"] if stage.name in way["stages"]) for stage in chosen)
    ways = sorted(concept["way"], key=lambda way: (way is not first, way is not second))
    verdict = VERDICTS[first is second]
    anchor = hyperlink(f"#{name}", "¶", "headerlink").replace("<a ", f'<a title="Link to {title}" ')
    return (f'<section class="concept {verdict}"><h3 id="{name}">{title}{anchor}</h3>'
            f'<p class="verdict">{verdict}</p><div class="ways">'
            f"{''.join(way_view(way, chosen, way in (first, second)) for way in ways)}</div></section>")


def way_view(way, chosen, shown):
    """One way of a concept, under the names of the stages that go it."""
    names = "".join(
        f'<li data-stage="{stage.name}"{hidden(stage in chosen)}>'
        f'{hyperlink(f"../stages/{stage.name}/", stage.title)}</li>'
        for stage in map(catalog.stage, way["stages"])
    )
    code = "".join(map(code_view, way.get("code", [])))
    data = "".join(map(bytes_view, way.get("bytes", [])))
    return (f'<div class="way" data-stages="{" ".join(way["stages"])}"{hidden(shown)}>'
            f"<ul>{names}</ul><p>{prose(way['says'])}</p>{code}{data}</div>")


def hidden(shown):
    return "" if shown else " hidden"


def code_view(place):
    where = place.partition(" |")[0].partition(":")[0]
    lexer = get_lexer_for_filename(where)
    block = highlight(excerpt(place), lexer, HtmlFormatter(wrapcode=True, cssclass="highlight"))
    return f'<p class="file">{escape(where)}</p>{block}'


def excerpt(place):
    """Lines of a file: "file", "file:section" or "file:section |a text|another". ValueError where one is not there.

    Of a whole file the docstring is left out. Sections are marked as for `pymdownx.snippets`.
    The texts choose lines, each at least one; what is left out between them becomes "# …".
    """
    where, *texts = re.split(r" ?\|", place)
    file, _, section = where.partition(":")
    text = (ROOT / file).read_text(encoding="utf-8")
    if section:
        found = re.search(rf"--8<-- \[start:{re.escape(section)}\]\n(.*?)[^\n]*--8<-- \[end:{re.escape(section)}\]",
                          text, re.DOTALL)
        if not found:
            raise ValueError(f"{file} has no section {section!r}")
        text = found[1]
    else:
        text = re.sub(r'\A(?:#!.*\n)?""".*?"""\n+', "", text, flags=re.DOTALL)
    lines = dedent(text).splitlines()
    if lacking := [each for each in texts if each not in text]:
        raise ValueError(f"{where} has no line with {lacking}")
    chosen = [number for number, line in enumerate(lines) if not texts or any(each in line for each in texts)]
    kept = []
    for before, number in pairwise([chosen[0] - 1, *chosen]):
        if number - before > 1:  # lines are left out here
            kept.append(re.match(" *", lines[number])[0] + "# …")
        kept.append(lines[number])
    return dedent("\n".join(kept))


def bytes_view(place):
    name, number, item = place.split()
    where, data = said_at(name, int(number), item)
    return data + where.replace("<p>", '<p class="file">')
