"""Web servers in front: nothing but the program is reached through them, and what they hand on is true."""

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urljoin

import h11
import pytest
from conftest import each_stack, marks_of, require
from started import Serving

from exhibits import catalog
from exhibits.asking import request
from exhibits.backstage.running import ROOT, CannotStart, Exhibit, eventually, free_port
from exhibits.backstage.terminal import plain
from exhibits.backstage.visiting import Visitor
from exhibits.catalog.stacks import START, edited
from exhibits.contract import FORM

pytestmark = pytest.mark.hall

# Every stack in which somebody else's web server reads a configuration of ours, or reads a folder.
FRONTS = [
    stack for stack in catalog.EVERYTHING
    if stack.fixed_mount or any(name.endswith(".conf") for each in stack.processes for name in each.files)
]


def each_front(*mounts):
    """Parameters (stack, mount), with those of these mount points that a stack can have."""
    return pytest.mark.parametrize(("stack", "mount"), [
        pytest.param(stack, mount, id=stack.name + mount, marks=marks_of(stack, mount))
        for stack in FRONTS for mount in mounts
        if not (mount and stack.fixed_mount)
    ])


def test_every_kind_of_web_server_is_among_them():
    assert {process.part for stack in FRONTS for process in stack.processes} >= {"nginx", "Apache", "lighttpd"}


# ---------------------------------------------------------------- no file, no other program

SECRET = b"a secret of the caller's folder"
FILES = (".git/config", "run.py", "exhibits/cgi/form_of_1995.py",  # those of the caller are asked for in every way
         "nginx.conf", "apache.conf", "lighttpd.conf", "guestbook.sqlite3", "exhibits/guestbook.py", "empty/",
         "app.sock")
WAYS_UP = ("/", "//", "/./", "/../", "/../../../../../../..{cwd}/", "/%2e%2e/", "/.%2e/", "/..%2f", "/%2e%2e%2f",
           "/..\\", "/..%5c", "{mount}/../", "{mount}/%2e%2e/", "{mount}/..%2f", "{mount}%2f..%2f", "{mount}../",
           "{mount}s/", "{mount}//", "{mount}/app.py/../", "{mount}/%2fproc/self/cwd/",
           "http://museum.test/")
ENDINGS = ("", "/", "/behind", "%00", "%00.html", "%0a", "%0d%0aX: y", "%20", "~", "%2f", "?x", "%3fx", ";x", ".",
           "%ff")


@pytest.fixture
def folder_of_a_caller(tmp_path, monkeypatch):
    """The current folder, as a shell has it: with secrets, and programs that anybody can execute."""
    tmp_path.chmod(0o755)
    for name in (".git/config", "run.py", "app.py", "hello.py", "index.html", "exhibits/cgi/form_of_1995.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"#!/bin/sh\ntouch %s/ran; printf 'Content-Type: text/plain\\n\\n'; echo %s\n"
                         % (bytes(tmp_path), SECRET))
        file.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    return tmp_path


@each_front("", "/museum")
def test_nothing_but_the_program_is_reached(stack, mount, folder_of_a_caller):
    require(stack)
    with Exhibit(stack, mount=mount) as exhibit:
        places = {"cwd": folder_of_a_caller, "mount": exhibit.mount}
        ways = [way.format(**places) for way in WAYS_UP]
        targets = [ways[0] + file for file in FILES] + [way + file for way in ways[1:] for file in FILES[:3]]
        targets += [ways[0] + file + ending for file in FILES[:3] for ending in ENDINGS]
        targets += [f"{exhibit.mount}/{file}{ending}" for file in ("app.py", "hello.py") for ending in ENDINGS]
        targets += ["*", "", "nginx.conf", "../nginx.conf", f"file://{folder_of_a_caller}/run.py"]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda target: ask(exhibit, target), targets))
        known = {ask(exhibit, exhibit.mount + path).body for path in ("/", "/hello", "/nowhere", "/%ff")}
    for target, answer in zip(targets, answers, strict=True):
        assert SECRET not in answer.body, target
        assert not 200 <= answer.status < 300 or answer.body in known, (target, answer)
    assert not (folder_of_a_caller / "ran").exists()


def ask(exhibit, target, *headers):
    with exhibit.visitor(timeout=15) as visitor:
        return visitor.ask(request("GET", target, *headers, "Connection: close"))


