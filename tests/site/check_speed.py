"""How fast the pages are, and what Lighthouse says of them.

Lighthouse's score for performance is of one machine at one moment, whatever else runs there: it is printed, and
held only when asked for (`nox -s site-check -- -n 0 --quiet-machine`). What makes a page slow and does not depend on
that is always held: its bytes and requests, parts that move while it loads, and the work it makes for the browser.
"""

import json
import os
import re
import statistics
import subprocess

import pytest
from conftest import CHROMIUM, FLAGS, KINDS, PAGES, TOOLS

STAGES = [address for address in PAGES if re.fullmatch(r"stages/\w+/", address)]
READ_FIRST = [address for address in KINDS if address.partition("/")[0] in ("", "stages", "compare")]
HEAVIEST = sorted(PAGES, key=lambda address: PAGES[address].stat().st_size)[-8:]
WEIGHT = 150_000  # bytes that a stage page may bring over the network, without the search's index
WORK = 4  # times the processor time that a page without content takes


@pytest.mark.parametrize("address", STAGES)
def test_a_stage_page_is_light(page, served, address):
    answers = []
    page.on("requestfinished", lambda request: answers.append(request))
    page.goto(served + address, wait_until="networkidle")
    sizes = {each.url: each.sizes() for each in answers if "/search/search_index.json" not in each.url}
    weight = sum(size["responseHeadersSize"] + size["responseBodySize"] for size in sizes.values())
    print(f"{weight:,} bytes in {len(sizes)} requests")
    assert 20_000 < weight < WEIGHT
    assert len(sizes) <= 11


@pytest.mark.parametrize("address", HEAVIEST)
def test_a_page_is_little_work_for_a_browser(browser, served, least_work, address):
    """As a ratio of processor times, which neither the machine's speed nor its load changes much."""
    ratio = work(browser, served + address) / least_work
    print(f"{ratio:.2f} times the work of a page without content")
    assert 0.3 < ratio < WORK


@pytest.fixture(scope="session")
def least_work(browser, served):
    return work(browser, served + "404.html")


def work(browser, address):
    """The median processor time, in seconds, in which the main thread of the browser makes a page ready."""
    times = []
    for _ in range(3):
        with browser.new_context(viewport={"width": 390, "height": 844}) as context:
            page = context.new_page()
            tools = context.new_cdp_session(page)
            tools.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.goto(address, wait_until="load")
            page.wait_for_selector(".md-search[aria-label]", state="attached")  # our script has run, and it is the last
            found = tools.send("Performance.getMetrics")["metrics"]
            times.append(next(each["value"] for each in found if each["name"] == "TaskDuration"))
    return statistics.median(times)


@pytest.mark.parametrize(("address", "form", "wanted"), [
    *((address, "mobile", 95) for address in READ_FIRST), ("", "desktop", 100)])
def test_lighthouse_gives_full_marks(served, address, form, wanted, request):
    hold = request.config.getoption("--quiet-machine")
    for _ in range(3 if hold else 1):  # load can lower a score, and nothing raises it
        report = lighthouse(served + address, form)
        scores = {name: round(100 * category["score"]) for name, category in report["categories"].items()}
        print(", ".join(f"{name} {score}" for name, score in scores.items()))
        if scores["performance"] >= wanted:
            break
    found = [f"{name}: {ref['id']}" for name in ("accessibility", "best-practices", "seo")
             for ref in report["categories"][name]["auditRefs"]
             if ref["weight"] and report["audits"][ref["id"]]["score"] not in (1, None)]
    assert found == []
    assert report["audits"]["cumulative-layout-shift"]["score"] == 1
    assert not hold or scores["performance"] >= wanted


def lighthouse(url, form):
    """Lighthouse's report on a page."""
    flags = [f'{name}="{value}"' if value else name for name, _, value in (flag.partition("=") for flag in FLAGS)]
    done = subprocess.run(
        ["node", TOOLS / "lighthouse" / "cli" / "index.js", url, "--quiet", "--output=json",
         *(["--preset=desktop"] if form == "desktop" else []),
         f"--chrome-flags=--headless=new {' '.join(flags)}"],
        env={**os.environ, "CHROME_PATH": CHROMIUM}, capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
