"""The command line as visitors use it: what it prints, how it ends, what it leaves behind."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request

import pytest
from conftest import each_stack, require
from started import Serving

from exhibits import catalog
from exhibits.backstage.running import ROOT, eventually, free_port
from exhibits.backstage.verbs import comparing

pytestmark = pytest.mark.hall

WSGI = catalog.find("wsgi")


def exhibits(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "exhibits", *arguments], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, **more)


def test_a_locale_that_knows_ascii_only_does_no_harm(tmp_path):
    """Neither to a picture nor to configurations, with letters of elsewhere in a path."""
    require(catalog.find("fastcgi"))
    (tmp_path / "über").mkdir()
    environ = {**os.environ, "TMPDIR": str(tmp_path / "über"), "LC_ALL": "C", "PYTHONUTF8": "0",
               "PYTHONCOERCECLOCALE": "0"}
    ended = exhibits("compare", "/hello?name=日", "--stacks", "fastcgi-ours,cgi-ours", "--svg", tmp_path / "a.svg",
                     env=environ)
    assert ended.returncode == 0, ended.stderr
    assert "日" in (tmp_path / "a.svg").read_text(encoding="utf-8")


@each_stack(stacks=catalog.defaults())
def test_serve_prints_what_runs_and_ctrl_c_leaves_nothing(stack, mount, tmp_path):
    require(stack)
    with Serving(tmp_path, stack.stage, "--port", str(free_port())) as serving:
        url = serving.wait_for(r"(http://127\.0\.0\.1:\d+)/\n")[1]
        serving.wait_for("Ctrl-C stops everything")
        for process in stack.processes:
            assert re.search(rf"{process.part} \d[\w.]*, pid \d+: ", serving.said)
        assert serving.said.count(url + "/") + serving.said.count(url.replace("http", "ws") + "/") == 4
        with urllib.request.urlopen(f"{url}/hello?name=log-me") as answer:
            assert answer.read() == b"Hello, log-me!\n"
        serving.wait_for("/hello.name=log-me")  # each request is seen passing
        pids = [int(pid) for pid in re.findall(r"pid (\d+): ", serving.said)]
        code, seconds = serving.interrupt(signal.SIGINT)
        assert code == 0 and seconds < 2, (code, seconds)
        assert serving.left_behind() == []
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_stop_it_too(number, tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi", "--port", str(free_port())) as serving:
        serving.wait_for("Ctrl-C stops everything")
        code, seconds = serving.interrupt(number)
        assert code == 0 and seconds < 2
        assert serving.left_behind() == []


def test_even_kill_9_leaves_nothing_for_long(tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi", "--port", str(free_port())) as serving:
        serving.wait_for("Ctrl-C stops everything")
        assert serving.left_behind() != []
        serving.stop(signal.SIGKILL)
        assert eventually(lambda: serving.left_behind() == []), serving.left_behind()


def test_a_signal_while_it_starts_leaves_nothing(tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi", "--port", str(free_port())) as serving:
        assert eventually(lambda: list(tmp_path.glob("museum-*")))  # the first thing that is made
        assert serving.stop(signal.SIGINT) == 0
        assert serving.left_behind() == []


def test_nobody_reading_our_output_is_no_traceback(tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi", "--port", str(port := free_port()), stdout=subprocess.PIPE) as serving:
        assert any(b"Ctrl-C stops everything" in line for line in serving.stdout)
        serving.stdout.close()
        urllib.request.urlopen(f"http://127.0.0.1:{port}/hello").close()  # a log line nobody reads
        assert serving.wait(10) == 0
        assert serving.left_behind() == []


@pytest.mark.parametrize(("size", "arguments", "sentence"), [
    (4096, ("compare", "--stacks", "cgi"), "in /.*: the disk "),  # the contract makes a guestbook to compare with
    (50_000, ("serve", "cgi", "--server", "http.server", "--once"), r"\[Errno 27\] File too large: '/.*'"),
])
def test_where_there_is_no_room_a_sentence_says_so(size, arguments, sentence):
    done = exhibits(*arguments, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    assert done.returncode == 1 and re.fullmatch(f"exhibits: {sentence}.*\n", done.stderr)


def test_a_port_in_use_is_said_in_one_sentence():
    require(WSGI)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = exhibits("serve", "wsgi", "--port", str(port))
    assert ended.returncode == 2 and ended.stdout == ""
    assert re.fullmatch(rf"exhibits: port {port} on 127.0.0.1 is in use( by .* \(pid {os.getpid()}\))?; "
                        r"choose another with --port, or none\n", ended.stderr)


def test_the_default_port_falls_to_a_free_one(tmp_path):
    require(WSGI)
    with Serving(tmp_path, "wsgi") as first:
        first.wait_for("Ctrl-C stops everything")
        with Serving(tmp_path, "wsgi", log="second log") as second:
            second.wait_for("Ctrl-C stops everything")
            assert "Port 8000 is in use, so a free one is taken." in second.said


def test_a_server_that_cannot_start_is_named_with_its_last_words(tmp_path):
    require(WSGI)
    ended = exhibits("serve", "wsgi", "--host", "192.0.2.1", "--port", "8000")  # an address nobody has (RFC 5737)
    assert ended.returncode in (1, 2) and "Traceback" not in ended.stderr
    (tmp_path / "program.py").write_text("def app(environ, start_response): ...")
    ended = exhibits("serve", "wsgi", "--app", f"{tmp_path}/program.py:app", "--port", str(free_port()),
                     env={**os.environ, "GUNICORN_CMD_ARGS": "--nonsense"})
    assert ended.returncode == 1
    assert ended.stderr.startswith("exhibits: wsgi-gunicorn: gunicorn ended with exit code 2\n")
    assert "unrecognized arguments: --nonsense" in ended.stderr


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("serve", "wsgii"), "there is no stage or stack 'wsgii'. Did you mean wsgi?"),
    (("serve", "jsgi3"), "stages: cgi, fastcgi, scgi, wsgi, uwsgi, asgi"),
    (("serve", "wsgi", "--sever", "waitress"), "unrecognized arguments: --sever waitress. Did you mean --server?"),
    (("list", "wsgi"), "list: error: unrecognized arguments: wsgi\n"),
    (("serve", "asgi", "--server", "waitress"), "asgi has no server 'waitress'; it has uvicorn, "),
    (("serve", "asgi", "--port", "99999"), "'99999' is not a port: a number from 1 to 65535"),
    (("serve", "asgi", "--mount", "museum"), "'museum' is not a mount point"),
    (("wire", "fastcgi-ajp"), "fastcgi-ajp stands in the hall, where no taps are; there are some at fastcgi-flup, "),
    (("serve", "fastcgi-ajp", "--trace"), "stands in the hall, where no taps are"),
    (("serve", "wsgi", "--trace", "--app", "blog:app"), "--app, --reload and --once do not go with it"),
    (("wire", "cgi", "--websocket"), "cgi-ours carries no WebSocket"),
    (("wire", "framework-flask"), "framework-flask stands in the hall, where no taps are; there are some at cgi-ours"),
    (("serve", "bridge-asgi-in-wsgi", "--hello"), "bridge-asgi-in-wsgi has one program, and none that is smaller"),
    (("compare", "--stacks", "asgi,psgi"), "there is no stage or stack 'psgi'"),
])
def test_a_wrong_argument_gets_a_sentence_and_exit_code_2(arguments, sentence):
    ended = exhibits(*arguments)
    assert ended.returncode == 2 and sentence in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [
    ("serve", "cgi", "--app", "x\x1b[31m"),
    ("serve", "wsgi", "--guestbook", "/x\x1b[31m/y"),
    ("serve", "wsgi", "--app", "x\x1b[31m.py:app"),
    ("compare", "/", "x\x1b[31m"),
    ("\x1b[31m",),
    ("compare", "-H", "x\x1b[31m"),
])
def test_what_was_typed_does_not_steer_the_terminal(arguments):
    ended = exhibits(*arguments)
    assert ended.returncode in (1, 2) and "\\x1b[31m" in ended.stderr and "\x1b" not in ended.stderr


@each_stack(stacks=catalog.defaults())
def test_once_shows_the_tour_and_stops(stack, mount):
    require(stack)
    ended = exhibits("serve", stack.stage, "--once", "--mount", "/my-mus_eum.of~1993/x")
    assert ended.returncode == 0, ended.stderr
    for sentence in ("Hello, Jürgen!", "Thank you for signing.", '"name":"Grace"', "line 3 of 3"):
        assert sentence in ended.stdout


def test_list_says_what_can_run():
    described = json.loads(exhibits("list", "--json").stdout)
    assert [stack["stack"] for stack in described] == [stack.name for stack in catalog.EVERYTHING]
    for stack in described:
        assert stack["runs"] == (not stack["missing"])
        assert stack["runs"] == all(part["version"] for part in stack["parts"])
    for more in ((), ("--parts",)):
        listed = exhibits("list", *more).stdout
        assert all(f"  {stack.name} " in listed for stack in catalog.EVERYTHING)
        assert ("gunicorn 2" in listed) == bool(more)
    rows = [line for line in exhibits("list").stdout.splitlines() if line.startswith("  ")]
    assert len(rows) == len(catalog.EVERYTHING) and max(map(len, rows)) <= 80
    of_one = json.loads(exhibits("list", "--stage", "SCGI", "--json").stdout)
    assert [stack["stack"] for stack in of_one] == [stack.name for stack in catalog.stacks_of("scgi")]
    assert exhibits("list", "--stage", "psgi").returncode == 2


def test_what_does_not_know_its_width_is_printed_to_all_the_same():
    done = subprocess.run([sys.executable, "-m", "exhibits", "list", "--stage", "cgi"], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, "COLUMNS": "0"})
    assert done.returncode == 0 and "cgi-ours" in done.stdout


def test_every_part_is_asked_for_where_it_is_installed():
    """A stack is a few lines of the catalog, and what its parts need: here is who forgot the latter."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    groups = ("base", "servers", "hall", "bridges", "frameworks")
    lines = [line for group in groups for line in pyproject[group] if isinstance(line, str)]
    assert {part.package for part in catalog.PARTS.values() if part.package} <= {line.split()[0] for line in lines}
    servers = [line.split()[0] for group in groups[:2] for line in pyproject[group] if isinstance(line, str)]
    for stack in catalog.main_stacks():  # what the sessions compare and wire start
        assert set(stack.packages) <= set(servers), stack.name
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


