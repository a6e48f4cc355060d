"""The judge of the contract is judged: it sees every altered answer, and none that may be so."""

import contextlib
import re
import socket
import threading
import time

import pytest
from alterations import ALTERATIONS, CLOSE, LATE, STAY, altered
from conftest import is_linear

from exhibits import catalog, contract
from exhibits.backstage import checking, visiting
from exhibits.backstage.checking import judging, reading, rudeness
from exhibits.backstage.checking.reading import Talk
from exhibits.backstage.visiting import Answer, Place, Visitor

STACK = catalog.find("wsgi-ours")
CASES = {case.name: case for case in contract.CASES}


class Altering:
    """A proxy in front of a server, which alters each answer, to the end of a `with` block. count: of those altered."""

    def __init__(self, port, alteration):
        self.behind, self.alteration, self.count = ("127.0.0.1", port), alteration, 0

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.listen)]
        self.threads[0].start()
        return self

    def __exit__(self, *exception):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()

    def listen(self):
        while True:
            try:
                visitor, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.serve, args=(visitor,)))
            self.threads[-1].start()

    def serve(self, visitor):
        """One connection: requests go on as they come, answers when they are whole."""
        with visitor, socket.create_connection(self.behind) as server, contextlib.suppress(OSError):
            methods = []
            back = threading.Thread(target=self.answer, args=(server, visitor, methods))
            back.start()
            while data := visitor.recv(65536):
                methods.append(data.split(b" ")[0])
                server.sendall(data)
            if self.alteration.then == LATE:
                visitor.sendall(b"late")
            server.shutdown(socket.SHUT_WR)
            back.join()

    def answer(self, server, visitor, methods):
        with contextlib.suppress(OSError):
            came = b""
            while data := server.recv(65536):
                came += data
                interim = came.endswith(b" 100 Continue\r\n\r\n")
                if interim or reading.read(came, methods[-1:], False)[0][0].end == "whole":
                    self.send(altered(self.alteration, came), came, visitor)
                    came = b""
            if self.alteration.then != STAY:
                visitor.shutdown(socket.SHUT_WR)

    def send(self, data, came, visitor):
        self.count += data != came or bool(self.alteration.then)
        visitor.sendall(data)
        if self.alteration.then == CLOSE:
            visitor.shutdown(socket.SHUT_RDWR)


class Hasty(Place):
    """A place where nobody waits for long."""

    def visitor(self, timeout=0.5):
        return Visitor(self.host, self.port, timeout)


@pytest.mark.xdist_group(STACK.name)
@pytest.mark.parametrize("alteration", ALTERATIONS, ids=lambda alteration: alteration.name)
def test_the_judge_sees_it_or_may_let_it_pass(run, alteration):
    exhibit = run(STACK)
    place = exhibit.place
    with Altering(exhibit.port, alteration) as proxy:
        place = Hasty(place.host, proxy.port, place.guestbook, interface=place.interface)
        (outcome,) = checking.run(place, [CASES[alteration.case]])
        if not alteration.right and outcome.state == checking.KEPT:
            (outcome,) = checking.run(place, [CASES[contract.MANNERS]])  # what all answers have in common is told here
    assert proxy.count, "nothing was altered"
    assert outcome.state == (checking.KEPT if alteration.right else checking.DIFFERS), outcome


def test_unaltered_answers_pass(run):
    exhibit = run(STACK)
    cases = [CASES[name] for name in dict.fromkeys(alteration.case for alteration in ALTERATIONS)]
    assert [outcome for outcome in checking.run(exhibit, cases) if outcome.state != checking.KEPT] == []


def test_there_are_enough_of_them():
    assert len([alteration for alteration in ALTERATIONS if not alteration.right]) >= 40


def test_what_stands_in_a_guestbook_that_nobody_can_reach_is_not_tested(run):
    place = Place("127.0.0.1", run(STACK).port)
    outcomes = {outcome.case.name: outcome for outcome in checking.run(place)}
    assert {outcome.state for outcome in outcomes.values()} == {checking.KEPT, checking.NOT_TESTABLE}
    assert outcomes["hello"].state == checking.KEPT and outcomes["hello"].raw.startswith(b"HTTP/1.1 200 OK\r\n")
    left = [name for name, outcome in outcomes.items() if outcome.state == checking.NOT_TESTABLE]
    assert {"page", "entries", "sign-form", "events"} <= set(left)
    assert "status-reason" not in outcomes and "mount-without-slash" not in outcomes  # nobody said that it makes sense


def test_where_nobody_listens_each_case_says_so():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (outcome,) = checking.run(Place("127.0.0.1", port), [CASES["hello"]])
    assert outcome.state == checking.DIFFERS and outcome.why.startswith("no connection: ")


