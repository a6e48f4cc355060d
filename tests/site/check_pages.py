"""Every page in Chromium: what it asks for, how it fits, who can read and operate it, on a screen and on paper."""

import re
import tomllib
from pathlib import Path

import pytest
from conftest import KINDS, PAGES, SITE, TOOLS
from playwright.sync_api import expect

AXE = TOOLS / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
VIEWS = [("light", 1280, True), ("dark", 390, False)]  # True: details open
SETTLED = "async () => { for (let frame = 0; frame < 5; frame++) await new Promise(requestAnimationFrame); }"
NEAR = "* { content-visibility: visible !important }"  # as if all of the page had come near
# A transition inside a <details> that is closed meanwhile stands still, and never ends: colours change at once.
AT_ONCE = "*, ::before, ::after { transition: none !important; animation: none !important }"
# A sheet made by a script, which the policy of the pages lets pass, unlike a <style> element.
STYLE = """(css) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
}"""
CUT = """() => {
  document.querySelectorAll("details").forEach((each) => (each.open = true));
  const code = [...document.querySelectorAll(".highlight:not(.way *) pre > code")];  // side by side it scrolls
  const wide = code.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent);
  const text = document.createRange();  // of a cell, which goes on over the next one
  const right = (each) => each.getBoundingClientRect().right;
  const beyond = (cell) => (text.selectNodeContents(cell), right(text) > right(cell) + 4);
  return [...wide, ...[...document.querySelectorAll(".table tbody th")].filter(beyond).map((each) => each.textContent)];
}"""
# On a narrow screen: tables that go on beyond its edge, although their cells stand one below the other there (the maps
# do not), and text under the button that copies, where it cannot be scrolled away. And what looks as the theme has it.
CUT_ON_A_PHONE = """() => {
  const text = document.createRange();
  const under = (pre) => {
    const button = pre.querySelector(".md-code__nav")?.getBoundingClientRect(), code = pre.querySelector("code");
    text.selectNodeContents(code);
    return button?.width && code.scrollWidth <= code.clientWidth && [...text.getClientRects()].some(
      (each) => each.right > button.left && each.top < button.bottom && each.bottom > button.top);
  };
  const all = (css) => [...document.querySelectorAll(css)];
  const table = ".table:not(:has(.map))", padding = 4;  // of code at the end of a line
  return [...all(table).filter((each) => each.scrollWidth > each.clientWidth + padding),
          ...all(".highlight pre").filter(under)].map((each) => each.textContent.trim().slice(0, 60));
}"""
OF_THE_THEME = """() => {
  const blue = "rgb(68, 138, 255)", shown = (style) => style.display !== "none" && style.backgroundColor === blue;
  return [...document.querySelectorAll("details")]
    .filter((each) => getComputedStyle(each).border.endsWith(`px solid ${blue}`)
                      || shown(getComputedStyle(each.querySelector("summary"), "::before")))
    .map((each) => each.textContent.trim().slice(0, 60));
}"""
# What moved while nobody touched the page: the largest sum of a burst (https://web.dev/articles/cls).
SHIFTS = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    let worst = 0, sum = 0, first = 0, last = 0;
    for (const { startTime, value } of list.getEntries().filter((each) => !each.hadRecentInput)) {
      if (startTime - last > 1000 || startTime - first > 5000) { sum = 0; first = startTime; }
      last = startTime;
      worst = Math.max(worst, sum += value);
    }
    resolve(worst);
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(0), 300);  // nothing moved
})"""
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
        assert page.evaluate(SHIFTS) < 0.1, "parts of it move while it loads"
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
        page.evaluate(STYLE, NEAR)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate(CUT_ON_A_PHONE) == [], "text is cut or covered"
        assert page.evaluate(OF_THE_THEME) == [], "it looks like the theme's, not like the site's"
        page.set_viewport_size({"width": 1280, "height": 900})
        assert page.evaluate(CUT) == [], "code is cut at its right end"
        assert said == []
        assert [url for url in asked if not url.startswith((served, "data:"))] == []


@pytest.mark.parametrize("address", KINDS)
def test_axe_finds_nothing(page, served, address):
    page.goto(served + address, wait_until="networkidle")
    page.evaluate(AXE.read_text())
    page.evaluate(STYLE, NEAR + AT_ONCE)
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


def found(page, served, words):
    """The pages of the search's results for these words, best first."""
    field = page.get_by_role("textbox", name="Search")
    field.fill("")
    field.press("End")  # the theme looks at what is typed when a key goes up
    expect(page.locator(".md-search-result__meta")).to_contain_text("Type to start")
    field.fill(words)
    field.press("End")
    expect(page.locator(".md-search-result__meta")).to_contain_text("matching document")
    items = page.locator(".md-search-result__item")
    expect(items.first).to_be_visible()
    links = items.evaluate_all("(all) => all.map((each) => each.querySelector('a').href)")
    return [re.split("[?#]", link.removeprefix(served))[0] for link in links]


