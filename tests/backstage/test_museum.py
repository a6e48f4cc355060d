"""The museum at home: all default stages behind one door, with one guestbook."""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest
from conftest import require
from started import Serving

from exhibits import catalog, contract
from exhibits.asgi import wire
from exhibits.asking import request
from exhibits.backstage import ending
from exhibits.backstage.museum import door, question, strip, visit
from exhibits.backstage.museum.house import House, Place
from exhibits.backstage.running import ROOT, eventually, free_port
from exhibits.backstage.verbs import opening
from exhibits.backstage.visiting import Visitor
from exhibits.http.wire import RequestReader

STAGES = [stack.stage for stack in catalog.defaults()]
HANDSHAKE = request("GET", "/asgi/live", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
OPEN = "Ctrl-C stops everything"

pytestmark = [pytest.mark.hall, pytest.mark.xdist_group("museum")]


class Museum(Serving):
    """`python -m exhibits museum` in a folder of its own."""

    def __init__(self, folder, ready=OPEN, **environ):
        self.port = free_port()
        command = [sys.executable, "-m", "exhibits", "museum", "--port", str(self.port),
                   "--guestbook", str(folder / "book.sqlite3")]
        environ = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), **environ}
        super().__init__(folder, command=command, environ=environ)
        try:
            if ready:
                self.wait_for(ready)
        except BaseException:
            self.stop()
            raise

    def get(self, path, *headers, method="GET", body=b""):
        """The answer to one request."""
        with Visitor("127.0.0.1", self.port, 15) as visitor:
            return visitor.ask(request(method, path, *headers, body=body))

    def json(self, path):
        return json.loads(self.get(path).body)

    def ask(self, stage, sent, **more):
        """The lobby's answer to a question."""
        body = json.dumps({"stage": stage, "request": sent, **more}).encode()
        return self.get("/lobby/ask", "Content-Type: application/json", method="POST", body=body)

    def stage(self, name):
        return next(each for each in self.json("/lobby/stages") if each["stage"] == name)

    @contextlib.contextmanager
    def connected(self, sent=b""):
        with socket.create_connection(("127.0.0.1", self.port), 10) as sock:
            sock.sendall(sent)
            yield sock

    @contextlib.contextmanager
    def watching(self):
        """A function that reads the strip until it has an event with these values."""
        with self.connected(request("GET", "/lobby/strip")) as sock:
            text = b""

            def find(**values):
                nonlocal text
                while True:
                    for line in re.findall(rb"^data: (.+)\n\n", text, re.MULTILINE):
                        event = json.loads(line)
                        if all(event[name] == value for name, value in values.items()):
                            return event
                    data = sock.recv(65536)
                    assert data, text
                    text += data

            yield find


def read_until(sock, what):
    data = b""
    while what not in data:
        more = sock.recv(65536)
        assert more, data
        data += more
    return data


@pytest.fixture(scope="module")
def museum(tmp_path_factory):
    require(*catalog.defaults())
    with Museum(tmp_path_factory.mktemp("museum")) as museum:
        yield museum
        assert museum.stop(signal.SIGINT) == 0, museum.said
        assert museum.left_behind() == [] and "\nTraceback" not in museum.said
        assert sorted(path.name for path in museum.folder.iterdir()) == ["book.sqlite3", "log"]


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_is_mounted_below_its_name(stage, museum):
    told = json.loads(museum.get(f"/{stage}/request/a%20b?c=d").body)
    assert (told["mount"], told["path"], told["query"]) == (f"/{stage}", "/request/a b", "c=d")
    assert museum.json(f"/{stage}/gateway")["stack"] == catalog.find(stage).name
    assert museum.get(f"/{stage}/").status == 200
    moved = museum.get(f"/{stage}")
    assert moved.status == 308 and dict(moved.headers)["location"] == f"/{stage}/"


def test_from_each_stage_links_lead_to_the_lobby_and_to_the_others(museum):
    for stage in STAGES:
        links = {each["stack"]: each["url"] for each in museum.json(f"/{stage}/gateway")["doors"]}
        base = f"http://127.0.0.1:{museum.port}/"
        assert links == {"lobby": base, **{catalog.find(name).name: f"{base}{name}/" for name in STAGES}}


