"""The moves: both sides of each, started with the real servers and asked what the site says they answer."""

import asyncio
import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from environments import environment
from started import Started
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from exhibits import asking
from exhibits.backstage.recording.errors import INNER, PLACE, WRAPPED
from exhibits.backstage.running import ROOT, free_port
from exhibits.backstage.running.installed import modules, program
from exhibits.backstage.site import moves as site_moves
from exhibits.backstage.visiting import Visitor
from exhibits.catalog.parts import PARTS

pytestmark = pytest.mark.hall

MOVES = site_moves.moves()
SERVERS = [pytest.param(name, number, id=f"{name}-{number}", marks=pytest.mark.xdist_group(name))
           for name, move in MOVES.items() for number in range(len(move["server"]))]
FORM = "Content-Type: application/x-www-form-urlencoded"
PAGE = (ROOT / "docs" / "moves.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def scripts(tmp_path_factory):
    """The folder of the programs of an environment with the packages of a move, and no others."""
    made = {}

    def of(name):
        packages = tuple(MOVES[name]["packages"])
        if packages not in made:
            made[packages] = environment(tmp_path_factory.mktemp("moves") / "venv", packages).parent
        return made[packages]

    return of


@pytest.fixture
def folder():
    """A folder that another user can read: where root starts a front, such a one serves."""
    with tempfile.TemporaryDirectory(prefix="moves-", dir="/tmp") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextlib.contextmanager
def started(server, scripts, folder):
    """The port at which visitors ask a server of a move."""
    with contextlib.ExitStack() as stack:
        port = free_port()
        if "run" in server:
            name, *words = shlex.split(server["run"].format(port=port))
            # gunicorn waits 30 s, unless told otherwise, for live clients when it ends.
            environ = {"GUNICORN_CMD_ARGS": "--no-control-socket --graceful-timeout 1",
                       "PATH": f"{scripts}:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}
            stack.enter_context(Started(folder, scripts / name, *words, ready=port, environ=environ, cwd=ROOT))
        if "front" in server:
            port = stack.enter_context(fronted(site_moves.FOLDER / server["front"], port, folder))
        yield port


@contextlib.contextmanager
def fronted(file, inner, folder):
    """The port of a front with this configuration, whose program is at `inner`."""
    port, kind = free_port(), file.suffix[1:]
    command = {"nginx": [program(PARTS["nginx"]), "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr"],
               "apache": [program(PARTS["Apache"]), "-d", folder, "-f", folder / "apache.conf", "-DFOREGROUND"]}[kind]
    if kind == "apache":
        (folder / "modules").symlink_to(modules())
        for each in file.parent.glob("program.py"):
            (folder / each.name).write_text(each.read_text())
    # Debian's mod_wsgi has its sockets where only Debian's Apache may look.
    sockets = f"\n<IfModule wsgi_module>\nWSGISocketPrefix {PLACE}/wsgi\n</IfModule>" if kind == "apache" else ""
    text = WRAPPED[f"{kind}.conf"].format(text=file.read_text() + sockets)
    for shown, real in ((INNER, str(inner)), ("8080", str(port)), (PLACE, str(folder))):
        text = text.replace(shown, real)
    (folder / f"{kind}.conf").write_text(text)
    with Started(folder, *command, ready=port, log="front.log"):
        yield port


def answer(port, ask):
    """What comes of a question, as the site says it."""
    method, path, *form = ask["request"].split(" ", 2)
    headers = ask.get("headers", [])
    if method == "WebSocket":
        return talk(port, path, *form, dict(header.split(": ", 1) for header in headers))
    body = ask["body"].encode("latin-1") if "body" in ask else b"x" * ask.get("long", 0) or "".join(form).encode()
    headers = ["Connection: close", *headers, *([FORM] if form else [])]
    if ask.get("chunked"):
        headers, body = [*headers, "Transfer-Encoding: chunked"], b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    with Visitor("127.0.0.1", port, timeout=20) as visitor:
        got = visitor.ask(asking.request(method, path, *headers, body=body))
    first = got.body.decode().strip().partition("\n")[0]
    first = "" if first.startswith("<html>") else first  # a page of the server's own
    fields = [f"{name.title()}: {value}" for name, value in got.headers if name == ask.get("field", "").lower()]
    return "; ".join([f"{got.status} {first}".strip(), *fields])


def talk(port, path, message, headers):
    try:
        with connect(f"ws://127.0.0.1:{port}{path}", proxy=None, additional_headers=headers) as visitor:
            visitor.send(message)
            return visitor.recv(timeout=5)
    except InvalidStatus as refused:
        return f"{refused.response.status_code}, no WebSocket"


@pytest.mark.parametrize(("name", "number"), SERVERS)
def test_a_server_answers_as_the_site_says(name, number, scripts, folder):
    with started(MOVES[name]["server"][number], scripts(name), folder) as port:
        for ask in MOVES[name]["ask"]:
            with ThreadPoolExecutor(ask.get("at_once", 1)) as visitors:
                found = sorted(visitors.map(lambda _, ask=ask: answer(port, ask), range(ask.get("at_once", 1))))
            assert " · ".join(found) == ask["answers"][number], (ask, *(log.read_text() for log in folder.glob("*log")))


@pytest.mark.parametrize("name", MOVES)
def test_a_move_changes_something(name):
    for suffix in site_moves.suffixes(name):
        before, after = (site_moves.FOLDER / name / f"{stem}{suffix}" for stem in ("before", "after"))
        assert not (before.exists() and after.exists()) or before.read_text() != after.read_text()
    assert all(len(ask["answers"]) == len(MOVES[name]["server"]) for ask in MOVES[name]["ask"])


def test_every_move_is_on_the_page():
    for name in MOVES:
        assert f"```move\n{name}\n```" in PAGE
    assert {path.name for path in site_moves.FOLDER.iterdir() if [*path.glob("before.*")]} == {*MOVES}


def test_each_move_says_what_to_test_and_how_to_go_back():
    for section in re.split(r"(?m)^## ", PAGE)[1:]:
        if "```move\n" in section:
            assert "**What to test:**" in section and "**How to roll back:**" in section, section[:60]


MORE = {"type": "http.request", "body": b"ab", "more_body": True}


@pytest.mark.parametrize(("events", "sent"), [
    ([{"type": "http.request"}], b"0 bytes\n"),
    ([MORE, {"type": "http.request", "body": b"c"}], b"3 bytes\n"),
    ([MORE, {"type": "http.disconnect"}], None),
])
def test_the_loop_of_the_body_knows_optional_keys_and_an_early_leave(events, sent):
    from exhibits.moves.body.after import application

    said = []

    async def receive():
        return events.pop(0)

    async def send(event):
        said.append(event)

    asyncio.run(application({"type": "http"}, receive, send))
    assert not events and (said[-1]["body"] if said else None) == sent


def test_uvicorn_calls_its_workers_deprecated():
    found = subprocess.run([sys.executable, "-W", "error::DeprecationWarning", "-c", "import uvicorn.workers"],
                           capture_output=True, text=True)
    assert "The `uvicorn.workers` module is deprecated" in found.stderr


def test_a_session_of_flask_is_one_of_quart():
    import flask
    import quart

    old, new = flask.Flask("old"), quart.Quart("new")
    old.secret_key = new.secret_key = "of this test"

    @old.get("/")
    def sign():
        flask.session["name"] = "Ada"
        return ""

    @new.get("/")
    async def read():
        return quart.session.get("name", "")

    async def visit():
        signed = old.test_client().get("/").headers["Set-Cookie"].partition(";")[0]
        return await (await new.test_client().get("/", headers={"Cookie": signed})).get_data()

    assert asyncio.run(visit()) == b"Ada"


def test_on_event_is_deprecated_and_not_called_beside_a_lifespan():
    from fastapi import FastAPI

    told, events = [], [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    @contextlib.asynccontextmanager
    async def lifespan(application):
        told.append("lifespan")
        yield

    application = FastAPI(lifespan=lifespan)
    with pytest.warns(DeprecationWarning, match="on_event is deprecated, use lifespan event handlers instead"):
        application.on_event("startup")(lambda: told.append("on_event"))

    async def receive():
        return events.pop(0)

    async def send(event):
        told.append(event["type"])

    asyncio.run(application({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send))
    assert told == ["lifespan", "lifespan.startup.complete", "lifespan.shutdown.complete"]


# ---------------------------------------------------------------- gunicorn's options and their heirs


def by_gunicorn(words):
    from gunicorn.config import Config

    Config().parser().parse_args(words)


def by_uvicorn(words):
    from uvicorn.main import main

    main.make_context("uvicorn", [*words, "shop:application"])


def by_granian(words):
    from granian.cli import cli

    cli.make_context("granian", [*words, "shop:application"])


def by_uwsgi(words):
    help = subprocess.run([f"{sys.prefix}/bin/uwsgi", "--help"], capture_output=True, text=True).stdout
    known = set(re.findall(r"--[\w-]+", help))
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def by_waitress(words):
    from waitress.adjustments import Adjustments

    Adjustments.parse_args([*words, "shop:application"])


@pytest.mark.parametrize("server", site_moves.SERVERS)
def test_a_server_takes_its_options(server):
    parse = globals()[f"by_{server}"]
    for row in site_moves.options():
        for words in re.findall(r"`(--?[^`]+)`", row[server]):
            parse(words.split())
    with pytest.raises((Exception, SystemExit)):
        parse(["--no-such-option", "1"])
