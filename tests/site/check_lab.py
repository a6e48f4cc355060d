"""The laboratory in Chromium: Python comes into the page, and what is asked there is answered there."""

import base64
import contextlib
import gzip
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from check_pages import AXE, SETTLED, STANDARDS, STYLE
from conftest import CHROMIUM, FLAGS, PAGES, SITE, Published, serve
from in_lab import hold
from playwright.sync_api import expect

from exhibits.backstage.running import eventually
from exhibits.backstage.site.lab import data, read_experiments
from exhibits.lab.stages import STAGES

pytestmark = pytest.mark.xdist_group("laboratory")  # one browser with Python in it is enough work
LOADED = 60_000  # milliseconds: on a busy machine Python takes a while
ALLOWED = 5_000_000  # bytes of Python in the page, compressed
COLD, WARM = 2.5, 1.0  # seconds from the press to the first answer, on a quiet machine
COUNTING = """seen = 0
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"mine"]
"""


SETTINGS = {"request": "GET /hello?name=Ada HTTP/1.1\r\nHost: localhost\r\n\r\n", "stages": ["wsgi"]}
FIRST = "lab=" + base64.urlsafe_b64encode(json.dumps(SETTINGS).encode()).decode().rstrip("=")


class Laboratory:
    """The page, and what it said and asked for since it was opened."""

    def __init__(self, context, served):
        self.page, self.served, self.said, self.asked = context.new_page(), served, [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        context.on("request", lambda request: self.asked.append(request.url))

    def open(self, fragment=""):
        self.page.goto("about:blank")
        self.page.goto(f"{self.served}lab/{fragment}")
        expect(self.page.locator(".lab.ready")).to_be_attached()

    def choose(self, *stages):
        for box in self.page.locator(".stages input").all():
            box.set_checked(box.get_attribute("value") in stages)

    def send(self, button=".send"):
        self.page.locator(f".lab {button}").click()
        self.answered()

    def answered(self):
        expect(self.page.locator(".state")).to_have_text(re.compile("answered|failed|Choose"), timeout=LOADED)
        expect(self.page.locator(".lab.asking")).to_have_count(0)

    def write(self, program):
        self.page.locator("[name=text]").fill(program)

    @property
    def heard(self):
        return self.page.locator(".heard")


@pytest.fixture(scope="module")
def opened(browser, served):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(20_000)
        laboratory = Laboratory(context, served)
        laboratory.open()
        laboratory.page.evaluate("() => museum.lab.start()")
        yield laboratory


@pytest.fixture
def lab(opened):
    """The laboratory with Python already there, as it was set up at first."""
    opened.page.evaluate("(fragment) => { location.hash = ''; location.hash = fragment }", FIRST)
    expect(opened.page.locator("[name=request]")).to_have_value(re.compile("Ada"))
    yield opened
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith((opened.served, "data:", "blob:"))] == []


def test_one_request_is_answered_at_all_stages(lab):
    lab.choose(*STAGES)
    lab.send()
    rows = lab.heard.locator(".compared tbody tr")
    expect(rows).to_have_count(6)
    assert rows.locator("td:last-child").all_inner_texts() == ["identical"] * 6
    expect(lab.heard.locator(".raw")).to_contain_text("Hello, Ada!")
    details = lab.heard.locator("details").nth(1)
    details.locator("summary").click()
    expect(details).to_contain_text("FastCGI")


def test_the_contract_is_kept_in_the_page(lab):
    """As tests/lab has it, in the Python of the page."""
    def ask(question):
        response = "async (question) => (await museum.lab.ask(question)).response"
        return {"response": lab.page.evaluate(response, question)}

    began = time.perf_counter()
    found = [fault for stage in STAGES for fault in hold(stage, ask)]
    print(f"the contract at {len(STAGES)} stages: {time.perf_counter() - began:.1f} s")
    assert found == []


def test_every_byte_can_be_written_and_read(lab):
    """In the notation of the form, where escapes stand for what cannot be typed."""
    texts = ["".join(map(chr, range(256))), "Jürgen".encode().decode("latin-1"), "\\*3{ab}\\r\\x41", "ab" * 60, "\xc3",
             *(each["request"] for presets in data()["presets"].values() for each in presets.values())]
    came = lab.page.evaluate("""async (texts) => {
      const { shown, meant } = await import("../assets/lab.js");
      return texts.map((text) => meant(shown(text)));
    }""", texts)
    assert came == texts


