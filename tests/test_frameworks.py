"""The frameworks, each with its usual server: a part of the contract, kept to the byte."""

import asyncio
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import test_behaviour
from conftest import marks_of, require
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from exhibits import catalog, contract
from exhibits.asking import request
from exhibits.backstage import checking
from exhibits.backstage.checking import agreeing, matrix
from exhibits.backstage.checking.matrix import CASES, PART
from exhibits.backstage.own import target
from exhibits.backstage.running import ROOT, Exhibit, eventually, free_port, is_free
from exhibits.backstage.site import matrix as drawn
from exhibits.backstage.visiting import Visitor
from exhibits.catalog import annexes

ORDINARY = ("framework-flask", "framework-starlette")  # quick enough to be tested every time

def parameters():
    for stack in annexes.FRAMEWORKS:
        for where, mount in agreeing.mounts_of(stack).items():
            marks = [mark for mark in marks_of(stack, mount) if mark.name != "hall" or stack.name not in ORDINARY]
            for case in CASES if stack.partial else [case for case in CASES if case in contract.CASES]:
                yield pytest.param(stack, mount, case, id=f"{stack.name}-{where}-{case.name}", marks=marks)


def test_the_part_is_of_the_contract():
    assert set(PART) <= {case.name for case in contract.CASES}


def test_the_commands_of_the_page_start_what_it_has_installed():
    page = Path(ROOT, "docs/frameworks.md").read_text()
    lines = [shlex.split(line) for block in re.findall(r"```sh\n(.*?)```", page, re.S) for line in block.splitlines()]
    groups = tomllib.loads(Path(ROOT, "pyproject.toml").read_text())["dependency-groups"]
    (install,) = [line for line in lines if line[0] == "pip"]
    assert install[:4] == ["pip", "install", "--group", "frameworks"]
    packages = [re.match(r"[\w-]+", each)[0] for each in groups["frameworks"] + groups["servers"] if type(each) is str]
    for line in lines:
        started = line[2].partition(".")[0] if line[:2] == ["python", "-m"] else line[0].removesuffix("-serve")
        assert started in ("pip", ".venv/bin/nox", *packages, *install[4:]), line


def test_no_file_shadows_what_it_imports():
    """Where a reader copies it under its own name, `import flask` still finds Flask."""
    for file in Path(ROOT, "exhibits/frameworks").rglob("*.py"):
        imported = {word.partition(".")[0] for word in re.findall(r"^(?:from|import) (\S+)", file.read_text(), re.M)}
        assert file.stem not in imported, file


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
    with Exhibit(replace(sanic, processes=(annexes.uvicorn("frameworks.in_sanic"),))) as exhibit:
        (greeting,) = [case for case in CASES if case.name == "hello-utf8"]
        checking.visit(greeting, exhibit)


@pytest.mark.hall
def test_bottle_behind_gunicorn_looks_for_chunks_that_are_there_no_more():
    """What the known differences of `told-coding` say of a program that believes what the server announces."""
    bottle = catalog.find("framework-bottle")
    (signing,) = [case for case in contract.CASES if case.name == "sign-chunked"]
    with Exhibit(replace(bottle, processes=(annexes.gunicorn("frameworks.in_bottle"),))) as exhibit:
        with pytest.raises(checking.Broken, match="status 400"):
            checking.visit(signing, exhibit)


@pytest.mark.hall
@pytest.mark.parametrize("name", ["framework-django", "framework-django-asgi"])
def test_django_uses_its_tables_both_ways(run, name):
    """Signed by the ORM's own coroutine, read by its functions in a thread: the guestbook's file has both."""
    (entries,) = [case for case in contract.CASES if case.name == "entries"]
    for mount in agreeing.MOUNTS.values():
        checking.visit(entries, run(catalog.find(name), mount))


