"""The store by itself: what it acknowledges is in the file, and what is wrong with the file is a sentence."""

import asyncio
import contextlib
import fcntl
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import require
from started import Started

from exhibits import catalog, guestbook
from exhibits.asking import request
from exhibits.backstage.running import ROOT, CannotStart, Exhibit, eventually, free_port, missing
from exhibits.backstage.visiting import Visitor
from exhibits.contract import FORM
from exhibits.guestbook import Refused, Request, Store, Wait, respond
from exhibits.store import refusal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "guestbook.sqlite3"


@pytest.fixture
def store(path):
    path.parent.mkdir()
    store = Store(str(path))
    yield store
    store.close()


def posted(name="Ada", message="Hello"):
    post = Request("POST", "/entries", "", lambda: [("content-type", "application/json")], "", "http")
    post.feed(json.dumps({"name": name, "message": message}).encode())
    return post


def got(path):
    return Request("GET", path, "", lambda: [], "", "http")


def stored(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT count(*) FROM entries").fetchone()[0]


@contextlib.contextmanager
def held(path):
    """Somebody else holds the write lock."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db


def open_files():
    return len(os.listdir("/dev/fd"))


# ---------------------------------------------------------------- what is acknowledged is there


@pytest.mark.parametrize("threads", [1, 2, 8, 64])
def test_another_connection_sees_an_entry_when_it_is_acknowledged(store, path, threads):
    store.check()

    def visitor(number):
        with contextlib.closing(sqlite3.connect(path)) as other:
            unseen = 0
            for n in range(max(2, 64 // threads)):
                while (answer := respond(posted(f"{number}", f"{n}"), store)).status == 503:
                    assert b"please try again" in answer.body  # a slow disk: 3 seconds may pass until it is one's turn
                assert answer.status == 201, answer.body
                id = json.loads(answer.body)["id"]
                row = other.execute("SELECT name, message FROM entries WHERE id = ?", (id,)).fetchone()
                unseen += row != (f"{number}", f"{n}")
                store.newest_json(20)
        return unseen

    with ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(visitor, range(threads))) == 0


def test_a_statement_that_is_not_read_to_its_end_keeps_no_other_from_the_file(store, path):
    """One connection for all threads acknowledged entries that were committed later, or never."""
    store.sign("Ada", "first")
    [(_, connection)] = store.here.idle
    unread = store.take(store.here.idle)[1].execute(
        "INSERT INTO entries (name, message) VALUES ('Bob', 'unread') RETURNING id"
    )
    with pytest.raises(Refused, match="503"):
        store.sign("Cleo", "second")  # it is not her turn, and she is told so
    assert (unread.fetchall(), stored(path)) == ([(2,)], 2)
    assert store.sign("Cleo", "second") == 3
    assert stored(path) == 3
    connection.close()


def test_threads_that_come_and_go_leave_nothing_open(store):
    store.sign("Ada", "Hello")
    before = open_files()
    for _ in range(100):
        thread = threading.Thread(target=store.newest_json, args=(20,))
        thread.start()
        thread.join()
    assert open_files() <= before + 2
    long = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT max(i) FROM n"
    together = threading.Barrier(32)
    opened = []
    with ThreadPoolExecutor(32) as pool:
        for _ in range(3):
            list(pool.map(lambda n: (together.wait(20), store.execute(long), store.sign("Ada", str(n))), range(32)))
            opened.append(open_files())
    # SQLite keeps the file descriptor of a connection that is closed, for the next one: closing it would end the locks
    # of the others (https://sqlite.org/lockingv3.html, on POSIX). Those of the write-ahead log are closed.
    assert len(store.here.idle) <= 8 and opened[-1] <= before + 32 + 2 * 8

    async def many():
        await asyncio.gather(*(asyncio.to_thread(store.newest_json, 20) for _ in range(200)))

    asyncio.run(many())
    assert open_files() <= opened[-1] + 2
    store.close()
    assert open_files() < before


def test_no_connection_crosses_a_fork(store, path):
    store.sign("Ada", "parent")
    opened = store.here.idle[0][1]
    child = os.fork()
    if child == 0:
        try:
            fresh = store.here.idle == []
            ids = [store.sign("Ada", "child") for _ in range(3)]
            os._exit(0 if fresh and ids == [2, 3, 4] and store.here.idle[0][1] is not opened else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.here.idle[0][1] is opened and store.sign("Ada", "parent") == 5


# ---------------------------------------------------------------- who waits


def test_a_writer_that_waits_holds_no_reader_and_is_told_after_a_while(store, path):
    store.sign("Ada", "Hello")
    with held(path), ThreadPoolExecutor(40) as pool:
        start = time.monotonic()
        writers = [pool.submit(respond, posted(), store) for _ in range(30)]
        slowest = 0
        while not all(writer.done() for writer in writers):
            before = time.monotonic()
            assert respond(got("/entries"), store).status == 200
            slowest = max(slowest, time.monotonic() - before)
            time.sleep(0.01)
        answers = [writer.result() for writer in writers]
        assert {answer.status for answer in answers} == {503}
        assert all(("Retry-After", "3") in answer.headers for answer in answers)
        assert 2.5 < time.monotonic() - start < 6 and slowest < 1

        # Of those who come now, one waits and the others are told at once.
        start = time.monotonic()
        writers = [pool.submit(respond, posted(), store) for _ in range(9)]
        assert eventually(lambda: sum(writer.done() for writer in writers) == 8, 2)
        assert sum(writer.done() for writer in writers) == 8
    assert {writer.result().status for writer in writers} <= {201, 503}
    assert respond(posted(), store).status == 201  # as soon as one can


def test_a_writer_waits_for_others_as_long_as_they_are_quick(store, path):
    store.sign("Ada", "Hello")
    with held(path) as other, ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(respond, posted(), store) for _ in range(8)]
        time.sleep(0.5)
        other.execute("COMMIT")
        assert {writer.result().status for writer in writers} == {201}


def test_a_folder_that_somebody_has_locked_is_waited_for_but_not_for_ever(store, path, monkeypatch):
    monkeypatch.setattr("exhibits.store.PATIENCE", 0.3)
    with ThreadPoolExecutor(2) as pool:
        folder = os.open(path.parent, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        try:
            assert [pool.submit(respond, asked, store).result(5).status for asked in (posted(), got("/"))] == [503, 503]
        finally:
            os.close(folder)
        assert respond(posted(), store).status == 201


# ---------------------------------------------------------------- what may be wrong with the file


def refused(store, asked, status, sentence):
    answer = respond(asked, store)
    assert (answer.status, sentence in answer.body.decode()) == (status, True), answer.body
    assert ("Retry-After" in dict(answer.headers)) == (status == 503)


@pytest.mark.parametrize("leave", [(), ("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_deleted_file_is_noticed_and_made_anew(store, path, leave):
    other = Store(str(path))  # as in another process, which goes on to hold the deleted file
    assert [store.sign("Ada", str(n)) for n in range(3)] == [1, 2, 3]
    other.newest(1)
    for end in {"", "-wal", "-shm"} - set(leave):
        path.with_name(path.name + end).unlink()
    fresh = subprocess.run(
        [sys.executable, "-c", f"from exhibits import guestbook; print(guestbook.Store({str(path)!r}).sign('A', 'b'))"],
        cwd=ROOT, capture_output=True, text=True, timeout=20,
    )
    assert (fresh.stdout, fresh.stderr) == ("1\n", "")
    assert other.sign("Ada", "2") == 2 and store.sign("Ada", "3") == 3
    other.close()
    assert [entry[3] for entry in store.newest(9)] == ["3", "2", "b"] and stored(path) == 3


@pytest.mark.parametrize("deleted", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_deleted_log_is_noticed_and_nothing_is_lost(store, path, deleted):
    """SQLite goes on to write into the deleted one: whoever comes later never sees it."""
    for n in range(3):
        store.sign("Ada", str(n))
    for end in deleted:
        path.with_name(path.name + end).unlink()
    assert store.sign("Ada", "3") == 4 and stored(path) == 4
    with held(path) as other, ThreadPoolExecutor(1) as pool:
        signing = pool.submit(respond, posted(), store)
        time.sleep(0.2)
        for end in deleted:
            path.with_name(path.name + end).unlink()
        other.execute("COMMIT")
        assert signing.result().status == 503
    assert respond(posted(), store).status == 201


def test_an_entry_in_a_file_that_is_deleted_meanwhile_is_not_acknowledged(store, path):
    store.sign("Ada", "Hello")
    with held(path) as other, ThreadPoolExecutor(1) as pool:
        signing = pool.submit(respond, posted(), store)
        time.sleep(0.2)
        path.unlink()
        other.execute("COMMIT")
        assert signing.result().status == 503
    assert respond(posted(), store).status == 201 and stored(path) == 1


def test_a_folder_that_is_gone_is_a_sentence_until_it_is_back(store, path):
    store.sign("Ada", "Hello")
    shutil.rmtree(path.parent)
    for asked in (posted(), got("/entries"), got("/"), got("/events")):
        refused(store, asked, 500, "the folder of the guestbook is not there")
    path.parent.mkdir()
    assert respond(posted(), store).status == 201 and stored(path) == 1


def a_database_of_others(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE bookmarks (url)")


def an_old_schema(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, text)")
        db.execute("PRAGMA user_version = 1")


def others(*statements):
    """A database of another program, made by these statements."""

    def make(path):
        with contextlib.closing(sqlite3.connect(path)) as db:
            for statement in statements:
                db.execute(statement)

    return make


UNUSABLE = {
    "no database": (lambda path: path.write_text("root:x:0:0\n" * 99), "is not a database"),
    "a directory": (lambda path: path.mkdir(), "is not a file"),
    "a device": (lambda path: path.symlink_to("/dev/null"), "is not a file"),
    "a pipe": (os.mkfifo, "is not a file"),
    "another program's": (a_database_of_others, "is the database of another program"),
    "an old schema": (an_old_schema, "is the database of another program"),
    "other columns": (others("CREATE TABLE entries (x)"), "is the database of another program"),
    "a view": (others("CREATE VIEW entries AS SELECT 1 AS id, 2 AS at, 3 AS name, 4 AS message"),
               "is the database of another program"),
    "a link to itself": (lambda path: path.symlink_to(path), "cannot be opened here: too many levels"),
    "a folder that is a pipe": (lambda path: (path.parent.rmdir(), os.mkfifo(path.parent)), "the folder of the"),
    "no folder": (lambda path: path.parent.rmdir(), "the folder of the guestbook is not there"),
    "a folder that is a file": (lambda path: (path.parent.rmdir(), path.parent.touch()), "the folder of the guestbook"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_guestbook_is_refused_in_a_sentence_and_left_as_it_is(store, path, name, capfd):
    make, sentence = UNUSABLE[name]
    make(path)
    before = path.read_bytes() if path.is_file() else sorted(path.parent.parent.rglob("*"))
    refused(store, posted(), 500, sentence)
    refused(store, got("/entries"), 500, sentence)
    with pytest.raises(CannotStart, match=sentence), Exhibit(catalog.find("cgi-ours"), guestbook=path):
        pass
    assert before == (path.read_bytes() if path.is_file() else sorted(path.parent.parent.rglob("*")))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["x" * 300, "/proc/guestbook"])
def test_a_name_that_no_file_can_have_is_refused_at_the_start(name, tmp_path):
    with pytest.raises(Refused, match="cannot be opened here: ") as refused:
        Store(os.path.join(tmp_path, name)).check()
    assert refused.value.status == 500


def test_every_exhibit_refuses_to_start_with_the_same_sentence(tmp_path):
    said = set()
    for stack in catalog.EVERYTHING:
        if not missing(stack):
            with pytest.raises(CannotStart) as refused, Exhibit(stack, guestbook="/etc/passwd"):
                pass
            said.add(str(refused.value))
    assert said == {"/etc/passwd: the guestbook's file is not a database"}


@pytest.mark.parametrize("stage", [stack.stage for stack in catalog.defaults()])
def test_a_relative_guestbook_is_where_the_visitor_stands(stage, tmp_path):
    stack = catalog.find(stage)
    require(stack)
    port = free_port()
    command = [sys.executable, "-m", "exhibits", "serve", stage, "--port", str(port), "--guestbook", "mine.sqlite3"]
    with Started(tmp_path, *command, ready="Ctrl-C") as serving:
        with Visitor("127.0.0.1", port) as visitor:
            signed = visitor.ask(request("POST", "/entries", FORM, body=b"name=Ada&message=Hello"))
        assert signed.status == 303
        assert serving.stop(signal.SIGINT) == 0
    assert stored(tmp_path / "mine.sqlite3") == 1


def as_nobody(work):
    """What work() returns, a text, in a child that is not root: root may write everything."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            os.write(writing, work().encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as said:
        os.waitpid(child, 0)
        return said.read()


@pytest.mark.parametrize(("file", "folder", "sentence"), [
    (0o444, 0o777, "the guestbook is read-only here"),
    (0o666, 0o555, "the guestbook is read-only here"),
    (0o000, 0o777, "the guestbook may not be read and written here"),
    (None, 0o555, "the guestbook may not be read and written here"),
])
def test_what_may_not_be_written_is_said(file, folder, sentence):
    def work():
        store = Store(str(path))
        answer = respond(posted(), store)
        with pytest.raises(Refused) as refused:
            store.check()
        return f"{answer.body.decode()}{refused.value.sentence}"

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "guestbook.sqlite3"
        if file is not None:
            Store(str(path)).check()
            path.chmod(file)
        os.chmod(place, folder)
        assert as_nobody(work) == f"500 Internal Server Error: {sentence}\n{sentence}"
        os.chmod(place, 0o777)


def test_too_few_files_pass(store):
    store.sign("Ada", "Hello")
    store.close()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    guestbook.reason(503)  # what it imports is there
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        refused(store, posted(), 503, "cannot be opened now")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert respond(posted(), store).status == 201


@pytest.mark.parametrize(("code", "status", "sentence"), [
    *((code, 503, "others have held the guestbook") for code in (5, 6, 15, 17, 261)),  # 261 is a kind of 5
    (10, 503, "the disk does not read or write"), (13, 507, "the disk is full"), (14, 503, "cannot be opened now"),
    (8, 500, "read-only"), (11, 500, "damaged"), (26, 500, "not a database"),
    *((code, 500, "the database of another program") for code in (1, 19, 20)),
])
def test_what_sqlite_finds_wrong_is_a_sentence(tmp_path, code, status, sentence):
    error = sqlite3.OperationalError("no such column")
    error.sqlite_errorcode = code
    refused = refusal(error, str(tmp_path / "guestbook.sqlite3"))
    assert (refused.status, sentence in refused.sentence) == (status, True)
    assert (("Retry-After", "3") in refused.headers) == (status == 503)


def test_what_sqlite_finds_wrong_on_a_full_disk_is_the_disk(path, monkeypatch):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = 778  # a kind of 10
    monkeypatch.setattr("exhibits.store.full", lambda where: where == str(path))
    assert refusal(error, str(path)).status == 507


def test_a_mistake_of_the_program_stays_an_exception(store):
    with pytest.raises(sqlite3.OperationalError, match="syntax error"):
        store.execute("SELEC")


# ---------------------------------------------------------------- watching


def heard(watch, seconds=5):
    """The next entries of a watch, in the way of who sleeps."""
    deadline, entries = time.monotonic() + seconds, []
    for step in watch:
        if not isinstance(step, Wait):
            entries.append(json.loads(step[1])["message"])
        elif entries or time.monotonic() > deadline:
            return entries
        else:
            time.sleep(step)
    return entries


def test_all_who_watch_share_one_thread_and_it_ends_with_the_last(store):
    before = threads()
    watches = [store.watch() for _ in range(100)]
    assert threads() == before + 1
    other = Store(store.path)  # as another process
    other.sign("Ada", "one")
    assert all(heard(watch) == ["one"] for watch in watches)
    store.sign("Ada", "two")
    assert all(heard(watch) == ["two"] for watch in watches)
    assert heard(store.watch(1)) == ["two"] and heard(store.watch(0)) == ["one", "two"]
    del watches
    assert eventually(lambda: threads() == before, 5)
    assert heard(store.watch(1)) == ["two"]  # and begins again
    other.close()


def test_where_no_thread_can_be_started_the_next_one_who_watches_starts_it(store, monkeypatch):
    def fails(*_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr("_thread.start_new_thread", fails)
        store.watch()
    watch = store.watch()
    store.sign("Ada", "one")
    assert heard(watch) == ["one"]


def test_who_looks_out_for_all_looks_again_whatever_happens(store, monkeypatch):
    def fails(here):
        failed.append(here)
        raise MemoryError

    watch, failed = store.watch(), []
    with monkeypatch.context() as patch:
        patch.setattr(store, "look", fails)
        assert eventually(lambda: failed, 5)
    store.sign("Ada", "one")
    assert heard(watch) == ["one"]


def threads():
    return len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else threading.active_count()


def test_who_can_be_woken_is_woken(store):
    async def visitor(watch, came):
        for step in watch:
            if not isinstance(step, Wait):
                came.append(time.monotonic())
                return
            loop = asyncio.get_running_loop()
            rung = loop.create_future()
            seconds = step.until(loop.call_soon_threadsafe, rung.cancel)
            assert seconds > 1
            await asyncio.wait([rung], timeout=seconds)

    async def main():
        came = []
        visitors = [asyncio.create_task(visitor(store.watch(), came)) for _ in range(200)]
        await asyncio.sleep(0.2)
        await asyncio.to_thread(store.sign, "Ada", "Hello")
        signed = time.monotonic()
        await asyncio.gather(*visitors)
        return max(came) - signed

    assert min(asyncio.run(main()) for _ in range(3)) < 0.2


def test_news_that_came_before_one_could_be_woken_wake_at_once(store):
    watch, rung = store.watch(), []
    step = next(watch)
    store.sign("Ada", "Hello")
    assert eventually(lambda: watch.entries, 5)
    step.until(lambda ring: ring(), lambda: rung.append(True))
    assert rung


def test_those_who_watch_hear_of_the_file_that_comes_after(store, path):
    for n in range(3):
        store.sign("Ada", str(n))
    watch = store.watch()
    shutil.rmtree(path.parent)
    time.sleep(0.2)
    path.parent.mkdir()
    assert store.sign("Ada", "again") == 1
    assert heard(watch) == ["again"]


def test_who_reads_too_slowly_comes_again(store):
    store.sign("Ada", "Hello")
    watch = store.watch()
    store.execute("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
                  "INSERT INTO entries (name, message) SELECT 'Ada', i FROM n")
    assert eventually(lambda: watch.behind, 5)
    assert list(watch) == []  # it ends, and so does the answer
    seen, parts = 1, 0
    while seen < 2501:  # as a browser does, with Last-Event-ID
        for step in store.watch(seen):
            if isinstance(step, Wait):
                break
            assert step[0] == seen + 1
            seen = step[0]
        parts += 1
    assert parts == 3


def test_an_open_stream_says_something_now_and_then(store, monkeypatch):
    monkeypatch.setattr(guestbook, "HEARTBEAT", 0.1)
    steps = respond(got("/events"), store).body
    assert next(steps) == b": the guestbook\n\n"
    end = time.monotonic() + 5
    while (step := next(steps)) != b":\n\n" and time.monotonic() < end:
        time.sleep(step)
    assert step == b":\n\n"
