"""The fences `timeline`, `terms` and `cited`: what happened when, what words mean, and where it is written.

Their data: `docs/timeline.toml`, `docs/terms.txt` (which also makes the definitions that words show on
every page) and `docs/sources.toml`, which groups and names what the pages cite.
"""

import re
import tomllib
from datetime import date
from html import escape

from exhibits import catalog
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence
from exhibits.backstage.site.differences import difference_id
from exhibits.backstage.site.html import hyperlink, prose
from exhibits.catalog.differences import known_differences

DOCS = ROOT / "docs"
ADDRESS = re.compile(r"https?://[^\s<>()\"'`]*[^\s<>()\"'`.,;:]")


# ---------------------------------------------------------------- the timeline


def events():
    """The events of `docs/timeline.toml`, which says what their fields mean."""
    return tomllib.loads((DOCS / "timeline.toml").read_text(encoding="utf-8"))["event"]


@fence
def timeline(_):
    """All events in the order of time."""
    return f'<ol class="timeline">{"".join(f"<li>{told(event)}</li>" for event in events())}</ol>'


def told(event):
    """One event as HTML."""
    name, address = event["source"]
    stage = event.get("stage")
    room = f" · {hyperlink(f'../stages/{stage}/', escape(catalog.stage(stage).title))}" if stage else ""
    disputed = f"<p>On the date: {prose(event['disputed'])}</p>" if "disputed" in event else ""
    return (f'<p class="when"><time datetime="{event["date"]}">{day(event["date"])}</time> '
            f"<span>{escape(event['kind'])}{room}</span></p>"
            f"<p>{prose(event['what'])} <small>{hyperlink(escape(address), escape(name))}</small></p>"
            f"{disputed}")


def day(text):
    """A date without what it leaves open: "29 April 1996", "January 1997", "1993". ValueError for what is no date."""
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", text):
        raise ValueError(text)
    parts = text.split("-")
    exact = date(*map(int, parts + ["1"] * (3 - len(parts))))
    return [f"{exact:%Y}", f"{exact:%B %Y}", f"{exact.day} {exact:%B %Y}"][len(parts) - 1]


# ---------------------------------------------------------------- what is new


def fresh():
    """What is new, the latest first, as docs/news.toml has it: dicts with `date`, `title`, `text`, `page`."""
    return tomllib.loads((DOCS / "news.toml").read_text(encoding="utf-8"))["news"]


def fresh_id(item):
    """The name that an item has on its page and in the feed."""
    return f"{item['date']}-{item['page'].strip('/').replace('/', '-') or 'map'}"


@fence
def news(_):
    """What is new, the latest first."""
    return f'<p>A feed reader takes {hyperlink("../feed.xml", "feed.xml")}.</p>' + "".join(
        f'<section class="news" id="{fresh_id(item)}"><h2>{hyperlink("../" + item["page"], escape(item["title"]))}</h2>'
        f'<p><time datetime="{item["date"]}">{day(item["date"])}</time> · {prose(item["text"])}</p></section>'
        for item in fresh())


# ---------------------------------------------------------------- the glossary


def meanings():
    """{term: meaning} of `docs/terms.txt`; ValueError where a line is not `*[TERM]: meaning`."""
    found = {}
    for line in (DOCS / "terms.txt").read_text(encoding="utf-8").splitlines():
        if line:
            term = re.fullmatch(r"\*\[(.+?)\]: (.+)", line)
            if not term or term[1] in found:
                raise ValueError(f"docs/terms.txt: {line!r}")
            found[term[1]] = term[2]
    return found


@fence
def terms(_):
    """The glossary, in the order of the alphabet."""
    items = (
        f'<div id="{re.sub("[^A-Za-z0-9]+", "-", term)}"><dt>{escape(term)}</dt><dd>{escape(meaning)}</dd></div>'
        for term, meaning in sorted(meanings().items(), key=lambda pair: pair[0].lower())
    )
    return f'<dl class="terms">{"".join(items)}</dl>'


# ---------------------------------------------------------------- the sources


def citations():
    """{address: [(page, its title)]} of all that is cited, in the order it is met; fragments are left off."""
    found = {}
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        page = path.relative_to(DOCS).with_suffix("").as_posix()
        title = re.search(r"^# (.+?)(?: \{.*\})?$", text, re.MULTILINE)[1]
        if page != "index":
            cite(found, text, (f"../{page}/", title))
    cite(found, (DOCS / "timeline.toml").read_text(encoding="utf-8"), ("../timeline/", "Timeline"))
    for entry in known_differences():
        place = difference_id(entry.stack, entry.cases)
        cite(found, entry.source, (f"../how-it-checks-itself/#{place}", "Known differences"))
    for stage in catalog.STAGES:
        cite(found, stage.url, (f"../stages/{stage.name}/", stage.title))
    return found


def cite(found, text, page):
    for address in ADDRESS.findall(text):
        pages = found.setdefault(address.partition("#")[0], [])
        if page[1] not in [title for _, title in pages]:
            pages.append(page)


def groups():
    """The groups of `docs/sources.toml`, which says what their fields mean: {title: group}."""
    return {each["title"]: each for each in tomllib.loads((DOCS / "sources.toml").read_text(encoding="utf-8"))["group"]}


def group_of(address):
    """The title of the first group that takes an address; StopIteration if none does."""
    return next(title for title, group in groups().items() if re.match(group["match"], address))


def plain_name(address, group):
    return re.sub(group["match"], group.get("name", ""), address).strip("/")


def name_of(address, group):
    """What a reader sees of an address."""
    plain = plain_name(address, group)
    return group.get("names", {}).get(plain, plain)


@fence
def cited(title):
    """What the site cites of one group, and the pages that cite it."""
    group, items = groups()[title], []
    for address, pages in sorted(citations().items(), key=lambda item: natural(item[0])):
        if group_of(address) == title:
            name = name_of(address, group)
            here = ", ".join(hyperlink(page, escape(page_title)) for page, page_title in pages)
            items.append(f"<li>{hyperlink(escape(address), escape(name))} <small>{here}</small></li>")
    return f'<ul class="cited">{"".join(items)}</ul>'


def natural(text):
    """A key that sorts 333 before 3333."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", text)]
