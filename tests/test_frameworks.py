"""The frameworks, each with its usual server: a part of the contract, kept to the byte."""

import os
import re
import subprocess
import sys

import pytest
from conftest import marks_of, require

from exhibits import annexes, catalog, contract
from exhibits.backstage import agreeing, checking
from exhibits.backstage.client import request
from exhibits.backstage.running import ROOT

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


@pytest.mark.parametrize(("stack", "mount", "case"), parameters())
def test_framework(run, stack, mount, case):
    checking.visit(case, run(stack, mount))


@pytest.mark.hall
@pytest.mark.parametrize("name", ["framework-django", "framework-django-asgi"])
def test_django_uses_its_tables_both_ways(run, name):
    """Signed by the ORM's own coroutine, read by its functions in a thread: the guestbook's file has both."""
    (entries,) = [case for case in contract.CASES if case.name == "entries"]
    for mount in agreeing.MOUNTS.values():
        checking.visit(entries, run(catalog.find(name), mount))


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
