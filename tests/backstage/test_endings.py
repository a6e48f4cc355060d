"""How commands end before their end: interrupted, left alone, with nobody to read them, at wrong arguments."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import require

from exhibits import catalog
from exhibits.__main__ import Unknown, parser, run
from exhibits.backstage.running import ROOT, eventually, free_port
from exhibits.backstage.running.ports import is_free
from exhibits.backstage.verbs.comparing import the_request
from tests.backstage.test_command_line import exhibits

pytestmark = pytest.mark.hall

VERBS = {
    "list": ("list",),
    "serve": ("serve", "wsgi-ours", "--once"),
    "compare": ("compare", "/hello", "--stacks", "wsgi-ours,cgi-ours"),
    "wire": ("wire", "cgi"),
}
# Where each verb is in its work: in its imports, starting a stack, asking, done.
MOMENTS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.9, 1.3)


@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_at_any_moment_ends_without_a_traceback(verb, tmp_path):
    require(catalog.find("cgi"))
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    for moment in MOMENTS:
        started = subprocess.Popen([sys.executable, "-m", "exhibits", *VERBS[verb]], cwd=ROOT, env=environ, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        time.sleep(moment)
        os.killpg(started.pid, signal.SIGINT)
        _, said = started.communicate(timeout=10)
        if "Traceback" in said and str(ROOT) not in said:
            continue  # Python itself had not come to our program yet
        assert "Traceback" not in said, (moment, said)
        assert started.returncode in (0, 130, -signal.SIGINT), (moment, said)
    assert eventually(lambda: not list(tmp_path.glob("museum-*")), 10)  # the guard tries again for 6.2 s


ENDED_WHILE_CLEANING_UP = """
import os, shutil
from exhibits import catalog
from exhibits.backstage.running import Exhibit

shutil.rmtree = lambda *_, **__: os._exit(0)
with Exhibit(catalog.find("wsgi-ours")):
    pass
"""


def test_nothing_is_left_where_the_end_comes_in_the_middle_of_cleaning_up(tmp_path):
    """As where Ctrl-C ends `compare`, whose threads are stopping their stacks."""
    subprocess.run([sys.executable, "-c", ENDED_WHILE_CLEANING_UP], cwd=ROOT, check=True, timeout=30,
                   env={**os.environ, "TMPDIR": str(tmp_path)})
    assert eventually(lambda: not list(tmp_path.glob("museum-*")), 10)


IN_A_CALLBACK = """
import signal, time, weakref
from exhibits.backstage import ending

ending.in_order()
names = {"signal": signal}
exec(compile("def callback(_): signal.raise_signal(signal.SIGINT)", "<frozen importlib._bootstrap>", "exec"), names)
thing = set()
watched = weakref.ref(thing, names["callback"])
try:
    del thing
    time.sleep(5)
except KeyboardInterrupt:
    print("heard")