@pytest.mark.hall
@pytest.mark.parametrize("name", ["framework-django", "framework-django-asgi"])
def test_a_browser_signs_with_the_token_of_djangos_page_and_not_without(run, name):
    exhibit = run(catalog.find(name))
    host = f"localhost:{exhibit.port}"
    contract.seed(exhibit.guestbook).close()
    with Visitor("127.0.0.1", exhibit.port) as visitor:
        shown = visitor.ask(request("GET", "/", contract.BROWSER, host=host))
        (token,) = re.findall(rb'name="csrfmiddlewaretoken" value="(\w+)"', shown.body)
        (cookie,) = [value.partition(";")[0] for field, value in shown.headers if field == "set-cookie"]
        for sent, body, status in ((f"Cookie: {cookie}", b"csrfmiddlewaretoken=" + token, 303),
                                   (f"Cookie: {cookie}", b"", 403), ("X-No: cookie", b"", 403)):
            answer = visitor.ask(request("POST", "/entries", contract.FORM, f"Origin: http://{host}", sent, host=host,
                                         body=b"name=a&message=b&" + body))
            assert answer.status == status, answer
            assert status == 303 or answer.body.startswith(b"403 Forbidden: CSRF ")


@pytest.mark.hall
def test_django_has_nothing_to_say_against_its_settings(tmp_path):
    require(catalog.find("framework-django"))
    environ = {**os.environ, "GUESTBOOK": str(tmp_path / "guestbook.sqlite3"),
               "DJANGO_SETTINGS_MODULE": "exhibits.frameworks.django_settings"}
    said = subprocess.run([sys.executable, "-m", "django", "check"], cwd=ROOT, env=environ, capture_output=True,
                          text=True)
    assert said.stdout + said.stderr == "System check identified no issues (0 silenced).\n"
    assert not list(tmp_path.iterdir()), "settings that are read make no file"


@pytest.mark.hall
def test_djangos_functions_refuse_to_block_a_coroutine(tmp_path):
    require(catalog.find("framework-django-asgi"))
    program = """
import asyncio, exhibits.frameworks.in_django_asgi
from exhibits.frameworks.django_views import newest
async def wrong():
    newest(1)
asyncio.run(wrong())
"""
    environ = {**os.environ, "GUESTBOOK": str(tmp_path / "guestbook.sqlite3")}
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert "SynchronousOnlyOperation: You cannot call this from an async context" in said.stderr


# ---------------------------------------------------------------- what the others are named for


@pytest.mark.hall
def test_channels_visitors_hear_of_each_other_and_no_page_from_elsewhere_does(run):
    exhibit = run(catalog.find("framework-channels"))
    contract.seed(exhibit.guestbook).close()
    url, own = f"ws://localhost:{exhibit.port}/live", f"http://localhost:{exhibit.port}"
    with connect(url, origin=own, proxy=None) as ada, connect(url, origin=own, proxy=None) as grace:
        ada.send('{"name": "Ada", "message": "<b>Hi</b>"}')
        for visitor in (ada, grace):
            entry = json.loads(visitor.recv(5))
            assert (entry["id"], entry["name"], entry["message"]) == (2, "Ada", "<b>Hi</b>")
        grace.send('{"name": "Ada"}')
        assert json.loads(grace.recv(5)) == {"error": "the message is empty"}
        with Visitor("127.0.0.1", exhibit.port) as visitor:
            assert visitor.ask(request("POST", "/entries", contract.FORM, body=b"name=Alan&message=Hi")).status == 303
        assert [json.loads(each.recv(5))["name"] for each in (ada, grace)] == ["Alan", "Alan"]
        with contextlib.closing(sqlite3.connect(exhibit.guestbook, isolation_level=None)) as others:
            others.execute("BEGIN IMMEDIATE")
            ada.send('{"name": "Ada", "message": "Hi"}')
            assert json.loads(ada.recv(10))["error"].startswith("others have held the guestbook")
    with connect(url, origin="http://localhost:9", proxy=None):
        pass  # it looks at no port
    for origin in ("http://museum.test", "null", None):
        with pytest.raises(InvalidStatus, match="403"):
            connect(url, origin=origin, proxy=None)
    with pytest.raises(InvalidStatus, match="500"):
        connect(url + "/", origin=own, proxy=None)
    assert eventually(lambda: any("ValueError: No route found for path 'live/'" in line for _, line in exhibit.lines))


