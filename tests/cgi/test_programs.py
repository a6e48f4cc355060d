"""Programs of others behind our CGI server: Git's, which is CGI's best known today, and a script in Perl."""

import contextlib
import os
import random
import subprocess
import sys
import urllib.request

import pytest
from conftest import needed
from started import Started

from exhibits.backstage.running import ROOT, eventually, free_port

pytestmark = pytest.mark.hall


@contextlib.contextmanager
def serving(folder, *command, **environ):
    """The address of our server with a program behind it; its log is in the file `log` of the folder."""
    port = free_port()
    variables = [f"--env={name}={value}" for name, value in environ.items()]
    command = [sys.executable, "-m", "exhibits.cgi.server", "--port", str(port), *variables, *command]
    with Started(folder, *command, cwd=ROOT) as server:
        yield f"http://127.0.0.1:{port}"
        assert server.stop() == 0
    assert "Traceback" not in server.said


@pytest.fixture
def git(tmp_path):
    """A function that runs git, without any settings but these."""
    program = needed("git")
    (tmp_path / "settings").write_text("[user]\nname = Ada\nemail = ada@museum.test\n[init]\ndefaultBranch = main\n")
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": str(tmp_path / "settings"), "GIT_CONFIG_NOSYSTEM": "1",
               "GIT_TERMINAL_PROMPT": "0", "HOME": str(tmp_path), "no_proxy": "*"}

    def run(*arguments, fails=False):
        done = subprocess.run([program, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True,
                              timeout=60)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("buffer", ["1048576000", "1000"], ids=["length", "chunked"])
def test_git_clones_and_pushes(git, tmp_path, buffer):
    """buffer: git sends in chunks what does not fit into it."""
    git("init", "--quiet", "--bare", "projects/museum.git")
    git("-C", "projects/museum.git", "config", "http.receivepack", "true")
    backend = f"{git('--exec-path').strip()}/git-http-backend"
    with serving(tmp_path, backend, GIT_PROJECT_ROOT=tmp_path / "projects", GIT_HTTP_EXPORT_ALL="") as address:
        assert "empty repository" in git("clone", f"{address}/museum.git", "first")
        for name, size in ("small", 3), ("large", 3_000_000):
            (tmp_path / "first" / name).write_bytes(random.Random(1).randbytes(size))
            git("-C", "first", "add", name)
            git("-C", "first", "commit", "--quiet", "--message", name)
            said = git("-C", "first", "-c", f"http.postBuffer={buffer}", "push", "-vv", "origin", "main")
            assert ("(chunked)" in said) == (buffer == "1000")
        git("clone", "--quiet", f"{address}/museum.git", "second")
        assert (tmp_path / "second" / "large").read_bytes() == (tmp_path / "first" / "large").read_bytes()
        (tmp_path / "second" / "small").write_text("changed")
        git("-C", "second", "commit", "--quiet", "--all", "--message", "changed")
        git("-C", "second", "push", "--quiet")
        git("-C", "first", "pull", "--quiet")
        assert (tmp_path / "first" / "small").read_text() == "changed"
        assert "not found" in git("clone", f"{address}/nothing.git", "third", fails=True)
        git("-C", "projects/museum.git", "fsck", "--strict")
    assert "POST /museum.git/git-receive-pack HTTP/1.1\" 200" in (tmp_path / "log").read_text()


def test_perl(tmp_path):
    (tmp_path / "script.pl").write_text(
        'read STDIN, $body, $ENV{CONTENT_LENGTH}; warn "to the log";\n'
        'print "Content-Type: text/plain\\n\\n$ENV{REQUEST_URI} $body\\n"; exit 3;\n'
    )
    with serving(tmp_path, needed("perl"), tmp_path / "script.pl") as address:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{address}/a%20b?c=d", b"x" * 100_000, timeout=10) as response:
            assert response.read() == b"/a%20b?c=d " + b"x" * 100_000 + b"\n"
        assert eventually(lambda: "exit code 3" in (tmp_path / "log").read_text())
    assert "to the log at" in (tmp_path / "log").read_text()
