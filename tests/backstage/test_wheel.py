"""Without a clone: the wheel, installed in an environment with what it asks for and nothing else."""

import os
import re
import subprocess
import sys
import tomllib
import urllib.request
import zipfile

import pytest
from packaging.requirements import Requirement
from started import Serving
from test_doors import environment

from exhibits import catalog
from exhibits.backstage.running import ROOT, free_port

pytestmark = pytest.mark.hall

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of an environment with the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    python = environment(folder, [Requirement(line).name for line in PROJECT["dependencies"]])
    subprocess.run([python, "-m", "ensurepip"], check=True, capture_output=True, timeout=60)
    pip = [python, "-m", "pip", "install", "--no-index", "--no-compile", "--disable-pip-version-check", wheel]
    subprocess.run(pip, check=True, capture_output=True, timeout=60)
    return folder


def test_it_contains_the_rooms_with_their_files_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = subprocess.run(["git", "ls-files", "exhibits"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(ours.stdout.split()) <= names
    described = f"from_cgi_to_asgi-{PROJECT['version']}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"exhibits", described}


@pytest.mark.xdist_group("wheel")
def test_an_exhibit_starts_from_it_in_one_line(installed, tmp_path):
    environ = {"PATH": f"{installed}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    (library,) = installed.glob("lib/python*/site-packages")
    before = set(os.listdir(library))
    command = [installed / "bin" / "from-cgi-to-asgi", "serve", "asgi", "--port", str(free_port())]
    with Serving(tmp_path, command=command, cwd=tmp_path, environ=environ) as serving:
        url = serving.wait_for(r"http://127\.0\.0\.1:\d+/\n")[0].strip()
        serving.wait_for("Ctrl-C stops everything")
        with urllib.request.urlopen(f"{url}hello?name=wheel") as answer:
            assert answer.read() == b"Hello, wheel!\n"
        assert re.search(r"from-cgi-to-asgi wire asgi-uvicorn", serving.said)
        assert serving.stop(2) == 0
    assert set(os.listdir(library)) == before
    assert [path.name for path in tmp_path.rglob("guestbook.sqlite3")] == ["guestbook.sqlite3"]


@pytest.mark.xdist_group("wheel")
def test_the_museum_opens_from_it_with_all_of_its_lobby(installed, tmp_path):
    environ = {"PATH": f"{installed}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [installed / "bin" / "from-cgi-to-asgi", "museum", "--port", str(free_port())]
    with Serving(tmp_path, command=command, cwd=tmp_path, environ=environ) as serving:
        serving.wait_for("Ctrl-C stops everything")
        url = re.search(r"http://127\.0\.0\.1:\d+/", serving.said)[0]
        with urllib.request.urlopen(url) as answer:
            page = answer.read().decode()
        for name in re.findall(r'(?:src|href)="(lobby/[^"]+)"', page):
            with urllib.request.urlopen(url + name) as answer:
                assert answer.status == 200
        with urllib.request.urlopen(f"{url}asgi/hello?name=wheel") as answer:
            assert answer.read() == b"Hello, wheel!\n"
        assert "/wsgi/  closed: gunicorn is missing" in serving.said
        assert serving.stop(2) == 0


@pytest.mark.xdist_group("wheel")
@pytest.mark.parametrize(("arguments", "code", "sentence"), [
    (["serve", "cgi", "--once"], 0, "Hello, Jürgen!"),
    (["wire", "asgi"], 0, "http"),
    (["list"], 0, "asgi"),
    (["check", "--only", "contract/hello", "--", "uvicorn", "--port", "{port}", "{app}"], 0, "Kept"),
    (["serve", "wsgi"], 1, "gunicorn is missing: pip install gunicorn where this is installed, or uvx --with gunicorn"),
    (["record"], 2, "files that only a clone of the repository has"),
    (["grid"], 2, "files that only a clone of the repository has"),
    (["bench"], 2, "files that only a clone of the repository has"),
    (["--help"], 0, "from-cgi-to-asgi serve asgi "),
])
def test_its_verbs_work_or_say_what_they_need(arguments, code, sentence, installed, tmp_path):
    environ = {"PATH": f"{installed}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "COLUMNS": "200"}
    ended = subprocess.run([installed / "bin" / "from-cgi-to-asgi", *arguments], cwd=tmp_path, env=environ,
                           capture_output=True, text=True, timeout=60)
    assert ended.returncode == code and sentence in ended.stdout + ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_it_asks_for_agrees_with_the_groups():
    lines = {Requirement(line).name: line for line in GROUPS["servers"] + GROUPS["base"] if isinstance(line, str)}
    asked = set(PROJECT["dependencies"])
    assert asked == {lines[name] for name in ("h11", "rich", "uvicorn", "websockets")}
    extras = PROJECT["optional-dependencies"]
    assert set(extras["all"]) == set(lines.values()) - asked
    for stack in catalog.defaults():
        needed = {lines[package] for package in stack.packages} - asked
        assert set(extras.get(stack.stage, ())) == needed