@pytest.mark.hall
def test_after_a_response_that_fails_halfway_daphne_looks_for_failed_programs_no_more(tmp_path):
    """docs/frameworks.md says it of this version. A program that fails has its 500 within a second till then."""
    (tmp_path / "half.py").write_text("""
async def application(scope, receive, send):
    if scope["path"] == "/half":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise ValueError(scope["path"])
""")
    require(stack := catalog.find("asgi-daphne"))
    program = target.find(f"{tmp_path}/half.py:application", stack, tmp_path)
    with Exhibit(stack, app=program) as exhibit, contextlib.ExitStack() as visitors:
        def ask(path):
            visitor = visitors.enter_context(socket.create_connection(("127.0.0.1", exhibit.port), timeout=2.5))
            visitor.sendall(request("GET", path))
            return visitor

        assert ask("/").recv(12) == b"HTTP/1.1 500"
        assert ask("/half").recv(12) == b"HTTP/1.1 200"
        assert eventually(lambda: any("ValueError: /half" in line for _, line in list(exhibit.lines)))
        with pytest.raises(TimeoutError):
            ask("/").recv(12)


@pytest.mark.hall
def test_socket_io_visitors_hear_of_each_other(run):
    exhibit = run(catalog.find("framework-socketio"), "/museum")
    contract.seed(exhibit.guestbook).close()
    from socketio import AsyncSimpleClient

    async def visit():
        async with AsyncSimpleClient() as ada, AsyncSimpleClient() as grace:
            for visitor in (ada, grace):
                await visitor.connect(exhibit.base, transports=["websocket"])
            for nothing in ({"name": "Ada", "message": ""}, "Ada", None):
                assert "is empty" in (await ada.call("sign", nothing, 5))["error"]
            assert await ada.call("sign", {"name": "Ada", "message": "Hi"}, 5) == {"signed": True}
            return [await visitor.receive(5) for visitor in (ada, grace)]

    assert asyncio.run(visit()) == [["entry", {"name": "Ada", "message": "Hi"}]] * 2


@pytest.mark.hall
@pytest.mark.parametrize("mount", agreeing.MOUNTS.values(), ids=agreeing.MOUNTS)
def test_socket_io_is_requests_where_there_is_no_websocket(run, mount):
    exhibit = run(catalog.find("framework-socketio"), mount)
    contract.seed(exhibit.guestbook).close()
    host = f"localhost:{exhibit.port}"
    with exhibit.visitor() as visitor:
        def ask(session="", body=b"", origin=f"http://{host}"):
            return visitor.ask(request("POST" if body else "GET", f"{exhibit.place.seen}/socket.io/?EIO=4"
                                       f"&transport=polling{session}", f"Origin: {origin}", host=host, body=body))

        session = f"&sid={json.loads(ask().body[1:])['sid']}"  # 0: opened
        assert ask(session, b"40").body == b"OK" and ask(session).body.startswith(b"40")  # 4: a message, 0: connected
        assert ask(session, b'421["sign",{"name":"Ada","message":"Hi"}]').body == b"OK"  # 2: an event, 1: its number
        assert ask(session).body == b'42["entry",{"name":"Ada","message":"Hi"}]\x1e431[{"signed":true}]'
        assert ask("&sid=nobody").status == ask(origin="http://museum.test").status == 400


@pytest.mark.hall
@pytest.mark.parametrize("mount", agreeing.MOUNTS.values(), ids=agreeing.MOUNTS)
def test_an_mcp_client_finds_the_tools_and_signs(run, mount):
    exhibit = run(catalog.find("framework-mcp"), mount)
    contract.seed(exhibit.guestbook).close()
    from mcp import Client

    async def visit():
        async with Client(f"{exhibit.base}/mcp/") as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            answers = [await client.call_tool("sign", {"name": name, "message": "Hi"}) for name in ("Ada", " ")]
            entries = (await client.call_tool("newest", {})).structured_content["result"]
            return tools, [(answer.is_error, answer.content[0].text) for answer in answers], entries

    tools, answers, entries = asyncio.run(visit())
    assert tools == ["newest", "sign"] and [entry["name"] for entry in entries] == ["Ada", contract.SEED[2]]
    assert answers[0] == (False, "Thank you for signing.") and answers[1][0] and "the name is empty" in answers[1][1]
    with exhibit.visitor() as visitor:
        for host, origin, status in (("evil.test", "", 421), ("localhost", "Origin: http://evil.test", 403)):
            asked = request("POST", f"{exhibit.place.seen}/mcp/", "Content-Type: application/json",
                            *filter(None, [origin]), host=host, body=b"{}")
            assert visitor.ask(asked).status == status


