"""The command line as visitors use it: what it prints, how it ends, what it leaves behind."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request

import pytest
from conftest import each_stack, require

from exhibits import catalog
from exhibits.backstage.running import ROOT, eventually, free_port

WSGI = catalog.find("wsgi")


def exhibits(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "exhibits", *arguments], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, **more)  # fmt: skip


class Serving:
    """`python -m exhibits serve …`, with a temporary folder of its own to look into afterwards."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        environ = {**os.environ, "TMPDIR": str(folder)}
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "exhibits", "serve", *arguments, "--guestbook", str(folder / "book.sqlite3")],
            cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.said = ""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.popen.poll() is None:
            self.popen.terminate()
        self.popen.stdout.close()
        self.popen.wait(10)

    def read_until(self, pattern, seconds=20):
        """Read what it prints until the pattern is in it; return the match."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.said)):
            ready, _, _ = select.select([self.popen.stdout], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(self.popen.stdout.fileno(), 65536) if ready else b""
            assert chunk, f"no {pattern!r} in {self.said!r}"
            self.said += chunk.decode()
        return match

    def stop(self, number):
        """Send a signal; return the exit code and the seconds it took."""
        start = time.monotonic()
        self.popen.send_signal(number)
        self.popen.communicate(timeout=10)
        return self.popen.returncode, time.monotonic() - start

    def left_behind(self):
        """Run folders that remain, and processes that still work in one."""
        folders = [path.name for path in self.folder.glob("museum-*")]
        listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
        return folders + [line for line in listing.splitlines() if str(self.folder) in line]


@each_stack(stacks=catalog.defaults())
def test_serve_prints_what_runs_and_ctrl_c_leaves_nothing(stack, mount, tmp_path):
    require(stack)
    with Serving(tmp_path, stack.stage, "--port", str(free_port())) as serving:
        url = serving.read_until(r"(http://127\.0\.0\.1:\d+)/\n")[1]
        serving.read_until("Ctrl-C stops everything")
        for process in stack.processes:
            assert re.search(rf"{process.part} \d[\w.]*, pid \d+: ", serving.said)
        assert serving.said.count(url + "/") + serving.said.count(url.replace("http", "ws") + "/") == 4
        with urllib.request.urlopen(f"{url}/hello?name=log-me") as answer:
            assert answer.read() == b"Hello, log-me!\n"
        serving.read_until("/hello.name=log-me")  # each request is seen passing
        pids = [int(pid) for pid in re.findall(r"pid (\d+): ", serving.said)]
        code, seconds = serving.stop(signal.SIGINT)
        assert code == 0 and seconds < 2, (code, seconds)
        assert serving.left_behind() == []
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_stop_it_too(number, tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi", "--port", str(free_port())) as serving:
        serving.read_until("Ctrl-C stops everything")
        code, seconds = serving.stop(number)
        assert code == 0 and seconds < 2
        assert serving.left_behind() == []


def test_even_kill_9_leaves_nothing_for_long(tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi", "--port", str(free_port())) as serving:
        serving.read_until("Ctrl-C stops everything")
        assert serving.left_behind() != []
        serving.stop(signal.SIGKILL)
        assert eventually(lambda: serving.left_behind() == []), serving.left_behind()


def test_a_signal_while_it_starts_leaves_nothing(tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi", "--port", str(free_port())) as serving:
        assert eventually(lambda: list(tmp_path.glob("museum-*")))  # the first thing that is made
        assert serving.stop(signal.SIGINT)[0] == 0
        assert serving.left_behind() == []


def test_nobody_reading_our_output_is_no_traceback(tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi", "--port", str(free_port())) as serving:
        url = serving.read_until(r"(http://127\.0\.0\.1:\d+)/\n")[1]
        serving.read_until("Ctrl-C stops everything")
        serving.popen.stdout.close()
        urllib.request.urlopen(f"{url}/hello").close()  # a log line nobody reads
        assert serving.popen.wait(10) == 0
        assert serving.left_behind() == []
        serving.popen.stdout = open(os.devnull, "rb")


def test_a_port_in_use_is_said_in_one_sentence():
    require(WSGI)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = exhibits("serve", "wsgi", "--port", str(port))
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr == f"exhibits: port {port} on 127.0.0.1 is in use; choose another with --port, or none\n"


def test_the_default_port_falls_to_a_free_one(tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi") as first:
        first.read_until("Ctrl-C stops everything")
        with Serving(tmp_path, "wsgi") as second:
            second.read_until("Ctrl-C stops everything")
            assert "Port 8000 is in use, so a free one is taken." in second.said


def test_a_server_that_cannot_start_is_named_with_its_last_words(tmp_path):
    require(WSGI)
    ended = exhibits("serve", "wsgi", "--host", "192.0.2.1", "--port", "8000")  # an address nobody has (RFC 5737)
    assert ended.returncode in (1, 2) and "Traceback" not in ended.stderr
    folder = tmp_path / "no" / "such" / "folder"
    ended = exhibits("serve", "asgi", "--guestbook", str(folder / "book.sqlite3"), "--port", str(free_port()))
    assert ended.returncode == 1
    assert ended.stderr.startswith("exhibits: asgi-uvicorn: uvicorn ended with exit code 3\n")
    assert "unable to open database file" in ended.stderr


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("serve", "wsgii"), "there is no stage or stack 'wsgii'. Did you mean wsgi?"),
    (("serve", "jsgi3"), "stages: cgi, fastcgi, scgi, wsgi, uwsgi, asgi"),
    (("serve", "asgi", "--server", "waitress"), "asgi has no server 'waitress'; it has uvicorn, "),
    (("serve", "asgi", "--port", "99999"), "'99999' is not a port: a number from 1 to 65535"),
    (("serve", "asgi", "--mount", "museum"), "'museum' is not a mount point"),
    (("wire", "fastcgi-ajp"), "fastcgi-ajp stands in the hall, where no taps are; there are some at fastcgi-flup, "),
    (("wire", "framework-flask"), "framework-flask stands in the hall, where no taps are; there are some at cgi-ours"),
    (("serve", "bridge-asgi-in-wsgi", "--hello"), "bridge-asgi-in-wsgi has one program, and none that is smaller"),
    (("compare", "--stacks", "asgi,psgi"), "there is no stage or stack 'psgi'"),
])  # fmt: skip
def test_a_wrong_argument_gets_a_sentence_and_exit_code_2(arguments, sentence):
    ended = exhibits(*arguments)
    assert ended.returncode == 2 and sentence in ended.stderr and "Traceback" not in ended.stderr


@each_stack(stacks=catalog.defaults())
def test_once_shows_the_tour_and_stops(stack, mount):
    require(stack)
    ended = exhibits("serve", stack.stage, "--once", "--mount", "/museum")
    assert ended.returncode == 0, ended.stderr
    for sentence in ("Hello, Jürgen!", "Thank you for signing.", '"name":"Grace"', "line 3 of 3"):
        assert sentence in ended.stdout


def test_list_says_what_can_run():
    described = json.loads(exhibits("list", "--json").stdout)
    assert [stack["stack"] for stack in described] == [stack.name for stack in catalog.EVERYTHING]
    for stack in described:
        assert stack["runs"] == (not stack["missing"])
        assert stack["runs"] == all(part["version"] for part in stack["parts"])
    listed = exhibits("list", env={**os.environ, "COLUMNS": "200"}).stdout
    assert all(stack.name in listed for stack in catalog.EVERYTHING)


def test_every_part_is_asked_for_where_it_is_installed():
    """A stack is a few lines of the catalog, and what its parts need: here is who forgot the latter."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    groups = ("base", "grid", "hall", "bridges", "frameworks")
    lines = [line for group in groups for line in pyproject[group] if isinstance(line, str)]
    assert {part.package for part in catalog.PARTS.values() if part.package} <= {line.split()[0] for line in lines}
    apt = (ROOT / ".ci" / "apt.txt").read_text().split()
    assert {part.apt for part in catalog.PARTS.values() if part.apt} <= set(apt)