def test_an_own_program_answers_and_one_that_fails_is_told_where(lab):
    lab.page.locator("[name=program]").select_option("hello")
    lab.choose("wsgi", "asgi")
    lab.page.locator("[name=shape]").select_option("wsgi")
    lab.write(COUNTING)
    lab.send()
    expect(lab.heard.locator(".stage").first).to_contain_text("mine")
    expect(lab.heard.locator(".stage").last).to_contain_text("Hello, World!")
    assert lab.heard.locator("mark").count()
    log = lab.heard.locator(".stage").first.locator(".log")
    lab.write(COUNTING.replace("return", "return input(),"))
    lab.send()
    expect(log).to_contain_text("EOFError")
    lab.write(COUNTING.replace("return", "return 1 / 0,"))
    lab.send()
    expect(log).to_contain_text('File "program.py", line 4')
    expect(log).to_contain_text("ZeroDivisionError")
    expect(lab.page.locator(".failed")).to_be_attached()
    lab.write("def application(:\n")
    lab.send()
    expect(lab.heard.locator(".trouble").first).to_contain_text("the program is no Python")
    expect(lab.heard.locator(".log").first).to_have_text(re.compile('^ *File "program.py", line 1'))
    lab.page.locator(".restore").click()
    expect(lab.page.locator("[name=text]")).to_have_value(re.compile("Hello, World!"))


def test_a_program_can_ask_nobody_but_the_site(browser, served):
    """A link may bring somebody else's program: the policy of the page holds in the worker, too."""
    program = """
from js import XMLHttpRequest
asking = XMLHttpRequest.new()
asking.open("GET", ADDRESS, False)
asking.send()
print("Content-Type: text/plain", "", asking.status, sep="\\n")
"""
    asked = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

    with browser.new_context() as context, HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever).start()
        lab = Laboratory(context, served)
        lab.open()
        ask = "(program) => museum.lab.ask({ stage: 'cgi', request: 'GET / HTTP/1.0\\r\\n\\r\\n', program })"
        own = lab.page.evaluate(ask, program.replace("ADDRESS", repr(served)))
        other = lab.page.evaluate(ask, program.replace("ADDRESS", f"'http://127.0.0.1:{server.server_port}/'"))
        server.shutdown()
    assert own["response"].endswith("\r\n\r\n200\n"), own
    assert "NetworkError" in other["log"], other
    assert asked == []


def test_an_endless_loop_is_stopped_and_the_next_one_answered(lab):
    lab.page.locator("[name=program]").select_option("hello")
    lab.choose("wsgi")
    lab.write("while True:\n    pass\n")
    lab.page.locator(".send").click()
    expect(lab.page.locator(".state")).to_have_text(re.compile("Asking WSGI"), timeout=LOADED)
    lab.page.locator(".stop").click()
    expect(lab.page.locator(".state")).to_have_text(re.compile("Stopped"))
    expect(lab.page.locator(".stop")).to_be_hidden()
    lab.page.locator(".restore").click()
    lab.send()
    expect(lab.heard).to_contain_text("Hello, World!")


def test_where_python_does_not_come_the_page_says_why(browser, served):
    with browser.new_context() as context:
        context.route("**/library.zip.gz", lambda route: route.fulfill(status=503))
        laboratory = Laboratory(context, served)
        laboratory.open()
        laboratory.page.locator(".send").click()
        expect(laboratory.page.locator(".state")).to_have_text(
            "It failed: Python did not come (library.zip is not there (503))", timeout=LOADED)


ASK = """async (program) => {
  const ask = museum.lab.ask({ stage: "wsgi", request: "GET /hello HTTP/1.0\\r\\n\\r\\n", program, draws: false });
  if (program.startsWith("while")) museum.lab.stop();
  return ask.then((found) => found.response ?? found.traceback, (error) => error.message);
}"""


def test_a_question_gets_its_answer_or_a_sentence_whatever_was_asked_before(lab):
    """A program can break the Python that runs it, in ways that nothing inside of that can notice."""
    for program, said in {
        "guestbook": "Hello",
        "import csv": "this page has a part of Python's standard library",
        "import socket\nsocket.create_connection(('localhost', 80))": "this page has no network",
        "print('x' * 10_000_000)\n" + COUNTING: "mine",
        "import os\nos.abort()": "Python broke down (RuntimeError: unreachable); the next question starts anew",
        "while True: pass": "stopped",
        "import json\njson.dumps = None\n" + COUNTING: "Python broke down (TypeError: ",
        "hello": "Hello",
    }.items():
        assert said in lab.page.evaluate(ASK, program), program
    wrong = "museum.lab.ask({ stage: 'http' }).catch((error) => error.message)"
    assert "the stage is one of cgi, " in lab.page.evaluate(wrong)
    lab.said.clear()  # Pyodide has said there what broke it