@pytest.mark.hall
def test_a_mounted_mcp_server_whose_lifespan_nobody_runs_answers_nothing(tmp_path):
    require(catalog.find("framework-mcp"))
    program = """
import asyncio
from exhibits.frameworks.in_mcp import tools
async def nothing(*event):
    return {"type": "http.request"}
scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")], "query_string": b""}
asyncio.run(tools(scope, nothing, nothing))
"""
    environ = {**os.environ, "GUESTBOOK": str(tmp_path / "guestbook.sqlite3")}
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert "RuntimeError: Task group is not initialized" in said.stderr


@pytest.mark.hall
@pytest.mark.parametrize("name", ["framework-tornado", "framework-tornado-wsgi"])
def test_tornado_answers_who_has_asked_before_it_ends(name):
    """By itself it ends at once, and cuts off whoever waits."""
    require(catalog.find(name))
    with Exhibit(catalog.find(name)) as exhibit, ThreadPoolExecutor() as pool:
        holder = sqlite3.connect(exhibit.guestbook, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")  # whoever signs waits
        ((_, server, _),) = exhibit.processes

        def sign():
            with Visitor("127.0.0.1", exhibit.port, 20) as visitor:
                return visitor.ask(request("POST", "/entries", contract.FORM, body=b"name=Ada&message=Hi")).status

        waiting = pool.submit(sign)
        time.sleep(0.5)
        server.terminate()
        time.sleep(0.5)
        assert server.poll() is None and not waiting.done()
        holder.close()
        assert waiting.result() == 303 and server.wait(10) == 0


@pytest.mark.hall
def test_fastapi_documents_what_it_sends(tmp_path):
    require(catalog.find("framework-fastapi"))
    program = """
import json
from exhibits.frameworks.in_fastapi import application
print(json.dumps(application.openapi()["paths"]))
"""
    environ = {**os.environ, "GUESTBOOK": str(tmp_path / "guestbook.sqlite3")}
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True)
    told = {(path, method, status, kind) for path, methods in json.loads(said.stdout).items()
            for method, about in methods.items() for status, answer in about["responses"].items()
            for kind in answer["content"]}
    right = {("/", "get", "200", "text/html"), ("/hello", "get", "200", "text/plain"),
             ("/entries", "post", "303", "text/plain")}
    assert told == right | {(path, method, "422", "text/plain") for path, method, _, _ in right}


IN_PARTS = "Content-Type: multipart/form-data; boundary=b"
PIECE = b'--b\r\nContent-Disposition: form-data; name="name"\r\n'
BROKEN = [  # forms; their other faults are that they have no message
    ("Content-Type: multipart/form-data", b"Ada"), (IN_PARTS, b"Ada"), (IN_PARTS, PIECE + b"\r\nAd"),
    (IN_PARTS, PIECE + b"\r\n\xff\r\n--b--\r\n"),
    (IN_PARTS, PIECE + b"Content-Type: text/plain; charset=x\r\n\r\nAda\r\n--b--\r\n"),
    (contract.FORM, b"name=\xff"), (contract.FORM + "; charset=x", b"name=Ada"), ("Content-Type: ;;;", b"name=Ada")]


@pytest.mark.parametrize("stack", [pytest.param(stack, id=stack.name, marks=marks_of(stack))
                                   for stack in annexes.FRAMEWORKS if stack.partial])
def test_what_a_framework_cannot_read_is_the_visitors_fault(run, stack):
    exhibit = run(stack)
    contract.seed(exhibit.guestbook).close()
    for kind, body in BROKEN:
        with exhibit.visitor() as visitor:
            answer = visitor.ask(request("POST", "/entries", kind, body=body))
        assert answer.status in (400, 413, 415, 422), (kind, body, answer)
    with exhibit.visitor() as visitor:
        assert visitor.ask(request("GET", "/", 'Cookie: name=\xff; =; b; c="')).status == 200


@pytest.mark.hall
def test_flask_refuses_a_query_that_is_not_utf_8():
    """Some servers pass its bytes on, uWSGI's with nginx in front among them: `request.args` cannot be read then."""
    require(catalog.find("framework-flask"))
    from exhibits.frameworks.in_flask import application

    answer = application.test_client().get("/hello", environ_overrides={"QUERY_STRING": "name=\xfc"})
    assert (answer.status_code, answer.text) == (400, "400 Bad Request: the query is not UTF-8\n")


