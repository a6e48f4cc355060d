"""The site, built as it is published: every example shown, every link good, nothing fetched from elsewhere."""

import gzip
import itertools
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from textwrap import dedent
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from pymdownx.superfences import SuperFencesException

from exhibits import catalog, guestbook, journey
from exhibits.backstage.recording import tapping
from exhibits.backstage.site import commands, differences, files, maps, same, servers, wire
from exhibits.backstage.site import reference as site_reference
from exhibits.backstage.site import scratch as site_scratch
from exhibits.catalog.differences import Difference, known_differences
from exhibits.fastcgi import wire as records

pytestmark = pytest.mark.xdist_group("site")  # one process builds it, once

ROOT = Path(__file__).resolve().parents[2]
SITE = files.settings()["site_url"]
HEADINGS = ["Why it exists", "How a request travels", "The smallest program", "A whole program: the guestbook",
            "The smallest server", "A server from scratch", "Run it", "Servers to choose from",
            "What it fixed, what it broke", "Who uses it today", "Known differences",
            "Questions people ask", "Sources and tests"]
PATH = urlsplit(SITE).path
MADE_LATER = "feed.xml", "llms.txt", "index.md"  # by exhibits.backstage.site.plain; site-check looks at them
ROOMS = [stage.name for stage in catalog.STAGES]
RECORDINGS = sorted(path.stem for path in (ROOT / "docs" / "recordings").glob("*.json"))


class Page(HTMLParser):
    """A page of the built site.

    tags: (name, attributes) of every tag. ids: what a fragment can name.
    headings: (level, text). code: the text of each code block. text: all of it.
    """

    def __init__(self, path):
        super().__init__()
        self.tags, self.ids, self.headings, self.code, self.text = [], set(), [], [], ""
        self.inside = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.ids.add(attributes.get("id"))
        if tag == "code" or re.fullmatch("h[1-6]", tag):
            self.inside, self.start = tag, len(self.text)

    def handle_endtag(self, tag):
        if tag == self.inside:
            said = self.text[self.start :]
            self.code.append(said) if tag == "code" else self.headings.append((int(tag[1]), said.removesuffix("¶")))
            self.inside = None

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def pages(site):
    """Every page, by its path in the site."""
    return {path.relative_to(site).as_posix(): Page(path) for path in site.rglob("*.html")}


def stage_page(pages, name):
    """The page of a stage or an annex."""
    return pages[f"stages/{name}/index.html" if name in ROOMS else f"{name}s/index.html"]


@pytest.mark.parametrize("room", ROOMS)
def test_every_example_is_shown(pages, room):
    shown = [block.strip() for page in pages.values() for block in page.code]
    for name in ("hello.py", "app.py"):
        source = (ROOT / "exhibits" / room / name).read_text()
        sections = re.findall(r"# --8<-- \[start:(.+?)\]\n(.*?) *# --8<-- \[end:\1\]", source, re.DOTALL)
        for section, text in sections or [("all of it", source)]:
            assert dedent(text).strip() in shown, f"no page shows {section} of exhibits/{room}/{name}"


@pytest.mark.parametrize("room", ROOMS)
def test_stage_pages_have_the_same_headings(pages, room):
    assert [text for level, text in stage_page(pages, room).headings if level == 2] == HEADINGS


@pytest.mark.parametrize("stage", catalog.STAGES, ids=ROOMS)
def test_the_year_of_a_stage_has_its_source_on_the_page(pages, stage):
    history = stage_page(pages, stage.name).text.partition("Why it exists¶")[2].partition("¶")[0]
    assert str(stage.year) in history


def test_headings_skip_no_level(pages):
    for path, page in pages.items():
        levels = [level for level, _ in page.headings]
        if path != "404.html":
            assert levels[0] == 1 and levels.count(1) == 1, path
            assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), path


def test_links_and_anchors_resolve(site, pages):
    for path, page in pages.items():
        for tag, attributes in page.tags:
            address = attributes.get("href") or attributes.get("src")
            if address is None or address.endswith(MADE_LATER):
                continue
            address, fragment = urldefrag(urljoin(SITE + path, address))
            if address.startswith(SITE):
                target = unquote(address.removeprefix(SITE).partition("?")[0])
                target += "index.html" if target.endswith("/") or not target else ""
                assert (site / target).is_file(), f"{path}: <{tag}> leads to {address}"
                if fragment and target in pages:
                    assert unquote(fragment) in pages[target].ids, f"{path}: no #{fragment} in {target}"


