"""`serve --app`: a program of the visitor's own at every stack that fits, and a sentence where it does not."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import marks_of, require

from exhibits import catalog
from exhibits.asking import request
from exhibits.backstage.own import target
from exhibits.backstage.running import ROOT, CannotStart, Exhibit, exhibit

pytestmark = pytest.mark.hall

# Each answers with what it is, where it is mounted, the path, the query, the body and a file beside it.
ASKED = request("POST", "{mount}/a/b?c=d", "Content-Type: text/plain", body=b"the body")

FLASK = '''
from flask import Flask, request
app = Flask(__name__)
@app.post("/a/b")
def answer():
    query, body = request.query_string.decode(), request.get_data(as_text=True)
    return f"Flask: {request.script_root} {request.path} {query} {body} {open('beside.txt').read()}"
def create():
    return app
'''
DJANGO = '''
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="none", ALLOWED_HOSTS=["*"], MIDDLEWARE=[])
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
def answer(request):
    mount, query, body = request.META["SCRIPT_NAME"], request.META["QUERY_STRING"], request.body.decode()
    return HttpResponse(f"Django: {mount} {request.path_info} {query} {body} {open('beside.txt').read()}")
urlpatterns = [path("a/b", answer)]
wsgi, asgi = get_wsgi_application(), get_asgi_application()
'''
STARLETTE = '''
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def answer(request):
    mount, body = request.scope.get("root_path", ""), (await request.body()).decode()
    path = request.url.path.removeprefix(mount)
    return PlainTextResponse(f"Starlette: {mount} {path} {request.url.query} {body} {open('beside.txt').read()}")
app = Starlette(routes=[Route("/a/b", answer, methods=["POST"])])
'''
PLAIN = '''
import argparse
argparse.ArgumentParser().parse_args()  # the server's arguments are none of this program's

def told(what, *words):
    return f"{what}: {' '.join(words)} {open('beside.txt').read()}".encode()

def wsgi(environ, start_response):
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0)).decode()
    answer = told("WSGI", environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["QUERY_STRING"], body)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]

async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    event = {"more_body": True}
    body = b""
    while event.get("more_body"):
        event = await receive()
        body += event.get("body", b"")
    mount = scope.get("root_path", "")
    answer = told("ASGI", mount, scope["path"].removeprefix(mount), scope["query_string"].decode(), body.decode())
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain"),
                (b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})

class Application:
    async def __call__(self, scope, receive, send):
        await asgi(scope, receive, send)

class Folder: pass
folder = Folder()
folder.application = Application()

def without_async(scope, receive, send):
    return asgi(scope, receive, send)

class Awaited:
    def __init__(self, scope, receive, send):
        self.call = asgi(scope, receive, send)
    def __await__(self):
        return self.call.__await__()

def respond(environ, stdin, stdout, stderr):
    body = stdin.read(int(environ["CONTENT_LENGTH"])).decode()
    answer = told("CGI", environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["QUERY_STRING"], body)
    stdout.write(b"Content-Type: text/plain\\n\\n" + answer)

class RSGI:
    async def __rsgi__(self, scope, protocol):
        mount, body = "/museum", (await protocol()).decode()
        answer = told("RSGI", mount, scope.path.removeprefix(mount), scope.query_string, body).decode()
        protocol.response_str(200, [("content-type", "text/plain")], answer)
rsgi = RSGI()

def loose(*arguments):
    return wsgi(*arguments)

number = 3
def nothing(): pass
def five(a, b, c, d, e): pass
class Two:
    def __init__(self, scope): pass
'''
PYTHON_SCRIPT = '''#!/usr/bin/env python3
import os, sys
body = sys.stdin.read(int(os.environ["CONTENT_LENGTH"]))
print("Content-Type: text/plain\\n")
names = "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"
print("CGI in Python:", *(os.environ.get(name, "") for name in names), body, open("beside.txt").read(), end="")
'''
SHELL_SCRIPT = '''#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
printf 'CGI in sh: %s %s %s ' "$SCRIPT_NAME" "$PATH_INFO" "$QUERY_STRING"
head -c "$CONTENT_LENGTH"; printf ' '; cat beside.txt
'''

# What is typed and what the answer begins with. The first is tried at every stack, the others as said below.
PROGRAMS = {
    "CGI program": [("a script's name.sh", "CGI in sh"), ("script.py", "CGI in Python")],
    "CGI-shaped function": [("plain:respond", "CGI")],
    "WSGI callable": [("flasky:app", "Flask"), ("plain:wsgi", "WSGI"), ("djangoish:wsgi", "Django"),
                      ("plain:loose", "WSGI"), ("flasky.py:create()", "Flask")],
    "ASGI coroutine": [("starry:app", "Starlette"), ("plain:asgi", "ASGI"), ("djangoish:asgi", "Django"),
                       ("plain:without_async", "ASGI"), ("plain:folder.application", "ASGI"),
                       ("plain:Awaited", "ASGI")],
    "RSGI application": [("plain:rsgi", "RSGI")],
}
AT_DEFAULTS = ("plain:loose", "flasky.py:create()", "plain:without_async", "plain:folder.application", "plain:Awaited")
NO_LIFESPAN = "fcgisgi ends where a program knows no lifespan, and ASGI has servers go on"
KNOWN = {
    ("fastcgi-fcgisgi", "plain:asgi"): NO_LIFESPAN,
    ("fastcgi-fcgisgi", "djangoish:asgi"): NO_LIFESPAN,
    ("asgi-hypercorn-h3", "djangoish:asgi"): "Django names fields with capitals, which ASGI forbids; Hypercorn hands "
    "them on, and HTTP/3 does not allow them (RFC 9114 section 4.2)",
}
FILES = {"flasky.py": FLASK, "djangoish.py": DJANGO, "starry.py": STARLETTE, "plain.py": PLAIN,
         "script.py": PYTHON_SCRIPT, "a script's name.sh": SHELL_SCRIPT, "beside.txt": "beside"}


@pytest.fixture(scope="module")
def folder():
    """All programs, in a folder whose name is not harmless. Others can read it: started by root Apache is nobody."""
    with tempfile.TemporaryDirectory(prefix="Jürgen's programs ") as name:
        folder = Path(name)
        for file, text in FILES.items():
            (folder / file).write_text(text, encoding="utf-8")
            (folder / file).chmod(0o755 if text.startswith("#!") else 0o644)
        folder.chmod(0o755)
        yield folder


def fitting():
    """Parameters: at each stack the programs that fit."""
    for stack in catalog.STACKS:
        for typed, begins in PROGRAMS[stack.takes]:
            if typed in AT_DEFAULTS and stack not in catalog.defaults():
                continue
            marks = marks_of(stack)
            if (stack.name, typed) in KNOWN:
                marks.append(pytest.mark.xfail(strict=True, raises=(AssertionError, CannotStart),
                                               reason=KNOWN[stack.name, typed]))
            yield pytest.param(stack, typed, begins, id=f"{stack.name}-{typed}", marks=marks)


@pytest.mark.parametrize(("stack", "typed", "begins"), list(fitting()))
def test_a_program_of_ones_own_is_served(stack, typed, begins, folder):
    require(stack)
    before = {path: path.stat() for path in folder.iterdir() if path.is_file()}
    try:
        app = target.find(typed, stack, folder)
    except target.Unfit as unfit:
        # mod_wsgi has the Python of the system inside, of another version, without these packages.
        assert "which has its own packages" in str(unfit) and begins in ("Flask", "Django")
        return
    with Exhibit(stack, mount="/museum", app=app) as exhibit, exhibit.visitor() as visitor:
        said = "" if stack.mount_is_stripped else exhibit.mount
        answer = visitor.ask(ASKED.replace(b"{mount}", said.encode()))
        assert (answer.status, answer.body.decode()) == (
            200, f"{begins}: {exhibit.mount} /a/b c=d the body beside",
        ), exhibit.last_words()
    after = {path: path.stat() for path in folder.iterdir() if path.is_file()}
    assert {path: (stat.st_mode, stat.st_uid, stat.st_mtime_ns) for path, stat in before.items()} == {
        path: (stat.st_mode, stat.st_uid, stat.st_mtime_ns) for path, stat in after.items()
    }  # nothing of the visitor's is changed


ODD = """
import time
def slow(environ, start_response):
    time.sleep(5)
    return answered("200 OK", start_response)
