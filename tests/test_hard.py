"""The hard requests: our wire and our six servers read them as the rules have it, and the judge can tell."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import each_stack

from exhibits import catalog, hard
from exhibits.backstage.checking import hardness, reading
from exhibits.backstage.checking.excuses import excuses
from exhibits.backstage.checking.gridding import HARD, shortened
from exhibits.backstage.checking.hardness import CLOSED, OPEN, RESET, RIGHT, SMUGGLED, TOLERABLE, WRONG
from exhibits.http.grammar import BadMessage
from exhibits.http.wire import End, RequestReader

OURS = [catalog.find(f"{stage.name}-ours") for stage in catalog.STAGES]
NAMED = {request.name: request for request in hard.REQUESTS}


def test_names_are_unique_and_all_rules_are_used():
    assert len(NAMED) == len(hard.REQUESTS) >= 120
    rules = {rule for rule in vars(hard).values() if isinstance(rule, hard.Rule)}
    assert rules <= {request.rule for request in hard.REQUESTS}
    assert not [rule for rule in rules if set(rule.right) & set(rule.tolerable)]


@each_stack(stacks=OURS)
def test_our_servers_are_right(run, stack, mount):
    cells = hardness.judge(run(stack, mount))
    known = {name: hardness.known(stack, NAMED[name], cell) for name, cell in cells.items() if cell.verdict != RIGHT}
    assert [f"{name}: {cells[name].verdict}, {cells[name].short}: {cells[name].why}" for name, entry in known.items()
            if not entry or (entry.verdict or WRONG) != cells[name].verdict] == []
    front = stack.processes[-1].part
    excused = {name for entry in excuses("hard") if front in entry.fronts for name in entry.rows}
    assert excused <= known.keys(), "mended"
    if not known:  # every byte that came is of our own making
        read = {name: hardness.read(cell.received, cell.end, NAMED[name].methods, waits=True)[0]
                for name, cell in cells.items()}
        assert {name: each.faults for name, answers in read.items() for each in answers if each.faults} == {}
    published = HARD.read()["stacks"][stack.name]["cells"]
    # Whether a connection that is closed with bytes unread looks closed or reset is chance.
    now = {name: (cell.verdict, shortened(cell.short).replace("reset", "closed")) for name, cell in cells.items()}
    then = {name: (cell[0], cell[1].replace("reset", "closed")) for name, cell in published.items()}
    assert then == now, "run: python -m exhibits grid hard"


@each_stack(stacks=[catalog.find("asgi-nginx"), catalog.find("wsgi-nginx")])
def test_our_nginx_hands_on_the_host_that_was_asked_for(run, stack, mount):
    hosts = [NAMED[name] for name in ("a whole address", "a whole address against Host", "another host's address",
                                      "no Host in HTTP/1.0", "Host with a port", "an empty Host")]
    cells = hardness.judge(run(stack, mount), hosts)
    assert {name: cell.why for name, cell in cells.items() if cell.verdict != RIGHT} == {}


# ---------------------------------------------------------------- the wire


def pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)] if size else [data]


def outcome(data, size):
    """The bodies of all requests in these bytes, which are read in pieces of this size, or the status of a refusal."""
    reader, found, messages = RequestReader(), [], []
    try:
        for piece in pieces(data, size):
            messages += reader.receive(piece)
            while messages and type(messages[-1]) is End:
                found.append(b"".join(each.data for each in messages[1:-1]))
                messages = reader.next()
        reader.close()
    except BadMessage as error:
        return error.status
    return found


@pytest.mark.parametrize("asked", [pytest.param(each, id=each.name) for each in hard.REQUESTS])
def test_the_wire_reads_them_as_servers_do(asked):
    read = [outcome(asked.sent + (b"" if asked.rule.ends else hard.INNOCENT), size) for size in (None, 1, 7)]
    assert read[0] == read[1] == read[2]
    if isinstance(read[0], int):
        assert read[0] in asked.rule.right
    else:
        assert len(read[0]) == len(asked.before) + 2 and not asked.rule.ends
        if isinstance(asked.sees, dict) and "sha256" in asked.sees:
            assert hard.digest(read[0][-2]) == asked.sees


# ---------------------------------------------------------------- the judge


def ok(body, *fields, status=b"200 OK"):
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (
        status, len(body), b"".join(each + b"\r\n" for each in fields), body)


def digested(body):
    return json.dumps(hard.digest(body)).encode()


KEPT, CLOSE = ok(hard.ANSWER), b"Connection: close"
REFUSED = ok(b"no\n", CLOSE, status=b"400 Bad Request")
SERVED = ok(b"Hello, hard!\n")
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nHello, hard!\n\r\n0\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nHello, hard!\n"
H2C = b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n\0\0\0"
# (name of the request, what came back, how the connection stood, the verdict, a part of the reason)
ANSWERED = [
    ("CL.TE", REFUSED, CLOSED, RIGHT, ""),
    ("CL.TE", ok(digested(b""), CLOSE), CLOSED, RIGHT, ""),
    ("CL.TE", ok(digested(b"")) + KEPT, CLOSED, WRONG, "had to be closed"),
    ("CL.TE", ok(digested(b"")) + ok(b"Hello, smuggled!\n") + KEPT, CLOSED, SMUGGLED, "was answered"),
    ("CL.TE", ok(digested(b"0\r\n\r\n" + hard.HIDDEN), CLOSE), CLOSED, SMUGGLED, "more than the request has"),
    ("CL.TE", REFUSED + REFUSED, CLOSED, SMUGGLED, "2 answers to 1 request"),
    ("CL.TE", b"", CLOSED, TOLERABLE, "closed"),
    ("CL.TE", b"", OPEN, WRONG, "waits came"),
    ("CL.TE", ok(b"", status=b"500 Oh"), CLOSED, WRONG, "500 came"),
    ("CL.TE", KEPT, CLOSED, SMUGGLED, "this one was not"),
    ("chunked", ok(digested(b"hello")) + KEPT, CLOSED, RIGHT, ""),
    ("chunked", ok(digested(b"hell")) + KEPT, CLOSED, WRONG, "saw length 4"),
    ("chunked", ok(digested(b"hello") + b" "), OPEN, SMUGGLED, "swallowed"),
    ("chunked", ok(digested(b"hello")), CLOSED, TOLERABLE, "without saying so"),
    ("chunked", ok(digested(b"hello"), CLOSE), OPEN, TOLERABLE, "and did not"),
    ("chunked", ok(digested(b"hello"))[:-1], CLOSED, WRONG, "cut off"),
    ("chunked", ok(digested(b"hello"))[:-1], OPEN, WRONG, "cut off"),
    ("chunked", ok(digested(b"hello"), CLOSE) + b"x", CLOSED, WRONG, "no answer of HTTP"),
    *(("chunked", ok(body) + KEPT, CLOSED, WRONG, "the program answered")
      for body in (b"<html>", b"caf\xe9", b"5", b"[]", b'{"length": "5"}')),
    pytest.param("chunked", ok(100_000 * b"[") + KEPT, CLOSED, WRONG, "the program answered", id="deep JSON"),
    ("a folded line", ok(b'{"headers": [1]}') + KEPT, CLOSED, WRONG, "saw headers [1]"),
    ("a folded line", ok(b'{"headers": {"x-hard": 1}}') + KEPT, CLOSED, WRONG, "saw headers"),
    ("close", ok(b"caf\xe9", CLOSE), CLOSED, WRONG, "the program answered"),
    ("chunked", b"HTTP/1.1 100 Continue\r\n\r\n" + ok(digested(b"hello")) + KEPT, CLOSED, WRONG, "nobody has asked"),
    ("Expect", b"HTTP/1.1 100 Continue\r\n\r\n" + ok(digested(b"hello")) + KEPT, CLOSED, RIGHT, ""),
    ("a folded line", ok(b'{"headers": {"x-hard": "a b"}}') + KEPT, CLOSED, RIGHT, ""),
    ("a folded line", ok(b'{"headers": {"x-hard": "a\\r\\n b"}}') + KEPT, CLOSED, WRONG, "saw headers"),
    ("close", SERVED + KEPT, CLOSED, WRONG, "had to be closed"),
    ("close", UNTIL_CLOSE, CLOSED, RIGHT, ""),
    ("close", UNTIL_CLOSE, OPEN, WRONG, "cut off"),
    ("an upgrade without an offer", IN_CHUNKS + KEPT, CLOSED, RIGHT, ""),
    ("the preface of HTTP/2", bytes.fromhex("000000040000000000"), CLOSED, RIGHT, ""),
    ("HTTP/1.0, keep-alive", IN_CHUNKS, CLOSED, WRONG, "in chunks"),
    ("HTTP/0.9 without a version", b"Hello, hard!\n", CLOSED, WRONG, "no answer of HTTP"),
    ("an offer of h2c", H2C, OPEN, TOLERABLE, "101"),
    ("three at once", ok(b"Hello, 1!\n") + ok(b"Hello, 2!\n") + SERVED + KEPT, CLOSED, RIGHT, ""),
    ("three at once", ok(b"Hello, 2!\n") + ok(b"Hello, 1!\n") + SERVED + KEPT, CLOSED, WRONG, "was to come"),
    ("three at once", ok(b"Hello, 1!\n", CLOSE), CLOSED, RIGHT, ""),
    ("three at once", ok(b"Hello, 1!\n") + KEPT, CLOSED, SMUGGLED, "this one was not"),
    ("three at once", ok(b"Hello, 1!\n"), OPEN, SMUGGLED, "swallowed"),
    ("chunks before GET", ok(b"no\n", CLOSE, status=b"411 Oh"), CLOSED, RIGHT, ""),
    ("HEAD before GET", ok(b"Hello, 1!\n") + SERVED + KEPT, CLOSED, WRONG, "no "),
    ("a body that is cut off", ok(digested(b"hello")), CLOSED, WRONG, "200 came"),
    ("a body that is cut off", REFUSED, CLOSED, RIGHT, ""),
    ("a chunk of 2 to the 63rd", b"", OPEN, RIGHT, ""),
]


@pytest.mark.parametrize(("name", "received", "end", "verdict", "why"), ANSWERED)
def test_the_judge_tells_right_from_wrong(name, received, end, verdict, why):
    cell = hardness.cell(NAMED[name], received, end)
    assert (cell.verdict, why in cell.why) == (verdict, True), cell


def test_how_a_connection_stands_is_told():
    def end(linger):
        with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
            asked = pool.submit(hardness.ask, listener.getsockname(), hard.INNOCENT, patience=0.2)
            with listener.accept()[0] as sock:
                if linger is None:
                    return asked.result()[1]
                sock.recv(65536)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return asked.result()[1]

    # To linger for no time makes a close a reset.
    assert [end(linger) for linger in (None, bytes(8), b"\1" + bytes(7))] == [OPEN, CLOSED, RESET]


def test_answers_are_read_one_behind_the_other():
    data = SERVED.replace(b"Hello, hard!\n", b"") + KEPT + H2C
    found, rest = reading.read(data, ["HEAD", "GET", "GET"], ended=False)
    assert [(each.status, each.body, each.end) for each in found] == [
        (200, b"", "whole"), (200, hard.ANSWER, "whole"), (101, b"", "whole")]
    assert rest == b"\0\0\0" and b"".join(each.raw for each in found) + rest == data
    found, rest = reading.read(KEPT + KEPT[:-1], [], ended=True)
    assert ([each.end for each in found], rest) == (["whole", "cut"], b"")
    assert reading.read(b"", ["GET"], ended=True) == ([], b"")


def test_what_a_server_does_always_is_not_held_against_one_request():
    cell = hardness.cell(NAMED["close"], ok(b"Hello, hard!\n", CLOSE, b"Server: a", b"Server: b"), CLOSED)
    assert (cell.verdict, "server is there 2 times" in cell.why) == (WRONG, True)
    usual = {"server is there 2 times (RFC 9110 section 5.3)"}
    assert hardness.cell(NAMED["close"], cell.received, CLOSED, usual).verdict == RIGHT
