"""Every page in Chromium: what it asks for, how it fits, who can read and operate it, on a screen and on paper."""

import re

import pytest
from conftest import KINDS, PAGES, SITE, TOOLS
from playwright.sync_api import expect

AXE = TOOLS / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
VIEWS = [("light", 1280, True), ("dark", 1280, False), ("light", 390, False), ("dark", 390, True)]  # True: details open
SETTLED = """async () => {
  for (let frame = 0; frame < 5; frame++) await new Promise(requestAnimationFrame);
  await Promise.all(document.getAnimations().map((each) => each.finished.catch(() => 0)));
}"""
NEAR = "* { content-visibility: visible !important }"  # as if all of the page had come near
CUT = """() => {
  document.querySelectorAll("details").forEach((each) => (each.open = true));
  const code = [...document.querySelectorAll(".highlight:not(.way *) pre > code")];  // side by side it scrolls
  return code.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent);
}"""
WIRE = "stages/fastcgi/"


@pytest.mark.parametrize("address", PAGES)
def test_a_page_stays_at_home_is_silent_and_fits(browser, served, address):
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        asked, said = [], []
        context.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(served + address, wait_until="networkidle")
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
        page.set_viewport_size({"width": 1280, "height": 900})
        page.add_style_tag(content=NEAR)
        assert page.evaluate(CUT) == [], "code is cut at its right end"
        assert said == []
        assert [url for url in asked if not url.startswith((served, "data:"))] == []


@pytest.mark.parametrize("address", KINDS)
def test_axe_finds_nothing(page, served, address):
    page.goto(served + address, wait_until="networkidle")
    page.add_script_tag(path=AXE)
    page.add_style_tag(content=NEAR)
    found = []
    for scheme, width, opened in VIEWS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate("(open) => document.querySelectorAll('details').forEach((each) => (each.open = open))", opened)
        scheme_of_theme = {"light": "default", "dark": "slate"}[scheme]
        expect(page.locator("body")).to_have_attribute("data-md-color-scheme", scheme_of_theme)
        page.evaluate(SETTLED)
        result = page.evaluate("(tags) => axe.run({ runOnly: tags, resultTypes: ['violations'] })", STANDARDS)
        for rule in result["violations"]:
            found += [f"{scheme}, {width} px: {rule['id']}: {node['target'][0]}" for node in rule["nodes"]]
    assert not found, "\n".join(found[:20])


def test_search_finds_words_without_leaving(page, served):
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto(served, wait_until="networkidle")
    page.keyboard.press("s")
    expect(page.get_by_role("textbox", name="Search")).to_be_focused()
    page.keyboard.type("netstring")
    expect(page.locator(".md-search-result__link[href*='stages/scgi/']").first).to_be_visible()
    assert [url for url in asked if not url.startswith((served, "data:"))] == []


def test_what_is_not_there_has_a_page_whose_links_lead_on(page, served):
    for address in ("nothing", "no/such/page/at/any/depth/"):
        answer = page.goto(served + address)
        assert answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text("No such page")
        assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith("system-ui")
    page.locator("article").get_by_role("link", name="the map").click()
    expect(page).to_have_url(served)


# ---------------------------------------------------------------- by keyboard


def active(page):
    return page.evaluate("document.activeElement.id")


def test_the_wire_is_walked_by_keyboard(page, served):
    page.goto(served + WIRE, wait_until="networkidle")
    figure = page.locator("figure.wire").first
    ids = figure.locator(".hex > span").evaluate_all("(spans) => spans.map((span) => span.id)")
    page.locator("#the-bytes .headerlink").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if active(page) in ids:
            break
    walk = {"": 0, "ArrowRight": 1, "End": len(ids) - 1, "ArrowLeft": len(ids) - 2, "Home": 0}
    for key, place in walk.items():
        if key:
            page.keyboard.press(key)
        assert active(page) == ids[place], key
        name = figure.locator("tbody tr").nth(place).locator("b").text_content()
        expect(figure.locator(".says b")).to_have_text(name)
        expect(figure.locator("[aria-selected=true]")).to_have_id(ids[place])
    page.keyboard.press("ArrowDown")
    below = active(page)
    assert below in ids[1:]
    page.keyboard.press("ArrowUp")
    assert active(page) in ids[: ids.index(below)]
    page.keyboard.press("Tab")
    assert active(page) not in ids  # one stop for the whole dump


