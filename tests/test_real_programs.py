"""A Flask, a Django and a Starlette program behind our servers: uploads, streams, work afterwards, sessions, files.

waitress and uvicorn serve the same programs, so that a fault of a program is not taken for one of our servers.
"""

import hashlib
import json
import random
import socket

import pytest
from conftest import complaints, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from exhibits.asking import request
from exhibits.backstage.running import eventually

pytestmark = pytest.mark.hall

WSGI, ASGI = ("wsgi-ours", "uwsgi-ours", "wsgi-waitress"), ("asgi-ours", "asgi-uvicorn")


def served(servers, *programs):
    """Parameters (server, program); all tests of an exhibit are kept together, so that it starts once."""
    return [
        pytest.param((server, program), id=f"{server}-{program[:-3]}", marks=pytest.mark.xdist_group(server + program))
        for program in programs for server in servers
    ]


ON_STARLETTE = served(ASGI, "in_starlette.py")
EVERYTHING = served(WSGI, "in_flask.py", "in_django.py") + served(ASGI, "in_django.py") + ON_STARLETTE
WEBSOCKET = pytest.mark.parametrize("exhibit", ON_STARLETTE, indirect=True)
FILE = b"0123456789" * 100_000
CONTENT = random.Random(1).randbytes(5_000_000)
FORM = (b'--boundary1993\r\nContent-Disposition: form-data; name="note"\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n'
        b'--boundary1993\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + CONTENT + b"\r\n--boundary1993--\r\n")
MULTIPART = "Content-Type: multipart/form-data; boundary=boundary1993"


@pytest.fixture(scope="module", params=EVERYTHING)
def exhibit(request, tmp_path_factory):
    server, program = request.param
    callable = "coroutine" if server in ASGI and program == "in_django.py" else "application"
    with serving(server, f"{program}:{callable}", tmp_path_factory.mktemp("program")) as exhibit:
        exhibit.framework = program[3:-3]
        yield exhibit
    assert complaints(exhibit) == []


@pytest.fixture
def visitor(exhibit):
    with exhibit.visitor(timeout=20) as visitor:
        yield visitor


def ask(exhibit, path):
    with exhibit.visitor() as visitor:
        return visitor.ask(request("GET", path)).body


def raised(exhibit):
    """How often the program's exception is in the log."""
    return sum("RuntimeError: raised by the program" in line for _, line in list(exhibit.lines))


# ---------------------------------------------------------------- HTTP


@pytest.mark.parametrize("size", [None, 1000, 100_000], ids=["length", "small chunks", "large chunks"])
@pytest.mark.parametrize("expect", [(), ("Expect: 100-continue",)], ids=["", "expected"])
def test_an_upload(exhibit, visitor, size, expect):
    if size is None:
        head, pieces = request("POST", "/upload", MULTIPART, *expect, f"Content-Length: {len(FORM)}"), [FORM]
    else:
        head = request("POST", "/upload", MULTIPART, *expect, "Transfer-Encoding: chunked")
        chunks = (FORM[start : start + size] for start in range(0, len(FORM), size))
        pieces = [b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"]
    for _ in range(2):  # on one connection
        answer = visitor.ask(head, then=pieces)
        if size and exhibit.stack.takes == "ASGI coroutine" and exhibit.framework == "django":
            assert answer.status == 500  # to Django a body without a Content-Length is none
            continue
        assert answer.status == 200 and json.loads(answer.body) == {
            "note": "Grüße", "name": "a.bin", "size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest(),
        }


def test_a_stream_arrives_piece_by_piece(exhibit):
    with socket.create_connection(("127.0.0.1", exhibit.port), 10) as sock:
        sock.sendall(request("GET", "/stream", "Connection: close"))
        received = b""
        while b"first\n" not in received:
            received += sock.recv(65536)
        assert b"last" not in received
        ask(exhibit, "/go")
        received += b"".join(iter(lambda: sock.recv(65536), b""))
    assert b"last\n" in received and received.endswith(b"0\r\n\r\n")


def test_a_stream_without_end_ends_with_its_visitor(exhibit):
    with socket.create_connection(("127.0.0.1", exhibit.port), 10) as sock:
        sock.sendall(request("GET", "/endless"))
        received = b""
        while b"and so on\n" not in received:  # a generator that has not begun has nothing to end
            received += sock.recv(65536)
    assert eventually(lambda: "endless" in ended(exhibit), 20)


def ended(exhibit):
    return json.loads(ask(exhibit, "/ended"))["ended"]


@pytest.mark.parametrize("path", ["/later", "/later?streamed"])
def test_what_a_program_does_after_its_answer_does_not_hold_that_up(exhibit, visitor, path):
    if "streamed" in path and exhibit.stack.server == "waitress":
        return  # it sends the last chunk when the program has cleaned up
    before = ended(exhibit).count("later")
    answer = visitor.ask(request("GET", path))
    assert (answer.status, answer.body, answer.complete) == (202, b"accepted", True)
    assert ended(exhibit).count("later") == before
    if exhibit.framework == "starlette":
        assert visitor.ask(request("GET", "/me")).complete  # nor what the visitor asks next
    ask(exhibit, "/go")
    assert eventually(lambda: ended(exhibit).count("later") > before, 10)


def test_a_session(exhibit, visitor):
    answer = visitor.ask(request("GET", "/login?name=Gr%C3%BC%C3%9Fe", host="museum.test:80"))
    assert (answer.status, dict(answer.headers)["location"]) == (302, "/me")
    cookies = [value.split(";")[0] for name, value in answer.headers if name == "set-cookie"]
    assert sorted(cookie.split("=")[0] for cookie in cookies) in [
        ["session", "size", "theme"], ["sessionid", "size", "theme"]]
    answer = visitor.ask(request("GET", "/me", f"Cookie: {'; '.join(cookies)}", host="museum.test"))
    assert json.loads(answer.body) == {
        "name": "Grüße", "cookies": sorted(cookie.split("=")[0] for cookie in cookies), "url": "http://museum.test/me",
    }


def test_a_file_and_parts_of_it(exhibit, visitor):
    answer = visitor.ask(request("GET", "/file"))
    length = ("content-length", str(len(FILE)))
    assert (answer.status, answer.body, answer.complete) == (200, FILE, True) and length in answer.headers
    assert visitor.ask(request("GET", "/file", version="1.0")).body == FILE
    answer = visitor.ask(request("HEAD", "/file"))
    assert (answer.status, answer.body) == (200, b"") and length in answer.headers
    if exhibit.framework == "django":
        return  # it knows no ranges
    etag = dict(answer.headers)["etag"]
    for asked, found in {"0-9": FILE[:10], "-5": FILE[-5:], "999990-2000000": FILE[-10:]}.items():
        answer = visitor.ask(request("GET", "/file", f"Range: bytes={asked}", f"If-Range: {etag}"))
        assert (answer.status, answer.body) == (206, found)
        assert dict(answer.headers)["content-range"].endswith("/1000000")
        answer = visitor.ask(request("HEAD", "/file", f"Range: bytes={asked}"))
        assert (answer.body, answer.complete) == (b"", True)
    assert visitor.ask(request("GET", "/file", "Range: bytes=2000000-")).status == 416
    if exhibit.framework == "starlette":
        answer = visitor.ask(request("GET", "/file", "Range: bytes=0-4,100000-100009"))
        assert answer.status == 206 and answer.body.count(FILE[:10]) == 1 and answer.complete
    else:
        assert visitor.ask(request("GET", "/file", f"If-None-Match: {etag}")).status == 304


def test_large_header_fields(visitor):
    large = [f"X-Large-{number}: {chr(65 + number) * 6000}" for number in range(3)]
    answer = visitor.ask(request("GET", "/large", *large))
    assert (answer.status, answer.body) == (200, b"18000")
    assert sorted(value for name, value in answer.headers if name.startswith("x-large")) == [
        letter * 6000 for letter in "ABC"]


def test_an_exception(exhibit, visitor):
    before = raised(exhibit)
    assert visitor.ask(request("GET", "/raise")).status == 500
    assert eventually(lambda: raised(exhibit) > before, 5)
    assert b"cookies" in ask(exhibit, "/me")


def test_an_exception_in_the_middle_of_an_answer(exhibit, visitor):
    before = raised(exhibit)
    answer = visitor.ask(request("GET", "/raise-late"))
    assert (answer.status, answer.body) == (200, b"some\n")
    # Of uwsgi there is no half: the end of the connection is the end of the answer.
    assert answer.complete == (exhibit.stack.name == "uwsgi-ours")
    assert eventually(lambda: raised(exhibit) > before, 5)
    assert b"cookies" in ask(exhibit, "/me")


# ---------------------------------------------------------------- WebSocket


@pytest.fixture
def live(exhibit, visitor):
    """A WebSocket, after the first message."""
    cookies = visitor.ask(request("GET", "/login?name=Ada")).headers
    session = "; ".join(value.split(";")[0] for name, value in cookies if name == "set-cookie")
    with connect(f"ws://127.0.0.1:{exhibit.port}/echo", subprotocols=["other", "museum"], proxy=None,
                 additional_headers={"Cookie": session}) as live:
        assert live.subprotocol == "museum" and json.loads(live.recv()) == {"name": "Ada"}
        yield live


@WEBSOCKET
def test_messages(live):
    for message in ("", "Grüße", "x" * 1_000_000, b"", bytes(range(256)), CONTENT[:1_000_000]):
        live.send(message)
        assert live.recv() == message[::-1]
    live.send(["in ", "frag", "", "ments"])
    assert live.ping(b"?").wait(5)
    assert live.recv() == "stnemgarf ni"


@WEBSOCKET
def test_the_visitor_closes(exhibit, live):
    live.close(4000, "bye")
    assert eventually(lambda: "echo 4000 bye" in ended(exhibit), 10)


@WEBSOCKET
def test_the_program_closes(live):
    live.send("close")
    with pytest.raises(ConnectionClosed) as closed:
        live.recv(10)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "as told")


@WEBSOCKET
def test_the_program_raises(exhibit, live):
    before = raised(exhibit)
    live.send("raise")
    with pytest.raises(ConnectionClosed) as closed:
        live.recv(10)
    if exhibit.stack.server == "ours":  # uvicorn closes without a word
        assert closed.value.rcvd.code == 1011
    assert eventually(lambda: raised(exhibit) > before, 5)


@WEBSOCKET
@pytest.mark.parametrize("path", ["/closed", "/nowhere"])
def test_the_program_refuses(exhibit, path):
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{exhibit.port}{path}", proxy=None):
        pass
    assert refused.value.response.status_code == 403
