"""Each WSGI and ASGI program that the site shows obeys its interface, with any peer that does.

tests/programs/shown.py finds them: a program that comes is tested with no line here.
"""

import http.client
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import complaints, serving
from programs import shown

TEXTS = shown.texts()
OURS = [name for name, text in TEXTS.items() if shown.has_function(text)]
ALONE = [name for name in OURS if shown.alone(TEXTS[name])]
TOGETHER = [name for name in OURS if name not in ALONE]
SHOWN = re.compile(r'--8<-- "(exhibits/[^":]+\.py)')
PYTHON = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # one program starts another


@pytest.mark.hall  # where all frameworks are
@pytest.mark.timeout(250)
@pytest.mark.parametrize("names", [TOGETHER, *([name] for name in ALONE)], ids=["together", *ALONE])
def test_a_program_takes_nothing_for_granted_that_may_be_missing(names, tmp_path):
    asked = subprocess.run([sys.executable, shown.__file__, *names], cwd=tmp_path, env=PYTHON, capture_output=True,
                           text=True, timeout=200)
    assert asked.returncode == 0, asked.stderr


def ask(exhibit, method, path, program="", body=None):
    """The status and the body of the answer."""
    connection = http.client.HTTPConnection(exhibit.host, exhibit.port, timeout=120)
    try:
        headers = {"X-Program": program, "Content-Type": "application/x-www-form-urlencoded" if body else "text/plain"}
        connection.request(method, quote(path, encoding="latin-1"), body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("latin-1")
    finally:
        connection.close()


@pytest.mark.hall
@pytest.mark.timeout(250)
@pytest.mark.parametrize(("stack", "program"), [
    ("wsgi-ours", "application"), ("wsgi-waitress", "application"),
    ("asgi-ours", "coroutine"), ("asgi-uvicorn", "coroutine"),
])
def test_a_program_is_as_its_interface_has_it_in_two_servers(stack, program, tmp_path):
    with serving(stack, f"shown.py:{program}", tmp_path) as exhibit, ThreadPoolExecutor(16) as visitors:
        asked = {}
        for name in ask(exhibit, "GET", "/")[1].splitlines():
            paths = shown.paths(TEXTS[name.rpartition(":")[0]])
            requests = [("GET", path, name) for path in paths]
            requests += [("HEAD", paths[0], name), ("POST", paths[0], name, b"name=Ada")]
            asked[name] = [visitors.submit(ask, exhibit, *each) for each in requests for _ in range(shown.AT_ONCE)]
        best = {name: min(call.result() for call in calls) for name, calls in asked.items()}
    assert complaints(exhibit) == []
    assert len(best) > 20
    texts = {name: TEXTS[name.rpartition(":")[0]] for name in best}
    assert {name: answer for name, answer in best.items() if answer[0] >= 500
            and shown.has_function(texts[name]) and "1 / 0" not in texts[name]} == {}


def test_the_programs_of_all_pages_are_among_them():
    pages = Path(shown.ROOT, "docs").rglob("*.md")
    named = {name for page in pages for name in SHOWN.findall(page.read_text(encoding="utf-8"))}
    defining = {name for name in named if shown.defines(Path(shown.ROOT, name).read_text(encoding="utf-8"))}
    assert len(defining) > 30
    # One of another interface, one that is about what is beside the specification, and two without an end.
    assert {name for name in defining - TEXTS.keys() if "/glass/" not in name} == {
        "exhibits/rsgi/app.py", "exhibits/confusions/websocket_in_wsgi.py",
        "exhibits/service/busy.py", "exhibits/service/busy_asgi.py"}
