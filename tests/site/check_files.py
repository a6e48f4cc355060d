"""The built site as files: both builders make the same, links lead somewhere, the HTML is valid, cards are there."""

import base64
import hashlib
import re
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import date
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from conftest import ADDRESS, PAGES, ROOT, SITE, TOOLS, ZENSICAL


def run(*command):
    """Run a checker; what it says is the failure."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zensical_builds_the_same_pages():
    """Material's successor reads the same mkdocs.yml, and renders the same fences."""
    assert {path.relative_to(ZENSICAL) for path in ZENSICAL.rglob("*.html")} == {
        path.relative_to(SITE) for path in PAGES.values()
    }
    for path in PAGES.values():
        one, other = (Counter(re.findall(r"<(figure|table|pre|section|select|h2|h3)\b", file.read_text()))
                      for file in (path, ZENSICAL / path.relative_to(SITE)))
        assert one == other, path
        address = ADDRESS + path.relative_to(SITE).as_posix().removesuffix("index.html")
        articles = (file.read_text().partition("<article")[2].partition("</article>")[0]
                    for file in (path, ZENSICAL / path.relative_to(SITE)))
        links = re.compile(r'<(?:a|script|link)\b[^>]* (?:href|src)="([^"]*)"')
        one, other = ({urljoin(address, link) for link in links.findall(article)} for article in articles)
        assert one == other, path


def test_every_link_and_anchor_leads_somewhere():
    run(shutil.which("lychee"), "--offline", "--include-fragments", "--index-files", "index.html", "--no-progress",
        "--root-dir", SITE, "--remap", f"{ADDRESS} file://{SITE}/",
        "--remap", f"file://{SITE}{urlsplit(ADDRESS).path.rstrip('/')} file://{SITE}", SITE)


def test_commands_call_nox_as_the_first_page_installs_it():
    for address, path in PAGES.items():
        for block in re.findall(r"<pre.*?</pre>", path.read_text(), re.DOTALL):
            assert not re.search(r"^nox ", re.sub("<[^>]+>", "", block), re.MULTILINE), (address, block)


def test_html_is_valid():
    run("node", TOOLS / "html-validate/bin/html-validate.mjs", "--config", ROOT / "tests/site/htmlvalidate.mjs",
        *PAGES.values())


def test_the_policy_of_every_page_lets_only_the_inline_scripts_of_the_theme_run():
    """What it stops, Chromium says on its console, where check_pages.py allows nothing."""
    for path in [*PAGES.values(), *ZENSICAL.rglob("*.html")]:
        html = path.read_text()
        policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)[1].split()
        assert "'unsafe-inline'" not in policy and "'unsafe-eval'" not in policy
        assert not re.search(r'<link rel="?(next|prefetch)', html), "Firefox would fetch it, and the policy forbid it"
        for script in re.findall(r"<script>(.*?)</script>", html, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy, f"{path}: {script[:60]}"


@pytest.mark.parametrize("address", PAGES)
def test_a_page_says_what_it_is_and_has_a_card(address):
    html = PAGES[address].read_text()
    properties = dict(re.findall(r'<meta property="og:(\S+)" content="([^"]*)">', html))
    assert properties["image"] == f"{ADDRESS}assets/card.png"
    assert properties["description"] == re.search(r'<meta name="description" content="([^"]*)">', html)[1]
    title = re.search(r"<title>(.*?)</title>", html)[1]
    assert sum(f"<title>{title}</title>" in path.read_text() for path in PAGES.values()) == 1, "one of its own"
    if address != "404.html":
        assert 20 <= len(unescape(title)) <= 70, title  # what a search engine shows of it
        assert properties["url"] == ADDRESS + address
        others = [path.read_text() for path in PAGES.values() if path.name != "404.html"]
        assert sum(f'content="{properties["description"]}"' in other for other in others) == 1, "one of its own"


@pytest.mark.parametrize("address", [address for address in PAGES if not address.endswith(".html")])
def test_a_page_is_there_as_plain_text_with_its_data(address):
    html, text = (PAGES[address].with_name(name).read_text() for name in ("index.html", "index.md"))
    title = re.search(r"<h1[^>]*>(.*?)(<a |</h1>)", html, re.DOTALL)
    assert title is None or text.startswith("# ") or f"# {re.sub('<[^>]+>', '', title[1])}" in text
    assert not re.search(r"</?(div|span|table|figure|details|script)\b", re.sub(r"(?s)```.*?```|`[^`]*`", "", text))
    for row in re.findall(r"<code>([\w.-]{5,40})</code>", html)[:200]:
        assert row in text, f"{row} is lost"


def test_the_bytes_and_figures_are_in_the_plain_text():
    recorded = (SITE / "stages" / "fastcgi" / "index.md").read_text()
    assert "01 01 00 01 00 08 00 00" in recorded and "FCGI_BEGIN_REQUEST" in recorded
    measured = (SITE / "claims" / "index.md").read_text()
    assert re.search(r"\| \S.* \| [\d,.]+ \|", measured)


def test_llms_txt_lists_every_page_once():
    listed = re.findall(r"\]\((\S+)\): \S", (SITE / "llms.txt").read_text())
    wanted = [f"{ADDRESS}{address}index.md" for address in PAGES if not address.endswith(".html")]
    assert sorted(listed) == sorted(wanted)


def test_the_feed_tells_what_is_new_and_leads_there():
    atom = "{http://www.w3.org/2005/Atom}"
    entries = ET.parse(SITE / "feed.xml").getroot().findall(f"{atom}entry")
    days = [entry.findtext(f"{atom}updated")[:10] for entry in entries]
    assert days == sorted(days, reverse=True) and days[0] <= date.today().isoformat()
    assert len({entry.findtext(f"{atom}id") for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.find(f"{atom}link").get("href").removeprefix(ADDRESS) in PAGES
        page, _, fragment = entry.findtext(f"{atom}id").removeprefix(ADDRESS).partition("#")
        assert f'id="{fragment}"' in PAGES[page].read_text()


def test_the_card_is_a_picture_of_the_size_that_is_asked_for():
    card = (SITE / "assets" / "card.png").read_bytes()
    assert card.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", card[16:24]) == (1200, 630)
    assert len(card) < 100_000