def test_a_link_carries_request_program_and_stages(lab, browser, served):
    lab.page.locator("[name=request]").fill("GET /request/\\xff?a=é HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    lab.choose("scgi", "asgi")
    lab.page.locator("[name=shape]").select_option("asgi")
    lab.write("# mine\n" + COUNTING)
    lab.page.locator(".share").click()
    expect(lab.page.locator(".state")).to_contain_text("link is")
    link = lab.page.url
    with browser.new_context() as context:
        other = Laboratory(context, served)
        other.open(link.partition("lab/")[2])
        expect(other.page.locator("[name=request]")).to_have_value(re.compile(r"^GET /request/\\xff\?a=é HTTP"))
        expect(other.page.locator("[name=text]")).to_have_value(lab.page.locator("[name=text]").input_value())
        assert other.page.locator(".stages :checked").evaluate_all("(boxes) => boxes.map((box) => box.value)") == [
            "scgi", "asgi"]
        for damaged in "no-link", "%", "eyJyZXF1ZXN0IjoiIiwic3RhZ2VzIjpbIm5vbmUiXX0":  # the last asks a stage "none"
            other.page.evaluate("(link) => (location.hash = 'lab=' + link)", damaged)
            expect(other.page.locator(".state")).to_have_text("The link is damaged.")
            expect(other.page.locator("[name=request]")).to_have_value(re.compile("^GET /hello"))
            other.page.locator(".share").click()
        assert other.said == []
        assert not any("/lab/python/" in url for url in other.asked), "Python comes when somebody presses the button"


def test_a_websocket_speaks_both_ways_beside_a_stage_that_has_none(lab):
    lab.page.locator("[name=preset]").select_option(label="a WebSocket")
    lab.page.locator("[name=messages]").fill('{"name":"Ada","message":"Hi"}')
    lab.choose("wsgi", "asgi")
    lab.send()
    one, other = lab.heard.locator(".stage").all()
    expect(one).to_contain_text("426 Upgrade Required")
    expect(other).to_contain_text("101 Switching Protocols")
    expect(other).to_contain_text("Hi")


def test_four_at_once_are_drawn_as_lanes(lab):
    lab.page.locator("[name=request]").fill("GET /slow?seconds=0.3 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    lab.choose("wsgi", "asgi")
    lab.send(".four")
    expect(lab.heard.locator(".lane")).to_have_count(8)
    ends = [float(re.search(r"to ([\d.]+) s", words)[1]) for words in lab.heard.locator(".words").all_inner_texts()]
    print(f"seconds until the four have their answers: WSGI {ends[3]}, ASGI {max(ends[4:])}")
    assert ends[3] > 1.2 > max(ends[4:])


@pytest.mark.parametrize("experiment", list(read_experiments()), ids=lambda each: each["id"])
def test_an_experiment_can_be_done(lab, experiment):
    lab.page.locator(f"#{experiment['id']} button").click()
    lab.send(".four" if experiment["id"] == "four-at-once" else ".send")
    expect(lab.page.locator(".state")).to_contain_text("answered")
    assert lab.heard.inner_text()
    expect(lab.heard.locator(".trouble")).to_have_count(0)


def test_an_answer_that_is_late_is_none_to_the_experiment_that_has_been_begun(lab):
    lab.page.locator("[name=request]").fill("GET /slow?seconds=0.5 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    lab.page.locator(".send").click()
    expect(lab.page.locator(".lab.asking")).to_be_attached()
    lab.page.locator("#where-did-my-header-go button").click()
    assert not lab.page.locator(".stop").is_visible()
    assert "Hello" in lab.page.evaluate(ASK, "hello")  # which is asked behind the slow one
    assert (lab.heard.inner_text(), lab.page.locator(".state").inner_text()) == ("", "")


def test_it_is_operated_by_keyboard(lab):
    page = lab.page
    page.locator("[name=request]").focus()
    page.keyboard.press("Control+A")
    for line in ("GET /hello?name=Keys HTTP/1.1", "Host: localhost", ""):
        page.keyboard.type(line)
        page.keyboard.press("Enter")
    expect(page.locator("[name=request]")).to_have_value(
        "GET /hello?name=Keys HTTP/1.1\\r\\n\nHost: localhost\\r\\n\n\\r\\n\n")
    for _ in range(40):
        if page.evaluate("document.activeElement.matches('.send')"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    lab.answered()
    expect(lab.heard).to_contain_text("Hello, Keys!")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_answers_fit_and_can_be_read_by_everybody(lab, scheme, width):
    page = lab.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    page.evaluate(AXE.read_text())
    page.evaluate(STYLE, "* { content-visibility: visible !important }")
    for stages in (["fastcgi", "asgi"], list(STAGES)):
        lab.choose(*stages)
        lab.send()
        page.evaluate("document.querySelectorAll('.heard details').forEach((each) => (each.open = true))")
        page.evaluate(SETTLED)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
        result = page.evaluate("(tags) => axe.run({ runOnly: tags, resultTypes: ['violations'] })", STANDARDS)
        found = [f"{rule['id']}: {node['target']}" for rule in result["violations"] for node in rule["nodes"]]
        assert not found, "\n".join(found[:20])
    page.set_viewport_size({"width": 1280, "height": 900})


def test_without_a_script_it_says_what_it_would_do_and_shows_a_journey(browser, served):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(served + "lab/")
        expect(page.locator("noscript p")).to_be_visible()
        assert page.locator(".lab form").bounding_box() is None  # and takes no place
        expect(page.locator(".experiments button").first).to_be_hidden()
        expect(page.locator("figure.wire").first).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_what_sends_is_at_hand_and_nothing_is_cut(browser, served, width, height):
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        laboratory = Laboratory(context, served)
        laboratory.open()
        for place in (".lab .request", "[name=text]"):
            laboratory.page.locator(place).scroll_into_view_if_needed()
            for button in laboratory.page.locator(".lab .do button:visible").all():
                expect(button).to_be_in_viewport(ratio=1)
        beyond = "(all) => all.filter((each) => each.getBoundingClientRect().right > innerWidth).length"
        assert laboratory.page.locator(".lab :is(select, button, label)").evaluate_all(beyond) == 0
        assert "--8<--" not in laboratory.page.locator("[name=text]").input_value()


def test_no_other_page_has_any_of_it():
    for address, path in PAGES.items():
        if address != "lab/":
            assert not re.search(r"assets/lab|wasm-unsafe-eval", path.read_text()), address


def test_it_is_small_and_quick(browser, served, request, tmp_path):
    """Its bytes are held always; the time on a quiet machine, and printed on others.

    In a browser that keeps what it has seen: a private window, as the other checks have, keeps no compiled code.
    """
    hold, took = request.config.getoption("--quiet-machine"), {}
    launch = browser.browser_type.launch_persistent_context
    with launch(tmp_path, executable_path=CHROMIUM, args=FLAGS) as context:
        lab = Laboratory(context, served)
        for name in ("cold", "warm"):
            lab.open()
            lab.asked.clear()
            began = time.perf_counter()
            lab.page.locator(".send").click()
            lab.heard.locator(".stage").wait_for(timeout=LOADED)
            took[name] = time.perf_counter() - began
            assert eventually(lambda: compiled(tmp_path), 30), "the browser does not keep the compiled module"
    folder = SITE / "lab" / "python"
    loaded = [folder / url.rpartition("/")[2] for url in lab.asked if "/lab/python/" in url]
    sizes = {path.name: len(path.read_bytes() if path.suffix == ".gz" else gzip.compress(path.read_bytes()))
             for path in loaded}
    print(f"press to first answer: {took['cold']:.2f} s cold, {took['warm']:.2f} s warm; "
          f"{sum(sizes.values()):,} bytes: {sizes}")
    assert {"Pyodide-MPL-2.0.txt", "Python-PSF.txt", "README.txt"} <= {path.name for path in folder.iterdir()}
    assert len(loaded) == len(sizes) and {path.name for path in folder.glob("*.mjs")} <= sizes.keys()
    assert 3_000_000 < sum(sizes.values()) <= ALLOWED
    assert not hold or (took["cold"] <= COLD and took["warm"] <= WARM)


def compiled(profile):
    """Whether this profile of Chromium holds compiled code of a module."""
    return any(path.stat().st_size > 100_000 for path in profile.glob("Default/Code Cache/wasm/*_0"))


def test_a_host_need_not_compress_the_module(browser):
    """Then it comes as we have compressed it."""
    class Plain(Published):
        def do_GET(self):
            if self.path.endswith(".wasm"):
                self.send_response(200)
                self.end_headers()
                self.close_connection = True
            else:
                super().do_GET()

    with browser.new_context() as context, contextlib.closing(serve(Plain)) as served:
        lab = Laboratory(context, next(served))
        lab.open()
        lab.page.evaluate("() => museum.lab.start()")
        assert lab.said == [] and any(url.endswith(".wasm.gz") for url in lab.asked)
