"""The grids of rude programs and hard requests in Chromium: by pointer, keyboard and address, and without a script."""

import re

import pytest
from conftest import SITE
from playwright.sync_api import expect

PAGES = {"rude-programs/": ("no-length", "wsgi-ours"), "hard-requests/": ("cl-te", "wsgi-waitress")}
BARE = """(cell) => {
  const { left, top } = cell.getBoundingClientRect();
  return cell.contains(document.elementFromPoint(left + 9, top + 9));
}"""
PATIENCE = 30_000  # milliseconds in which a busy machine has brought the bytes
GRIDS = pytest.mark.parametrize(("address", "row", "stack"), [(page, *cell) for page, cell in PAGES.items()])


@GRIDS
def test_a_cell_is_shown_with_its_bytes(page, served, address, row, stack):
    page.goto(served + address, wait_until="networkidle")
    asked = []
    page.on("request", lambda request: "/search/" not in request.url and request.url.endswith(".json")
            and asked.append(request.url))
    line = page.locator(f"#{row}")
    line.scroll_into_view_if_needed()
    cell = line.locator(f'td[aria-label^="{stack}: "]')
    assert not asked  # the bytes come when they are asked for
    cell.click(timeout=PATIENCE)
    shown = page.locator(".cell-shown")
    expect(shown).to_contain_text(stack, timeout=PATIENCE)
    expect(shown.locator("pre").last).to_contain_text(re.compile(r"HTTP/1\.[01] \d\d\d .*\\r\\n"))
    expect(shown).to_contain_text(re.compile(r"RFC 9\d\d\d section"))
    assert len(asked) == 1
    page.keyboard.press("ArrowRight")
    expect(cell).not_to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(cell).to_be_focused()
    shown.get_by_role("button", name="Close").click()
    expect(shown).to_be_hidden()
    expect(cell).to_be_focused()
    page.keyboard.press("Enter")
    expect(shown.get_by_role("button", name="Close")).to_be_focused()  # from there to its links and bytes
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    expect(cell).to_be_focused()


@GRIDS
def test_a_row_and_a_cell_have_an_address(page, served, address, row, stack):
    page.goto(f"{served}{address}#{row}", wait_until="networkidle")
    expect(page.locator(f"#{row} th")).to_be_in_viewport()
    assert page.locator(f"#{row} th").evaluate(BARE), "the page's header is over it"
    page.goto("about:blank")
    page.goto(f"{served}{address}#{row}/{stack}", wait_until="networkidle")
    expect(page.locator(".cell-shown")).to_contain_text(stack, timeout=PATIENCE)


@GRIDS
def test_rows_and_stacks_are_chosen(page, served, address, row, stack):
    page.goto(f"{served}{address}?verdict=w&stacks=wsgi", wait_until="networkidle")
    rows, told = page.locator(".cells tr[id]"), page.locator("form.chooser output")
    expect(told).to_have_text(re.compile(r"\d+ of \d+ rows"), timeout=PATIENCE)
    some, every = rows.filter(visible=True).count(), rows.count()
    assert 0 < some < every
    expect(told).to_have_text(f"{some} of {every} rows")
    heads = page.locator(".cells:visible thead th a").all_text_contents()
    assert heads and all(head.startswith("wsgi-") for head in heads)
    page.get_by_label("Rows with").fill("no such word")
    expect(rows.filter(visible=True)).to_have_count(0)
    expect(page).to_have_url(re.compile(r"word=no\+such\+word&verdict=w&stacks=wsgi"))


@GRIDS
def test_each_row_has_its_words_without_a_script(browser, served, address, row, stack):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{served}{address}")
        expect(page.locator("form.chooser")).to_be_hidden()
        expect(page.locator(f"#{row} td")).to_contain_text(re.compile(r"right at \d+"))
        assert page.locator(".cells tr[id] td").count() == page.locator(".cells tr[id]").count()


def test_every_reason_that_a_cell_has_is_there():
    for page in PAGES:
        html = (SITE / page / "index.html").read_text()
        numbers = {number for each in re.findall(r'data-why="([\d ]*)"', html) for number in each.split()}
        assert numbers and "0" not in numbers
        assert {f'id="why-{number}"' in html for number in numbers} == {True}