def test_compare_finds_all_stages_alike():
    require(*catalog.defaults())
    ended = exhibits("compare", "/hello?name=Ada", "--stacks", "cgi,fastcgi,scgi,wsgi,uwsgi,asgi", "--json")
    found = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert [answer["stack"] for answer in found["answers"]] == [stack.name for stack in catalog.defaults()]
    assert all(answer["identical"] and answer["body"] == "Hello, Ada!\n" for answer in found["answers"])


def test_compare_knows_a_known_difference_from_a_new_one():
    require(*map(catalog.find, ("wsgi", "asgi", "uwsgi-gunicorn")))
    stacks = ("--stacks", "wsgi,asgi,uwsgi-gunicorn")
    known = exhibits("compare", "/request/100%2525", *stacks)
    assert known.returncode == 0 and "decoded twice" in " ".join(known.stdout.split())
    unexplained = exhibits("compare", "/request/50%2525", *stacks)
    assert unexplained.returncode == 1


def test_compare_sends_methods_fields_and_data():
    require(WSGI)
    sent = ("-X", "PUT", "-H", "Content-Type: text/x", "-d", "é")
    ended = exhibits("compare", "/echo", "--stacks", "wsgi", "--json", *sent)
    answer = json.loads(ended.stdout)["answers"][0]
    assert answer["body"] == "é" and ["content-type", "text/x"] in answer["headers"]
