"""`check`: servers of others, held to what a gateway has to do, by a command that its users type."""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import needed
from started import Started

from exhibits import catalog, contract, hard
from exhibits.backstage.checking import hardness, holding, tried
from exhibits.backstage.running import ROOT, CannotStart, eventually, foreign, version
from exhibits.catalog.parts import PARTS

pytestmark = pytest.mark.hall

RECIPES = tomllib.loads((ROOT / "docs/check/recipes.toml").read_text(encoding="utf-8"))["recipe"]
ODD = ROOT / "tests" / "programs" / "odd_server.py"
PACKAGES = {part.package: part for part in PARTS.values()}
OURS = ["python", "-m", "exhibits.wsgi.server", "--host", "{host}", "--port", "{port}", "museum_program"]


def environ(folder):
    scripts = Path(sys.executable).parent
    return {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "COLUMNS": "200",
            "PATH": f"{scripts}:{os.environ['PATH']}:/usr/sbin"}


def check(folder, *arguments, code=0, timeout=60):
    """What the command says; it leaves nothing: no process, no folder."""
    ended = subprocess.run([sys.executable, "-m", "exhibits", "check", *arguments], cwd=folder, env=environ(folder),
                           capture_output=True, text=True, timeout=timeout)
    assert ended.returncode in (code if isinstance(code, tuple) else (code,)), ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr and left_behind(folder) == []
    return ended.stderr if code == 2 else ended.stdout


def odd(kind, folder):
    """The command of one of `odd_server`'s; the folder in it is by what it is known."""
    return ["python", str(ODD), kind, "{port}", str(folder)]


def left_behind(folder):
    return [path.name for path in folder.glob("museum-*")] + [line for line in running() if str(folder) in line]


def running():
    return subprocess.run(["ps", "-eww", "-o", "pid,args"], capture_output=True, text=True).stdout.splitlines()