# What has more lines says here why.
LONGER = {"desk": "what all of them share", "in_tornado": "handlers are classes, and it starts and ends its own server"}


def test_a_program_is_a_page():
    for file in Path(ROOT, "exhibits/frameworks").rglob("*.py"):
        lines = [line for line in file.read_text().splitlines() if line]
        assert (len(lines) > 60) == (file.stem in LONGER), (file, len(lines))
        assert max(map(len, lines), default=0) <= 96, f"{file}: on the page its code would be cut"


def behind_glass(name, module):
    """A Python with a framework that the museum's own has not, as the variable of this name says, or None."""
    for python in filter(None, (os.environ.get(f"{name.upper()}_PYTHON"), shutil.which("python3.6"))):
        if subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode == 0:
            return [python, ROOT / "exhibits/frameworks/glass" / module]
    pytest.skip(f"no Python with {name}: exhibits/frameworks/glass/{module} says how to get there, "
                f"{name.upper()}_PYTHON where it is")


@pytest.mark.hall
@pytest.mark.parametrize(("name", "module", "paths", "statuses", "body"), [
    ("vibora", "hello.py", ("/hello", "/hello?name=Ada"), [200, 404, 405], b"Hello, World!\n"),
    ("robyn", "in_robyn.py", ("/hello?name=J%C3%BCrgen", "/hello"), [200, 200, 404], b"Hello, J%C3%BCrgen!\n"),
])
def test_a_framework_behind_glass(name, module, paths, statuses, body):
    """What docs/frameworks.md says of it."""
    command = behind_glass(name, module)
    port = free_port()
    program = subprocess.Popen([*command, str(port)], start_new_session=True, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: not is_free("127.0.0.1", port))
        with Visitor("127.0.0.1", port) as visitor:
            answers = [visitor.ask(request("GET", path)) for path in paths] + [visitor.ask(request("HEAD", "/hello"))]
        assert [answer.status for answer in answers] == statuses and answers[0].body == body
        if name == "vibora":
            program.terminate()
            program.wait(10)
            time.sleep(1)
            assert not is_free("127.0.0.1", port)  # the worker has outlived it
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()