def test_a_field_of_the_wire_has_an_address(page, served):
    page.goto(served + WIRE, wait_until="networkidle")
    figure = page.locator("figure.wire").first
    field = figure.locator(".hex > span").nth(7)
    field.click()
    address = page.url
    assert address.endswith("#" + field.get_attribute("id"))
    page.goto("about:blank")
    page.goto(address, wait_until="networkidle")
    expect(field).to_have_attribute("aria-selected", "true")
    expect(field).to_be_in_viewport()
    expect(figure.locator(".says b")).to_have_text(figure.locator("tbody tr").nth(7).locator("b").text_content())


@pytest.mark.skipif(not (SITE / "compare").exists(), reason="the site has no page to compare on")
def test_two_stages_are_compared_by_keyboard(page, served):
    page.goto(served + "compare/?a=cgi&b=asgi", wait_until="networkidle")
    one, other = page.locator(".compare select").all()
    expect(one).to_have_value("cgi")
    expect(other).to_have_value("asgi")
    first = page.locator(".compare .concept").first
    page.get_by_role("link", name="Skip to content").focus()
    one.focus()
    page.keyboard.type("W")
    page.keyboard.press("Tab")
    expect(page).to_have_url(re.compile(r"[?]a=wsgi&b=asgi$"))
    shown = first.locator(".way:visible").all_text_contents()
    assert len(shown) == 2
    page.locator(".compare button").first.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"[?]a=asgi&b=wsgi$"))
    assert first.locator(".way:visible").all_text_contents() == shown[::-1]
    page.reload(wait_until="networkidle")
    expect(one).to_have_value("asgi")


# ---------------------------------------------------------------- without a script, and on paper


@pytest.fixture
def scriptless(browser):
    with browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}) as context:
        yield context.new_page()


def test_the_wire_needs_no_script(scriptless, served):
    scriptless.goto(served + WIRE)
    figures = scriptless.locator("figure.wire").filter(visible=True).all()
    assert figures
    for figure in figures:
        expect(figure.locator(".dump")).to_be_visible()
        expect(figure.locator(".says")).to_be_hidden()
        figure.locator("summary").click()
        rows = figure.locator("tbody tr")
        expect(rows.last).to_be_visible()
        assert rows.count() == figure.locator(".hex > span").count()


@pytest.mark.skipif(not (SITE / "compare").exists(), reason="the site has no page to compare on")
def test_a_comparison_needs_no_script(scriptless, served):
    scriptless.goto(served + "compare/")
    for concept in scriptless.locator(".compare .concept").all():
        assert concept.locator(".way").filter(visible=True).count() >= 1


PAPER = """() => {
  const light = (color) => {  // as it is on white paper, from 0 to 1
    const [r, g, b, alpha = 1] = color.replace(/^color[(]srgb/, "").match(/[\\d.]+/g).map(Number);
    const shine = (0.2126 * r + 0.7152 * g + 0.0722 * b) / (color.startsWith("color(") ? 1 : 255);
    return 1 - alpha * (1 - shine);
  };
  const found = [];
  for (const text of document.querySelectorAll("article :is(h1, h2, p, td, th, li, code, code span)")) {
    if (!text.checkVisibility()) continue;
    const style = getComputedStyle(text);
    if (light(style.color) > 0.5 || light(style.backgroundColor) < 0.8)
      found.push(`${text.tagName} ${style.color} on ${style.backgroundColor}: ${text.textContent.slice(0, 40)}`);
  }
  if (light(getComputedStyle(document.body).backgroundColor) < 0.99) found.push("the paper is not white");
  return found.slice(0, 10);
}"""


@pytest.mark.parametrize("address", KINDS)
def test_on_paper_there_is_dark_text_on_white_and_no_navigation(page, served, address):
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(served + address, wait_until="networkidle")
    for part in (".md-header", ".md-sidebar", ".md-footer", ".md-content__button", ".headerlink", ".md-clipboard"):
        for each in page.locator(part).all():
            expect(each).to_be_hidden()
    assert page.evaluate(PAPER) == []
