"""The museum at home in Chromium: a visitor in its lobby asks, watches what passes, and opens journeys."""

import json
import os
import signal
import subprocess
import sys
import time
from urllib.request import ProxyHandler, build_opener

import pytest
from check_pages import AXE, STANDARDS
from conftest import ROOT
from playwright.sync_api import expect

from exhibits import catalog
from exhibits.backstage.running import free_port

STAGES = [stack.stage for stack in catalog.defaults()]


@pytest.fixture(scope="module")
def museum(tmp_path_factory):
    """The address of a museum of its own."""
    folder, port = tmp_path_factory.mktemp("museum"), free_port()
    command = [sys.executable, "-m", "exhibits", "museum", "--port", str(port), "--guestbook", str(folder / "book")]
    with (folder / "log").open("w") as log:
        started = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(folder)}, stdout=log,
                                   stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 30
        while "Ctrl-C stops everything" not in (folder / "log").read_text():
            assert time.monotonic() < deadline and started.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        started.send_signal(signal.SIGINT)
        assert started.wait(20) == 0


@pytest.fixture
def lobby(browser, museum):
    """The lobby in a page that says nothing on its console and asks nobody else."""
    asked, said = [], []
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(10_000)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(museum)
        yield page
        assert said == []
        assert [url for url in asked if not url.startswith((museum, "data:"))] == []


def get(url):
    with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
        return answer.read()


def test_all_stages_are_there_with_their_processes(lobby, museum):
    expect(lobby.locator("#stages > li")).to_have_count(len(STAGES))
    for stage in json.loads(get(f"{museum}lobby/stages")):
        place = lobby.locator("#stages > li", has=lobby.get_by_role("link", name=stage["title"], exact=True))
        expect(place).to_contain_text(str(stage["processes"][0]["pid"]))


def test_what_passes_is_seen_and_opens_its_journey(lobby, museum):
    get(f"{museum}uwsgi/hello?name=Chromium")
    row = lobby.get_by_role("button", name="/uwsgi/hello?name=Chromium")
    expect(row).to_contain_text("200")
    row.focus()
    lobby.keyboard.press("Enter")
    expect(lobby.locator("#drawn figure.journey")).to_be_visible()
    expect(lobby.locator("#drawn")).to_contain_text("uWSGI")
    expect(row).to_have_attribute("aria-current", "true")


def test_from_the_lobby_to_a_stage_and_back(lobby, museum):
    lobby.get_by_role("link", name="SCGI", exact=True).click()
    lobby.get_by_label("Your name").fill("Ada")
    lobby.get_by_label("Your message").fill("From one to all")
    lobby.get_by_role("button", name="Sign").click()
    expect(lobby.get_by_text("From one to all")).to_be_visible()
    expect(lobby.get_by_role("link", name="scgi-flup")).to_have_attribute("aria-current", "page")
    assert lobby.locator("#gateway [aria-current]").count() == 1
    assert b"From one to all" in get(f"{museum}asgi/entries")
    lobby.get_by_role("link", name="lobby", exact=True).click()
    expect(lobby).to_have_url(museum)
    expect(lobby.get_by_role("button", name="POST /scgi/entries")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390), ("light", 320)])
def test_it_fits_and_can_be_read(scheme, width, lobby, museum):
    lobby.emulate_media(color_scheme=scheme)
    lobby.set_viewport_size({"width": width, "height": 844})
    lobby.goto(museum)
    lobby.get_by_label("ASGI").check()
    lobby.get_by_role("button", name="Send", exact=True).click()
    expect(lobby.locator(".heard figure.journey")).to_have_count(2)  # WSGI is chosen at first
    lobby.get_by_role("button", name="/wsgi/hello").first.click()
    expect(lobby.locator("#drawn figure.journey")).to_be_visible()
    assert lobby.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
    lobby.evaluate(AXE.read_text())
    result = lobby.evaluate("(tags) => axe.run({ runOnly: tags, resultTypes: ['violations'] })", STANDARDS)
    found = [f"{rule['id']}: {node['target'][0]}" for rule in result["violations"] for node in rule["nodes"]]
    assert not found, "\n".join(found[:20])


def test_asked_as_in_the_laboratory_the_real_servers_answer(lobby):
    """Through the fixed point that other tools call, too."""
    lobby.evaluate("museum.lab.start()")
    asked = {"stage": "cgi", "request": "GET /hello?name=Lab HTTP/1.1\r\nHost: localhost\r\n\r\n"}
    found = lobby.evaluate("(asked) => museum.lab.ask(asked)", asked)
    assert "Hello, Lab!" in found["response"]
    assert [link["carrier"] for link in found["journey"]["links"]] == ["HTTP/1.1", "process"]
    lobby.get_by_role("button", name="Send four at once").click()
    expect(lobby.locator(".lanes li")).to_have_count(4)


def test_entries_come_by_websocket_through_the_door(lobby, museum):
    lobby.get_by_role("link", name="ASGI", exact=True).click()
    expect(lobby.get_by_text("Live by WebSocket")).to_be_visible()
    with lobby.context.new_page() as other:
        other.goto(f"{museum}fastcgi/")
        other.get_by_label("Your name").fill("Grace")
        other.get_by_label("Your message").fill("Seen at once")
        other.get_by_role("button", name="Sign").click()
        expect(other.get_by_text("Seen at once")).to_be_visible()
    expect(lobby.get_by_text("Seen at once")).to_be_visible()
    lobby.get_by_label("Your name").fill("Ada")
    lobby.get_by_label("Your message").fill("By WebSocket")
    lobby.get_by_role("button", name="Sign").click()
    expect(lobby.locator("#entries").get_by_text("By WebSocket")).to_be_visible()
    assert b"By WebSocket" in get(f"{museum}wsgi/entries")