def test_compare_calls_nothing_identical_where_no_two_agree():
    require(*map(catalog.find, ("wsgi", "asgi")))
    ended = exhibits("compare", "/gateway", "--stacks", "wsgi,asgi")
    assert ended.returncode == 1 and "No two of them gave the same answer." in ended.stdout
    assert "identical" not in ended.stdout
    found = json.loads(exhibits("compare", "/gateway", "--stacks", "wsgi,asgi", "--json").stdout)["answers"]
    assert [answer["identical"] for answer in found] == [False, False]


def test_compare_does_not_ask_in_http_2_what_cannot_be_said_there():
    require(*map(catalog.find, ("asgi-ours", "asgi-hypercorn-tls")))
    ended = exhibits("compare", "-H", "Content-Length: x", "--stacks", "asgi-ours,asgi-hypercorn-tls", "--json")
    found = json.loads(ended.stdout)
    assert [(each["stack"], each["status"]) for each in found["answers"]] == [("asgi-ours", 400)]
    assert found["not_asked"] == {
        "asgi-hypercorn-tls": ["HTTP/2 cannot say this request: bad Content-Length"]} and ended.returncode == 0


def test_compare_goes_on_where_a_stack_is_gone(monkeypatch):
    def gone(self):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(comparing.Exhibit, "__enter__", gone)
    assert comparing.ask(catalog.find("wsgi"), b"").trouble == "[Errno 111] Connection refused"


def test_compare_judges_each_answer_whatever_the_others_say():
    require(*map(catalog.find, ("wsgi", "fastcgi", "wsgi-wsgiref")))
    ended = exhibits("compare", "-X", "HEAD", "/stream", "--stacks", "wsgi,fastcgi,wsgi-wsgiref", "--json")
    first, flup, wsgiref = json.loads(ended.stdout)["answers"]
    assert ended.returncode == 0 and first["identical"]
    assert flup["differs"] == ["content-length 0, and GET has 36 (RFC 9110 section 8.6)"] and flup["known_difference"]
    assert wsgiref["differs"][0].startswith("HTTP/1.0 in the status line") and wsgiref["known_difference"]


def test_compare_sends_methods_fields_and_data():
    require(WSGI)
    sent = ("-X", "PUT", "-H", "Content-Type: text/x", "-d", "é")
    ended = exhibits("compare", "/echo", "--stacks", "wsgi", "--json", *sent)
    answer = json.loads(ended.stdout)["answers"][0]
    assert answer["body"] == "é" and ["content-type", "text/x"] in answer["headers"]
