"""The box on the page of errors, into which a line of a log is pasted."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

FOLDER = Path(__file__).parents[2] / "docs" / "recordings" / "errors"
RECORDED = {path.stem: json.loads(path.read_text())["before"] for path in sorted(FOLDER.glob("*.json"))}
LINES = [  # from elsewhere: other names, ports and numbers than those of the page
    ("2026/01/02 03:04:05 [error] 7#7: *9 connect() to unix:/run/shop/web.sock failed (13: Permission denied) while "
     "connecting to upstream, client: 192.0.2.1, server: shop.example", "socket-permission"),
    ("[2026-01-02 03:04:05 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:31)", "worker-timeout"),
    ("TypeError: FastAPI.__call__() missing 1 required positional argument: 'send'", "asgi-in-wsgi"),
    ("invalid request block size: 21573 (max 4096)...skip", "wrong-port"),
    ("ERROR: [Errno 98] error while attempting to bind on address ('0.0.0.0', 80): address already in use",
     "address-in-use"),
    ("Nov 27 03:12:44 web gunicorn[911]: [2026-11-27 03:12:44 +0000] [911] [CRITICAL] WORKER TIMEOUT (pid:933)",
     "worker-timeout"),
    ("*** HARAKIRI ON WORKER 3 (pid: 317, try: 1, graceful: yes) ***", "harakiri"),
    ("hypercorn.utils.NoAppError: Cannot load application from 'shop:api', application not found.",
     "gunicorn-attribute"),
    ("unable to load app 0 (mountpoint='') (callable not found or import error)", "uwsgi-no-application"),
    ("WebSocket connection to 'wss://shop.example/ws/chat/' failed: Error during WebSocket handshake: Unexpected "
     "response code: 404", "websocket-404"),
    ("This page isn’t working\nshop.example redirected you too many times.\nERR_TOO_MANY_REDIRECTS", "redirect-http"),
    ("\x1b[31mERROR\x1b[0m:    Error loading ASGI app. Could not import module \"shop\".", "uvicorn-import"),
    ("invalid request block size: 5161 (max 4096)...skip", "long-cookie"),
]
NOTHING = [
    "Zwölf Boxkämpfer", "milk, butter, eggs and a newspaper", "django.db.utils.OperationalError: no such table: shop",
    "Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in <module>\n    x = d['y']\nKeyError: 'y'",
]


@pytest.fixture
def box(page, served):
    page.goto(f"{served}errors/", wait_until="networkidle")
    return page.get_by_label("Paste a line")


def found(page):
    return [link.get_attribute("href").rpartition("#")[2] for link in page.locator(".finder [role=status] a").all()]


@pytest.mark.parametrize(("line", "section"), LINES, ids=[section for _, section in LINES])
def test_a_line_finds_its_section(page, box, line, section):
    box.fill(line)
    assert found(page)[0] == section


def test_a_line_is_found_in_a_long_log(page, box):
    others = "".join(f'INFO:     10.0.0.1:{port} - "GET / HTTP/1.1" 200 OK\n' for port in range(1000))
    line = "[ERROR] Worker (pid:7) was sent SIGKILL! Perhaps out of memory?\n"
    box.evaluate("(it, text) => { it.value = text; it.dispatchEvent(new Event('input')); }", others + line + others)
    assert found(page)[0] == "worker-sigkill"


def test_a_paste_takes_no_longer_than_it_is_long(page, box):
    took = box.evaluate("""(it) => {
      const began = performance.now();
      it.value = "1".repeat(100_000);
      it.dispatchEvent(new Event("input"));
      return performance.now() - began;
    }""")
    assert took < 2000  # milliseconds; where each digit begins a number it is twenty times as much


def test_what_was_logged_here_finds_its_section(page, box):
    sections = {}  # that have a line: some have the same
    for name, before in RECORDED.items():
        for line in (line for who, lines in before.items() if who != "visitor" for line in lines):
            sections.setdefault(line, []).append(name)
    for line, names in sections.items():
        box.fill(line)
        assert set(names) & set(found(page)), line


def test_what_is_no_error_finds_nothing_and_says_so(page, box):
    for text in NOTHING:
        box.fill(text)
        assert found(page) == [] and "No section" in page.locator(".finder [role=status]").inner_text(), text
    box.fill("")
    assert page.locator(".finder [role=status]").inner_text() == ""


def test_without_a_script_the_box_is_not_there(browser, served):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(served + "errors/")
        expect(page.locator("form.finder")).to_be_hidden()