def test_nothing_is_fetched_from_elsewhere(site, pages):
    for path, page in pages.items():
        for tag, attributes in page.tags:
            fetched = attributes.get("src") or attributes.get("srcset") or attributes.get("data")
            if tag == "link" and attributes.get("rel") not in ("canonical", "prev", "next"):
                fetched = attributes["href"]
            assert not re.match(r"(\w+:)?//", fetched or ""), f"{path}: {fetched}"
            # The theme's script asks api.github.com where it finds this.
            assert attributes.get("data-md-component") != "source", path
    for sheet in site.rglob("*.css"):
        assert not re.search(r"""(url\(|@import)\s*["']?(\w+:)?//""", sheet.read_text()), sheet


def test_definitions_of_words_stay_out_of_code_and_dumps(site):
    block = re.compile(r"<(pre|code|figure|title|table(?= class))\b[^>]*>(.*?)</\1>", re.DOTALL)  # others: prose
    for path in site.rglob("*.html"):
        for _, inside in block.findall(path.read_text()):
            assert "<abbr" not in inside, path
    assert "<abbr title=" in (site / "stages/asgi/index.html").read_text()


def test_no_markup_stays_to_be_read(site):
    for path in site.rglob("*.html"):
        text = re.sub(r"<(pre|code|svg|textarea|script)\b.*?</\1>|<[^>]*>", "", path.read_text(), flags=re.DOTALL)
        assert not (left := re.search(r".{0,40}(\]\(\S+\)|\*\*\w|```|\{ [#.]).{0,40}", text)), f"{path}: {left[0]}"


def test_every_source_is_on_the_page_of_sources(pages):
    linked = {attributes.get("href") for tag, attributes in pages["sources/index.html"].tags if tag == "a"}
    assert set(site_reference.citations()) <= linked


def test_images_have_alternative_texts(pages):
    assert [attributes for page in pages.values() for tag, attributes in page.tags
            if tag == "img" and not attributes.get("alt")] == []


def test_every_stack_is_on_the_map_and_in_its_table(pages):
    home, hall = ({attributes["href"] for tag, attributes in pages[path].tags if tag == "a"}
                  for path in ("index.html", "hall/index.html"))
    for stack in catalog.STACKS:
        assert (f"stages/{stack.stage}/#{stack.name}" in home) == (not stack.hall)
        assert f"{PATH}stages/{stack.stage}/#{stack.name}" in hall
        assert stack.name in stage_page(pages, stack.stage).ids


def test_an_empty_cell_of_the_map_says_why_and_no_other_does():
    interfaces = {stack.interface for stack in catalog.STACKS}
    cells = {(carrier, stack.interface) for stack in catalog.STACKS for carrier in maps.carriers_of(stack)}
    empty = {(carrier, interface) for carrier, _ in cells for interface in interfaces} - cells
    assert {(carrier, interface) for carrier, row in maps.nobody().items() for interface in row} == empty


@pytest.mark.parametrize("room", ROOMS)
def test_the_size_of_our_server_is_that_of_all_its_files(room):
    files = site_scratch.needed(ROOT / "exhibits" / room / "server.py")
    loads = f"import sys, exhibits.{room}.server\nprint(*(name for name in sys.modules if 'exhibits.' in name))"
    ran = subprocess.run([sys.executable, "-c", loads], cwd=ROOT, capture_output=True, text=True, check=True)
    names = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in files}
    packages = {name for name in ran.stdout.split() if (ROOT / name.replace(".", "/")).is_dir()}
    assert names == set(ran.stdout.split()) - packages
    lines = sum(len(path.read_text().splitlines()) for path in files)
    assert f"<p>{lines:,} lines" in site_scratch.scratch(room, "scratch", "scratch", {}, None)


def test_every_route_is_in_the_contract(pages):
    code = pages["how-it-checks-itself/index.html"].code
    for route in guestbook.ROUTES:
        assert any(re.search(rf"(^|\s){re.escape(route)}", text) for text in code), route


@pytest.mark.parametrize("file", [
    path.relative_to(ROOT).as_posix() for folder in ("bridges", "frameworks")
    for path in sorted((ROOT / "exhibits" / folder).rglob("*.py")) if path.name != "__init__.py"
])
def test_every_bridge_and_framework_is_shown_whole(pages, file):
    shown = [block.strip() for block in pages["bridges/index.html"].code + pages["frameworks/index.html"].code]
    assert re.sub(r" *# --8<-- .*\n", "", (ROOT / file).read_text()).strip() in shown


def test_commands_start_stacks_that_exist(pages):
    for path, page in pages.items():
        for stage, server in re.findall(r"nox -s exhibit-(\w+)(?: -- (?:--server )?(\w\S*))?", page.text):
            assert catalog.find(stage, server or None), f"{path}: {stage} {server}"


