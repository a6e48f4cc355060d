"""What is installed, how old it may be, where systems put it; and processes that do not want to end."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import require

from exhibits import catalog
from exhibits.backstage.running import ROOT, Exhibit, eventually, installed, program
from exhibits.backstage.running.installed import modules
from exhibits.catalog.parts import Part
from exhibits.catalog.stacks import Process, Stack

pytestmark = pytest.mark.hall

CGI_APACHE = catalog.find("cgi-apache")


def script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("said", "new_enough"), [("1.22.1", False), ("1.23.0", True), ("1.23", True), ("1.9", False),
                                                  ("2.0.0", True)])
def test_a_program_that_is_too_old_is_passed_over(said, new_enough, tmp_path, monkeypatch):
    name = f"museum-{said}"
    found = script(tmp_path / name, f"echo nginx version: nginx/{said} >&2\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    part = Part(name, None, "https://museum.example/", programs=(name,), oldest=(1, 23))
    assert program(part) == (str(found) if new_enough else None)


def in_a_system_like(folder, httpd_root, do):
    """What a program prints, as JSON, where httpd is on PATH and says that this is its folder."""
    real = program(catalog.PARTS["Apache"])
    says = f"""case "$1" in -V) echo ' -D HTTPD_ROOT="{httpd_root}"' ;; *) exec {real} "$@" ;; esac\n"""
    for name in ("apache2", "httpd"):
        script(folder / name, says)
    ask = ("import json; from exhibits import catalog; from exhibits.backstage import running; "
           "from exhibits.backstage.running import installed; stack = catalog.find('cgi-apache'); ") + do
    environ = {**os.environ, "PATH": f"{folder}:/usr/bin:/bin"}
    ended = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, env=environ, capture_output=True, text=True,
                           timeout=60)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_apache_finds_its_modules_where_it_says_that_it_has_them(tmp_path):
    require(CGI_APACHE)
    (tmp_path / "modules").symlink_to(modules())
    said = in_a_system_like(tmp_path, tmp_path, "exhibit = running.Exhibit(stack)\nwith exhibit:\n"
                            "    print(json.dumps((exhibit.run / 'apache.conf').read_text()))")
    assert f"Define MODULES {tmp_path}/modules\n" in said and "/usr/lib/apache2" not in said


@pytest.mark.parametrize(("manager", "hint"), [
    ("apt", "apt install apache2-bin"), ("dnf", "dnf install httpd"), ("pacman", "pacman -S apache"),
    ("brew", "brew install httpd"),
])
def test_apache_without_modules_is_missing_with_the_hint_of_the_system(manager, hint, tmp_path):
    require(CGI_APACHE)
    ask = "installed.APACHE_MODULES = (); installed.manager = lambda: %r; print(json.dumps(running.missing(stack)))"
    said = in_a_system_like(tmp_path, tmp_path / "nowhere", ask % manager)
    assert said == [f"Apache is missing: {hint}"]


def test_in_nox_the_advice_is_a_session(monkeypatch):
    monkeypatch.setenv("MUSEUM_NOX", "nox")
    lacking = Stack("wsgi-none", "wsgi", "WSGI callable", "HTTP/1.1", (), needs=("none",))
    monkeypatch.setitem(catalog.PARTS, "none", Part("none", "no-such-package", "https://museum.example/"))
    with pytest.raises(Exception, match="none is missing: nox -s exhibit-wsgi -- --server none brings it"):
        Exhibit(lacking).__enter__()


DEAF = """
import os, signal, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])  # inherits the deaf ear

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"%d" % child.pid)

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_who_does_not_listen_to_sigterm_is_killed_with_its_children(tmp_path):
    (tmp_path / "deaf.py").write_text(DEAF)
    process = Process("Python", f"{{python}} {tmp_path}/deaf.py {{port}}", "HTTP")
    with Exhibit(Stack("wsgi-deaf", "wsgi", "WSGI callable", "HTTP/1.1", (process,))) as exhibit:
        with exhibit.visitor() as visitor:
            child = int(visitor.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").body)
        (_, popen, _) = exhibit.processes[0]
        os.kill(popen.pid, signal.SIGTERM)
        time.sleep(0.1)
        assert popen.poll() is None  # deaf indeed
        began = time.monotonic()
    assert popen.returncode == -signal.SIGKILL and time.monotonic() - began < 4
    assert eventually(lambda: not alive(child), 2)


LEAVING = """
import subprocess, sys
from http.server import HTTPServer, BaseHTTPRequestHandler
print(subprocess.Popen(["sleep", "30"], env={}, start_new_session=True).pid, flush=True)
HTTPServer(("127.0.0.1", int(sys.argv[1])), BaseHTTPRequestHandler).serve_forever()
"""


def test_who_has_left_his_group_and_his_environment_is_not_waited_for(tmp_path):
    """He holds the other end of what we read."""
    (tmp_path / "leaving.py").write_text(LEAVING)
    process = Process("Python", f"{{python}} {tmp_path}/leaving.py {{port}}", "HTTP")
    exhibit = Exhibit(Stack("wsgi-leaving", "wsgi", "WSGI callable", "HTTP/1.1", (process,)))
    exhibit.answers = lambda deadline: exhibit.status("/", 5) > 0
    with exhibit:
        began = time.monotonic()
    took, (_, left) = time.monotonic() - began, exhibit.lines[0]
    os.kill(int(left), signal.SIGKILL)
    assert took < 10


def test_a_program_that_does_not_say_how_old_it_is_counts_as_too_old(tmp_path, monkeypatch):
    monkeypatch.setattr(installed, "PATIENCE", 0.3)
    for name, text in ("museum-deaf", "exec sleep 30"), ("museum-broken", ""):
        found = script(tmp_path / name, text)
        if not text:
            found.write_bytes(b"\0")  # "Exec format error"
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        assert program(Part(name, None, "https://museum.example/", programs=(name,), oldest=(1, 23))) is None


def alive(pid):
    """Whether the process runs: a zombie that nobody has fetched yet does not."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(said) and not said.startswith("Z")