def failing(environ, start_response):
    raise ValueError("not today")
def elsewhere(environ, start_response):
    return answered("302 Found", start_response, ("Location", "http://192.0.2.1/"))
def busy(environ, start_response):
    return answered("503 Service Unavailable", start_response, ("Retry-After", "1"))
def endless(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter(lambda: time.sleep(0.1) or b"tick", None)
def answered(status, start_response, *headers):
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", "0"), *headers])
    return []
"""


@pytest.mark.parametrize("stack", ["wsgi", "uwsgi-ours"])
@pytest.mark.parametrize("name", ["slow", "failing", "elsewhere", "busy", "endless"])
def test_any_answer_or_a_long_silence_shows_that_it_is_there(stack, name, folder, monkeypatch):
    """And nobody is followed to somewhere else (RFC 5737: an address that no machine has)."""
    monkeypatch.setattr(exhibit, "SLOW", 1)
    monkeypatch.setattr(Exhibit, "patience", 6)
    (folder / "odd.py").write_text(ODD)
    stack = catalog.find(stack)
    require(stack)
    began = time.monotonic()
    with Exhibit(stack, app=target.find(f"odd:{name}", stack, folder)):
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(("stack", "typed", "sentence"), [
    ("wsgi", "starry:app", "starry:app is an ASGI coroutine, and wsgi-gunicorn calls a WSGI callable. Try it at asgi"),
    ("asgi", "flasky:app", "flasky:app is a WSGI callable, and asgi-uvicorn calls an ASGI coroutine. "
                           "Try it at fastcgi, scgi, wsgi, uwsgi"),
    ("fastcgi-ours", "plain:wsgi", "plain:wsgi is a WSGI callable, and fastcgi-ours calls a CGI-shaped function"),
    ("wsgi", "plain:respond", "plain:respond is a CGI-shaped function, and wsgi-gunicorn calls a WSGI callable. "
                              "Try it at fastcgi-ours, scgi-ours"),
    ("asgi", "plain:Two", "plain:Two is a class, an ASGI 2 application"),
    ("wsgi", "plain:number", "plain:number is an int object, which cannot be called"),
    ("wsgi", "plain:nothing", "plain:nothing is a function, which takes no arguments. If it makes the program, add (): "
                              "plain:nothing()"),
    ("wsgi", "plain:five", "plain:five is a function, which takes a, b, c, d, e"),
    ("wsgi", "plain:wsg", "plain.py) has no 'wsg'; did you mean plain:wsgi?"),
    ("wsgi", "nowhere:app", "there is no module 'nowhere' in "),
    ("wsgi", "nowhere.py:app", "there is no file "),
    ("wsgi", "plain", "name a module, a colon and what it has, for example --app app:application, not 'plain'"),
    ("wsgi", "script.py", "A file is what the stage cgi starts"),
    ("wsgi", "", "not ''"),
    ("wsgi", "a b:app", "'a b' is not the name of a module"),
    ("wsgi", "plain:wsgi; import os", "not 'plain:wsgi; import os'"),
    ("wsgi", "lacking:app", "No module named 'no_such_package'"),
    ("wsgi", "broken.py:app", 'broken.py", line 2'),
    ("wsgi", "raising:app", 'raising.py", line 2, in helper'),
    ("wsgi", "exiting:app", "ended Python (exit code 7)"),
    ("wsgi", "leaving:app", "SystemExit: 3"),
    ("cgi", "plain:wsgi", "cgi-ours starts a file for each request, and plain:wsgi is something in a module"),
    ("cgi", "nowhere.sh", "there is no file "),
    ("cgi", ".", "is not a file"),
    ("cgi", "plain.py", "cannot be executed. This makes it so: chmod +x plain.py"),
    ("cgi", "first line.sh", "does not say what runs it"),
    ("cgi", "windows.sh", "end with CR LF"),
    ("cgi", "typo.sh", "names /bin/no-such-shell, which is not there"),
    ("cgi", "env.sh", "names no-such-python, which is not on PATH"),
    ("framework-flask", "flasky:app", "framework-flask has a program of its own"),
    ("bridge-cgi-as-wsgi", "script.py", "bridge-cgi-as-wsgi has a program of its own"),
])
def test_what_does_not_fit_gets_a_sentence(stack, typed, sentence, folder):
    for name, text in BROKEN.items():
        (folder / name).write_bytes(text.encode())
        (folder / name).chmod(0o755)
    with pytest.raises(target.Unfit) as unfit:
        target.find(typed, catalog.find(stack), folder)
    assert sentence in str(unfit.value) and "stand_in" not in str(unfit.value)
    assert len(str(unfit.value).splitlines()) < 12


BROKEN = {
    "lacking.py": "import no_such_package",
    "broken.py": "app = 1\nthis is no Python",
    "raising.py": "def helper():\n    raise ValueError('not today')\nhelper()",
    "exiting.py": "import os\nos._exit(7)",
    "leaving.py": "import sys\nprint('leaving')\nsys.exit(3)",
    "first line.sh": "echo Content-Type: text/plain",
    "windows.sh": "#!/bin/sh\r\necho\r\n",
    "typo.sh": "#!/bin/no-such-shell\n",
    "env.sh": "#!/usr/bin/env no-such-python\n",
}


def test_a_program_that_starts_a_server_of_its_own_when_imported(folder, monkeypatch):
    monkeypatch.setattr(target, "IMPORTING", 1)
    (folder / "serving.py").write_text("import subprocess\nsubprocess.run(['sleep', '6347'])")
    with pytest.raises(target.Unfit, match="has not ended after 1 seconds"):
        target.find("serving:app", catalog.find("wsgi"), folder)
    assert "sleep 6347" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="this system does not tell whose child it was")
def test_what_a_program_starts_when_imported_does_not_outlive_the_look_at_it(folder):
    """Also where it has left its group, as daemons do."""
    (folder / "daemon.py").write_text(
        "import subprocess\nsubprocess.Popen(['sleep', '6348'], start_new_session=True)\n"
        "def app(environ, start_response): ...")
    assert target.find("daemon:app", catalog.find("wsgi"), folder).interface == "WSGI callable"
    assert "sleep 6348" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def test_a_program_may_do_to_python_what_it_wants(folder):
    (folder / "odd.py").write_text("""
import sys, threading, time
sys.stdout = None
threading.Thread(target=time.sleep, args=(60,)).start()
class Proxy:
    def __getattr__(self, name):
        raise RuntimeError(f"no {name} outside of a request")
    def __call__(self, environ, start_response): ...
app = Proxy()
""")
    assert target.find("odd:app", catalog.find("wsgi"), folder).interface == "WSGI callable"


def test_a_file_that_others_cannot_read_is_named(folder):
    program = folder / "closed" / "program.py"
    program.parent.mkdir()
    program.touch()
    above = target.unreadable(folder / "plain.py")  # on macOS temporary folders are for nobody else
    program.chmod(0o640)
    assert target.unreadable(program) == (above or program)
    program.chmod(0o644)
    assert target.unreadable(program) == above
    program.parent.chmod(0o700)
    assert target.unreadable(program) == (above or program.parent)


def test_a_file_of_a_package_is_a_module_of_it(folder):
    (folder / "blog" / "web").mkdir(parents=True)
    for name, text in ("__init__.py", ""), ("web/__init__.py", ""), ("web/main.py", "from ..wsgi import app"):
        (folder / "blog" / name).write_text(text)
    (folder / "blog" / "wsgi.py").write_text("def app(environ, start_response): pass")
    own = target.find("blog/web/main.py:app", catalog.find("wsgi"), folder)
    assert (own.module, own.path) == ("blog.web.main", folder)


def test_modules_are_found_where_pythonpath_says_seen_from_the_visitor(folder, monkeypatch):
    """A server runs elsewhere: what PYTHONPATH names from here is something else there, or nothing."""
    (folder / "src").mkdir()
    (folder / "src" / "blog_in_src.py").write_text("from plain import wsgi as app")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", f"src::{ROOT}")
    stack = catalog.find("wsgi-ours")
    with Exhibit(stack, app=target.find("blog_in_src:app", stack)) as running:
        assert running.environment(stack.processes[0])["PYTHONPATH"].endswith(f"{folder}/src:{ROOT}")


def test_settings_of_the_visitor_are_for_programs_of_the_visitor(folder, monkeypatch):
    """Not for the guestbook: it would have three processes then, or none."""
    ours, stack = {}, catalog.find("wsgi-ours")
    for name in "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "DJANGO_SETTINGS_MODULE", "UWSGI_HTTP", "SOMETHING_ELSE":
        monkeypatch.setenv(name, "3")
        ours[name] = name == "SOMETHING_ELSE"
    for app, expected in (None, ours), (target.find("plain:wsgi", stack, folder), dict.fromkeys(ours, True)):
        with Exhibit(stack, app=app) as running:
            environ = running.environment(stack.processes[0])
        assert {name: name in environ for name in ours} == expected


def exhibits(folder, *arguments):
    return subprocess.run([sys.executable, "-P", "-m", "exhibits", *arguments], cwd=folder, capture_output=True,
                          text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_once_asks_for_the_root(folder):
    require(catalog.find("cgi"))
    ended = exhibits(folder, "serve", "cgi", "--app", "./once.sh", "--once", "--mount", "/museum")
    assert ended.returncode == 2 and ended.stdout == "" and ended.stderr.startswith("exhibits: there is no file ")
    (folder / "once.sh").write_text("#!/bin/sh\nprintf 'Status: %s\\n\\nat %s' \"$(cat status)\" \"$SCRIPT_NAME\"\n")
    (folder / "once.sh").chmod(0o755)
    for status, code in ("200 OK", 0), ("404 Not Found", 0), ("500 Oh", 1):
        (folder / "status").write_text(status)
        ended = exhibits(folder, "serve", "cgi", "--app", "./once.sh", "--once", "--mount", "/museum")
        assert (ended.returncode, ended.stderr) == (code, "")
        assert f"\n{status[:3]}\n" in ended.stdout and "at /museum" in ended.stdout


@pytest.mark.parametrize("more", [["--hello"], ["--guestbook", "g.sqlite3"]])
def test_what_belongs_to_the_guestbook_does_not_go_with_it(more, folder):
    ended = exhibits(folder, "serve", "wsgi", "--app", "plain:wsgi", *more)
    assert ended.returncode == 2 and "--app takes the place of the guestbook" in ended.stderr