@pytest.fixture
def reachable():
    """A folder that all users can reach, as a temporary one of pytest's is not: Apache changes its user."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.parametrize("recipe", [pytest.param(recipe, id=recipe["name"]) for recipe in RECIPES])
def test_each_recipe_of_the_page_works(recipe, reachable):
    if "system" in recipe:
        needed(recipe["system"])
    for name in recipe.get("packages", ()):
        if version(PACKAGES[name]) is None:
            pytest.skip(f"{name} is not installed")
    if "file" in recipe:
        (reachable / recipe["file"]).write_text(recipe["text"])
    chosen = [word for name in ("contract/hello*", "rude/own-date") for word in ("--only", name)]
    how = ["--interface", recipe["interface"], "--carrier", recipe.get("carrier", "http")]
    said = check(reachable, *how, *chosen, "--json", "--", *shlex.split(recipe["command"]), code=(0, 1))
    verdicts = {name: found["verdict"] for name, found in json.loads(said)["findings"].items()}
    assert {name for name, verdict in verdicts.items() if verdict == "right"} >= {
        "contract/hello", "contract/hello-name", "contract/hello-utf8", "contract/hello-broken-utf8"}
    assert verdicts["rude/own-date"] in ("right", "tolerable", "wrong")


@pytest.mark.parametrize(("kind", "sentence"), [
    ("exits", "ended with exit code 3\n  the command: no such setting"),
    ("leaves", "exit code 0\n  A server has to stay in the foreground"),
    ("never_listens", r"nobody listens at 127.0.0.1:\d+ after 1 s"),
    ("listens_elsewhere", r"nobody listens at 127.0.0.1:\d+ after 1 s(; it listens at 127.0.0.1:\d+)?\n"),
    ("is_deaf", "connections are accepted, and GET /hello has no answer after 1 s"),
    ("prints_much", r"nobody listens at 127.0.0.1:\d+ after 1 s\n  the command: x"),
    ("answers_500", "GET /hello is answered with 500 and not 200"),
    ("cannot_read", "GET /hello is answered, and GET /entries with 500: the guestbook does not work here"),
    ("speaks_otherwise", r"GET /hello has no answer after 1 s, but b'SSH-2.0-Odd\\r\\n' comes, which is no HTTP"),
])
def test_a_server_that_cannot_be_started_gets_a_sentence(kind, sentence, tmp_path):
    wait = "1" if kind not in ("exits", "leaves") else "20"
    said = check(tmp_path, "--interface", "wsgi", "--wait", wait, "--", *odd(kind, tmp_path), code=2)
    assert re.search(f"^exhibits: .*{sentence}", said, re.DOTALL) and len(said) < 10_000


def test_a_server_that_answers_once_and_is_gone_gets_a_sentence(tmp_path):
    said = check(tmp_path, "--interface", "wsgi", "--only", "rude/own-date", "--",
                 *odd("ends_soon", tmp_path), "{app}", code=2)
    assert said == "exhibits: the server was there, and then took no connection: Connection refused\n"


def test_a_server_that_ends_is_started_again_and_then_let_be(tmp_path, monkeypatch):
    said = check(tmp_path, "--interface", "wsgi", "--only", "contract/he*", "--json", "--",
                 *odd("ends_soon", tmp_path), code=1)
    found = json.loads(said)["findings"].values()
    gone = [each["verdict"] for each in found if "the server is gone" in each["why"]]
    assert gone == 10 * ["poisons the next request"] and len(found) > 10
    assert {each["verdict"] for each in found if "the server is gone" not in each["why"]} == {"not asked"}


@pytest.mark.parametrize(("arguments", "sentence"), [
    ([], "A URL where the guestbook is served, or a command behind --"),
    (["gunicorn", "{port}"], "a command behind --"),
    (["http://127.0.0.1:1/", "--", "gunicorn", "{port}"], "one URL, or a command behind --"),
    (["http://127.0.0.1:1/"], "127.0.0.1 port 1: Connection refused"),
    (["https://127.0.0.1/"], "is not the address of a guestbook that speaks HTTP/1.1"),
    (["http://[::1"], "is not the address of a guestbook that speaks HTTP/1.1"),
    (["http://a..b/"], "'a..b' is no name of a machine"),
    (["http://127.0.0.1:x/"], "is not the address of a guestbook that speaks HTTP/1.1"),
    (["--", "python", "serve.py", "{port}"], "how does this server call a program? Say --interface wsgi"),
    (["--", "uvicorn", "{app}"], "where the server listens: {port} is filled in"),
    (["--carrier", "scgi", "--", "gunicorn", "{app}"], "{socket}, or {host} and {port} are filled in"),
    (["--interface", "cgi", "--carrier", "scgi", "--", "a", "{socket}"], "with cgi goes http or fastcgi"),
    (["--interface", "wsgi", "--", "no-such-server", "{port}"], "there is no program 'no-such-server'"),
    (["--only", "contract/helo", "--", "gunicorn", "{port}"], "Is it contract/hello"),
    (["--only", "hard/*", "--only", "soft", "--", "gunicorn", "{port}"], "no check here is named 'soft'"),
    (["--known", "nowhere.toml", "--", "gunicorn", "{port}"], "there is no file 'nowhere.toml'"),
    (["--junit", "nowhere/check.xml", "--", "gunicorn", "{port}"], "there is no folder 'nowhere'"),
    (["--wait", "never", "--", "gunicorn", "{port}"], "'never' is not a number of seconds"),
])
def test_what_is_typed_wrongly_gets_a_sentence(arguments, sentence, tmp_path):
    assert sentence in check(tmp_path, *arguments, code=2)


@pytest.mark.parametrize(("text", "sentence"), [
    ("rude/short", "known.toml"), ('"rude/short" = ""', "is the name of a check and why it is accepted"),
    ('"rude/shrt" = "who knows"', "there is no check 'rude/shrt' here"),
])
def test_a_list_of_what_is_known_that_cannot_be_read_gets_a_sentence(text, sentence, tmp_path):
    (tmp_path / "known.toml").write_text(text)
    assert sentence in check(tmp_path, "--known", "known.toml", "--", "gunicorn", "{port}", code=2)


WRONG, FINE = "rude/raises-base-exception-between", "contract/hello"


def test_what_is_known_is_held_strictly(tmp_path):
    """Against gunicorn, which answers a second time inside the answer that a BaseException ends."""
    command = ["--only", WRONG, "--only", FINE, "--", "gunicorn", "--bind", "{host}:{port}", "{app}"]
    said = check(tmp_path, *command, code=1)
    assert re.search(f"^wrong {WRONG}$", said, re.MULTILINE)
    assert r"GET /raises-base-exception-between HTTP/1.1\r\n" in said
    assert "RFC 9112" in said and "Not kept: 1 of 2" in said
    (tmp_path / "known.toml").write_text(f'"{WRONG}" = "its issue"')
    said = check(tmp_path, "--known", "known.toml", "--junit", "check.xml", *command)
    assert f"wrong {WRONG} known: its issue" in said and re.search("^Kept, ", said, re.MULTILINE)
    suites = {suite.get("name"): suite for suite in ElementTree.parse(tmp_path / "check.xml").getroot()}
    assert suites["rude"].get("failures") == "0" and suites["rude"].find("testcase/skipped").get("message") == (
        "known: its issue")
    (tmp_path / "known.toml").write_text(f'"{WRONG}" = "its issue"\n"{FINE}" = "long ago"')
    said = check(tmp_path, "--known", "known.toml", "--junit", "check.xml", *command, code=1)
    assert f"no longer {FINE}: accepted as known, and it is right now" in said
    suites = {suite.get("name"): suite for suite in ElementTree.parse(tmp_path / "check.xml").getroot()}
    assert suites["contract"].find("testcase/failure") is not None


def test_of_many_faults_the_bytes_of_the_first_are_shown(tmp_path):
    said = check(tmp_path, "--interface", "wsgi", "--only", "contract/[a-d]*", "--", *odd("greets", tmp_path), code=1)
    assert said.count("\n  asked: ") == 10 < len(re.findall(r"^(wrong|poisons the next request) contract/", said, re.M))
    assert "--only NAME shows the bytes of one" in said and len(said.splitlines()) < 300


def test_the_reports_say_what_was_checked_and_what_came_of_it(tmp_path):
    command = ["--only", WRONG, "--only", "rude/own-date", "--", "gunicorn", "--bind", "{host}:{port}", "{app}"]
    report = json.loads(check(tmp_path, "--json", "--junit", "check.xml", *command, code=1))
    assert report["kept"] is False and report["command"] == command[5:]
    assert report["versions"] == {"Python": ".".join(map(str, sys.version_info[:3])),
                                  "gunicorn": version(PARTS["gunicorn"])}
    assert report["counts"] == {"rude": {"right": 1, "wrong": 1}}
    found = report["findings"][WRONG]
    assert found["sent"].startswith(f"GET /{WRONG[5:]} HTTP/1.1\r\n")
    assert found["received"].startswith("HTTP/1.1 200 OK\r\n")
    assert found["section"] and found["asks"] and found["why"]
    (suite,) = ElementTree.parse(tmp_path / "check.xml").getroot()
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "rude", "tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    properties = {each.get("name"): each.get("value") for each in suite.find("properties")}
    assert properties["command"] == "gunicorn --bind {host}:{port} {app}"
    assert "HTTP/1.1 200 OK" in suite.find("testcase/failure").text


def test_every_check_is_listed(tmp_path):
    names = [line.partition("\t")[0] for line in check(tmp_path, "--list", "--interface", "wsgi").splitlines()]
    assert len(set(names)) == len(names) and names[: len(contract.CASES)] == [
        f"contract/{case.name}" for case in contract.CASES]
    assert "rude/ws-nothing" not in names and "hard/CL.TE" in names
    assert "rude/ws-nothing" in check(tmp_path, "--list", "--only", "rude", "--", "uvicorn", "{port}")


def test_a_url_is_asked_what_can_be_asked_there(run, tmp_path):
    exhibit = run(catalog.find("wsgi-ours"))
    report = json.loads(check(tmp_path, "--json", exhibit.base))
    verdicts = {name: found["verdict"] for name, found in report["findings"].items()}
    assert verdicts["contract/hello"] == verdicts["hard/CL.TE"] == "right"
    assert verdicts["rude/short"] == verdicts["contract/sign-form"] == "not asked"
    assert "the guestbook; a command behind --" in report["findings"]["rude/short"]["why"]
    mounted = run(catalog.find("wsgi-ours"), "/museum").base
    under = json.loads(check(tmp_path, "--json", "--only", "hard/CL.TE", mounted))
    assert under["counts"] == {"hard": {"not asked": 1}}


def test_without_a_program_to_exchange_none_is_rude(tmp_path):
    report = json.loads(check(tmp_path, "--json", "--interface", "wsgi", "--only", "rude/short", "--only", FINE,
                              "--", *OURS))
    assert report["counts"] == {"contract": {"right": 1}, "rude": {"right": 1}}
    fixed = [word.replace("museum_program", "exhibits.wsgi.app") for word in OURS]
    report = json.loads(check(tmp_path, "--json", "--interface", "wsgi", "--only", "rude/short", "--only", FINE,
                              "--", *fixed))
    assert report["counts"] == {"contract": {"right": 1}, "rude": {"not asked": 1}}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_leaves_nothing_however_it_ends(number, tmp_path):
    command = [sys.executable, "-m", "exhibits", "check", "--interface", "wsgi", "--", *odd("is_deaf", tmp_path)]
    with Started(tmp_path, *command, ready=None, cwd=tmp_path, environ=environ(tmp_path)) as started:
        started.until(lambda: any(str(tmp_path) in line and " check " not in line for line in running()))
        started.send_signal(number)
        assert started.wait(10) in (130, -number)
    assert eventually(lambda: not left_behind(tmp_path), 10) or left_behind(tmp_path) == []


# ---------------------------------------------------------------- its pieces


def test_braces_that_are_not_ours_stay():
    stack = foreign.stack(["python", "-c", "{'a': {host}}", "{port}{app}"], "wsgi", "http")
    with pytest.raises(CannotStart):
        foreign.stack(["python", "{ports}"], "wsgi", "http")
    words = [word.format(host="h", port=1) for word in shlex.split(stack.processes[0].command)]
    assert words[1:] == ["-c", "{'a': h}", "1museum_program:application"]


def test_a_url_where_something_else_than_http_is_spoken_says_so():
    def speak():
        sock, _ = listener.accept()
        with sock:
            sock.recv(65536)
            sock.sendall(b"SSH-2.0-Odd\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=speak).start()
        with pytest.raises(CannotStart, match=r"answered with b'SSH-2.0-Odd.*', which is no HTTP"):
            holding.Served("127.0.0.1", listener.getsockname()[1]).start().check()


def test_the_name_of_a_file_names_no_distribution():
    assert set(foreign.versions([sys.executable, "pytest_server.py"])) == {"Python"}


def test_a_python_may_say_more_than_it_is_asked(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import os; os.write(1, b'hello\\n\\xff\\n')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert set(foreign.versions([sys.executable, "server.py"])) == {"Python"}


class Mortal:
    """A server that one hard request ends. asked: how many at once, again and again; starts: how often it began."""

    def __init__(self, fatal):
        self.fatal, self.asked, self.starts = fatal, [], 0

    def start(self):
        self.starts += 1
        self.alive = True
        return contextlib.nullcontext(self)

    def judge(self, place, requests):
        assert place is self and self.alive
        self.asked.append(len(requests))
        self.alive = self.fatal not in [each.name for each in requests]
        return {each.name: hardness.Cell(hardness.RIGHT, "", (), "kept", b"came") for each in requests}


@pytest.mark.parametrize(("count", "fatal", "asked", "starts"), [
    (60, 30, [24, 24, *24 * [1], 12], 3), (50, 49, [24, 24, 2, 1, 1], 2),
])
def test_the_request_that_ends_a_server_is_found(monkeypatch, count, fatal, asked, starts):
    chosen = [check for name, check in holding.everything().items() if name.startswith("hard/")][-count:]
    server = Mortal(chosen[fatal].of.name)
    monkeypatch.setattr(hardness, "judge", server.judge)
    monkeypatch.setattr(holding, "why_gone", lambda place: "" if place.alive else "it ended")
    found = list(holding.hold_to_hard(server, chosen))
    assert [each.check for each in found] == chosen and {each.received for each in found} == {b"came"}
    assert [each.sent.endswith(hard.INNOCENT) for each in found] == [not each.of.rule.ends for each in chosen]
    assert [each.why for each in found if each.verdict != "right"] == ["the server is gone: it ended"]
    assert not found[fatal].kept
    assert (server.asked, server.starts) == (asked, starts)


def test_what_was_tried_is_of_servers_that_the_museum_does_not_have():
    named = {server["name"]: server for server in tried.servers()}
    results = tried.results()
    assert len(results) >= 6 and results.keys() <= named.keys()
    hall = {part.package for part in PARTS.values()}
    assert not {server["package"] for server in named.values()} & hall
    for result in results.values():
        assert result["versions"]["Python"] and sum(result["counts"]["contract"].values()) > 100
        for part, names in ("contract", result["contract"]), ("rude", result["rude"]), ("hard", result["hard"]):
            kept = sum(number for verdict, number in result["counts"][part].items()
                       if verdict in ("right", "tolerable", "not asked"))
            told = len(names) if part == "contract" else sum(map(len, names.values()))
            assert kept + told == sum(result["counts"][part].values())