def test_search_leads_to_the_page_that_people_look_for(page, served):
    page.goto(served, wait_until="networkidle")
    page.keyboard.press("s")
    queries = tomllib.loads((Path(__file__).parent / "queries.toml").read_text())
    wrong = []
    for place, count in (("first", 1), ("among", 3)):
        for words, *wanted in queries[place]:
            if not set(wanted) & set((got := found(page, served, words))[:count]):
                wrong.append(f"{words}: {got[:5]} where {wanted} should be")
    assert not wrong, "\n".join(wrong)


def test_no_beginning_of_a_number_breaks_the_search(page, served):
    """The index of lunr.js takes some for others, and its worker then says "Invalid query" and finds nothing."""
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(served, wait_until="networkidle")
    page.keyboard.press("s")
    for digit in "0123456789":
        assert found(page, served, digit), said
    field = page.get_by_role("textbox", name="Search")
    field.fill("21573")
    field.press("End")
    expect(page.locator(".md-search-result__item mark").first).to_have_text("21573")
    assert said == []


def test_a_query_costs_no_more_however_long_it_is(page, served):
    page.goto(served, wait_until="networkidle")
    page.keyboard.press("s")
    assert found(page, served, "scope " + 200_000 * "a")  # within the 5 seconds that `expect` waits


def test_search_finds_words_without_leaving(page, served):
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto(served, wait_until="networkidle")
    page.keyboard.press("s")
    expect(page.get_by_role("textbox", name="Search")).to_be_focused()
    page.keyboard.type("netstring")
    expect(page.locator(".md-search-result__link[href*='stages/scgi/']").first).to_be_visible()
    assert [url for url in asked if not url.startswith((served, "data:"))] == []


def test_what_is_copied_of_a_move_is_the_new_file(page, served):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(served + "moves/", wait_until="networkidle")
    page.locator(".move").first.get_by_role("button").click()
    expect(page.locator(".md-dialog")).to_contain_text("Copied")
    file = Path(__file__).parents[2] / "exhibits/moves/cgi_to_wsgi/after.py"
    assert page.evaluate("navigator.clipboard.readText()") == file.read_text().rstrip()


@pytest.mark.parametrize("address", ["", "stages/asgi/", "errors/"])
def test_it_works_as_zensical_builds_it(page, served_by_zensical, address):
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", lambda response: response.ok or said.append(response.url))
    page.goto(served_by_zensical + address, wait_until="networkidle")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("button", name="Search").click()
    page.get_by_role("combobox", name="Search").fill("netstring")
    found = page.get_by_role("dialog").get_by_role("status")
    expect(found).to_have_text(re.compile(r"[1-9]\d* results"), timeout=15_000)
    assert said == []


@pytest.mark.parametrize(("address", "place"), [("bytes/scgi/", "a-large-body"), ("bytes/fastcgi-rare/", "questions")])
def test_an_address_leads_to_its_place_although_what_is_far_is_laid_out_late(page, served, address, place):
    tops = []
    for start in (f"{address}#{place}", address):
        page.goto("about:blank")
        page.goto(served + start, wait_until="networkidle")
        if start == address:
            page.locator(f".md-sidebar--secondary a[href='#{place}']").click()
        page.evaluate(SETTLED)
        tops.append(page.locator(f"#{place}").evaluate("(heading) => heading.getBoundingClientRect().top"))
    assert all(50 < top < 120 for top in tops), tops


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
    page.goto(f"{served}{WIRE}#fastcgi-greeting-1-request-0", wait_until="networkidle")
    figure = page.locator("#fastcgi-greeting-1-request")
    expect(figure).to_be_visible()
    ids = figure.locator(".hex > span").evaluate_all("(spans) => spans.map((span) => span.id)")
    page.locator("#the-requests-way .headerlink").focus()
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
    expect(page).to_have_url(re.compile("#" + field.get_attribute("id") + "$"))
    address = page.url
    page.goto("about:blank")
    page.goto(address, wait_until="networkidle")
    expect(field).to_have_attribute("aria-selected", "true")
    expect(field).to_be_in_viewport()
    expect(figure.locator(".says b")).to_have_text(figure.locator("tbody tr").nth(7).locator("b").text_content())


