"""What `serve` says and does besides serving: its greeting, --open, --reload."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from conftest import each_stack, require
from started import Serving

from exhibits import catalog
from exhibits.asking import request
from exhibits.backstage.running import ROOT, CannotStart, Exhibit, eventually, free_port
from exhibits.backstage.site.files import settings
from exhibits.backstage.verbs import greeting, reloading, serving
from exhibits.backstage.visiting import Visitor

pytestmark = pytest.mark.hall

WSGI = catalog.find("wsgi")
INDENTED = re.compile(r"^  (?:[a-z ]{11} )?((?:curl|/|\.\w+/|python).*)$", re.M)


def greeted(folder, *arguments):
    """What was said, with the exhibit running in the block."""
    serving = Serving(folder, *arguments, "--port", str(free_port()))
    serving.wait_for("Ctrl-C stops everything")
    return serving


@each_stack(stacks=catalog.defaults())
def test_what_the_greeting_says_works_when_pasted(stack, mount, tmp_path):
    require(stack)
    with greeted(tmp_path, stack.stage) as serving:
        commands = INDENTED.findall(serving.said)
        assert len(commands) >= 5
        for command in commands:
            if "curl" not in command and stack is not WSGI:  # each of these starts an exhibit: at one stage all do
                assert catalog.find(command.split()[-1])
                continue
            if " serve " in command:
                command += " --once"
            if command.endswith("/events"):
                command += " -m 1 -o /dev/null || true"
            ended = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60)
            assert ended.returncode == 0, (command, ended.stderr)
        page = re.search(rf"{greeting.SITE}(\S*)/", serving.said)[1]
        assert (ROOT / "docs" / f"{page}.md").is_file()
        said = serving.said[serving.said.index(f"{catalog.stage(stack.stage).title}: ") : serving.said.index("Ctrl-C")]
        assert len([line for line in said.splitlines() if line.strip()]) <= 16
        (program,) = re.findall(r"The program is (\S+)", said)
        assert (ROOT / program).name == "app.py" and (ROOT / program).is_file()


def test_any_name_of_a_file_is_shown_as_it_is_and_steers_nothing(tmp_path):
    require(WSGI)
    folder = tmp_path / "a [bold]b[%s] \x1b[31m"
    folder.mkdir()
    with greeted(folder, "wsgi") as serving:
        assert "/a [bold]b[%s] \\x1b[31m/book.sqlite3;" in serving.said and "\x1b" not in serving.said
        assert serving.said.startswith("WSGI: ")  # no line of the log comes before


@pytest.mark.parametrize(("stack", "title"), [
    ("framework-flask", "Flask, a framework for WSGI, behind gunicorn"),
    ("framework-django-asgi", "Django, a framework for ASGI, behind uvicorn"),
    ("framework-sanic", "Sanic behind its own server"),
    ("framework-tornado-wsgi", "tornado-wsgi behind Tornado"),
    ("bridge-wsgi-in-asgi", "wsgi-in-asgi behind uvicorn"),
    ("bridge-wsgi-as-cgi", "wsgi-as-cgi behind our CGI server"),
    ("asgi-hypercorn", "ASGI"),
])
def test_frameworks_and_bridges_name_themselves(stack, title):
    assert greeting.title(catalog.find(stack)) == title


@each_stack(stacks=[stack for stack in catalog.EVERYTHING if not stack.encrypted])
def test_each_program_has_a_source(stack, mount):
    """Found in the commands, which are data: no exhibit has to run for that."""
    from exhibits.backstage.running import Exhibit

    exhibit = Exhibit(stack, port=8000)
    exhibit.run, exhibit.inner, exhibit.guestbook = ROOT, 8001, ROOT
    file = greeting.source(exhibit)
    assert file.is_file() and file.parent.parent == ROOT / "exhibits"


def test_the_site_is_where_the_greeting_says():
    assert settings()["site_url"] == greeting.SITE


@pytest.mark.parametrize("browser", ["there", "missing"])
def test_open_calls_the_browser_that_is_there(browser, tmp_path, monkeypatch):
    require(WSGI)
    opened = tmp_path / "opened"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {shlex.quote(str(opened))}\n')
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{script} %s" if browser == "there" else "/no/such/browser %s")
    with greeted(tmp_path, "wsgi", "--open") as serving:
        url = re.search(r"http://127\.0\.0\.1:\d+/\n", serving.said)[0]
        if browser == "there":
            assert eventually(lambda: opened.exists() and opened.read_text() == url)
        assert serving.poll() is None


PROGRAM = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{}"]
"""


def answer(port):
    """The body of the response to GET /; None where nobody answers."""
    try:
        with Visitor("127.0.0.1", port) as visitor:
            return visitor.ask(request("GET", "/")).body.decode()
    except OSError:
        return None


def reloading_own(folder, work, stack, target, port):
    """A program in the folder `work`, as its owner serves it there with --reload."""
    command = [sys.executable, "-P", "-m", "exhibits", "serve", stack, "--app", target, "--reload", "--port", str(port)]
    return Serving(folder, command=command, cwd=work)


