"""The rude program: our servers are right, or what the data allows, and the judge sees what is not."""

import contextlib
import importlib
import re
import socket
import threading

import pytest
from conftest import marks_of, require

from exhibits import catalog, rude
from exhibits.backstage.checking import reading, rudeness
from exhibits.backstage.checking.gridding import RUDE, shortened

OURS = [stack for stack in catalog.STACKS if stack.server == "ours"]


@pytest.mark.parametrize("stack", [pytest.param(stack, id=stack.name, marks=marks_of(stack)) for stack in OURS])
def test_our_servers_outlive_every_rudeness(stack):
    require(stack)
    cells = list(rudeness.hold(stack))
    assert [str(cell) for cell in cells if cell.verdict not in (rudeness.RIGHT, rudeness.TOLERABLE)] == []
    assert len(cells) == len(rudeness.behaviours(stack)) > 70
    published = RUDE.read()["stacks"][stack.name]["cells"]
    now = {cell.behaviour.name: (cell.verdict, shortened(cell.outcome)) for cell in cells}
    assert {name: cell[:2] for name, cell in published.items()} == now, "run: python -m exhibits grid rude"


@pytest.mark.parametrize("name", ["wsgi-gunicorn", "asgi-uvicorn"])
def test_other_servers_can_be_asked(name):
    stack = catalog.find(name)
    require(stack)
    names = "head-body", "short", "no-length", "raises-exception", "half-read", "ws-refuse"
    chosen = [(interface, each) for interface, each in rudeness.behaviours(stack) if each.name in names]
    cells = list(rudeness.hold(stack, chosen))
    assert [cell.behaviour.name for cell in cells] == [each.name for _, each in chosen]
    assert {cell.verdict for cell in cells} <= {rudeness.RIGHT, rudeness.TOLERABLE}


# ---------------------------------------------------------------- the data


@pytest.mark.parametrize("interfaces", sorted(set(rudeness.INTERFACES.values())), ids=lambda names: names[0])
def test_each_room_acts_out_what_the_data_says_and_no_more(interfaces):
    room = interfaces[0]
    acts = importlib.import_module(f"exhibits.{room}.rude").ACTS
    named = [each.name for each in rude.BEHAVIOURS if each.rules.keys() & set(interfaces)]
    assert sorted(acts) == sorted(named)


def test_every_outcome_can_come():
    known = re.compile(r"[2-6]\d\d( .*)?|cut|nothing|101 (.+ )?(\d{4}|cut)", re.DOTALL)
    assert len({each.name for each in rude.BEHAVIOURS}) == len(rude.BEHAVIOURS)
    for each in rude.BEHAVIOURS:
        for rule in each.rules.values():
            assert rule.level in ("must", "should", "may") and rule.right
            assert all(map(known.fullmatch, rule.right + rule.tolerable)), each.name
            assert not set(rule.right) & set(rule.tolerable), each.name


# ---------------------------------------------------------------- the judge


@contextlib.contextmanager
def answering(*answers, end=True):
    """The address of a server that says these bytes to one request after the other. end: then it closes."""

    def serve():
        sock, _ = listener.accept()
        with sock:
            for answer in answers:
                if not sock.recv(65536):
                    break
                sock.sendall(answer)
            if not end:
                over.wait(10)

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        over.set()
        thread.join(10)


def asked(answer, method="GET", end=True):
    with answering(answer, end=end) as address, reading.Talk(*address, 0.3) as talk:
        return talk.ask(b"%b / HTTP/1.1\r\nHost: localhost\r\n\r\n" % method.encode(), method)


FRAMED, CHUNKED = b"Content-Length: 2\r\n\r\nhi", b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
RIGHT = b"HTTP/1.1 200 OK\r\nDate: now\r\n" + FRAMED


def test_a_right_answer_has_no_faults():
    answer = asked(RIGHT)
    assert (answer.end, answer.status, answer.body, answer.faults, answer.closes) == ("whole", 200, b"hi", [], False)


