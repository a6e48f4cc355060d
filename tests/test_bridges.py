"""The bridges, with the servers they are for: the contract, and what each of them loses."""

import asyncio
import io
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import test_behaviour
from asgiref.wsgi import WsgiToAsgi
from conftest import contract_of, hold, marks_of, require

from exhibits import catalog, contract
from exhibits.asking import request
from exhibits.backstage.checking import bridging
from exhibits.backstage.running import ROOT, Exhibit, eventually
from exhibits.backstage.site import bridges as drawn
from exhibits.bridges import cgi_as_wsgi, timed_asgi, timed_wsgi
from exhibits.catalog import annexes
from exhibits.catalog.differences import known_difference

BEHAVIOURS = {
    "length": test_behaviour.test_the_length_that_the_program_announces_arrives,
    "address": test_behaviour.test_the_program_is_told_who_asks_and_of_whom,
    "streams": test_behaviour.test_a_streamed_line_arrives_before_the_next_is_made,
    "together": test_behaviour.test_visitors_who_wait_do_not_wait_for_each_other,
    "leaves": test_behaviour.test_a_client_that_leaves_ends_its_answer,
    "crash-log": test_behaviour.test_a_crash_is_for_the_log_only,
    "event-live": test_behaviour.test_a_new_entry_is_a_server_sent_event,
    "live": test_behaviour.test_live_is_a_websocket_or_says_what_it_would_be,
    "live-foreign": test_behaviour.test_no_page_from_elsewhere_opens_a_websocket,
}


@contract_of(annexes.BRIDGES)
def test_contract(run, stack, mount, case):
    hold(case, run(stack, mount))


def test_every_behaviour_is_tested():
    assert BEHAVIOURS.keys() == contract.BEHAVIOURS.keys()


@pytest.mark.parametrize(("stack", "name"), [
    pytest.param(stack, name, marks=marks_of(stack, case=name), id=f"{stack.name}-{name}")
    for stack in annexes.BRIDGES for name in BEHAVIOURS
])
def test_what_one_answer_cannot_show(run, stack, name):
    try:
        BEHAVIOURS[name](run, stack, "")
    finally:
        if known_difference(stack, name):
            run.stop()  # what still goes on there would be in the way of the next test


# ---------------------------------------------------------------- under each server


# Of all that is the same, one server; and those that fork after the import, where a bridge may leave its thread behind.
SAMPLE = {(bridge, servers[0]) for bridge in bridging.BRIDGES for servers, _ in drawn.alike(bridge)} | {
    ("asgi_in_wsgi", "gunicorn --preload --threads 4"), ("wsgi_in_asgi", "granian --interface asgi")}


def test_each_bridge_was_tried_under_each_server_and_each_cell_has_its_reason():
    cells = drawn.read()["cells"]
    assert {bridge: [*found] for bridge, found in cells.items()} == {
        bridge: [server["name"] for server in bridging.servers(bridge)] for bridge in bridging.BRIDGES}
    for bridge, found in cells.items():
        for cases in found.values():
            assert [*cases] == [case for case in bridging.CASES if bridging.applies(bridge, case)]
    assert not list(bridging.unexplained(cells))
    cells = {**cells, "cgi_as_wsgi": {**cells["cgi_as_wsgi"], "gunicorn": {"get": "500"}}}
    assert list(bridging.unexplained(cells)) == ["cgi_as_wsgi under gunicorn, get: 500"]


@pytest.mark.hall
@pytest.mark.parametrize(("bridge", "name"), sorted(SAMPLE))
def test_a_bridge_does_under_a_server_what_the_page_says(bridge, name):
    (server,) = [each for each in bridging.servers(bridge) if each["name"] == name]
    require(bridging.stack(bridge, server))
    assert bridging.meet(bridge, server) == drawn.read()["cells"][bridge][name]


def test_a_cgi_program_that_falls_silent_is_ended_with_what_it_has_started(tmp_path, monkeypatch):
    program, children = tmp_path / "program.py", tmp_path / "children"
    program.write_text("import os, subprocess, sys, time\n"
                       "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
                       f"open({str(children)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
                       "if os.environ['PATH_INFO'] == '/late':\n"
                       "    print('Content-Type: text/plain\\n\\nhalf', flush=True)\n"
                       "time.sleep(60)\n")
    monkeypatch.setattr(cgi_as_wsgi, "PROGRAM", str(program))
    monkeypatch.setattr(cgi_as_wsgi, "SILENCE", 1)
    for path in "/", "/late":
        environ, statuses = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO()}, []
        body = cgi_as_wsgi.application(environ, lambda status, headers, statuses=statuses: statuses.append(status))
        if path == "/":
            assert statuses == ["504 Gateway Timeout"]
        else:
            assert next(body) == b"half\n" and statuses == ["200 OK"]
            with pytest.raises(TimeoutError):
                next(body)
        ended = [int(number) for number in children.read_text().split()]
        assert eventually(lambda: not [number for number in ended if runs(number)])  # noqa: B023