@each_front("/museum")
def test_only_what_is_below_the_mount_point_reaches_the_program(run, stack, mount):
    exhibit = run(stack, mount)
    for target in ("/", "/hello", "/museums", "/museums/hello", "/museumhello", "/museum%0a", "/museum%0a/hello",
                   "/museum%00/hello", "/museum/../hello", "/museum/%2e%2e/hello", "/Museum/hello"):
        answer = ask(exhibit, target)
        assert answer.status in (400, 403, 404) and b"404 Not Found: " not in answer.body, (target, answer)


def test_an_edit_that_finds_nothing_is_an_error():
    stack = catalog.find("fastcgi-flup")
    front = stack.processes[-1]
    front = replace(front, edits=(*front.edits, ("no such text", "")))
    with pytest.raises(ValueError, match="no file of nginx holds 'no such text'"):
        Exhibit(replace(stack, processes=(front,))).__enter__()
    with pytest.raises(ValueError, match="not in"):
        edited("a command", "word", "other")


# ---------------------------------------------------------------- whose files they are

AS_ROOT = [stack for stack in catalog.STACKS if stack.drops_root]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's web server becomes somebody else")


def each_as_root(test):
    return pytest.mark.parametrize("stack", [
        pytest.param(stack, id=stack.name, marks=marks_of(stack)) for stack in AS_ROOT
    ])(needs_root(test))


def rights(*paths):
    return [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in paths]


@each_as_root
def test_a_guestbook_of_its_own_is_signed_by_nobody(stack):
    require(stack)
    with Exhibit(stack) as exhibit, exhibit.visitor() as visitor:
        for path in exhibit.run.rglob("*"):
            assert path.is_symlink() or not path.stat().st_mode & 0o002, path
        assert exhibit.run.stat().st_mode & 0o077 == 0
        answer = visitor.ask(request("POST", exhibit.mount + "/entries", FORM, body=b"name=Ada&message=Hello"))
        assert answer.status in (200, 303), answer
        assert b'"Ada"' in visitor.ask(request("GET", exhibit.mount + "/entries")).body


@each_as_root
def test_a_guestbook_that_nobody_can_write_is_refused_and_left_alone(stack, tmp_path):
    require(stack)
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    file = folder / "guestbook.sqlite3"
    file.touch(mode=0o600)
    before = rights(folder, file)
    for guestbook in file, folder / "none yet.sqlite3":
        with pytest.raises(CannotStart, match=r"nobody \(user 65534\), who cannot write .*--guestbook"):
            Exhibit(stack, guestbook=guestbook).__enter__()
    assert rights(folder, file) == before and list(folder.iterdir()) == [file]


@each_as_root
def test_a_guestbook_that_nobody_can_write_is_written_and_keeps_its_rights(stack):
    require(stack)
    with tempfile.TemporaryDirectory() as place:  # pytest's own folder is root's alone
        folder = Path(place)
        os.chown(folder, 65534, 65534)
        file = folder / "guestbook.sqlite3"
        file.touch(mode=0o600)
        os.chown(file, 65534, 65534)
        before = rights(folder, file)
        with Exhibit(stack, guestbook=file) as exhibit, exhibit.visitor() as visitor:
            visitor.ask(request("POST", exhibit.mount + "/entries", FORM, body=b"name=Ada&message=Hello"))
            assert b'"Ada"' in visitor.ask(request("GET", exhibit.mount + "/entries")).body
        assert rights(folder, file) == before


def test_a_length_that_is_not_true_leaves_the_next_answer_alone(run):
    stack = catalog.find("cgi-apache")
    require(stack)
    with Exhibit(stack) as exhibit:
        program = exhibit.run / "exhibits/cgi/app.py"
        for length in b"2", b"500":
            said = rb"Content-Type: text/plain\nContent-Length: %s\n\nthe body" % length
            program.write_bytes(b"#!/bin/sh\nprintf '%s'\n" % said)
            with exhibit.visitor() as visitor:
                answers = [visitor.ask(request("GET", path)) for path in ("/one", "/two")]
            assert [(answer.body, answer.complete) for answer in answers] == [(b"the body", True)] * 2


# ---------------------------------------------------------------- other programs, other parameters