@pytest.mark.parametrize("width", [1280, 390])
def test_the_address_follows_the_keys_and_brings_the_caption_along(page, served, width):
    page.set_viewport_size({"width": width, "height": 700})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{served}bytes/fastcgi/#fastcgi-large-1-request-16", wait_until="networkidle")
    figure = page.locator("#fastcgi-large-1-request")
    fields = figure.locator(".hex > span")
    expect(fields.nth(9)).to_be_focused()  # the keys go on from where the link led
    page.keyboard.press("End")
    last = fields.last.get_attribute("id")
    expect(page).to_have_url(re.compile(f"#{last}$"))
    page.goto("about:blank")
    page.goto(f"{served}bytes/fastcgi/#{last}", wait_until="networkidle")
    expect(fields.last).to_be_in_viewport()
    expect(figure.locator("figcaption")).not_to_be_in_viewport()  # it is a long one, and the caption is with the byte:
    expect(figure.locator(".says .of")).to_have_text("FastCGI request from nginx to flup")
    expect(figure.locator(".says .of")).to_be_in_viewport()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(figure.get_by_role("status")).to_have_text("Copied")
    first = fields.first.get_attribute("id")
    assert page.evaluate("navigator.clipboard.readText()") == f"{served}bytes/fastcgi/#{first}"
    fields.nth(3).click()
    figure.get_by_role("button", name="Copy link").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.endsWith('-request-4'))")


def test_a_phone_is_told_to_tap(browser, served):
    with browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto(f"{served}bytes/fastcgi/", wait_until="networkidle")
        figure = page.locator("figure.wire").first
        expect(figure.locator(".says .tap")).to_be_visible()
        expect(figure.locator(".says .keys")).to_be_hidden()
        figure.locator(".hex > span").nth(2).tap()
        expect(figure.locator(".says b")).to_have_text(figure.locator("tbody tr").nth(2).locator("b").text_content())


@pytest.mark.parametrize("address", ["start/", "stages/wsgi/"])
def test_the_words_on_both_sides_of_an_arrow_are_as_large(page, served, address):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(served + address, wait_until="networkidle")
    sizes = page.locator(".way text:not(.on):is(.start, .end)").evaluate_all(
        "(all) => all.map((each) => getComputedStyle(each).fontSize)")
    assert len(set(sizes)) == 1 < len(sizes)


MARKS = """(spans) => spans.map((span) => {
  const style = getComputedStyle(span), before = span.previousElementSibling.getClientRects();
  const bar = parseFloat(style.borderLeftWidth) * (style.borderLeftStyle === "solid");
  const clear = span.getClientRects()[0].left - [...before].at(-1).right;
  return [bar, style.borderLeftColor !== style.backgroundColor, clear];
})"""


@pytest.mark.parametrize("media", [{"media": "print"}, {"color_scheme": "dark"}, {"forced_colors": "active"}])
def test_where_a_record_begins_is_seen_without_colour_and_moves_no_byte(page, served, media):
    page.emulate_media(**media)
    page.goto(f"{served}bytes/fastcgi/", wait_until="networkidle")
    figure = page.locator("#fastcgi-form-1-request")
    figure.scroll_into_view_if_needed()
    marks = figure.locator(".hex > span.begins").evaluate_all(MARKS)
    assert len(marks) == figure.locator("tbody em.begins").count() - 1 == 4  # all but the first
    assert all(bar >= 2 and seen for bar, seen, _ in marks)
    rows = figure.locator(".hex").evaluate("(hex) => hex.scrollHeight / parseFloat(getComputedStyle(hex).lineHeight)")
    assert round(rows) == figure.locator(".offsets i:visible").count()
    described = figure.locator(".hex > span.begins").first.get_attribute("aria-description")
    assert "Record 2 of 5: FCGI_PARAMS." in described


@pytest.mark.skipif(not (SITE / "compare").exists(), reason="the site has no page to compare on")
def test_two_stages_are_compared_by_keyboard(page, served):
    page.goto(served + "compare/?a=cgi&b=asgi", wait_until="networkidle")
    one, other = page.locator(".concepts select").all()
    expect(one).to_have_value("cgi")
    expect(other).to_have_value("asgi")
    first = page.locator(".concepts .concept").first
    page.get_by_role("link", name="Skip to content").focus()
    one.focus()
    page.keyboard.type("W")
    page.keyboard.press("Tab")
    expect(page).to_have_url(re.compile(r"[?]a=wsgi&b=asgi$"))
    shown = first.locator(".way:visible").all_text_contents()
    assert len(shown) == 2
    page.locator(".concepts button").first.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"[?]a=asgi&b=wsgi$"))
    assert first.locator(".way:visible").all_text_contents() == shown[::-1]
    page.reload(wait_until="networkidle")
    expect(one).to_have_value("asgi")
    page.go_back()
    expect(one).to_have_value("wsgi")
    page.go_back()
    expect(one).to_have_value("cgi")
    expect(page).to_have_url(re.compile(r"[?]a=cgi&b=asgi$"))


