"""The guestbook's page in Chromium, at the default stack of every stage: signing, with a script and without."""

import json
import re
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from check_pages import AXE, STANDARDS
from playwright.sync_api import expect

from exhibits import catalog
from exhibits.backstage.running import Exhibit

STAGES = {stack.stage: stack for stack in catalog.defaults()}
SAYS = {"websocket": "Live by WebSocket", "events": "Live by server-sent events",
        "entries": "Asks again every 5 seconds"}
TYPED = '<b>"Once" & for\nall</b>'


@pytest.fixture(scope="module", params=STAGES)
def exhibit(request):
    with Exhibit(STAGES[request.param]) as exhibit:
        yield exhibit


@pytest.fixture(scope="module", params=STAGES)
def mounted(request):
    with Exhibit(STAGES[request.param], mount="/museum") as exhibit:
        yield exhibit


@pytest.fixture
def visitor(browser, exhibit):
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


@pytest.fixture
def scriptless(browser):
    with browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}) as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


def ask(url, **fields):
    body = json.dumps(fields).encode() if fields else None
    sent = Request(url, body, {"Content-Type": "application/json"})
    with build_opener(ProxyHandler({})).open(sent, timeout=10) as answer:
        return json.loads(answer.read())


def sign(page, name, message):
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your message").fill(message)
    page.get_by_role("button", name="Sign").click()


def test_a_visitor_signs(visitor, exhibit):
    said = []
    visitor.on("console", lambda message: said.append(message.text))
    visitor.on("pageerror", lambda error: said.append(str(error)))
    visitor.goto(exhibit.base + "/")
    told = ask(exhibit.base + "/gateway")
    expect(visitor.get_by_role("status")).to_contain_text(SAYS[told["live"]])
    expect(visitor.locator("#gateway")).to_contain_text(told["stack"])
    summary = visitor.get_by_text("What the program was handed")
    summary.focus()
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("rowheader").first).to_be_visible()
    for width in (390, 320, 1280):
        visitor.set_viewport_size({"width": width, "height": 844})
        assert visitor.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
    expect(visitor.get_by_role("link", name=exhibit.stack.name)).to_have_attribute("aria-current", "page")

    ask(exhibit.base + "/entries", name="Grace", message="Seen at once")  # by somebody else
    expect(visitor.get_by_text("Seen at once")).to_be_visible(timeout=15_000)  # some stages are asked every 5 s only
    sign(visitor, "Ada", TYPED)
    expect(visitor.locator("#entries li").first).to_contain_text("for\nall</b>")
    expect(visitor.get_by_label("Your message")).to_have_value("")
    assert said == []

    sign(visitor, "   ", TYPED + " again")  # a browser takes spaces for a name
    expect(visitor.get_by_role("alert")).to_have_text("the name is empty")
    expect(visitor.get_by_label("Your message")).to_have_value(TYPED + " again")
    sign(visitor, "Ada", TYPED + " again")  # once it is mended, all is as ever
    expect(visitor.locator("#entries")).to_contain_text("all</b> again")
    expect(visitor.locator("#refused")).to_be_empty()
    visitor.goto(exhibit.base + "/")
    expect(visitor.get_by_label("Your name")).to_have_value("Ada")


def test_a_visitor_signs_without_a_script(scriptless, exhibit):
    signs_without_a_script(scriptless, exhibit)


def test_a_visitor_signs_without_a_script_below_a_mount_point(scriptless, mounted):
    signs_without_a_script(scriptless, mounted)


def signs_without_a_script(scriptless, exhibit):
    scriptless.goto(exhibit.base + "/")
    sign(scriptless, "Ada", TYPED)
    expect(scriptless).to_have_url(exhibit.base + "/")
    expect(scriptless.locator("#entries li").first).to_contain_text("for\nall</b>")
    sign(scriptless, "   ", TYPED + " again")
    expect(scriptless.get_by_role("alert")).to_have_text("the name is empty")
    expect(scriptless.get_by_label("Your name")).to_have_value("   ")
    expect(scriptless.get_by_label("Your message")).to_have_value(TYPED + " again")
    sign(scriptless, "Ada", TYPED + " again")
    expect(scriptless).to_have_url(exhibit.base + "/")
    expect(scriptless.locator("#entries li").first).to_contain_text("again")
    assert "visits" in {cookie["name"]: cookie["value"] for cookie in scriptless.context.cookies(exhibit.base + "/")}
    scriptless.get_by_role("link", name="What the gateway told the program").click()
    expect(scriptless.locator("body")).to_contain_text(re.compile(r'"stack":"' + exhibit.stack.name))


def test_a_hidden_page_holds_nothing_of_the_server(visitor, exhibit):
    """Nobody looks at it: no connection stays, and no question is asked."""
    asked = []
    visitor.on("request", lambda request: asked.append(request.url))
    visitor.add_init_script("Object.defineProperty(document, 'hidden', { get: () => globalThis.away ?? false })")
    visitor.goto(exhibit.base + "/")
    if ask(exhibit.base + "/gateway")["live"] != "events":
        return
    expect(visitor.get_by_role("status")).to_contain_text("While you look at this page, it holds")
    visitor.evaluate("globalThis.away = true; document.dispatchEvent(new Event('visibilitychange'))")
    ask(exhibit.base + "/entries", name="Grace", message="While you were away")
    visitor.wait_for_timeout(300)
    expect(visitor.get_by_text("While you were away")).to_have_count(0)
    visitor.evaluate("globalThis.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(visitor.get_by_text("While you were away")).to_be_visible()  # it has caught up


def test_axe_finds_nothing_in_the_guestbook(visitor, exhibit):
    visitor.goto(exhibit.base + "/")
    visitor.get_by_text("What the program was handed").click()
    visitor.add_script_tag(path=AXE)
    for scheme in ("light", "dark"):
        visitor.emulate_media(color_scheme=scheme)
        result = visitor.evaluate("(tags) => axe.run({ runOnly: tags, resultTypes: ['violations'] })", STANDARDS)
        assert [(rule["id"], node["target"]) for rule in result["violations"] for node in rule["nodes"]] == []