def test_known_differences_are_shown(pages):
    checks = pages["how-it-checks-itself/index.html"].text
    for entry in known_differences():
        stage = stage_page(pages, catalog.find(entry.stack).stage).text
        for text in (entry.stack, *entry.cases, entry.happens, entry.why):
            plain = text.strip().replace("`", "")
            assert plain in checks and plain in stage, entry


@pytest.mark.parametrize("fence", [servers.servers, differences.differences, files.sources, commands.run, files.files,
                                   wire.wire, same.same, site_scratch.scratch, site_reference.cited])
def test_a_fence_that_cannot_render_stops_the_build(fence):
    with pytest.raises(SuperFencesException):
        fence("nonsense", "name", "name", {}, None)


def test_a_known_difference_becomes_a_row(monkeypatch):
    entry = Difference("uwsgi-gunicorn", ("a", "b"), mounted=True, happens="`x` < 1", why="it is so",
                       source="see https://example.org/a?b=1&c, line 2")
    monkeypatch.setattr(differences, "known_differences", lambda: [entry])
    row = differences.differences("uwsgi", "differences", "differences", {}, None)
    assert "<ul><li>a</li><li>b</li></ul><small>under a mount point</small>" in row
    assert "<code>x</code> &lt; 1" in row
    assert '<a href="https://example.org/a?b=1&amp;c">example.org/a?b=1&amp;c</a>, line 2' in row
    assert "<p>None are known.</p>" in differences.differences("cgi", "differences", "differences", {}, None)
    assert row.startswith("<article data-search-exclude>")


# ---------------------------------------------------------------- recordings


@pytest.fixture(scope="module")
def figures(site):
    """The HTML of every dump and every list of calls, by its id."""
    pattern = re.compile(r'<figure class="(?:wire|calls)" id="([^"]+)"[^>]*>(.*?)</figure>', re.DOTALL)
    return {id: html for path in site.rglob("*.html") for id, html in pattern.findall(path.read_text())}


def test_every_stage_has_every_recording():
    for room in ROOMS:
        assert {f"{room}-{name}" for name in tapping.REQUESTS} <= set(RECORDINGS)


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_is_shown_with_every_byte_and_every_field(figures, pages, name):
    for index, link in enumerate(wire.recording(name)["links"]):
        if "calls" in link:
            assert figures[f"{name}-{index}"].count("<li class=") == len(link["calls"])
        for what, fields in journey.explain(link).items():
            data = journey.said(link)[what]
            if not data:
                continue
            figure = figures[f"{name}-{index}-{what}"]
            rows = re.findall(r"<tr><td>(\d+)</td><td>(\d+)</td><td><b>(.*?)</b>", figure)  # no script needed to see it
            assert [(int(at), int(length)) for at, length, _ in rows] == [(f.offset, f.length) for f in fields]
            shown = re.findall(r'<span class="\w+(?: begins)?" id="([^"]+)">(.*?)</span>', figure)
            assert [id for id, _ in shown] == [f"{name}-{index}-{what}-{f.offset}" for f in fields]
            for field, (_, digits) in zip(fields, shown, strict=True):
                head, gap, tail = re.fullmatch(r"([^<]*)(?:<em .*?>([\d,]+) bytes left out</em>)?(.*)", digits).groups()
                left_out = int((gap or "0").replace(",", ""))
                whole = data[field.offset : field.offset + field.length]
                head, tail = bytes.fromhex(head), bytes.fromhex(tail)
                assert whole.startswith(head) and whole.endswith(tail), field
                assert len(head) + left_out + len(tail) == field.length, field


@pytest.mark.parametrize("name", ["fastcgi-large", "fastcgi-kept", "fastcgi-questions"])
def test_each_record_is_seen_and_said_to_begin(figures, name):
    """In the dump by a mark, but for the first; in the table, which screen readers read, in words."""
    index = 1 if name != "fastcgi-questions" else 0
    for what, data in journey.said(wire.recording(name)["links"][index]).items():
        offsets, at = [], 0
        while at < len(data):  # as section 3.3 of FastCGI has it
            offsets.append(at)
            at += 8 + int.from_bytes(data[at + 4 : at + 6]) + data[at + 6]
        figure = figures[f"{name}-{index}-{what}"]
        marks = re.findall(rf'<span class="\w+ begins" id="{name}-{index}-{what}-(\d+)">01</span>', figure)
        assert list(map(int, marks)) == offsets[1:]
        told = re.findall(r'<td><em class="begins">Record (\d+) of (\d+): (FCGI_\w+|\d+)\.</em>', figure)
        assert [int(number) for number, *_ in told] == list(range(1, len(offsets) + 1))
        assert {int(count) for _, count, _ in told} == {len(offsets)}
        assert [kind for *_, kind in told] == [
            f"FCGI_{records.name_of(data[at + 1])}" if data[at + 1] < 12 else str(data[at + 1]) for at in offsets]