def test_reload_starts_anew_and_survives_what_is_wrong_meanwhile(tmp_path):
    require(catalog.find("wsgi-waitress"))  # gunicorn's processes import it one after the other
    work, port = tmp_path / "work", free_port()
    program = work / "program.py"
    work.mkdir()
    program.write_text(PROGRAM.format("one"))

    with reloading_own(tmp_path, work, "wsgi-waitress", "program:app", port) as serving:
        serving.wait_for("Ctrl-C stops everything")
        assert answer(port) == "one"
        program.write_text(PROGRAM.format("two"))
        serving.wait_for("program.py changed")
        assert eventually(lambda: answer(port) == "two")
        for wrong, sentence in ("def broken(", "line 1: '(' was never closed"), ("1/0", "ZeroDivisionError"):
            program.write_text(wrong)
            serving.wait_for(re.escape(sentence))
            assert answer(port) == "two", serving.said  # the old one goes on
        os.mkfifo(work / "pipe.py")  # whoever opens it waits for a writer
        program.write_text(PROGRAM.format("three"))
        assert eventually(lambda: answer(port) == "three")
        before = len(serving.said)
        shutil.rmtree(work)  # as for a moment when another branch is checked out
        serving.until(lambda: "Waiting for the next change" in serving.said[before:])
        work.mkdir()
        program.write_text(PROGRAM.format("four"))
        assert eventually(lambda: answer(port) == "four"), serving.said
        assert serving.stop(2) == 0 and serving.left_behind() == []


HELPED = """#!/usr/bin/env python3
import helper

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [helper.WORD.encode()]

if __name__ == "__main__":
    print(f"Content-Type: text/plain\\n\\n{helper.WORD}", end="")
"""


@pytest.mark.parametrize("stack, target", [("cgi-ours", "./program.py"), ("wsgi-waitress", "program:app")])
def test_reload_is_not_taken_in_by_bytecode(stack, target, tmp_path, monkeypatch):
    """Edits within a second, of the same size, are one file to what Python has compiled (PEP 552)."""
    require(catalog.find(stack))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")
    program, helper, port = tmp_path / "program.py", tmp_path / "helper.py", free_port()
    helper.write_text("WORD = 'one'\n")
    second = int(helper.stat().st_mtime)
    program.write_text(HELPED)
    program.chmod(0o755)
    with reloading_own(tmp_path, tmp_path, stack, target, port) as serving:
        serving.wait_for("Ctrl-C stops everything")
        for moment, word in enumerate(("one", "two", "six")):
            helper.write_text(f"WORD = {word!r}\n")
            os.utime(helper, ns=(0, second * 10**9 + moment))
            assert eventually(lambda: answer(port) == word), serving.said  # noqa: B023
        assert serving.stop(2) == 0


def test_a_program_is_looked_at_once(monkeypatch):
    looked = []

    def found(typed, stack, folder):
        looked.append(typed)

    def fails(self):
        raise CannotStart("not now")

    monkeypatch.setattr(serving.own, "find", found)
    monkeypatch.setattr(Exhibit, "__enter__", fails)
    options = SimpleNamespace(app="plain:app", trace=False, host="127.0.0.1", port=None, mount="", hello=False,
                              guestbook=None, allow_host=[], once=False, reload=False, open=False)
    assert serving.serve(catalog.find("wsgi-ours"), options) == 1 and looked == ["plain:app"]


def test_reload_looks_at_so_much_and_no_more(tmp_path, monkeypatch):
    for folder in (".git", "node_modules", "venv", "templates", "package", "backstage"):
        (tmp_path / folder).mkdir()
        for name in ("a.py", "b.html", "c.txt"):
            (tmp_path / folder / name).touch()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / "loop").symlink_to(tmp_path)

    class Program:
        path, file = tmp_path, None

    found, all_of_it = reloading.look(Program)
    assert all_of_it and {os.path.relpath(path, tmp_path) for path in found} == {
        f"{folder}/{name}" for folder in ("templates", "package", "backstage") for name in ("a.py", "b.html")}
    ours, all_of_it = reloading.look(None)
    assert all_of_it and ours and not any("/backstage/" in path for path in ours)
    monkeypatch.setattr(reloading, "MOST", 3)
    found, all_of_it = reloading.look(Program)
    assert len(found) <= 6 and not all_of_it


def test_reload_says_that_there_are_too_many_files_to_watch(tmp_path, monkeypatch):
    (tmp_path / "app.py").write_text("def application(environ, start_response):\n    start_response('200 OK', [])\n"
                                     "    return []\n")
    for number in range(30):
        (tmp_path / f"folder-{number}").mkdir()
    start = ("from exhibits.__main__ import main; from exhibits.backstage.verbs import reloading; "
             "reloading.MOST = 3; main()")
    command = [sys.executable, "-c", start, "serve", "wsgi-ours", "--app", "app:application", "--reload"]
    with Serving(tmp_path, command=command, cwd=tmp_path) as serving:
        serving.wait_for("Some files are not watched: there are more than 3 files and folders")


def test_once_and_what_needs_an_exhibit_that_stays():
    for option in "--open", "--reload":
        ended = subprocess.run([sys.executable, "-m", "exhibits", "serve", "wsgi", "--once", option], cwd=ROOT,
                               capture_output=True, text=True, timeout=30)
        assert ended.returncode == 2 and "do not go with --once" in ended.stderr


def test_commands_are_those_of_nox_where_nox_was_called(monkeypatch):
    from exhibits.backstage.verbs import pasting

    monkeypatch.setattr(pasting, "NOX", ".venv/bin/nox")
    assert pasting.serve(WSGI) == ".venv/bin/nox -s exhibit-wsgi"
    assert pasting.serve(catalog.find("wsgi-waitress")) == ".venv/bin/nox -s exhibit-wsgi -- waitress"
    assert pasting.serve(catalog.find("framework-flask")) == ".venv/bin/nox -s exhibit-framework"
    assert pasting.verb("wire", "cgi-ours") == ".venv/bin/nox -s wire -- cgi-ours"
