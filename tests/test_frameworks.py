"""The frameworks, each with its usual server: a part of the contract, kept to the byte."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import test_behaviour
from conftest import marks_of, require

from exhibits import annexes, catalog, contract
from exhibits.backstage import agreeing, checking
from exhibits.backstage.client import Visitor, request
from exhibits.backstage.running import ROOT, Exhibit, eventually, free_port, is_free

PART = ("hello", "hello-name", "hello-utf8", "http-1.0", "not-found", "sign-form", "sign-empty", "sign-line-break")
CASES = [case for case in contract.CASES if case.name in PART] + [
    contract.Case("method", "405, and what Allow allows", (contract.Step(
        request("DELETE", "{mount}/hello"), 405, {**contract.PLAIN, "allow": re.compile(r".*\bGET\b.*")},
        b"405 Method Not Allowed: not with this method\n"),)),
]  # fmt: skip
ORDINARY = ("framework-flask", "framework-starlette")  # quick enough to be tested every time


def parameters():
    for stack in annexes.FRAMEWORKS:
        for where, mount in agreeing.mounts_of(stack).items():
            marks = [mark for mark in marks_of(stack, mount) if mark.name != "hall" or stack.name not in ORDINARY]
            for case in CASES:
                yield pytest.param(stack, mount, case, id=f"{stack.name}-{where}-{case.name}", marks=marks)


def test_the_part_is_of_the_contract():
    assert len(CASES) == len(PART) + 1


@pytest.mark.parametrize(("stack", "mount", "case"), list(parameters()))
def test_framework(run, stack, mount, case):
    checking.visit(case, run(stack, mount))


@pytest.mark.hall
@pytest.mark.xfail(strict=True, raises=AssertionError, reason="WSGIContainer gathers the answer before it sends it")
def test_tornado_streams_a_wsgi_program(run):
    test_behaviour.test_a_streamed_line_arrives_before_the_next_is_made(run, catalog.find("framework-tornado-wsgi"), "")


@pytest.mark.hall
def test_sanic_is_an_asgi_program_too():
    sanic = catalog.find("framework-sanic")
    with Exhibit(replace(sanic, processes=(annexes.uvicorn("frameworks.sanic"),))) as exhibit:
        (greeting,) = [case for case in CASES if case.name == "hello-utf8"]
        (step,) = greeting.steps
        # Its own server sends a length, the ASGI one gets chunks.
        checking.visit(replace(greeting, steps=(replace(step, streamed=True),)), exhibit)


@pytest.mark.hall
@pytest.mark.parametrize("name", ["framework-django", "framework-django-asgi"])
def test_django_uses_its_tables_both_ways(run, name):
    """Signed by the ORM's own coroutine, read by its functions in a thread: the guestbook's file has both."""
    (entries,) = [case for case in contract.CASES if case.name == "entries"]
    for mount in agreeing.MOUNTS.values():
        checking.visit(entries, run(catalog.find(name), mount))


@pytest.mark.hall
def test_djangos_functions_refuse_to_block_a_coroutine(tmp_path):
    require(catalog.find("framework-django-asgi"))
    program = """
import asyncio, exhibits.frameworks.django_asgi
from exhibits.frameworks.django_views import newest
async def wrong():
    newest(1)
asyncio.run(wrong())
"""
    environ = {**os.environ, "GUESTBOOK": str(tmp_path / "guestbook.sqlite3")}
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert "SynchronousOnlyOperation: You cannot call this from an async context" in said.stderr


def vibora():
    """A Python 3.6 that has Vibora, or None."""
    for python in filter(None, (os.environ.get("VIBORA_PYTHON"), shutil.which("python3.6"))):
        if subprocess.run([python, "-c", "import vibora"], capture_output=True).returncode == 0:
            return python
    return None


@pytest.mark.hall
def test_vibora_behind_glass():
    """What docs/frameworks.md says of it."""
    if (python := vibora()) is None:
        pytest.skip("no Python 3.6 with Vibora: exhibits/frameworks/glass/hello.py says how to get there, "
                    "VIBORA_PYTHON where it is")  # fmt: skip
    port = free_port()
    program = subprocess.Popen([python, ROOT / "exhibits/frameworks/glass/hello.py", str(port)], start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        assert eventually(lambda: not is_free("127.0.0.1", port))
        with Visitor("127.0.0.1", port) as visitor:
            answers = [visitor.ask(request(*asked)) for asked in (("GET", "/hello"), ("GET", "/hello?name=Ada"),
                                                                  ("HEAD", "/hello"))]  # fmt: skip
        assert [answer.status for answer in answers] == [200, 404, 405] and answers[0].body == b"Hello, World!\n"
        program.terminate()
        program.wait(10)
        time.sleep(1)
        assert not is_free("127.0.0.1", port)  # the worker has outlived it
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