BOTH = ("/flask", "/bottle")
# Bottle asks for as many bytes as CONTENT_LENGTH says. gunicorn hands on a body before it has all of it, and says with
# wsgi.input_terminated that it ends by itself: Flask knows that, Bottle does not.
READERS = {"fastcgi-flup": BOTH, "scgi-flup": BOTH, "uwsgi-uwsgi": BOTH, "uwsgi-ours": BOTH, "wsgi-waitress": BOTH,
           "wsgi-ours": BOTH, "wsgi-gunicorn": ("/flask",)}


def with_program(stack, module):
    """The stack with another WSGI program in place of the guestbook."""
    kinds = {"fastcgi": "fcgi", "scgi": "scgi"}

    def other(command):
        if "exhibits.{room}.{program} {near}app.sock" in command:  # flup's rooms start it themselves
            return START + f"flup {kinds[stack.stage]} {{near}}app.sock {module}"
        return re.sub(r"exhibits\.(wsgi|uwsgi|\{room\})\.\{program\}", module, command)

    return replace(stack, processes=tuple(replace(each, command=other(each.command)) for each in stack.processes))


class Answering(Exhibit):
    """An exhibit that is ready when it answers at all: its program knows no /hello."""

    def wait_until_ready(self):
        eventually(lambda: self.check() or answers(self))


def answers(exhibit):
    try:
        return ask(exhibit, "/nothing").status == 404
    except OSError:
        return False


@pytest.mark.parametrize("name", READERS)
def test_flask_and_bottle_read_a_chunked_body(name):
    stack = with_program(catalog.find(name), "tests.reading_bodies")
    require(stack)
    body = b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for size in (5, 1, 70_000)) + b"0\r\n\r\n"
    with Answering(stack) as exhibit:
        for path in READERS[name]:
            with exhibit.visitor() as visitor:
                answer = visitor.ask(request("POST", path, "Transfer-Encoding: chunked", body=body))
            assert (answer.status, answer.body) == (200, b"x" * 70_006), path


# What nginx brings along: conf/fastcgi_params, conf/scgi_params and conf/uwsgi_params of nginx 1.31.
STOCK = {
    "fastcgi": """QUERY_STRING $query_string; REQUEST_METHOD $request_method; CONTENT_TYPE $content_type;
        CONTENT_LENGTH $content_length; SCRIPT_NAME $fastcgi_script_name; REQUEST_URI $request_uri;
        DOCUMENT_URI $document_uri; DOCUMENT_ROOT $document_root; SERVER_PROTOCOL $server_protocol;
        REQUEST_SCHEME $scheme; HTTPS $https if_not_empty; GATEWAY_INTERFACE CGI/1.1;
        SERVER_SOFTWARE nginx/$nginx_version; REMOTE_ADDR $remote_addr; REMOTE_PORT $remote_port;
        SERVER_ADDR $server_addr; SERVER_PORT $server_port; SERVER_NAME $server_name; REDIRECT_STATUS 200;""",
    "scgi": """REQUEST_METHOD $request_method; REQUEST_URI $request_uri; QUERY_STRING $query_string;
        CONTENT_TYPE $content_type; DOCUMENT_URI $document_uri; DOCUMENT_ROOT $document_root; SCGI 1;
        SERVER_PROTOCOL $server_protocol; REQUEST_SCHEME $scheme; HTTPS $https if_not_empty;
        REMOTE_ADDR $remote_addr; REMOTE_PORT $remote_port; SERVER_PORT $server_port; SERVER_NAME $server_name;""",
    "uwsgi": """QUERY_STRING $query_string; REQUEST_METHOD $request_method; CONTENT_TYPE $content_type;
        CONTENT_LENGTH $content_length; REQUEST_URI $request_uri; PATH_INFO $document_uri;
        DOCUMENT_ROOT $document_root; SERVER_PROTOCOL $server_protocol; REQUEST_SCHEME $scheme;
        HTTPS $https if_not_empty; REMOTE_ADDR $remote_addr; REMOTE_PORT $remote_port; SERVER_PORT $server_port;
        SERVER_NAME $server_name;""",
}


