"""The laboratory in this Python: the same glue, the same servers, and no sockets either."""

import asyncio
import itertools
import json
import tomllib

import pytest
from in_lab import hold

from exhibits import contract
from exhibits.asking import request
from exhibits.backstage.pyodide import page
from exhibits.backstage.pyodide.__main__ import paths
from exhibits.backstage.recording.tapping import HANDSHAKE
from exhibits.backstage.running import ROOT
from exhibits.lab import programs, stages

pytestmark = pytest.mark.hall

HELLO = request("GET", "/hello?name=Ada").decode()
STREAM = request("GET", "/stream?n=4&delay=0.02").decode()
EVERY = list(stages.STAGES)
WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"mine"]
"""


@pytest.fixture(autouse=True)
def guestbook(tmp_path, monkeypatch):
    """A guestbook of its own for the programs, which are loaded anew."""
    path = str(tmp_path / "guestbook.sqlite3")
    monkeypatch.setattr(page, "GUESTBOOK", path)
    monkeypatch.setenv("GUESTBOOK", path)
    programs.resident.cache_clear()
    page.renew()


def ask(question):
    return json.loads(asyncio.run(page.ask(json.dumps(question))))


@pytest.mark.parametrize("stage", EVERY)
def test_the_contract_is_kept(stage):
    assert list(hold(stage, ask)) == []


def test_a_new_guestbook_holds_what_the_contract_expects():
    assert page.ENTRY == contract.SEED


@pytest.mark.parametrize("stage", EVERY)
def test_a_stream_passes_piece_by_piece(stage):
    pieces = [p for p in ask({"stage": stage, "request": STREAM})["journey"]["links"][0]["pieces"] if p["by"] == 1]
    times = [next(p["at"] for p in pieces if f"line {n}" in p["bytes"]) for n in range(1, 5)]
    assert all(later - earlier > 0.015 for earlier, later in itertools.pairwise(times))


# Who leaves is noticed in each stage's own way.
NOTICED = {
    "cgi": lambda links: links[1]["exit"] == -15,
    "fastcgi": lambda links: any(p["bytes"].startswith("\x01\x02\x00\x01") for p in links[1]["pieces"]),  # ABORT
    "scgi": lambda links: len(links[1]["pieces"]) < 5,
    "uwsgi": lambda links: len(links[1]["pieces"]) < 5,
    "wsgi": lambda links: "close" in [c["call"] for c in links[1]["calls"]] and "StopIteration" not in str(links),
    "asgi": lambda links: "http.disconnect" in str(links[1]["calls"]),
}


@pytest.mark.parametrize("stage", EVERY)
def test_a_visitor_leaves_in_the_middle_of_a_stream(stage):
    answer = ask({"stage": stage, "request": STREAM, "leaves": 2})
    assert "line 4" not in answer["response"]
    assert NOTICED[stage](answer["journey"]["links"]), answer["journey"]["links"]


def ran(stage, programs):
    """The answer, not drawn, of the one of these programs ({shape: text}) that fits the stage."""
    return ask({"stage": stage, "request": HELLO, "program": programs[stages.STAGES[stage].shape], "draws": False})


ENDLESS = {
    "script": "print('Content-Type: text/plain\\n')\nwhile True:\n    print('more', flush=True)\n",
    "respond": "def respond(environ, stdin, stdout, stderr):\n    stdout.write(b'Content-Type: text/plain\\n\\n')\n"
               "    while True:\n        stdout.write(b'more')\n        stdout.flush()\n",
    "wsgi": "def application(environ, start_response):\n    start_response('200 OK', [])\n"
            "    while True:\n        yield b'more'\n",
    "asgi": "async def application(scope, receive, send):\n"
            "    await send({'type': 'http.response.start', 'status': 200})\n"
            "    while True:\n        await send({'type': 'http.response.body', 'body': b'more', 'more_body': True})\n",
}


@pytest.mark.parametrize("stage", EVERY)
def test_of_an_answer_without_end_there_is_only_so_much(stage):
    answer = ran(stage, ENDLESS)
    pieces = [piece for piece in answer["journey"]["links"][0]["pieces"] if piece["by"]]
    assert stages.MOST <= len(pieces) <= stages.MOST + 5


LARGE = {
    "script": "import sys\nsys.stdout.buffer.write(b'Content-Type: a/b\\n\\n' + bytes(9_000_000))\n",
    "respond": "def respond(environ, stdin, stdout, stderr):\n"
               "    stdout.write(b'Content-Type: a/b\\n\\n' + bytes(9_000_000))\n",
    "wsgi": "def application(environ, start_response):\n    start_response('200 OK', [])\n"
            "    return [bytes(9_000_000)]\n",
    "asgi": "async def application(scope, receive, send):\n"
            "    await send({'type': 'http.response.start', 'status': 200})\n"
            "    await send({'type': 'http.response.body', 'body': bytes(9_000_000)})\n",
}


@pytest.mark.parametrize("stage", EVERY)
def test_what_a_program_says_at_once_passes_as_it_is_heard(stage):
    answer = ran(stage, LARGE)
    assert stages.LARGEST <= len(answer["response"]) <= stages.LARGEST + (1 << 19)
    assert answer["over"].startswith("the visitor left, with ")


def test_a_program_that_ends_for_nobody_keeps_nobody(monkeypatch):
    monkeypatch.setattr(stages, "PATIENCE", 0.1)
    monkeypatch.setattr(stages, "ENDS", 0.1)
    program = ("import asyncio\nasync def application(scope, receive, send):\n    for _ in range(20):\n        try:\n"
               "            await asyncio.sleep(0.1)\n        except BaseException:\n            pass\n")

    async def asked():
        return json.loads(await page.ask(json.dumps({"stage": "asgi", "request": HELLO, "program": program})))

    loop = asyncio.new_event_loop()
    answer = loop.run_until_complete(asyncio.wait_for(asked(), 1))
    assert (answer["response"], answer["over"]) == ("", stages.ENDLESS)
    loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop)))
    loop.close()


def test_a_journey_of_very_many_parts_is_not_drawn():
    program = "import sys\nprint('Content-Type: a/b\\n')\nfor n in range(7000):\n    print(n, file=sys.stderr)\n"
    assert ask({"stage": "cgi", "request": HELLO, "program": program})["html"].startswith("<p>It has 7,")


@pytest.mark.parametrize("wrong", [
    None, 3, "x", [], {}, {"request": HELLO}, {"stage": "wsgi"}, {"stage": "http", "request": HELLO},
    {"stage": ["wsgi"], "request": HELLO}, {"stage": "wsgi", "request": 3}, {"stage": "wsgi", "request": "€"},
    *({"stage": "wsgi", "request": HELLO, **more} for more in (
        {"program": 3}, {"program": ["x"]}, {"leaves": "x"}, {"count": "x"}, {"count": 1e999}, {"messages": [1]},
        {"messages": 1}, {"messages": ["\ud800"]}, {"then": 1})),
])
def test_a_wrong_question_gets_a_sentence(wrong):
    assert "the stage is one of cgi, fastcgi, " in ask(wrong)["refused"]


def test_a_websocket_speaks_both_ways():
    signing = '{"name":"Ada","message":"Hi"}'
    answer = ask({"stage": "asgi", "request": HANDSHAKE.decode(), "messages": [signing]})
    http, spoken, calls = answer["journey"]["links"]
    assert http["carrier"] == "HTTP/1.1" and "101 Switching" in answer["response"]
    assert spoken["carrier"] == "WebSocket" and [p["by"] for p in spoken["pieces"]] == [0, 1, 0, 1]
    assert '"message":"Hi"' in spoken["pieces"][1]["bytes"]
    assert calls["carrier"] == "ASGI coroutine"
    assert ask({"stage": "wsgi", "request": HANDSHAKE.decode(), "messages": [signing]})["response"].startswith(
        "HTTP/1.1 426 ")


@pytest.mark.parametrize("stage", EVERY)
def test_requests_of_one_connection_are_answered_in_order(stage):
    two = HELLO + HELLO.replace("Ada", "Bob")
    response = ask({"stage": stage, "request": two})["response"]
    assert response.count("HTTP/1.1 200 ") == 2
    assert response.index("Hello, Ada!") < response.index("Hello, Bob!")


@pytest.mark.parametrize("stage", EVERY)
def test_what_is_wrong_gets_a_sentence(stage):
    for wrong in ("GET /hello HTTP/1.1\nHost: localhost\n\n", "GET / HTTP/1.1\r\nHost: localhost\r\n", "\0", "GET /"):
        answer = ask({"stage": stage, "request": wrong})
        assert answer["response"].startswith(("HTTP/1.1 400 ", "HTTP/1.1 408 "))


# ---------------------------------------------------------------- the reader's program


def test_an_own_program_answers():
    for stage in "wsgi", "uwsgi":
        assert ask({"stage": stage, "request": HELLO, "program": WSGI})["response"].endswith("mine")


@pytest.mark.parametrize("stage", EVERY)
def test_a_program_of_another_interface_gets_a_sentence(stage):
    program = "async def application(scope, receive, send):\n    pass\n" if stage != "asgi" else WSGI
    answer = ask({"stage": stage, "request": HELLO, "program": program})
    assert answer["trouble"].startswith("this is a")


@pytest.mark.parametrize("stage", EVERY)
def test_a_program_that_is_no_python_is_told_where(stage):
    answer = ask({"stage": stage, "request": HELLO, "program": "x = 1\ndef oops(:\n"})
    assert answer["trouble"] == "the program is no Python"
    assert 'File "program.py", line 2' in answer["traceback"] and "programs.py" not in answer["traceback"]


def test_a_program_that_fails_is_told_where():
    script = 'print("Content-Type: text/plain")\nprint()\n1 / 0\n'
    answer = ask({"stage": "cgi", "request": HELLO, "program": script})
    assert 'File "program.py", line 3' in answer["log"]
    assert answer["journey"]["links"][1]["exit"] == 1
    assert answer["log"].splitlines()[1].startswith('  File "program.py"'), "it begins in the reader's text"
    answer = ask({"stage": "wsgi", "request": HELLO, "program": "1 / 0"})
    assert answer["trouble"] == "the program fails before it can be asked" and "line 1" in answer["traceback"]


def test_of_two_programs_each_has_its_own_lines_in_a_traceback(capfd):
    """They have one name, and one that is known already is not compiled again."""
    for name in "one", "other", "one":
        program = f"def application(environ, start_response):\n    {name}\n"
        ask({"stage": "wsgi", "request": HELLO, "program": program})
        assert f"    {name}\n" in capfd.readouterr().err


def test_a_script_leaves_nothing_behind_and_others_remember():
    count = tomllib.loads((ROOT / "exhibits" / "lab" / "experiments.toml").read_text())["experiment"]
    (own,) = [each["own"] for each in count if each["id"] == "count-your-visitors"]
    for stage, last in zip(EVERY, (1, 3, 3, 3, 3, 3), strict=True):
        program = own[stages.STAGES[stage].shape]
        answers = [ask({"stage": stage, "request": HELLO, "program": program})["response"] for _ in range(3)]
        assert f"You are visitor {last}\n" in answers[-1], stage


# ---------------------------------------------------------------- several at once


def test_waiting_visitors_wait_for_each_other_at_wsgi_alone():
    slow = request("GET", "/slow?seconds=0.2").decode()
    ends = {stage: [lane["ended"] for lane in ask({"stage": stage, "request": slow, "count": 4})["lanes"]]
            for stage in ("wsgi", "asgi")}
    assert ends["wsgi"][3] > 0.8 and ends["wsgi"][0] < 0.6
    assert max(ends["asgi"]) < 0.8  # that they wait side by side is seen also where the machine is busy


# ---------------------------------------------------------------- the archive


def test_the_archive_holds_the_programs_and_what_draws_a_journey():
    packed = list(paths())
    assert {f"+exhibits/{file}" for files in programs.FILES.values() for file in files.values()} <= set(packed)
    assert "exhibits/fastcgi/explain.py" in packed and "exhibits/contract.py" not in packed


def test_pyodide_is_of_one_version():
    folder = ROOT / "exhibits" / "backstage" / "pyodide"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]["pyodide"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert locked["node_modules/pyodide"]["version"] == wanted
    assert all("resolved" not in package for package in locked.values()), "who installs chooses the registry"