def runs(number):
    """Whether a process works; a zombie, which nobody has asked for its end yet, does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True).stdout
    return bool(found) and not found.startswith("Z")


@pytest.mark.hall
def test_what_gives_a_body_its_length_cures_the_bridge():
    """In a process of its own: the page's program makes settings for Django when it is imported."""
    program = """
import io
from exhibits.bridges.asgi_in_wsgi import application
from exhibits.meetings.chunked import with_length
environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/echo", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
           "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "wsgi.input_terminated": True}
for each in application, with_length(application):
    print(b"".join(each({**environ, "wsgi.input": io.BytesIO(b"one two")}, lambda *_: None)))
"""
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert said.stdout == "b''\nb'one two'\n", said.stderr


def ask(exhibit, path, times=1):
    """The Answers to the same request, sent so many times over one connection where it is kept."""
    with exhibit.visitor() as visitor:
        return [visitor.ask(request("GET", path)) for _ in range(times)]


@pytest.mark.hall
@pytest.mark.parametrize("name", ["bridge-timed-wsgi", "bridge-timed-asgi"])
def test_a_middleware_times_every_answer(name):
    with Exhibit(catalog.find(name)) as exhibit:
        for number, path in enumerate(("/hello", "/nowhere", "/crash", "/stream?n=2&delay=0.5"), 1):
            assert eventually(lambda: len(took(exhibit)) == number), exhibit.last_words()  # noqa: B023
            (answer,) = ask(exhibit, path)
            head = float(re.fullmatch(r"app;dur=(\d+\.\d\d)", dict(answer.headers)["server-timing"])[1]) / 1000
            assert head < 0.5  # it does not wait for the body
        assert eventually(lambda: took(exhibit)[-1] > 0.4), exhibit.last_words()


def test_a_middleware_lets_an_exception_through_and_cleans_up(capfd):
    closed = []

    class Body:
        def __iter__(self):
            yield b"one"
            raise LookupError("in the middle")

        def close(self):
            closed.append(True)

    log = io.StringIO()
    body = timed_wsgi.timed(lambda environ, start_response: Body())({"wsgi.errors": log}, None)
    assert next(body) == b"one"
    with pytest.raises(LookupError):
        next(body)
    assert closed and log.getvalue().startswith("took 0.0")

    async def program(scope, receive, send):
        raise LookupError("at once")

    with pytest.raises(LookupError):
        asyncio.run(timed_asgi.timed(program)({"type": "http"}, None, None))
    assert capfd.readouterr().err.startswith("took 0.0")


def took(exhibit):
    """What the middleware has logged, in seconds."""
    return [float(found[1]) for _, line in list(exhibit.lines) if (found := re.fullmatch(r"took (\d+\.\d{3}) s", line))]


@pytest.mark.hall
@pytest.mark.parametrize("name", ["bridge-timed-wsgi", "bridge-timed-asgi"])
def test_a_middleware_sees_a_visitor_leave(run, name):
    exhibit = run(catalog.find(name))
    exhibit.lines.clear()
    with test_behaviour.opened(exhibit, request("GET", "/stream?n=10000&delay=0.02")) as plain:
        test_behaviour.read_until(plain, b"line 2 of")
    assert eventually(lambda: took(exhibit)), exhibit.last_words()


def statuses(exhibit, times):
    """The status codes of so many requests in one piece, which the server finds waiting when it has answered one."""
    with exhibit.visitor() as visitor, socket.create_connection(visitor.address, timeout=5) as plain:
        plain.sendall(request("GET", "/hello") * (times - 1) + request("GET", "/hello", "Connection: close"))
        return [int(status) for status in re.findall(rb"^HTTP/1.1 (\d{3})", plain.makefile("rb").read(), re.MULTILINE)]


