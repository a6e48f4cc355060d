"""The built site as files: both builders make the same, links lead somewhere, the HTML is valid, cards are there."""

import re
import shutil
import struct
import subprocess
from collections import Counter
from urllib.parse import urlsplit

import pytest
from conftest import ADDRESS, PAGES, ROOT, SITE, TOOLS

ZENSICAL = ROOT / ".cache" / "zensical-site"


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
                      for file in (path, ZENSICAL / path.relative_to(SITE)))  # fmt: skip
        assert one == other, path


def test_every_link_and_anchor_leads_somewhere():
    run(shutil.which("lychee"), "--offline", "--include-fragments", "--index-files", "index.html", "--no-progress",
        "--root-dir", SITE, "--remap", f"{ADDRESS} file://{SITE}/",
        "--remap", f"file://{SITE}{urlsplit(ADDRESS).path.rstrip('/')} file://{SITE}", SITE)  # fmt: skip


def test_html_is_valid():
    run("node", TOOLS / "html-validate/bin/html-validate.mjs", "--config", ROOT / "tests/site/htmlvalidate.mjs",
        *PAGES.values())  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_a_page_says_what_it_is_and_has_a_card(address):
    html = PAGES[address].read_text()
    properties = dict(re.findall(r'<meta property="og:(\S+)" content="([^"]*)">', html))
    assert properties["image"] == f"{ADDRESS}assets/card.png"
    assert properties["description"] == re.search(r'<meta name="description" content="([^"]*)">', html)[1]
    if address != "404.html":
        assert properties["url"] == ADDRESS + address
        others = [path.read_text() for path in PAGES.values() if path.name != "404.html"]
        assert sum(f'content="{properties["description"]}"' in other for other in others) == 1, "one of its own"


def test_the_card_is_a_picture_of_the_size_that_is_asked_for():
    card = (SITE / "assets" / "card.png").read_bytes()
    assert card.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", card[16:24]) == (1200, 630)
    assert len(card) < 100_000