@pytest.mark.hall
@pytest.mark.parametrize("stack", annexes.FRAMEWORKS, ids=lambda stack: stack.name)
def test_what_is_wrong_with_the_guestbook_is_a_sentence_here_too(stack, tmp_path, monkeypatch):
    """The desk tells what the frameworks' handlers have to pass on; a file held by others, and then a folder gone.

    Nor has the framework anything to say against the program: a call it has deprecated, an upload left open.
    """
    require(stack)
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    signing = request("POST", "/entries", contract.FORM, body=b"name=Ada&message=Hello")
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "guestbook.sqlite3"
    with Exhibit(stack, guestbook=file) as exhibit, Visitor("127.0.0.1", exhibit.port) as visitor:
        held = sqlite3.connect(exhibit.guestbook, isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        answer = visitor.ask(signing)
        held.close()
        assert answer.status == 503 and ("retry-after", "3") in answer.headers, answer
        assert answer.body.startswith(b"503 Service Unavailable: others have held the guestbook")
        shutil.rmtree(folder)
        lines = list(exhibit.lines)
        exhibit.lines.clear()
        for asked in (signing, request("GET", "/"), request("GET", "/", contract.BROWSER)):
            answer = visitor.ask(asked)
            assert answer.status == 500 and b"the folder of the guestbook is not there" in answer.body, answer
        assert not [line for _, line in exhibit.lines if "Traceback" in line]
        folder.mkdir()
        assert visitor.ask(signing).status == 303
        if stack.partial:
            visitor.ask(request("POST", "/entries", IN_PARTS, body=matrix.MULTIPART))
            assert visitor.ask(request("GET", "/")).status == 200
        warned = re.compile(r"[a-z]DeprecationWarning(?<!PendingDeprecationWarning)|RemovedInDjango|Unclosed file <t")
        said = [line for _, line in [*lines, *exhibit.lines] if warned.search(line)]
    assert not said


def test_the_matrix_is_whole_and_each_of_its_cells_explained():
    cells = drawn.read()["cells"]
    assert {(framework, stack) for framework, stacks in cells.items() for stack in stacks} == {
        (each.name, stack.name) for each in annexes.MET for stack in matrix.servers(each.interface)}
    assert not list(matrix.unexplained(cells))
    cells["Flask"]["wsgi-gunicorn"]["root"]["head"] = "status 500, not 200"
    assert list(matrix.unexplained(cells)) == ["Flask, wsgi-gunicorn, root, head: status 500, not 200"]
    drawn.read.cache_clear()


@pytest.mark.hall
@pytest.mark.parametrize(("name", "head", "broken"), [
    ("sanic", 405, {200, 303}), ("tornado", 405, {400}), ("aiohttp", 200, {200, 303}),
    ("aiohttp-gunicorn", 200, {200, 303})])
def test_what_the_matrix_asks_of_those_who_have_a_server_of_their_own(run, name, head, broken):
    """As docs/frameworks.md says it below the matrix."""
    exhibit, got = run(catalog.find(f"framework-{name}")), {}
    for case in matrix.MORE:
        (step,) = case.steps
        contract.seed(exhibit.guestbook).close()
        with exhibit.visitor() as visitor:
            got[case.name] = visitor.ask(step.request.replace(b"{mount}", b""), then=step.then).status
    assert got["sign-chunked"] == 303 and got["head"] == head
    assert {got["hello-broken-utf8"], got["sign-broken-utf8"]} == broken


def stacks_with(module):
    """The stacks that serve this file of exhibits/frameworks: they know what it needs."""
    return [stack for stack in annexes.FRAMEWORKS if f"frameworks.{module}:" in stack.processes[0].command]


SAMPLE = [(each, stacks[number % len(stacks)]) for number, each in enumerate(annexes.MET)
          for stacks in [matrix.servers(each.interface)]]


@pytest.mark.hall
@pytest.mark.parametrize(("framework", "stack"), SAMPLE, ids=lambda each: each.name)
def test_a_cell_of_the_matrix_is_as_it_was(framework, stack):
    """One server for each framework, another one each time; all of them are asked where the matrix is made."""
    require(stack, *stacks_with(framework.module))
    for where, mount in matrix.MOUNTS.items():
        found = matrix.meet(framework, stack, {where: mount})[where]
        assert found.keys() == drawn.read()["cells"][framework.name][stack.name][where].keys(), found


ON_PORT = {"gunicorn": "--bind=127.0.0.1:{}", "hypercorn": "--bind=127.0.0.1:{}", "waitress-serve": "--port={}",
           "uvicorn": "--port={}", "granian": "--port={}", "sanic": "--port={}", "daphne": "--port={}",
           "python": "--port={}"}
COMMANDS = re.findall(rf"(?m)^(?:{'|'.join(ON_PORT)}) .*exhibits\.frameworks\..*$",
                      (ROOT / "docs/frameworks.md").read_text(encoding="utf-8"))


def test_each_framework_has_commands_of_two_servers():
    named = [command.rpartition(" ")[2] for command in COMMANDS]
    assert set(named) == {f"exhibits.frameworks.{each.module}:{each.program}" for each in annexes.MET} | {
        "exhibits.frameworks.in_aiohttp:main", "exhibits.frameworks.in_aiohttp:application"}
    both = {"in_django_wsgi", "in_django_asgi", "in_falcon", "in_aiohttp"}  # two programs, with a command each
    assert all(named.count(each) == 2 for each in named if each.partition(":")[0].rpartition(".")[2] not in both)


@pytest.mark.hall
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_serves(command, tmp_path):
    name, *words, target = command.split()
    require(*stacks_with(target.split(".")[-1].split(":")[0]))
    if not Path(sys.executable).with_name(name).exists():
        pytest.skip(f"{name} is not installed")
    port = free_port()
    program = subprocess.Popen(
        [Path(sys.executable).parent / name, *words, ON_PORT[name].format(port), target], cwd=ROOT,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GUESTBOOK": str(tmp_path / "guestbook.sqlite3")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: not is_free("127.0.0.1", port), 30)
        with Visitor("127.0.0.1", port, 30) as visitor:
            assert visitor.ask(request("GET", "/hello?name=Ada")).body == b"Hello, Ada!\n"
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