@pytest.mark.skipif(not (SITE / "compare").exists(), reason="the site has no page to compare on")
def test_an_address_that_compares_nothing_does_not_stay(page, served):
    for query in ("?a=cgi&b=cgi", "?a=cgi", "?a=php&b=cgi"):
        page.goto(f"{served}compare/{query}", wait_until="networkidle")
        expect(page).to_have_url(f"{served}compare/")


@pytest.mark.skipif(not (SITE / "compare").exists(), reason="the site has no page to compare on")
def test_code_that_is_compared_is_cut_nowhere(page, served):
    page.goto(f"{served}compare/", wait_until="networkidle")
    page.evaluate(STYLE, NEAR)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.locator(".way:visible pre > code").evaluate_all(
            "(all) => all.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent)") == []


def test_a_word_of_the_glossary_says_what_it_means(browser, served):
    with browser.new_context(has_touch=True, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto(served + "stages/asgi/", wait_until="networkidle")
        page.keyboard.press("Shift")  # the first key, or pointer, makes the words ready
        words, note = page.locator("article abbr[tabindex='0']"), page.get_by_role("tooltip")
        reached = words.all_text_contents()
        assert len(reached) > 5 and len(set(reached)) == len(reached), "a stop for each word, and no second"
        assert page.locator(":is(a, summary, h1, h2, h3, code) abbr[tabindex]").count() == 0
        for word in words.all()[:5]:
            means = word.get_attribute("data-means")
            word.focus()
            expect(note).to_have_text(means)
            expect(word).to_have_accessible_description(means)
            page.keyboard.press("Escape")
            expect(note).to_be_hidden()
            word.tap()
            expect(note).to_have_text(means)
            box = note.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390
            page.locator("h1").tap()
            expect(note).to_be_hidden()
        words.first.hover()
        note.hover()  # it stays while one points at it
        expect(note).to_be_visible()
        page.evaluate(AXE.read_text())
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate(SETTLED)
            result = page.evaluate("""(tags) => axe.run({ include: [["article p"], ["#what-it-means"]] },
                                                        { runOnly: tags, resultTypes: ["violations"] })""", STANDARDS)
            assert [rule["id"] for rule in result["violations"]] == []


LECTURES = [("stages/fastcgi/", "figure.journey", "#fastcgi-greeting-0-request-0"),
            ("bytes/fastcgi/", "#fastcgi-form-1-request", "#fastcgi-form-1-request-1"),
            ("compare/", ".concepts", "#smallest")]


@pytest.mark.parametrize("address, figure, place", LECTURES)
def test_a_lecture_shows_one_figure_large_and_walks_it_by_keyboard(page, served, address, figure, place):
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(served + address, wait_until="networkidle")
    figure, lecture = page.locator(figure).first, page.get_by_role("dialog", name="Lecture")
    button = figure.locator(".to-lecture")
    button.focus()
    page.keyboard.press("l")
    expect(lecture.locator(":is(figure, .concepts)").first).to_be_visible()
    page.keyboard.press("PageDown")  # as a remote control for slides says it
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(lecture.locator(".address")).to_have_text((served + address + place).removeprefix("http://"))
    sizes = lecture.locator(":is(.address, .dump, .caption, .way pre > code)").filter(visible=True).evaluate_all(
        "(all) => all.map((each) => parseFloat(getComputedStyle(each).fontSize))")
    assert min(sizes) >= 20
    assert lecture.evaluate("(it) => it.scrollWidth <= it.clientWidth"), "it scrolls sideways"
    page.evaluate(AXE.read_text())
    result = page.evaluate("(tags) => axe.run('.lecture', { runOnly: tags, resultTypes: ['violations'] })", STANDARDS)
    assert [rule["id"] for rule in result["violations"]] == []
    page.keyboard.press("Escape")
    expect(lecture).to_have_count(0)
    expect(button).to_be_focused()
    expect(button).to_be_in_viewport()


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
    for concept in scriptless.locator(".concepts .concept").all():
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
    for part in (".md-header", ".md-sidebar", ".md-footer", ".md-content__button", ".headerlink", ".md-clipboard",
                 ".md-code__nav", ".stepper"):
        for each in page.locator(part).all():
            expect(each).to_be_hidden()
    assert page.evaluate(PAPER) == []


@pytest.mark.parametrize("address", [address for address in PAGES if re.fullmatch(r"stages/\w+/", address)])
def test_a_stage_is_printed_on_a_few_sheets_with_what_is_open_and_nothing_else(page, served, address):
    page.goto(served + address, wait_until="networkidle")
    assert page.locator("article details:not([open])").count()
    page.locator(".moving .stepper").first.wait_for()  # its script is there
    printed = page.pdf(format="A4")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 12
    expect(page.locator("article details.folded")).to_have_count(0)
    page.evaluate("document.querySelectorAll('article details').forEach((each) => (each.open = true))")
    assert len(page.pdf(format="A4")) > len(printed)
