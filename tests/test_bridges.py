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
from conftest import contract_of, marks_of, require

from exhibits import annexes, catalog, contract
from exhibits.backstage import checking
from exhibits.backstage.client import request
from exhibits.backstage.running import ROOT, Exhibit, eventually
from exhibits.bridges import timed_asgi, timed_wsgi

BEHAVIOURS = {
    "streams": test_behaviour.test_a_streamed_line_arrives_before_the_next_is_made,
    "together": test_behaviour.test_visitors_who_wait_do_not_wait_for_each_other,
    "leaves": test_behaviour.test_a_client_that_leaves_ends_its_answer,
    "crash-log": test_behaviour.test_a_crash_is_for_the_log_only,
    "event-live": test_behaviour.test_a_new_entry_is_a_server_sent_event,
    "live": test_behaviour.test_live_is_a_websocket_or_says_what_it_would_be,
}


def adapted(stack, case):
    if (stack.name, case.name) == ("bridge-wsgi-in-asgi", "body-cut-off-chunked"):
        # The program sees no chunked body, so it need not wait for the end of this one: its answer,
        # 422, and the visitor's hanging up come in either order. Nothing is stored all the same.
        return replace(case, steps=tuple(replace(step, status=(*step.status, 422)) for step in case.steps))
    return case


@contract_of(annexes.BRIDGES, adapted)
def test_contract(run, stack, mount, case):
    checking.visit(case, run(stack, mount))


def test_every_behaviour_is_tested():
    assert BEHAVIOURS.keys() == contract.BEHAVIOURS.keys()


@pytest.mark.parametrize(("stack", "name"), [
    pytest.param(stack, name, marks=marks_of(stack, case=name), id=f"{stack.name}-{name}")
    for stack in annexes.BRIDGES for name in BEHAVIOURS
])  # fmt: skip
def test_what_one_answer_cannot_show(run, stack, name):
    try:
        BEHAVIOURS[name](run, stack, "")
    finally:
        if checking.known_difference(stack, name):
            run.stop()  # what still goes on there would be in the way of the next test


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