@pytest.mark.hall
def test_asgiref_fails_a_request_that_waited_for_the_last_one_behind_uvicorn():
    """The reason why the bridge stands behind Hypercorn; the page says so, and what mends it."""
    require(stack := annexes.ASGIREF_BEHIND_UVICORN)
    with Exhibit(stack) as exhibit:
        assert eventually(lambda: statuses(exhibit, 2) == [200, 500])  # mostly the first time
        said = "CurrentThreadExecutor already quit or is broken"
        assert eventually(lambda: any(said in line for _, line in list(exhibit.lines)))
    process = stack.processes[0]
    mended = replace(stack, processes=(replace(process, command=process.command + " --reset-contextvars"),))
    for stack in (mended, catalog.find("bridge-wsgi-in-asgi-asgiref")):
        with Exhibit(stack) as exhibit:
            assert statuses(exhibit, 20) == [200] * 20


def test_asgirefs_bridge_calls_no_close_and_has_no_write():
    """What its file says, which no answer shows."""
    told = []

    class Body(list):
        def close(self):
            told.append("closed")

    def program(environ, start_response):
        told.append(start_response("200 OK", []))
        return Body([b"Hello"])

    async def receive():
        return {"type": "http.request"}

    async def send(event):
        told.append(event["type"])

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1"}
    asyncio.run(WsgiToAsgi(program)(scope, receive, send))
    assert told == [None, "http.response.start", "http.response.body", "http.response.body"]


@pytest.mark.parametrize(("bridge", "late", "replaced", "lines"), [
    ("a2wsgi", [200, "ValueError"], [200], [200, "IndexError"]), ("asgiref", ["ValueError"], [500], [200])])
def test_which_bridge_holds_the_status_back_until_the_first_piece(bridge, late, replaced, lines):
    """PEP 3333 wants it, so that an error may still become a 500; and a body that is not there has no lines."""
    wrap = pytest.importorskip("a2wsgi").WSGIMiddleware if bridge == "a2wsgi" else WsgiToAsgi

    def fails(environ, start_response):
        start_response("200 OK", [])
        raise ValueError

    def fails_and_says_so(environ, start_response):
        start_response("200 OK", [])
        try:
            raise ValueError
        except ValueError:
            start_response("500 Internal Server Error", [], sys.exc_info())
        return [b"failed"]

    def reads(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.input"].readlines()

    async def told(program):
        statuses = []

        async def receive():
            return {"type": "http.request"}

        async def send(event):
            statuses.extend([event["status"]] if "status" in event else [])

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1"}
        try:
            await wrap(program)(scope, receive, send)
        except (ValueError, IndexError) as error:
            statuses.append(type(error).__name__)
        return statuses

    assert [asyncio.run(told(program)) for program in (fails, reads)] == [late, lines]
    assert asyncio.run(told(fails_and_says_so))[:1] == replaced


def test_a_blocking_call_holds_up_everybody_and_a_thread_nobody(run):
    exhibit = run(annexes.BLOCKING)

    def passed(path):
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            answers = [answer for (answer,) in pool.map(lambda _: ask(exhibit, path), range(4))]
        assert [answer.body for answer in answers] == [b"fetched\n"] * 4
        return time.monotonic() - began

    assert passed("/blocking") >= 4 * 0.3  # 0.3 s each, one after the other
    assert any(passed("/thread") < 4 * 0.3 for _ in range(5))  # a busy machine may need a second try


def test_functions_and_coroutines_call_each_other():
    """It prints how long things took: where the machine is busy with other tests, it may ask twice more."""
    command = [sys.executable, "-m", "exhibits.bridges.both_ways"]
    for _ in range(3):
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
        if said.stdout == (ROOT / "exhibits" / "bridges" / "both_ways.txt").read_text():
            return
    pytest.fail(said.stdout + said.stderr)


def test_half_a_chunked_body_is_not_handed_to_wsgi_as_a_whole_one():
    """The client leaves when the program has begun to read: a2wsgi takes `http.disconnect` for the end of the body."""
    stack = catalog.find("bridge-wsgi-in-asgi")
    require(stack)
    head = request("POST", "/entries", contract.FORM, "Transfer-Encoding: chunked")
    with Exhibit(stack) as exhibit:
        for _ in range(5):
            with socket.create_connection((exhibit.host, exhibit.port), 10) as sock:
                sock.sendall(head + b"12\r\nname=Eve&message=b\r\n")
                time.sleep(0.1)
        with exhibit.visitor() as visitor:
            assert not eventually(lambda: visitor.ask(request("GET", "/entries")).body != b"[]", 1)