def test_calls_are_shown_with_all_their_keys(pages):
    for room in ("wsgi", "asgi"):
        first, *_ = wire.recording(f"{room}-greeting")["links"][1]["calls"]
        for key in first["arguments"][0]:
            assert f"{room}-greeting-1-call-1-{key}" in stage_page(pages, room).ids


def test_pages_stay_light(site):
    for path in site.rglob("*.html"):
        assert len(gzip.compress(path.read_bytes())) < 50_000, path  # as it travels


def test_the_same_request_names_every_stage_for_every_part(pages):
    page = pages["same-request/index.html"]
    linked = [attributes.get("href", "") for tag, attributes in page.tags if tag == "a"]
    for room in ROOMS:
        places = [address for address in linked if re.match(rf"{PATH}(stages|bytes)/{room}/#{room}-", address)]
        assert len(places) >= len(same.SAME), room


def test_the_same_request_shows_the_bytes_it_speaks_of():
    """Each place begins and ends where it should: neither a byte of its neighbours nor one less."""
    expected = {
        ("cgi-greeting", "method"): b"REQUEST_METHOD=GET\0",
        ("fastcgi-greeting", "path"): b"\x09\x06PATH_INFO/hello",
        ("scgi-greeting", "host"): b"HTTP_HOST\0localhost\0",
        ("uwsgi-greeting", "path"): b"\x09\0PATH_INFO\x06\0/hello",  # an empty SCRIPT_NAME stands before it
        ("uwsgi-greeting", "query"): b"\x0c\0QUERY_STRING\x10\0name=J%C3%BCrgen",
        ("cgi-form", "end"): b"CONTENT_LENGTH=22\0",
        ("fastcgi-form", "end"): b"\x0e\x02CONTENT_LENGTH22" + b"\x01\x05\0\x01" + bytes(4),
        ("fastcgi-greeting", "status"): b"Status: 200 OK\r\n",
        ("uwsgi-greeting", "status"): b"HTTP/1.1 200 OK\r\n",
    }
    for (name, item), data in expected.items():
        digits = re.findall(r'<div class="hex">(.*?)</div>', same.said_at(name, 1, item)[1])
        assert bytes.fromhex(re.sub("<.*?>", "", " ".join(digits))) == data


@pytest.mark.parametrize("fault", ["a field is missing", "a field is there twice", "a byte is missing", "no such link"])
def test_a_broken_recording_stops_the_build(monkeypatch, fault):
    explain = journey.explain
    spoil = {"a field is missing": lambda fields: fields[:3] + fields[4:],
             "a field is there twice": lambda fields: fields[:3] + fields[2:],
             "a byte is missing": lambda fields: fields[:-1]}.get(fault)
    if spoil:
        spoilt = lambda link: {what: spoil(fields) for what, fields in explain(link).items()}  # noqa: E731
        monkeypatch.setattr(journey, "explain", spoilt)
    with pytest.raises(SuperFencesException):
        wire.wire("uwsgi-greeting 1" if spoil else "uwsgi-greeting 7", "wire", "wire", {}, None)


def test_a_missing_recording_stops_the_build():
    with pytest.raises(SuperFencesException, match="no-such-recording"):
        wire.wire("no-such-recording", "wire", "wire", {}, None)


def test_a_fork_names_itself(monkeypatch):
    """Its workflow sets both: no page of its site then names the original."""
    monkeypatch.setenv("SITE_URL", "https://somebody.example/fork/")
    monkeypatch.setenv("REPO_URL", "https://code.example/somebody/fork")
    assert files.settings()["site_url"] == "https://somebody.example/fork/"
    assert files.on_the_web("README.md").startswith("https://code.example/somebody/fork/blob/")
    named = [path.name for path in (ROOT / "docs").rglob("*.md") if "python-web-gateways" in path.read_text("utf-8")]
    assert not named


def test_a_heading_keeps_its_id_whatever_becomes_of_its_words():
    fences = re.compile(r"^ *(```+).*?^ *\1$", re.DOTALL | re.MULTILINE)
    for path in (ROOT / "docs").rglob("*.md"):
        for heading in re.findall(r"^#{2,6} .*$", fences.sub("", path.read_text(encoding="utf-8")), re.MULTILINE):
            assert re.search(r"\{[^}]*#[\w.-]+[^}]*\}$", heading), f"{path}: {heading}"