@pytest.mark.parametrize(("old", "new", "fault"), [
    (b"Date: now\r\n", b"", "no Date"),
    (b"Date: now", b"Date: now\r\nDate: now", "date is there 2 times"),
    (b"Date: now", b"Server: a\r\nServer: a", "server is there 2 times"),
    (b"Length: 2", b"Length: 2\r\nContent-Length: 2", "content-length is there 2 times"),
    (b"Length: 2", b"Length: 3\r\nContent-Length: 2", "conflicting Content-Length"),
    (b"Length: 2", b"Length: +2", "bad Content-Length"),
    (b"Content-Length: 2", b"Transfer-Encoding: chunked\r\nContent-Length: 2", "Content-Length and Transfer-Encoding"),
    (b"200 OK", b"204 No Content", "a length with 204"),
    (b"200 OK", b"1000 OK", "illegal status line"),
    (b"HTTP/1.1", b"HTTP/2.0", "no status line"),
    (b"Date: now\r\n", b"Date: now\n", "no field line"),
    (b"Date: now", b"Date: now\r\nX Y: z", "illegal header line"),
    (b"Date: now", b"Date: now\r\nX-Injected: yes", "has become a field"),
    (b"Content-Length: 2\r\n", b"", "was not announced"),
    (b"HTTP/1.1 200", b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200", "which nobody has asked for"),
    (b"Date: now", b"Connection: close, keep-alive", "close and keep-alive"),
    (FRAMED, CHUNKED + b"0\r\nX: y\r\n\r\n", "trailer fields"),
])
def test_the_judge_sees(old, new, fault):
    assert old in RIGHT
    assert any(fault in each for each in asked(RIGHT.replace(old, new)).faults)


@pytest.mark.parametrize(("answer", "end", "closes", "seen"), [
    (b"", True, False, "nothing"),
    (b"", False, False, "silence"),
    (RIGHT[:-1], True, False, "cut"),
    (RIGHT[:-1], False, False, "silence"),
    (RIGHT[:20], True, False, "cut"),
    (RIGHT.replace(FRAMED, CHUNKED), True, False, "cut"),
    (RIGHT.replace(b"Content-Length: 2", b"Connection: close"), True, True, "whole"),
    (RIGHT.replace(b"/1.1", b"/1.0"), True, True, "whole"),
])
def test_the_judge_sees_how_an_answer_ends(answer, end, closes, seen):
    answer = asked(answer, end=end)
    assert (answer.end, answer.closes, answer.faults) == (seen, closes, [])


def test_the_answer_to_a_head_has_no_body():
    with answering(RIGHT, RIGHT) as address, reading.Talk(*address, 1) as talk:
        assert str(talk.ask(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HEAD")) == "200 "
        assert talk.rest(0) == b"hi"


class Exhibit:
    """What `rudeness.Visitor` needs of one: here a server that says what it is told to, on each connection."""

    stack, base, host = catalog.find("wsgi-ours"), "http://localhost", "127.0.0.1"

    def __init__(self, *answers):
        self.answers = answers
        self.listener = socket.create_server((self.host, 0))
        self.port = self.listener.getsockname()[1]

    def check(self):
        pass

    def serve(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                sock, _ = self.listener.accept()
                with sock, contextlib.suppress(ConnectionError):
                    self.talk(sock)

    def talk(self, sock):
        rude = False
        while request := sock.recv(65536):
            innocent = re.match(rb"GET /innocent\?(\d+)", request)
            rude = rude or not innocent
            body = b"innocent GET " + innocent[1] if innocent else b""
            answer = RIGHT.replace(b" 2\r\n\r\nhi", b" %d\r\n\r\n%b" % (len(body), body))
            if not innocent or (rude and len(self.answers) > 1):
                answer = self.answers[bool(innocent)] or b""
            sock.sendall(answer)
            if b"close" in answer or not answer:
                break


def judged(name, *answers):
    """The Cell of a behaviour. answers: to the rude request, and to what follows it on the same connection."""
    exhibit = Exhibit(*answers)
    behaviour = next(each for each in rude.BEHAVIOURS if each.name == name)
    with exhibit.listener:
        threading.Thread(target=exhibit.serve, daemon=True).start()
        cell = rudeness.Visitor(exhibit, 0.3).judge("wsgi", behaviour)
        exhibit.listener.shutdown(socket.SHUT_RDWR)
    return cell


HELLO = RIGHT.replace(b" 2\r\n\r\nhi", b" 5\r\n\r\nhello")


@pytest.mark.parametrize(("name", "verdict", "answers"), [
    ("own-date", rudeness.RIGHT, [HELLO]),
    ("own-connection", rudeness.TOLERABLE, [HELLO]),
    ("own-date", rudeness.WRONG, [RIGHT]),
    ("own-date", rudeness.WRONG, [HELLO.replace(b"Date: now", b"Date: now\r\nDate: then")]),
    ("own-date", rudeness.WRONG, [HELLO, None]),  # closed without having said so
    ("own-date", rudeness.WRONG, [HELLO.replace(b"Date", b"Connection: close\r\nDate") + b"more"]),
    ("short", rudeness.POISONS, [HELLO.replace(b" 5", b" 400")]),  # the next answer is read as a part of this one
    ("long", rudeness.POISONS, [HELLO.replace(b" 5\r\n\r\nhello", b" 4\r\n\r\n1234567890")]),
    ("unread-request", rudeness.POISONS, [HELLO.replace(b"hello", b"unread").replace(b" 5", b" 6") + RIGHT]),
    ("own-date", rudeness.POISONS, [HELLO, RIGHT]),
    ("repeated-field", rudeness.RIGHT, [HELLO.replace(b"Date", b"X-Twice: one\r\nX-Twice: two\r\nDate")]),
    ("cookies", rudeness.WRONG, [HELLO.replace(b"Date", b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate")]),
])
def test_the_verdicts(name, verdict, answers):
    cell = judged(name, *answers)
    assert cell.verdict == verdict, str(cell)


CLOSED, TOO_LONG = b"\x88\x02\x03\xe8", b"\x88\x7e\0\x7e" + b"\x03\xe8" + bytes(124)


@pytest.mark.parametrize(("data", "said", "code", "rest", "faults"), [
    (b"\x81\x02hi" + CLOSED + b"more", ["hi"], 1000, b"more", []),
    (b"\x81\x7e\0\x7e" + bytes(126) + b"\x89\0\x82\x01a", ["\0" * 126, "b'a'"], None, b"", []),
    (b"\x01\x01\xc3" + b"\x8a\0" + b"\x80\x01\xa9" + b"\x81\0", ["é", ""], None, b"", []),
    (b"\x01\x7f" + bytes(5) + b"\x01\0\0" + bytes(65536) + b"\x80\x01b", ["\0" * 65536 + "b"], None, b"", []),
    (b"\x81\x7e\0\x02hi", ["hi"], None, b"", ["no more bytes than it needs"]),
    (b"\x81\x7f" + bytes(7) + b"\x7e" + bytes(126), ["\0" * 126], None, b"", ["no more bytes than it needs"]),
    (b"\x81\x7e\0", [], None, b"\x81\x7e\0", []),
    (b"\x83\0", [], None, b"", ["the opcode 3"]),
    (b"\x09\0", [], None, b"", ["a control frame is whole"]),
    (b"\x08\x02\x03\xe8", [], 1000, b"", ["a control frame is whole"]),
    (b"\x80\x01a", ["a"], None, b"", ["mixed up"]),
    (b"\x01\x01a\x81\x01b", ["ab"], None, b"", ["mixed up"]),
    (b"\x01\x01a" + CLOSED, [], 1000, b"", []),
    (b"\x88\x03\x03\xe8\xff", [], 1000, b"", ["no UTF-8"]),
    (b"\x81\x03hi", [], None, b"\x81\x03hi", []),
    (b"\x81", [], None, b"\x81", []),
    (b"\x81\x80", [""], None, b"", ["not masked"]),
    (b"\xc1\0", [""], None, b"", ["no reserved bits"]),
    (b"\x81\x01\xff", [""], None, b"", ["no UTF-8"]),
    (b"\x88\0", [], 1005, b"", []),
    (b"\x88\x01\x03", [], 3, b"", ["a close frame of this length", "the code 3 "]),
    (TOO_LONG, [], 1000, b"", ["a close frame of this length"]),
    (b"\x89\x7e\0\x7e" + bytes(126), [], None, b"", ["125 bytes at most"]),
    *((b"\x88\x02" + code.to_bytes(2), [], code, b"", []) for code in (1003, 1007, 1014, 3000, 4999)),
    *((b"\x88\x02" + code.to_bytes(2), [], code, b"", [f"the code {code} "])
      for code in (999, 1004, 1005, 1006, 1015, 2999, 5000)),
])
def test_the_judge_reads_frames(data, said, code, rest, faults):
    found = []
    assert rudeness.frames(data, found) == (said, code, rest)
    assert len(found) == len(faults) and all(map(str.__contains__, found, faults)), found


NONCE, ACCEPT = b"the sample nonce", b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"  # RFC 6455 section 1.3
OPENED = b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" + ACCEPT + b"\r\n"


@pytest.mark.parametrize(("answers", "outcome", "fault"), [
    ([OPENED + b"\x81\x02hi" + CLOSED, b""], "101 hi 1000", None),
    ([OPENED + b"\x81\x02hi"], "101 hi cut", None),
    ([OPENED + b"\x81\x02hi", b""], "101 hi cut", "the connection stays open"),  # it waits for our close frame
    ([OPENED + CLOSED + b"\x81\x02hi", b""], "101 1000", "something follows the close frame"),
    ([OPENED + CLOSED, b"\x81\x02hi"], "101 1000", "something follows the close frame"),
    *(([OPENED.replace(old, new) + CLOSED, b""], "101 1000", fault) for old, new, fault in (
        (ACCEPT, b"Sec-WebSocket-Protocol: a\r\n" + ACCEPT, "subprotocol 'a', which was not offered"),
        (ACCEPT, b"Sec-WebSocket-Extensions: a\r\n" + ACCEPT, "extension 'a', which was not offered"),
        (b"s3p", b"S3P", "not what the key makes it"), (ACCEPT, b"", "not what the key makes it"),
        (b"Upgrade: websocket\r\n", b"", "do not name the WebSocket"),
        (b"Connection: upgrade\r\n", b"", "do not name the WebSocket"), (b"1.1", b"1.0", "not of HTTP/1.1"))),
    ([OPENED + b"\xc1\x02hi" + CLOSED, b""], "101 hi 1000", "no reserved bits"),
    ([RIGHT], "200 hi", None),
])
def test_the_judge_listens_to_a_websocket(answers, outcome, fault, monkeypatch):
    monkeypatch.setattr(rudeness.os, "urandom", lambda size: NONCE)
    visitor = object.__new__(rudeness.Visitor)  # one that has asked nothing yet
    visitor.prefix, visitor.host = "", "localhost"
    behaviour = next(each for each in rude.BEHAVIOURS if "websocket" in each.rules)
    with answering(*answers) as address, reading.Talk(*address, 0.3) as talk:
        answer, came = visitor.ask_websocket(talk, behaviour)
    assert came == outcome and len(answer.faults) == bool(fault) and (fault or "") in "".join(answer.faults)


def test_the_judge_sees_that_a_server_is_gone():
    exhibit = Exhibit(HELLO)
    with exhibit.listener:
        threading.Thread(target=exhibit.serve, daemon=True).start()
        visitor = rudeness.Visitor(exhibit, 0.3)
        exhibit.listener.shutdown(socket.SHUT_RDWR)
    cell = visitor.judge("wsgi", rude.BEHAVIOURS[0])
    assert (cell.verdict, cell.why[0], cell.outcome[:13]) == (rudeness.POISONS, rudeness.NOT_SERVED, "no connection")