"""


def test_ctrl_c_in_a_callback_of_an_import_is_heard():
    ended = subprocess.run([sys.executable, "-c", IN_A_CALLBACK], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert (ended.stdout, ended.stderr) == ("heard\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_who_started_it_goes_and_takes_it_along(number, tmp_path):
    """As Nox does, which knows nothing of the signals it gets."""
    require(catalog.find("wsgi"))
    port = free_port()
    serve = [sys.executable, "-m", "exhibits", "serve", "wsgi", "--port", str(port), "--guestbook",
             str(tmp_path / "book.sqlite3")]
    # These tests may themselves run in the background, whose jobs ignore Ctrl-C, and are meant to stay.
    program = ("import signal, subprocess; [signal.signal(number, signal.SIG_DFL) for number in "
               f"(signal.SIGINT, signal.SIGHUP)]; subprocess.run({serve!r})")
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT,
                              env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL,
                              start_new_session=True)
    assert eventually(lambda: not is_free("127.0.0.1", port))
    parent.send_signal(number)
    parent.wait()
    assert eventually(lambda: is_free("127.0.0.1", port), 4)
    assert eventually(lambda: not list(tmp_path.glob("museum-*")), 4)


def test_a_job_in_the_background_stays_when_its_shell_goes(tmp_path):
    require(catalog.find("wsgi"))
    port = free_port()
    command = f"'{sys.executable}' -m exhibits serve wsgi-ours --port {port} --guestbook '{tmp_path}/book' & echo $!"
    with open(tmp_path / "log", "w") as log:
        shell = subprocess.Popen(["sh", "-c", command], cwd=ROOT, stdout=log, stderr=log)
        shell.wait()
    pid = int((tmp_path / "log").read_text().split()[0])
    try:
        assert eventually(lambda: not is_free("127.0.0.1", port))
        time.sleep(1)
        assert not is_free("127.0.0.1", port)
    finally:
        os.kill(pid, signal.SIGTERM)
    assert eventually(lambda: is_free("127.0.0.1", port), 4)


@pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("compare", "/hello", "--stacks", "wsgi-ours"),
                                       ("wire", "cgi"), ("--help",)])
@pytest.mark.parametrize("output", ["| head -c 1", "> /dev/full", ">&-", ">&- 2>&-"])
def test_output_that_goes_nowhere_is_no_traceback(arguments, output):
    require(catalog.find("cgi"))
    if "/dev/full" in output and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    command = " ".join([f"'{sys.executable}' -m exhibits", *arguments, output])
    ended = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in ended.stderr and "Exception" not in ended.stderr, ended.stderr


@pytest.mark.parametrize(("typed", "sent"), [
    ("/日", "/%E6%97%A5"), ("/é", "/%C3%A9"), ("/a b", "/a%20b"), ("/a\nb", "/a%0Ab"), ("/a\x1bb", "/a%1Bb"),
    ("/\udcff", "/%FF"), ("/100%2525?a=[1]#x", "/100%2525?a=[1]%23x"), ("hello", "/hello"),
    ('/"<>\\^`{|}', "/%22%3C%3E%5C%5E%60%7B%7C%7D"),
])
def test_a_path_goes_out_as_a_browser_would_send_it(typed, sent):
    for verb in (["compare"], ["wire", "cgi"]):
        assert parser().parse_args([*verb, typed]).path == sent


def test_a_request_has_the_bytes_of_the_terminal():
    require(catalog.find("wsgi"))
    ended = exhibits("compare", "/日", "--stacks", "wsgi-ours", "--json", "-H", "X: 日", "-H", "Y:\udcff",
                     "-d", "日\udcff")
    head, _, body = json.loads(ended.stdout)["request"].partition("\r\n\r\n")
    assert head.startswith("POST /%E6%97%A5 HTTP/1.1\r\n")
    assert "X: 日" in head.encode("latin-1").decode("utf-8", "replace") and "Y:\xff" in head
    assert body.encode("latin-1") == "日".encode() + b"\xff"


def test_a_host_that_is_typed_takes_the_place_of_ours():
    for typed, sent in (["host:a", "X: 1"], b"Host: a\r\nX: 1"), (["X: 1", "Host: a", "Host: b"],
                                                                  b"Host: a\r\nX: 1\r\nHost: b"):
        options = parser().parse_args(["compare", *(word for each in typed for word in ("-H", each))])
        assert the_request(options) == b"GET /request HTTP/1.1\r\n%b\r\n\r\n" % sent


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("compare", "-H", "nothing"), "'nothing' is not a header field: 'NAME: VALUE'"),
    (("compare", "-H", "X Y: 1"), "is not a header field"),
    (("compare", "-H", "X: a\r\nY: b"), "the value of X holds a control character"),
    (("compare", "-X", "G ET"), "'G ET' is not a method"),
    (("compare", "-X", ""), "'' is not a method"),
    (("compare", "--svg", "/no/such/folder/x.svg"), "there is no folder '/no/such/folder'"),
    (("compare", "--svg", "/"), "'/' is a folder"),
    (("bench", "--output", "/no/such/folder/x.json"), "there is no folder '/no/such/folder'"),
    (("serve", "asgi", "--guestbook", ""), "'' is not the name of a file"),
    (("bench", "--rounds", "0"), "'0' is not a number from 1 to 9999"),
    (("bench", "--seconds", "nan"), "'nan' is not a number of seconds up to 3600"),
    (("serve", "asgi", "--mount", "/a/../b"), "'/a/../b' is not a mount point"),
    (("serve", "asgi", "--mount", "/a//b"), "'/a//b' is not a mount point"),
    (("serve", "asgi", "--mount", "/a b"), "'/a b' is not a mount point"),
    (("serve", "asgi", "--mount", "/\u00fcber"), "is not a mount point"),
    (("serve", "asgi", "--port", "9" * 5000), "is not a port"),
    (("serve", "asgi", "--port", "\u0663"), "is not a port"),
])
def test_a_wrong_argument_is_told_before_anything_is_done(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2 and sentence in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("grid", "--stacks", ""), ("compare", "--stacks", ""),
                                       ("compare", "--stacks", "cgi,")])
def test_an_empty_name_does_not_mean_all(arguments):
    with pytest.raises(Unknown, match="there is no stage or stack ''"):
        run(parser().parse_args(arguments))


def test_names_are_understood_in_capitals_and_a_typo_gets_the_nearest_only():
    require(catalog.find("wsgi"))
    assert exhibits("serve", "WSGI", "--server", "Ours", "--once").returncode == 0
    ended = exhibits("serve", "asgi-uvicron")
    assert "Did you mean asgi-uvicorn" in ended.stderr and len(ended.stderr) < 300


def test_wire_does_not_wait_for_an_answer_without_end():
    require(catalog.find("cgi"))
    began = time.monotonic()
    ended = exhibits("wire", "cgi", "/events?limit=2")
    assert ended.returncode == 0 and "The answer had no end within" in ended.stdout
    assert time.monotonic() - began < 30


OLD = "the museum needs Python 3.11 or newer; this is "


def test_an_old_python_gets_one_line(tmp_path):
    """The file that says so is read by all of them; here an old one is played by its version number."""
    program = ("import sys; sys.version_info = (3, 9); import runpy; "
               "runpy.run_module('exhibits', run_name='__main__')")
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1 and ended.stderr == OLD + "3.9\n"
    # A Nox that is older than this block demands would install another one before it reads the file further.
    assert '# dependencies = ["nox"]\n' in (ROOT / "noxfile.py").read_text()


def test_a_clone_without_any_package_says_what_to_do():
    ended = subprocess.run([sys.executable, "-S", "-m", "exhibits", "list"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1 and "nox -s exhibit-asgi" in ended.stderr and "Traceback" not in ended.stderr