def test_an_entry_signed_at_one_is_seen_live_at_all(museum):
    with contextlib.ExitStack() as stack:
        live = {stage: stack.enter_context(museum.connected(request("GET", f"/{stage}/events"))) for stage in STAGES}
        for sock in live.values():
            read_until(sock, b": the guestbook")
        socket = stack.enter_context(museum.connected(HANDSHAKE))
        read_until(socket, b"\r\n\r\n")
        assert museum.get("/scgi/entries", contract.FORM, method="POST", body=b"name=Ada&message=Seen").status == 303
        for sock in (*live.values(), socket):
            read_until(sock, b'"message":"Seen"')
        # And the other way: signed over WebSocket, seen at all.
        socket.sendall(wire.build(wire.Message('{"name":"Grace","message":"Both ways"}'), b"mask"))
        for sock in (*live.values(), socket):
            read_until(sock, b"Both ways")
        open_now = {each["stage"]: each["open"] for each in museum.json("/lobby/stages")}
        assert all(open_now.values()) and open_now["asgi"] == 2


def test_the_strip_shows_each_request_of_any_visitor(museum):
    with museum.watching() as find:
        assert museum.get("/uwsgi/hello?name=strip").status == 200
        event = find(stage="uwsgi", line="GET /uwsgi/hello?name=strip HTTP/1.1", status=200)
        with museum.connected(request("GET", "/cgi/slow?seconds=0.5")):
            going = find(stage="cgi", line="GET /cgi/slow?seconds=0.5 HTTP/1.1", took=None)
            assert going["status"] in (0, 200)
            find(number=going["number"], status=200)
    with museum.watching() as find:  # who comes later sees those before
        assert find(number=event["number"])["took"] is not None


def test_requests_in_one_connection_are_told_apart(museum):
    """The second one begins in the same packet as the first one's body."""
    two = (request("POST", "/asgi/echo", "Content-Type: text/plain", body=b"one")
           + request("POST", "/fastcgi/echo", "Content-Type: text/plain", "Connection: close", body=b"two"))
    with museum.connected(two) as sock, sock.makefile("rb") as file:
        said = file.read()
    assert said.count(b"HTTP/1.1 200 OK") == 2 and said.index(b"one") < said.index(b"two")


