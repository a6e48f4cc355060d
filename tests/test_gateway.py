"""What the guestbook says of the gateway it was reached through, and the way from one running stage to another."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest
from conftest import each_stack, require

from exhibits import catalog, guestbook
from exhibits.asking import request
from exhibits.backstage.running import Exhibit, doors
from exhibits.shared import cgi_variables

DEFAULTS = {stack.stage: stack for stack in catalog.defaults()}
LIVE = {"cgi": "events", "fastcgi": "events", "scgi": "events", "wsgi": "entries", "uwsgi": "events",
        "asgi": "websocket"}


def told(exhibit, *headers):
    with exhibit.visitor() as visitor:
        answer = visitor.ask(request("GET", "/gateway", *headers))
    assert answer.status == 200, answer
    return json.loads(answer.body)


@each_stack(stacks=catalog.STACKS)
def test_the_gateway_is_told(run, stack, mount):
    if stack.fixed_mount:
        pytest.skip("/ is not the guestbook there")
    exhibit = run(stack)
    found = told(exhibit, "X-Mood: fine", "Cookie: a=QWxhZGRpbg", "Authorization: Basic QWxhZGRpbg")
    given = dict(found["given"])
    words = {"CGI program": "CGI", "WSGI callable": "WSGI", "ASGI coroutine": "ASGI", "RSGI application": "RSGI"}
    assert found["interface"].startswith(words[stack.interface])
    assert found["stack"] == stack.name and all(part.name in found["server"] for part in stack.parts)
    assert "fine" in (given.get("HTTP_X_MOOD"), given.get("headers: x-mood"))
    assert "QWxhZGRpbg" not in str(given) and "(not shown)" in given.values()
    assert found["process"] != os.getpid()
    assert stack.name in [door["stack"] for door in found["doors"]]


@pytest.mark.parametrize("stage", LIVE)
def test_the_page_knows_how_to_stay_up_to_date(run, stage):
    require(DEFAULTS[stage])
    assert told(run(DEFAULTS[stage]))["live"] == LIVE[stage]


@pytest.mark.parametrize("name", ["wsgi-wsgiref", "cgi-ours", "bridge-wsgi-as-cgi"])
def test_the_environment_of_the_process_stays_private(name, monkeypatch):
    """wsgiref copies it into every environ."""
    require(catalog.find(name))
    for variable in ("MUSEUM_TEST_TOKEN", "museum.test.token", "HTTP_PROXY"):
        monkeypatch.setenv(variable, "http://me:QWxhZGRpbg@localhost:9")
    with Exhibit(catalog.find(name)) as exhibit:
        found = str(told(exhibit))
    assert "QWxhZGRpbg" not in found and str(exhibit.guestbook) not in found


def test_the_environ_is_told_but_for_what_is_the_processs_own():
    own = {"PATH": "/bin", "GUESTBOOK": "x", "LANG": "C"}
    environ = {"REQUEST_METHOD": "GET", "HTTP_HOST": "x", "wsgi.input": 1, **own}
    assert [name for name, _ in cgi_variables.given(environ)] == ["REQUEST_METHOD", "HTTP_HOST", "wsgi.input"]


def test_exhibits_that_share_a_guestbook_know_of_each_other(tmp_path):
    require(DEFAULTS["asgi"], DEFAULTS["cgi"])
    file = tmp_path / "guestbook.sqlite3"
    with Exhibit(DEFAULTS["asgi"], guestbook=file) as asgi:
        assert told(asgi)["doors"] == [{"stack": "asgi-uvicorn", "url": asgi.base + "/"}]
        with Exhibit(DEFAULTS["cgi"], guestbook=file) as cgi:
            both = [{"stack": "cgi-ours", "url": cgi.base + "/"}, {"stack": "asgi-uvicorn", "url": asgi.base + "/"}]
            assert told(asgi)["doors"] == told(cgi)["doors"] == both
        assert [door["stack"] for door in told(asgi)["doors"]] == ["asgi-uvicorn"]
    assert sqlite3.connect(file).execute("SELECT * FROM doors").fetchall() == []


class Shown:
    """What `doors` has to know of an exhibit."""

    def __init__(self, guestbook, base="http://127.0.0.1:1", stack=DEFAULTS["wsgi"]):
        self.guestbook, self.address, self.stack = guestbook, f"{base}/", stack


@pytest.fixture
def store(tmp_path):
    store = guestbook.Store(tmp_path / "guestbook.sqlite3")
    yield store
    store.close()


def test_who_ended_without_a_word_is_ignored_and_swept(store):
    doors.enter(Shown(store.path, "http://127.0.0.1:1"))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    store.execute("INSERT INTO doors VALUES ('http://127.0.0.1:2/', 'cgi-ours', 0, ?)", ended.pid)
    assert guestbook.doors(store) == [("wsgi-gunicorn", "http://127.0.0.1:1/")]
    doors.enter(Shown(store.path, "http://[::1]:3"))
    assert store.execute("SELECT url FROM doors ORDER BY url") == [("http://127.0.0.1:1/",), ("http://[::1]:3/",)]


def test_links_lead_to_this_machine_only(store):
    for url in ("http://127.0.0.1:1", "https://localhost:2", "http://127.0.0.1.evil.test:1", "javascript:alert(1)",
                "http://evil.test:1", "http://localhost@evil.test:1", "http://localhost:1@evil.test",
                "ftp://[::1"):
        doors.enter(Shown(store.path, url))
    assert [url for _, url in guestbook.doors(store)] == ["http://127.0.0.1:1/", "https://localhost:2/"]


def test_no_table_and_no_guestbook_mean_no_links(tmp_path, store):
    assert guestbook.doors(store) == []
    (tmp_path / "text").write_text("This is no database, and it is long enough to be told from one. " * 20)
    for path in (tmp_path / "text", tmp_path / "no/such/folder", tmp_path):
        doors.enter(Shown(path))
        doors.leave(Shown(path))
    assert guestbook.doors(guestbook.Store(tmp_path / "text")) == []
    assert (tmp_path / "text").read_text().startswith("This")


def test_a_guestbook_that_cannot_be_written_has_no_links(tmp_path):
    file = tmp_path / "guestbook.sqlite3"
    with sqlite3.connect(file) as db:  # one that says no to any writer, root included
        db.execute("CREATE TABLE doors (url TEXT PRIMARY KEY, stack TEXT, place INTEGER, pid INTEGER)")
        db.execute("CREATE TRIGGER no BEFORE INSERT ON doors BEGIN SELECT raise(ABORT, 'read-only'); END")
    doors.enter(Shown(file))
    doors.leave(Shown(file))
    assert guestbook.doors(guestbook.Store(file)) == []