class Stock(Exhibit):
    """An exhibit whose nginx hands on what its own parameter file says."""

    def install(self, process):
        super().install(process)
        stage = self.stack.stage
        if process.part == "nginx":
            file = self.run / "nginx.conf"
            text = re.sub(rf" *({stage}_param|server_name) .*\n", "", file.read_text())
            stock = re.sub(r"(\w+ [^;]+;)\s*", rf"{stage}_param \1\n", STOCK[stage])
            file.write_text(text.replace(f"{stage}_pass", f"{stock}{stage}_pass"))


@pytest.mark.parametrize("name", ["fastcgi-flup", "fastcgi-ours", "scgi-flup", "scgi-ours", "uwsgi-uwsgi",
                                  "uwsgi-ours"])
def test_programs_find_their_paths_with_the_parameters_nginx_brings_along(name):
    require(catalog.find(name))
    with Stock(catalog.find(name)) as exhibit, exhibit.visitor() as visitor:
        assert visitor.ask(request("GET", "/")).body.startswith(b"<!doctype html>")
        assert visitor.ask(request("GET", "/hello?name=Ada")).body == b"Hello, Ada!\n"
        told = json.loads(visitor.ask(request("GET", "/request/caf%C3%A9%20x/?a=b")).body)
        assert (told["mount"], told["path"], told["query"]) == ("", "/request/caf\xe9 x/", "a=b")
        signed = visitor.ask(request("POST", "/entries", FORM, body=b"name=Ada&message=Hello"))
        assert (signed.status, urljoin("/entries", dict(signed.headers)["location"])) == (303, "/")
        given = dict(json.loads(visitor.ask(request("GET", "/gateway")).body)["given"])
        assert name != "uwsgi-ours" or given["SERVER_NAME"] == "localhost"  # PEP 3333: never empty


# ---------------------------------------------------------------- the visitor's terminal

STEERING = "\x1b]0;owned\x07\x1b[2J\x9b2K\x7f\b\r\u202etxt\u2066\u200b\x00\x85\u2028"


def test_what_steers_a_terminal_is_escaped():
    assert plain("Grüße, 日本\n\tand\r\n✓ [x]\\") == "Grüße, 日本\n\tand\n✓ [x]\\"
    shown = plain(STEERING)
    assert shown.isprintable() and shown.startswith(r"\x1b]0;owned\x07\x1b[2J\x9b2K\x7f\x08\r\u202etxt")


@each_stack()
def test_no_stranger_steers_the_terminal_through_a_log(run, stack, mount):
    exhibit = run(stack)
    exhibit.lines.clear()
    for target, agent in (
        ("/hello?name=%1b%5d0;owned%07%c2%9b", "\x1b]0;owned\x07"), ("/%1b%5b2J%e2%80%ae", "\x9b2J\x7f\b"),
        ("/hello?\x1b[2J", "curl"), ("/\x9b\xc2\x9b", "curl"),
    ):
        with Visitor("127.0.0.1", exhibit.port) as visitor, suppress(OSError, h11.ProtocolError):
            visitor.ask(request("GET", exhibit.mount + target, f"User-Agent: {agent}", f"Referer: {agent}"))
    ask(exhibit, exhibit.mount + "/crash")
    assert all(line.replace("\t", "").isprintable() for _, line in list(exhibit.lines)), list(exhibit.lines)


@pytest.mark.parametrize("words", ["wire cgi", "wire asgi", "compare --stacks cgi-ours,wsgi-ours"])
def test_no_answer_steers_the_terminal(words):
    command = [sys.executable, "-m", "exhibits", *words.split(), "/hello?name=" + quote(STEERING)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0 and (r"\x1b]0;owned\x07" in ran.stdout or "wire" in words), ran
    assert all(line.isprintable() for line in (ran.stdout + ran.stderr).split("\n")), ran.stdout


def test_what_serve_prints_of_a_log_is_escaped(tmp_path):
    with Serving(tmp_path, "asgi-hypercorn", "--port", str(port := free_port())) as served:
        served.wait_for("Ctrl-C")
        with Visitor("127.0.0.1", port) as visitor:
            visitor.ask(request("GET", "/hello", "User-Agent: \x1b]0;owned\x07"))
        served.wait_for("owned")
    said = served.log.read_bytes()
    assert b"\\x1b]0;owned\\x07" in said and b"\x1b" not in said and b"\x07" not in said