def test_bytes_are_handed_on_as_they_are(museum):
    body = os.urandom(300_000)
    answer = museum.get("/wsgi/echo", "Content-Type: application/x", method="POST", body=body)
    assert answer.body == body
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[i : i + 7000]), body[i : i + 7000]) for i in range(0, 300_000, 7000))
    head = (b"POST /asgi/digest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
    with museum.connected(head) as sock:
        assert read_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        sock.sendall(chunks + b"0\r\n\r\n")
        assert b'"length":300000' in read_until(sock, b"}")


def test_a_stream_comes_as_it_is_made(museum):
    with museum.connected(request("GET", "/scgi/stream?n=2&delay=0.4")) as sock:
        read_until(sock, b"line 1 of 2")
        began = time.monotonic()
        read_until(sock, b"line 2 of 2")
        assert time.monotonic() - began > 0.2


CARRIERS = {
    "cgi": ["HTTP/1.1", "process"], "fastcgi": ["HTTP/1.1", "FastCGI", "WSGI callable"],
    "scgi": ["HTTP/1.1", "SCGI", "WSGI callable"], "wsgi": ["HTTP/1.1", "WSGI callable"],
    "uwsgi": ["HTTP/1.1", "uwsgi", "WSGI callable"], "asgi": ["HTTP/1.1", "ASGI coroutine"],
}


@pytest.mark.parametrize("stage", STAGES)
def test_each_of_many_requests_at_once_has_its_own_journey(stage, museum):
    lines = [f"GET /{stage}/slow?seconds=0.3{number} HTTP/1.1" for number in range(1, 5)]
    with museum.watching() as find, ThreadPoolExecutor(4) as pool:
        asked = list(pool.map(lambda line: museum.get(line.split(" ")[1]).status, lines))
        numbers = {line: find(line=line, status=200)["number"] for line in lines}
        assert asked == [200] * 4
    for line in lines:
        found = museum.json(f"/lobby/journeys/{numbers[line]}")
        links = found["journey"]["links"]
        assert [link["carrier"] for link in links] == CARRIERS[stage]
        text = json.dumps(links)
        assert re.findall(r"seconds=(0\.3\d)", text) == [line[-13:-9]] * text.count("seconds=")
        assert 'class="journey"' in found["html"]


def test_a_conversation_over_websocket_has_its_journey_while_it_goes_on(museum):
    with museum.watching() as find, museum.connected(HANDSHAKE) as socket:
        read_until(socket, b"\r\n\r\n")
        socket.sendall(wire.build(wire.Message('{"name":"Ada","message":"On its way"}'), b"mask"))
        read_until(socket, b"On its way")
        event = find(stage="asgi", status=101, took=None)
        links = museum.json(f"/lobby/journeys/{event['number']}")["journey"]["links"]
        assert [link["carrier"] for link in links] == ["HTTP/1.1", "WebSocket", "ASGI coroutine"]
        assert "ended" not in links[2]["calls"][0] and "On its way" in json.dumps(links[2]["calls"])


# ---------------------------------------------------------------- questions of the lobby


@pytest.mark.parametrize("stage", STAGES)
def test_the_lobby_asks_the_real_server_and_shows_the_journey(stage, museum):
    found = json.loads(museum.ask(stage, "GET /hello?name=Ada HTTP/1.1\r\nHost: localhost\r\n\r\n").body)
    assert found["response"].startswith("HTTP/1.1 200 OK\r\n") and "Hello, Ada!" in found["response"]
    assert found["over"] == "" and found["journey"]["stage"] == stage
    first = found["journey"]["links"][0]
    mount = "" if catalog.find(stage).mount_is_stripped else f"/{stage}"
    assert first["pieces"][0]["bytes"].startswith(f"GET {mount}/hello?name=Ada HTTP/1.1\r\n")
    assert "".join(each["bytes"] for each in first["pieces"] if each["by"] == 1) == found["response"]


def test_what_is_no_http_goes_to_the_server_as_it_is(museum):
    found = json.loads(museum.ask("wsgi", "GET /hello HTTP/1.1\nHost: localhost\n\n\x00").body)
    assert found["response"].startswith("HTTP/1.1 400")
    half = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"
    half = json.loads(museum.ask("asgi", half).body)
    assert half["over"].startswith("nothing came for 3 s")


def test_the_lobby_holds_a_websocket(museum):
    signing = wire.build(wire.Message('{"name":"Ada","message":"From the lobby"}'), b"mask")
    sent = HANDSHAKE.replace(b"/asgi", b"") + signing
    links = json.loads(museum.ask("asgi", sent.decode("latin-1")).body)["journey"]["links"]
    assert [link["carrier"] for link in links[:2]] == ["HTTP/1.1", "WebSocket"]
    assert links[1]["pieces"][0]["bytes"].encode("latin-1") == signing
    assert "From the lobby" in links[1]["pieces"][-1]["bytes"]


@pytest.mark.parametrize(("body", "status"), [
    (b"", 422), (b"[]", 422), (b'{"stage": "wsgi"}', 422), (b'{"stage": "http", "request": ""}', 422),
    (b'{"stage": [], "request": ""}', 422), ('{"stage": "wsgi", "request": "€"}'.encode(), 422), (b"\xff", 422),
    (b'{"stage": "wsgi", "request": "", "program": "1/0"}', 422),
    (json.dumps({"stage": "wsgi", "request": "x" * (question.LONGEST + 1)}).encode(), 413),
    (b" " * (visit.LONGEST + 1), 413),
])
def test_a_wrong_question_gets_a_sentence(body, status, museum):
    answer = museum.get("/lobby/ask", method="POST", body=body)
    assert answer.status == status and len(answer.body) > 10


def test_many_visitors_at_once_are_lanes(museum):
    sent = "GET /slow?seconds=0.3 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    lanes = json.loads(museum.ask("asgi", sent, count=4).body)["lanes"]
    assert len(lanes) == 4
    for lane in lanes:
        assert 0 <= lane["arrived"] < lane["began"] < lane["ended"] and lane["pieces"]
    assert max(lane["began"] for lane in lanes) < min(lane["ended"] for lane in lanes)  # side by side


def test_a_journey_of_very_many_fields_is_not_drawn(museum):
    sent = ("POST /digest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1\r\na\r\n" * 5000 + "0\r\n\r\n")
    found = json.loads(museum.ask("wsgi", sent).body)
    assert '"length":5000' in found["response"] and re.fullmatch("<p>It has .* are not drawn.</p>", found["html"])


def test_what_is_not_kept_of_a_journey_is_said(museum):
    assert museum.get("/uwsgi/echo", "Content-Type: a/b", method="POST", body=bytes(300_000)).status == 200
    with museum.watching() as find:
        number = find(stage="uwsgi", line="POST /uwsgi/echo HTTP/1.1")["number"]
    assert "the first 262,144 bytes are kept" in museum.json(f"/lobby/journeys/{number}")["html"]


def test_the_visitor_may_leave(museum):
    sent = "GET /stream?n=50&delay=0.1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    found = json.loads(museum.ask("cgi", sent, leaves=3).body)
    assert found["over"] == "the visitor left" and "line 1 of 50" in found["response"]


def test_what_a_visitor_has_said_before_the_websocket_opened_reaches_it(museum):
    """Also where the visitor says no more: the end of it all comes behind."""
    signing = wire.Message('{"name": "Ada", "message": "in a hurry"}')
    with museum.connected(HANDSHAKE + wire.build(signing, b"mask")) as visitor:
        visitor.shutdown(socket.SHUT_WR)
        read_until(visitor, b" 101 ")
        assert eventually(lambda: b"in a hurry" in museum.get("/wsgi/entries").body)


def test_one_question_does_not_hold_up_the_others(museum):
    slow = json.dumps({"stage": "wsgi", "request": "GET /slow?seconds=2 HTTP/1.1\r\nHost: localhost\r\n\r\n"}).encode()
    with museum.connected(request("POST", "/lobby/ask", body=slow)) as sock:
        began = time.monotonic()
        for stage in STAGES:
            assert museum.ask(stage, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200
        assert museum.get("/wsgi/hello").status == 200
        took = time.monotonic() - began
        assert b"waited 2 s" in read_until(sock, b"}") and took < time.monotonic() - began


# ---------------------------------------------------------------- strangers, and bounds

FOREIGN = {
    "another name": ("Host: rebound.test",),
    "a page from elsewhere": ("Host: localhost", "Origin: http://evil.test", "Sec-Fetch-Site: cross-site",
                              "Sec-Fetch-Dest: empty"),
    "another port of this machine": ("Host: localhost", "Sec-Fetch-Site: same-site", "Sec-Fetch-Dest: empty"),
    "a frame": ("Host: localhost", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: iframe"),
}


@pytest.mark.parametrize("who", FOREIGN)
def test_strangers_can_use_nothing_of_the_door(who, museum):
    known = museum.json("/lobby/stages")
    number = json.loads(museum.ask("scgi", "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").body)["number"]
    body = json.dumps({"stage": "wsgi", "request": "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"}).encode()
    paths = ["/", "/lobby/strip", "/lobby/stages", f"/lobby/journeys/{number}", "/lobby/lobby.js", "/lobby/nothing",
             *(f"/{stage}/entries" for stage in STAGES)]
    asked = [b"GET %b HTTP/1.1\r\n" % path.encode() for path in paths]
    asked.append(b"POST /lobby/ask HTTP/1.1\r\nContent-Length: %d\r\n" % len(body))
    asked += [b"POST /%b/entries HTTP/1.1\r\nContent-Length: 0\r\n" % stage.encode() for stage in STAGES]
    asked.append(HANDSHAKE[: HANDSHAKE.index(b"\r\n") + 2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                 b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
    for begins in asked:
        head = begins + "".join(f"{each}\r\n" for each in FOREIGN[who]).encode() + b"\r\n"
        with museum.connected(head + (body if b"ask" in begins else b"")) as sock:
            status = read_until(sock, b"\r\n\r\n").split(b" ")[1]
        if b"WebSocket" in begins or b"/live" in begins:
            assert status == b"403", begins
        else:
            assert status == (b"421" if who == "another name" else b"403"), begins
    assert len(museum.json("/lobby/stages")) == len(known)


def test_the_lobby_may_not_be_framed_and_loads_nothing_from_elsewhere(museum):
    answer = museum.get("/")
    policy = dict(answer.headers)["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    for path in re.findall(r'(?:src|href)="(lobby/[^"]+)"', answer.body.decode()):
        assert museum.get(f"/{path}").status == 200


@pytest.mark.parametrize(("sent", "status"), [
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET /wsgi/ HTTP/1.1\nHost: localhost\n\n", 400),
    (b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    (b"GET /lobby/ask HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    (b"GET /http/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    (b"GET /lobby/journeys/99999999 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    (b"GET /lobby/journeys/1e3 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    (b"POST /wsgi/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    (b"POST /wsgi/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n", 414),
    (b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 405),
])
def test_a_wrong_request_gets_its_status(sent, status, museum):
    with museum.connected(sent) as sock:
        assert read_until(sock, b"\r\n\r\n").split(b" ")[1] == str(status).encode()


def test_an_absolute_target_leads_to_the_same_stage(museum):
    sent = b"GET http://localhost/uwsgi/request?a=/asgi/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with museum.connected(sent) as sock:
        said = read_until(sock, b"}}")
    assert b'"mount":"/uwsgi"' in said and b'"path":"/request"' in said and b'"query":"a=/asgi/"' in said


@pytest.mark.parametrize("before", [b"", b"\r\n", b"http://asgi"])
def test_where_the_mount_point_is_taken_off_all_else_stays(before):
    begins, target = (before, b"") if before.startswith(b"\r") else (b"", before)
    sent = begins + b"GET " + target + b"/asgi/asgi/?/asgi/ HTTP/1.1\r\nHost: x\r\nX: GET /asgi/\r\n\r\nGET /asgi/"
    (head, *_) = RequestReader().receive(sent)
    assert visit.with_path(sent, head, b"/asgi/") == sent.replace(b"/asgi/asgi/", b"/asgi/", 1)


@contextlib.contextmanager
def behind_the_door(say):
    """The port of a door with a server behind it that takes a connection, hears something, and does say(connection)."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                say(connection)

        served = pool.submit(serve)
        place = SimpleNamespace(name="wsgi", stack=catalog.find("wsgi"), is_open=True, reason="", host="127.0.0.1",
                                port=listener.getsockname()[1])
        opened = door.Door(SimpleNamespace(places={"wsgi": place}), "127.0.0.1", port := free_port(), {})
        opened.start()
        try:
            yield port
            served.result(10)
        finally:
            opened.stop()


def test_bytes_behind_an_answer_are_no_answer_to_the_next_request():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with behind_the_door(lambda sock: sock.sendall(2 * answer)) as port:
        with socket.create_connection(("127.0.0.1", port), 10) as sock, sock.makefile("rb") as file:
            sock.sendall(2 * request("GET", "/wsgi/"))
            assert file.read() == answer


def test_where_files_are_few_the_door_says_so_in_a_sentence(capfd):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = door.Door(SimpleNamespace(places={}), "127.0.0.1", port := free_port(), {"/": ("text/plain", b"lobby")})
    opened.start()
    with socket.socket() as visitor:
        visitor.settimeout(10)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
            visitor.connect(("127.0.0.1", port))
            visitor.sendall(request("GET", "/"))
            time.sleep(0.2)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert visitor.recv(65536).endswith(b"lobby")
    opened.stop()
    assert capfd.readouterr().err == "nobody can be accepted for now: Too many open files\n"


def test_half_an_answer_does_not_pass_for_a_whole_one():
    def say(sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nto the end of the connection, and")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it is reset

    with behind_the_door(say) as port, socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(request("GET", "/wsgi/"))
        with pytest.raises(ConnectionResetError):
            while sock.recv(65536):
                pass


def test_what_is_remembered_is_bounded():
    seen = strip.Strip()
    watcher, goes_on = seen.watch(), seen.begin("asgi", "GET /asgi/live HTTP/1.1")
    for _ in range(3 * strip.REMEMBERED):
        passing = seen.begin("wsgi", "GET / HTTP/1.1")
        passing.note(0, b"x" * (1 << 20))
        seen.end(passing)
    assert len(seen.passings) <= strip.REMEMBERED + 2 and seen.find(1) is goes_on
    assert sum(each.kept for each in seen.passings) <= strip.MOST + passing.kept
    assert passing.cut and seen.find(2) is None and seen.find(passing.number) is passing
    assert watcher not in seen.watchers  # it looked at nothing
    assert [seen.watch() is None for _ in range(strip.WATCHERS + 1)][-1]


def test_the_mount_point_goes_in_front_of_the_path_and_nowhere_else():
    place = Place(catalog.find("wsgi"))
    one, two = (request("POST", "/echo", body=b"GET /x HTTP/1.1\r\n\r\n") for _ in range(2))
    mounted = one.replace(b"/echo", b"/wsgi/echo")
    assert place.mounted(one) == mounted and place.mounted(one + two) == 2 * mounted
    for strange in (b"", b"\0", b"GET http://localhost/ HTTP/1.1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n", b"/"):
        assert place.mounted(strange) == strange
    assert Place(catalog.find("asgi")).mounted(one) == one


# ---------------------------------------------------------------- processes, and ends


def test_each_process_is_shown_with_its_memory(museum):
    def shown():
        stages = museum.json("/lobby/stages")
        assert [each["reason"] for each in stages] == [""] * len(stages)
        processes = [process for each in stages for process in each["processes"] or [{"memory": 0}]]
        return all(process["memory"] > 100_000 and process["doing"] and psutil.pid_exists(process["pid"])
                   for process in processes)

    assert eventually(shown)  # in one look a CGI program of the test before may have ended already
    workers = museum.stage("wsgi")["processes"]
    assert len(workers) == 5  # and their parent


def test_a_stage_that_is_killed_is_started_anew_and_at_last_left_alone(tmp_path):
    require(*catalog.defaults())
    with Museum(tmp_path) as museum:
        for time_ in range(3):
            eventually(lambda: museum.stage("asgi")["processes"])
            (process,) = museum.stage("asgi")["processes"]
            os.kill(process["pid"], signal.SIGKILL)
            assert eventually(lambda: "exit code -9" in museum.stage("asgi")["reason"])
            assert museum.get("/asgi/hello").status in (502, 503)
            assert museum.get("/wsgi/hello").status == 200
            if time_ < 2:
                assert "it is being started anew" in museum.stage("asgi")["reason"]
                assert eventually(lambda: museum.get("/asgi/hello").status == 200)
        assert "is left alone now" in museum.stage("asgi")["reason"]
        assert museum.said.count("exit code -9") == 3
        answer = museum.ask("asgi", "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.status == 503 and b"left alone" in answer.body
        with museum.connected(request("GET", "/cgi/events")), museum.connected(request("GET", "/lobby/strip")):
            assert museum.stop(signal.SIGTERM) == 0
    assert museum.left_behind() == [] and "\nTraceback" not in museum.said


def test_a_stage_whose_part_is_missing_is_shown_with_what_helps(tmp_path):
    """Python without its other packages, but rich: CGI needs no more."""
    import rich

    folder = tmp_path / "packages"
    folder.mkdir()
    for name in ("rich", "pygments", "markdown_it", "mdurl", "h11"):
        origin = os.path.dirname(__import__(name).__file__)
        (folder / name).symlink_to(origin)
    assert rich
    environ = {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PYTHONNOUSERSITE": "1", "PATH": "/usr/bin:/bin"}
    environ["PYTHONPATH"] += os.pathsep + str(tmp_path)
    command = [sys.executable, "-S", "-m", "exhibits", "museum", "--port", str(port := free_port()),
               "--guestbook", str(tmp_path / "book.sqlite3")]
    with Serving(tmp_path, command=command, environ={**environ, "TMPDIR": str(tmp_path)}) as museum:
        museum.wait_for(OPEN)
        with Visitor("127.0.0.1", port, 10) as visitor:
            stages = {each["stage"]: each for each in json.loads(visitor.ask(request("GET", "/lobby/stages")).body)}
        with Visitor("127.0.0.1", port, 10) as visitor:
            closed = visitor.ask(request("GET", "/wsgi/"))
        assert stages["cgi"]["processes"] and stages["wsgi"]["reason"].startswith("gunicorn is missing: pip install")
        assert closed.status == 503 and b"gunicorn is missing" in closed.body
        assert "/wsgi/  closed: gunicorn is missing" in museum.said


@pytest.mark.parametrize("moment", [0.4, 0.6, 0.8, 1])
def test_ctrl_c_at_any_moment_leaves_nothing(moment, tmp_path):
    require(*catalog.defaults())
    with Museum(tmp_path, ready=None) as museum:
        time.sleep(moment)
        code = museum.stop(signal.SIGINT)
        assert "\nTraceback" not in museum.said
        assert code in (0, 130, -signal.SIGINT)
    assert eventually(lambda: museum.left_behind() == [])


def test_where_nobody_can_listen_the_exit_code_says_so_though_stages_still_start(tmp_path, monkeypatch):
    def fails(self):
        raise OSError("nobody can listen")

    def left(code):
        raise SystemExit(code)

    monkeypatch.setattr(door.Door, "start", fails)
    monkeypatch.setattr(ending, "leave", left)
    monkeypatch.setattr(House, "open", lambda self, place, pause: time.sleep(1))
    with pytest.raises(SystemExit, match="1"):
        opening.museum(SimpleNamespace(port=None, open=False, guestbook=tmp_path / "book.sqlite3"))


def test_the_port_may_be_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        museum = Museum.__new__(Museum)
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "exhibits", "museum", "--port", str(port), "--guestbook", str(tmp_path / "b")]
        Serving.__init__(museum, tmp_path, command=command)
        with museum:
            assert museum.wait(20) == 2 and f"port {port} on 127.0.0.1 is in use" in museum.said
