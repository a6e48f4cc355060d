"""The stepper in Chromium: what it shows at each step, by mouse, by keyboard, without motion and without a script."""

import re

import pytest
from conftest import TOOLS
from playwright.sync_api import expect

AXE = TOOLS / "axe-core" / "axe.min.js"
SEEN = """(figure) => [...figure.querySelectorAll(".hex > span")].map((span) => {
  const style = getComputedStyle(span);
  return style.visibility === "hidden" ? "later" : style.backgroundColor === "rgba(0, 0, 0, 0)" ? "past" : "lit";
})"""
SETTLED = "Promise.all(document.getAnimations().map((each) => each.finished.catch(() => 0)))"


@pytest.fixture
def stage(page, served):
    """A function that opens the page of a stage and returns its journey, with the steps' data."""

    def opened(name, **media):
        page.emulate_media(**media)
        page.goto(f"{served}stages/{name}/")
        expect(page.locator(".stepper")).to_be_visible()  # its script has come
        return page.locator("figure.journey")

    return opened


def data_of(journey):
    return journey.locator(".steps > li").evaluate_all("(items) => items.map((item) => ({ ...item.dataset }))")


def text_of(journey, number):
    return journey.locator(".steps > li").nth(number).text_content()


def test_a_journey_is_walked_by_keyboard(page, stage):
    journey = stage("scgi")
    strip, caption = journey.get_by_role("slider", name="Step"), journey.locator(".caption")
    count = journey.locator(".steps > li").count()
    strip.focus()
    for key, step in [("ArrowRight", 0), ("ArrowRight", 1), ("ArrowLeft", 0), ("End", count - 1),
                      ("ArrowRight", count - 1), ("Home", -1), ("ArrowLeft", -1)]:
        page.keyboard.press(key)
        expect(strip).to_have_attribute("aria-valuenow", str(step + 1))
        if step >= 0:
            expect(caption).to_have_text(text_of(journey, step))
    expect(caption).to_contain_text("Nothing has happened yet")
    page.keyboard.press(" ")
    expect(strip).to_have_attribute("aria-valuenow", "2")  # it goes on by itself
    page.keyboard.press(" ")
    expect(journey.get_by_role("button", name="Play")).to_have_text("Play")
    assert caption.get_attribute("aria-live") == "polite"


def test_bytes_are_lit_as_they_pass_and_those_to_come_are_not_there_yet(stage):
    journey = stage("fastcgi")
    journey.page.locator(".choices a", has_text="a stream").click()
    expect(journey).to_have_id("fastcgi-stream")
    steps = data_of(journey)
    answers = [n for n, step in enumerate(steps) if step["shows"] == "fastcgi-stream-1-response"]
    assert len(answers) >= 3
    dump = journey.locator("#fastcgi-stream-1-response")
    spans = [(int(at), int(at) + int(length)) for at, length in dump.locator("tbody tr").evaluate_all(
        "(rows) => rows.map((row) => [row.cells[0].textContent, row.cells[1].textContent])")]
    for number in answers:
        journey.locator(".strip i").nth(number).click()
        expect(dump).to_be_visible()
        start, end = int(steps[number]["from"]), int(steps[number]["to"])
        assert dump.evaluate(SEEN) == [
            "later" if first >= end else "lit" if last > start else "past" for first, last in spans]
    assert journey.locator(".links > :visible").count() == 1
    assert journey.locator(".strip b").all_text_contents() == ["0.3 s", "0.3 s"]


@pytest.mark.parametrize(("name", "recording"), [("cgi", "a crash"), ("asgi", "a WebSocket")])
def test_what_travels_arrives_where_the_step_says(page, stage, name, recording):
    """On both drawings: at the end of the arrow of its hop and direction; no process is there before it begins."""
    journey = stage(name, reduced_motion="reduce")
    page.locator(".choices a", has_text=recording).click()
    expect(journey).to_have_id(re.compile(f"{name}-(crash|websocket)"))
    steps = data_of(journey)
    directions, process = set(), journey.locator("svg.wide .process")
    for step in steps:
        journey.get_by_role("button", name="Next").click()
        assert page.evaluate("document.getAnimations().length") == 0  # still frames
        goes = step["kind"] not in ("begin", "end")
        for drawing in journey.locator(".way svg").all():
            assert drawing.locator(".parcel").evaluate("(each) => each.classList.contains('off')") != goes
            if goes:
                back = (step["by"] == "1") != (step["kind"] == "whole")
                path = drawing.locator(f"[data-hop='{step['hop']}'] .{'back' if back else 'there'}")
                end = re.findall(r"[\d.]+", path.get_attribute("d"))[2:4]
                at = drawing.locator(".parcel").evaluate("(each) => each.style.transform")
                assert re.findall(r"[\d.]+", at) == end
                lit = drawing.locator("path.on").count()
                assert lit == (2 if step["kind"] == "whole" else 1)
        directions.add((step["hop"], step["by"]))
        if name == "cgi":
            begun = [each["kind"] for each in steps[: steps.index(step) + 1]]
            there = "begin" in begun and "end" not in begun
            assert process.evaluate("(each) => each.classList.contains('gone')") != there
    assert directions >= {("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")}