@pytest.mark.parametrize("endless", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n" + 65536 * b"x"])
def test_an_answer_without_end_is_given_up(endless, monkeypatch):
    """However often something comes: many bytes of it, and a few for a long time."""
    for name, limit, pause in ("MOST", 1 << 16, 0), ("LAST", 0.5, 0.05):
        with monkeypatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listener:
            for module in visiting, reading:
                patch.setattr(module, name, limit)

            def serve(pause=pause, listener=listener):
                with contextlib.suppress(OSError):
                    while True:
                        sock, _ = listener.accept()
                        with contextlib.suppress(ConnectionError), sock:
                            while True:
                                sock.sendall(endless)
                                time.sleep(pause)

            threading.Thread(target=serve, daemon=True).start()
            began, (host, port) = time.monotonic(), listener.getsockname()
            question = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            with Visitor(host, port) as visitor:
                assert not visitor.ask(question, within=limit if name == "LAST" else 5).complete
            with Talk(host, port, 5) as talk:
                assert talk.ask(question).end == "silence"
            assert time.monotonic() - began < 4
            listener.shutdown(socket.SHUT_RDWR)


def once(answer):
    """A server that answers one visitor so: a listener, closed when the visitor has gone."""

    def serve():
        with listener, contextlib.suppress(OSError):
            sock, _ = listener.accept()
            with sock:
                sock.recv(65536)
                sock.sendall(answer)
                while sock.recv(65536):
                    pass

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()


def test_what_is_no_http_is_an_answer_that_is_not_complete():
    for fields in (), ("Expect: 100-continue", "Content-Length: 1"):
        sent = "\r\n".join(["POST / HTTP/1.1", "Host: a", *fields, "", ""]).encode()
        with Visitor(*once(b"SSH-2.0-Odd\r\n\r\n")) as visitor:
            answer = visitor.ask(sent, then=[b"x"] if fields else ())
        assert (answer.status, answer.complete, answer.raw) == (0, False, b"SSH-2.0-Odd\r\n\r\n")


def test_who_reads_nothing_gets_no_more():
    with socket.create_server(("127.0.0.1", 0)) as listener, Visitor(*listener.getsockname(), timeout=0.1) as visitor:
        answer = visitor.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n" + bytes(1 << 24))
    assert (answer.status, answer.complete) == (0, False)


def test_reading_takes_no_longer_than_what_comes_is():
    interim, chunk = b"HTTP/1.1 100 Continue\r\n\r\n", b"1\r\nx\r\n"
    end = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert is_linear(lambda size: reading.heads(size * interim + end), 3000)
    assert is_linear(lambda size: rudeness.frames(size * b"\x81\0", []), 3000)
    answers, _ = reading.read(100 * interim + end + 100 * chunk + b"0\r\n\r\n", ["GET"], True)
    assert answers[0].body == 100 * b"x" and len(answers[0].faults) == 2  # no Date either


@pytest.mark.parametrize(("answer", "problem"), [
    (Answer(400, [("content-type", "text/html"), ("server", "x")], b"no", True), ""),
    (Answer(), ""),
    (Answer(400, [], b"no"), "cut off"),
    (Answer(400, [("x-powered-by", "x")], b"no", True), "with x-powered-by"),
    (Answer(400, [], b"<li>First!", True), "the guestbook shows"),
    (Answer(404, [], b"no", True), "status 404, not 200"),
])
def test_a_server_may_refuse_a_request_itself_and_do_no_more(answer, problem):
    step = contract.Step(contract.get("/"), 200, {}, own=(0, 400))
    found = judging.problems(step, answer, Place("127.0.0.1", 1))
    assert len(found) == bool(problem) and problem in "".join(found)


def test_the_judge_reads_what_nobody_has_read_yet():
    sent, raw = contract.get("/"), b"HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"
    answer = Answer(204, [("date", "now")], complete=True, raw=raw)
    (fault,) = checking.judge(contract.Step(sent, 204, {}), answer, Place("127.0.0.1", 1), sent)
    assert fault.startswith("Date is not what time it is")


@pytest.mark.parametrize(("body", "right", "said"), [
    (b"Hello, World!", b"Hello, Ada!", "body b'Hello, World!', not b'Hello, Ada!'"),
    (b'{"path":"/request/a%20b","connection":{"port":1}}',
     re.compile(re.escape(b'{"path":"/request/a b","connection":') + contract.ANY_CONNECTION + rb"\}"),
     """body b'{"path":"/request/a%20b","connection":{"port":1}}', """
     """not b'{"path":"/request/a b","connection":{...}}'"""),
    (100 * b"x" + b"1", 100 * b"x" + b"2", f"body b'...{30 * 'x'}1', not b'...{30 * 'x'}2'"),
    (100 * b"x", 101 * b"x", f"body b'...{30 * 'x'}', not b'...{30 * 'x'}x'"),
])
def test_a_body_that_is_wrong_is_shown_where_it_parts_from_the_right_one(body, right, said):
    answer = Answer(200, [], body, True)
    assert judging.problems(contract.Step(b"", 200, {}, right), answer, Place("127.0.0.1", 1)) == [said]
