"""The smallest server of each room answers the room's smallest program, and hands on what a request says.

Where the carrier is not HTTP, the museum's nginx stands in front.
"""

import ast
import http.client
import shutil
import sys
from dataclasses import replace

import pytest
from conftest import require

from exhibits import catalog
from exhibits.backstage.running import ROOT, Exhibit

ROOMS = [stage.name for stage in catalog.STAGES]
WSGI = '''
def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["PATH_INFO"] == "/raise":
        raise RuntimeError("broken")
    told = [environ.get(name, "") for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_X_MOOD")]
    start_response("404 Lost" if told[3] else "200 OK", [("Content-Type", "text/plain"), ("X-Told", "|".join(told))])
    return [body[:3], body[3:]]
'''
PROGRAMS = {
    "cgi": '''
import os, sys
if os.environ["PATH_INFO"] == "/raise":
    raise RuntimeError("broken")
told = [os.environ.get(name, "") for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_X_MOOD")]
status = "Status: 404 Lost\\n" if told[3] else ""
print(status + "Content-Type: text/plain\\nX-Told: " + "|".join(told) + "\\n", flush=True)
sys.stdout.buffer.write(sys.stdin.buffer.read(int(os.environ["CONTENT_LENGTH"] or 0)))
''',
    "asgi": '''
async def application(scope, receive, send):
    event = await receive()
    if scope["path"] == "/raise":
        raise RuntimeError("broken")
    mood = dict(scope["headers"]).get(b"x-mood", b"").decode()
    told = "|".join([scope["method"], scope["path"], scope["query_string"].decode(), mood])
    await send({"type": "http.response.start", "status": 404 if mood else 200, "headers": [(b"x-told", told.encode())]})
    await send({"type": "http.response.body", "body": event["body"][:3], "more_body": True})
    await send({"type": "http.response.body", "body": event["body"][3:]})
''',
}


def smallest(room, folder):
    """The stack of our own server of a room, with its smallest one, which lies in this folder, in its place."""
    stack = catalog.find(f"{room}-ours")
    where = "{near}app.sock" if len(stack.processes) > 1 else "{port}"
    first = replace(stack.processes[0], command=f"{{python}} {folder}/smallest.py {where}")
    return replace(stack, processes=(first, *stack.processes[1:]))


def serving(stack, **options):
    require(stack)
    return Exhibit(stack, hello=True, **options)


def ask(exhibit, method="GET", target="/", body=None, headers=()):
    connection = http.client.HTTPConnection(exhibit.host, exhibit.port, timeout=10)
    try:
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("room", ROOMS)
def test_it_answers_hello(room):
    with serving(smallest(room, ROOT / "exhibits" / room)) as exhibit:
        for _ in range(3):
            status, headers, body = ask(exhibit)
            assert (status, headers["content-type"], body) == (200, "text/plain; charset=utf-8", b"Hello, World!\n")
        assert ask(exhibit, "HEAD")[::2] == (200, b"")


@pytest.mark.parametrize("room", ROOMS)
def test_it_hands_on_what_the_request_says_and_outlives_a_program_that_raises(room, tmp_path):
    shutil.copy(ROOT / "exhibits" / room / "smallest.py", tmp_path)
    (tmp_path / "hello.py").write_text(PROGRAMS.get(room, WSGI))
    with serving(smallest(room, tmp_path)) as exhibit:
        for body in b"hello", b"x" * 200_000, b"":
            status, headers, answered = ask(exhibit, "POST", "/caf%C3%A9/a?b=%20", body, [("X-Mood", "m" * 300)])
            assert (status, answered, headers["x-told"]) == (404, body, "POST|/caf\xc3\xa9/a|b=%20|" + "m" * 300)
        try:
            assert ask(exhibit, target="/raise")[0] >= 500
        except (http.client.HTTPException, ConnectionError):
            pass
        assert ask(exhibit)[0] == 200


@pytest.mark.parametrize("room", ROOMS)
def test_it_needs_nothing_but_the_standard_library_and_hello_and_fits_a_page(room):
    source = (ROOT / "exhibits" / room / "smallest.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= {*sys.stdlib_module_names, "hello"}
    assert max(map(len, source.splitlines())) <= 96
    lacks = ast.get_docstring(tree).partition("What it lacks:\n")[2].splitlines()
    assert len(lacks) > 3 and all(line.startswith("- ") and line.endswith(".") for line in lacks)