def test_it_moves_unless_motion_is_not_wanted(page, stage):
    journey = stage("wsgi", reduced_motion="no-preference")
    journey.scroll_into_view_if_needed()
    journey.get_by_role("button", name="Next").click()
    assert page.evaluate("document.getAnimations().some((each) => each.effect.target.matches('.parcel'))")


def test_without_a_script_it_is_a_numbered_list_and_all_the_dumps(browser, served):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{served}stages/fastcgi/")
        journey = page.locator("figure.journey")
        items = journey.locator(".steps > li")
        expect(items.first).to_be_visible()
        expect(items.last).to_contain_text("nginx sends the visitor")
        assert journey.locator(".links > figure:visible").count() == journey.locator(".links > figure").count() == 5
        assert journey.get_by_role("button").count() == 0
        page.locator(".choices a", has_text="a stream").click()
        expect(page).to_have_url(re.compile(r"/bytes/fastcgi/#fastcgi-stream$"))
        expect(page.locator("#fastcgi-stream-1-response")).to_be_visible()


def test_an_address_names_a_recording_or_a_field_of_it(page, served, stage):
    page.goto(f"{served}stages/uwsgi/#uwsgi-crash", wait_until="networkidle")
    expect(page.locator("figure.journey")).to_have_id("uwsgi-crash")
    expect(page.locator(".choices [aria-current=true]")).to_have_text("a crash")
    page.goto("about:blank")
    page.goto(f"{served}stages/wsgi/#wsgi-greeting-1-call-1-PATH_INFO", wait_until="networkidle")
    expect(page.locator("#wsgi-greeting-1-call-1-PATH_INFO")).to_be_in_viewport()
    page.goto("about:blank")  # a field of a recording that is not the first
    page.goto(f"{served}stages/uwsgi/#uwsgi-crash-0-request-10", wait_until="networkidle")
    expect(page.locator("#uwsgi-crash-0-request-10")).to_be_focused()
    expect(page.locator("figure.journey .says:visible").first).to_contain_text("byte")
    stage("uwsgi")
    page.locator(".choices a", has_text="a form").click()
    expect(page).to_have_url(re.compile("#uwsgi-form$"))
    page.locator(".choices a", has_text="a greeting").click()  # is not asked for again
    expect(page.locator("figure.journey")).to_have_id("uwsgi-greeting")
    assert page.locator(".stepper").count() == 1


@pytest.mark.parametrize("address", ["stages/wsgi/", "rude-programs/"])
def test_an_address_that_names_nothing_is_no_error(page, served, address):
    said = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{served}{address}#%E0%", wait_until="networkidle")
    assert said == []


def test_a_recording_that_does_not_come_is_gone_to(page, stage):
    stage("scgi")
    page.route("**/bytes/scgi/", lambda route: route.abort() if route.request.resource_type == "fetch" else
               route.continue_())
    page.locator(".choices a", has_text="a crash").click()
    expect(page).to_have_url(re.compile(r"/bytes/scgi/#scgi-crash$"))


@pytest.mark.parametrize(("scheme", "width", "recording", "step"), [
    ("light", 1280, "a stream", 4), ("dark", 390, "a WebSocket", 9),
])
def test_axe_finds_nothing_in_the_middle_of_a_journey_and_it_fits(page, stage, scheme, width, recording, step):
    page.set_viewport_size({"width": width, "height": 844})
    journey = stage("asgi", color_scheme=scheme)
    page.evaluate(AXE.read_text())
    page.locator(".choices a", has_text=recording).click()
    journey.locator(".strip i").nth(step).click()
    page.evaluate(SETTLED)
    found = page.evaluate("axe.run('.journeys', { resultTypes: ['violations'] })")["violations"]
    assert [(rule["id"], node["target"]) for rule in found for node in rule["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
