"""A journey: what its links come to, what lies inside what, and its steps in their order.

What is expected is worked out here by hand, from journeys small enough for that.
"""

import copy
import json
import random

import pytest

from exhibits import catalog, journey
from exhibits.backstage.recording.conversations import CONVERSATIONS
from exhibits.backstage.running import ROOT
from exhibits.backstage.site.journey import journey_view
from exhibits.shared.fields import gaps

RECORDED = sorted((ROOT / "docs" / "recordings").glob("*.json"))

HTTP = journey.link("visitor", "gunicorn", "HTTP/1.1", [
    (0, 0, "request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (0.5, 1, "response", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (0.9, 1, "response", b"6\r\nline 1\r\n"), (1.2, 1, "response", b"0\r\n\r\n"),
])
CALLS = {"between": ["gunicorn", "program"], "carrier": "WSGI callable", "calls": [
    {"by": "server", "call": "application", "arguments": [{"A": "b", "C": "d"}], "began": 0.1,
     "returned": "<generator>", "ended": 0.4},
    {"by": "program", "call": "start_response", "arguments": ["200 OK"], "began": 0.2, "returned": None, "ended": 0.3},
    {"by": "server", "call": "next", "arguments": [], "began": 0.6, "returned": "b'line 1'", "ended": 0.8},
    {"by": "server", "call": "next", "arguments": [], "began": 1.0, "raised": "StopIteration", "ended": 1.1},
]}
JOURNEY = {"stage": "wsgi", "stack": "wsgi-gunicorn", "parts": {}, "links": [HTTP, CALLS]}


def test_steps_are_in_the_order_of_their_times_on_all_links():
    steps = journey.steps(JOURNEY)
    assert [(step.at, step.link, step.kind, step.number, step.by) for step in steps] == [
        (0, 0, "piece", 0, 0), (0.1, 1, "call", 0, 0), (0.3, 1, "whole", 1, 1), (0.4, 1, "return", 0, 1),
        (0.5, 0, "piece", 1, 1), (0.8, 1, "whole", 2, 0), (0.9, 0, "piece", 2, 1), (1.1, 1, "whole", 3, 0),
        (1.2, 0, "piece", 3, 1),
    ]
    assert [(step.what, step.start, step.end) for step in steps if step.link == 0] == [
        ("request", 0, 27), ("response", 0, 47), ("response", 47, 58), ("response", 58, 63)]
    assert [step.caption for step in steps] == [
        "The visitor sends gunicorn 27 bytes of HTTP/1.1: GET / HTTP/1.1.",
        "gunicorn calls application({… 2 keys}).",
        "The program calls start_response('200 OK'), which returns None.",
        "application returns <generator>, and gunicorn goes on.",
        "gunicorn sends the visitor 47 bytes of HTTP/1.1: HTTP/1.1 200 OK.",
        "gunicorn calls next(), which returns b'line 1'.",
        "gunicorn sends the visitor 11 bytes of HTTP/1.1: line 1.",
        "gunicorn calls next(), which raises StopIteration.",
        "gunicorn sends the visitor 5 bytes of HTTP/1.1: 0.",
    ]


def test_a_process_appears_and_ends():
    pieces = [(0.02, 0, "environ", b"A=b\0C=d\0"), (0.03, 1, "stderr", b"oh\n"),
              (0.04, 1, "stdout", b"Status: 200\n\n")]
    link = journey.link("our CGI server", "program", "process", pieces, began=0.01, ended=0.05, exit=3)
    steps = journey.steps({"links": [link]})
    assert [(step.kind, step.what, step.by) for step in steps] == [
        ("begin", "", 0), ("piece", "environ", 0), ("piece", "stderr", 1), ("piece", "stdout", 1), ("end", "", 1)]
    assert [step.caption for step in steps] == [
        "Our CGI server starts a process.", "Our CGI server sends the program 8 bytes of environ: 2 variables.",
        "The program sends our CGI server 3 bytes of stderr: oh.",
        "The program sends our CGI server 13 bytes of stdout: Status: 200.", "The process ends with exit code 3.",
    ]
    del link["ended"], link["exit"]  # it still runs
    assert journey.steps({"links": [link]})[-1].kind == "piece"
    assert journey.said(link) == {
        "environ": b"A=b\0C=d\0", "stdin": b"", "stdout": b"Status: 200\n\n", "stderr": b"oh\n"}


def test_what_a_coroutine_does_while_another_waits_is_not_inside_that():
    def call(by, began, ended=None):
        return {"by": by, "began": began, **({} if ended is None else {"ended": ended})}

    calls = [call("server", 0, 9), call("program", 1, 8), call("program", 2, 3), call("server", 4, 5),
             call("program", 6, 10), call("server", 11), call("program", 12, 13), call("program", 14)]
    assert journey.inside(calls) == [None, 0, 0, 1, None, None, 5, 5]


def test_websocket_begins_where_http_ends():
    """Whatever was read at once: the head of the answer and a frame, for one."""
    pieces = [(0, 0, b"GET / HTTP/1.1\r\n"), (1, 0, b"\r\n"), (2, 1, b"HTTP/1.1 101 S\r\n\r\n\x81\x01a"),
              (3, 0, b"\x81"), (4, 1, b"\x81\x01b")]
    http, websocket = journey.spoken("visitor", "uvicorn", "HTTP/1.1", pieces)
    assert journey.said(http) == {"request": b"GET / HTTP/1.1\r\n\r\n", "response": b"HTTP/1.1 101 S\r\n\r\n"}
    assert [(piece["at"], piece["by"], piece["what"], piece["bytes"]) for piece in websocket["pieces"]] == [
        (2, 1, "server", "\x81\x01a"), (3, 0, "client", "\x81"), (4, 1, "server", "\x81\x01b")]
    plain = [*pieces[:2], (2, 1, b"HTTP/1.1 200 OK\r\n\r\n")]
    assert len(journey.spoken("visitor", "uvicorn", "HTTP/1.1", plain)) == 1


def test_pieces_that_follow_each_other_at_once_are_one():
    one = journey.link("a", "b", "HTTP/1.1", [(0, 0, "request", b"1"), (0.01, 0, "request", b"2"),
                                              (0.3, 0, "request", b"3"), (0.32, 0, "request", b"4")])
    other = journey.link("b", "c", "SCGI", [(0.31, 0, "request", b"5")])
    joined = journey.joined({"links": [one, other]}, 0.05)["links"][0]["pieces"]
    assert [(piece["at"], piece["bytes"]) for piece in joined] == [(0, "12"), (0.3, "3"), (0.32, "4")]


def test_the_shape_of_a_link_has_no_times_and_nothing_of_chance():
    def shape(*pieces):
        return journey.shape(journey.link("a", "b", "HTTP/1.1", pieces))

    asked, first, second = (0, 0, "request", b"?"), (1, 1, "response", b"a"), (2, 1, "response", b"b")
    assert shape(asked, first, second) == shape((5, *asked[1:]), (6, 1, "response", b"ab"))
    assert shape(asked, first, second) != shape(first, asked, second)
    assert shape(asked, first) != shape(asked, second)
    moved = json.loads(json.dumps(CALLS))
    for call in moved["calls"]:
        call["began"], call["ended"] = call["began"] + 1, call["ended"] + 1
    assert journey.shape(moved) == journey.shape(CALLS)
    moved["calls"][0]["ended"] = moved["calls"][1]["ended"] - 0.05  # the second is inside it no longer
    assert journey.shape(moved) != journey.shape(CALLS)
    del moved["calls"][3]["ended"]
    assert journey.shape(moved) != journey.shape(CALLS)


@pytest.mark.parametrize(("text", "shown"), [
    ("J\xc3\xbcrgen", "Jürgen"), ("J\xc3\xbcrgen… (99 bytes)", "Jürgen… (99 bytes)"),
    ("J\xc3… (99 bytes)", "J… (99 bytes)"), ("a\r\nb\x1b\xff", "a\\r\\nb\\x1b\xff"), ("Jürgen", "Jürgen"), ("", ""),
])
def test_a_value_is_readable(text, shown):
    assert journey.readable(text) == shown


def test_bytes_that_are_not_whole_are_still_covered():
    link = journey.link("a", "b", "FastCGI", [(0, 0, "request", b"\1\1\0")])
    (field,) = journey.explain(link)["request"]
    assert gaps([field], b"\1\1\0") is None and field.name == "not whole"


# ---------------------------------------------------------------- the recordings


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_journey_is_possible(path):
    """Neighbours follow each other, nothing goes back in time, and every byte and call has its step."""
    recorded = json.loads(path.read_text())
    visitor, *_ = recorded["links"][0]["between"]
    for before, link in zip(recorded["links"], recorded["links"][1:], strict=False):
        assert link["between"][0] in (*before["between"], visitor)  # it may be the next visitor's
    steps = journey.steps(recorded)
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    if path.stem not in CONVERSATIONS:
        assert visitor == "visitor" and steps[0].at == 0 and steps[0].link == 0 and steps[0].by == 0
    for number, link in enumerate(recorded["links"]):
        mine = [step for step in steps if step.link == number]
        for what, data in journey.said(link).items():
            spans = [(step.start, step.end) for step in mine if step.what == what]
            assert [start for start, _ in spans] + [len(data)] == [0] + [end for _, end in spans]
        begun = [step.number for step in mine if step.kind in ("call", "whole")]
        assert sorted(begun) == list(range(len(link.get("calls", ()))))


@pytest.mark.parametrize("stage", [stage.name for stage in catalog.STAGES])
def test_the_lines_of_a_stream_come_apart_in_time_on_every_link_of_bytes(stage):
    for link in json.loads((ROOT / f"docs/recordings/{stage}-stream.json").read_text())["links"]:
        pieces = [piece for piece in link.get("pieces", ()) if "of 3\n" in piece["bytes"]]
        if pieces:
            first, second, third = (next(piece["at"] for piece in pieces if f"line {n} of 3" in piece["bytes"])
                                    for n in (1, 2, 3))
            assert second - first > 0.15 and third - second > 0.15, link["between"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_whatever_passed_is_drawn(path):
    """Live, an answer breaks off anywhere, and a visitor says anything."""
    recorded, chance = json.loads(path.read_text(encoding="utf-8")), random.Random(path.name)
    for damage in range(8):
        damaged = copy.deepcopy(recorded)
        for link in damaged["links"]:
            if "calls" in link:
                link["calls"] = link["calls"][: chance.randrange(len(link["calls"]) + 1)]
                continue
            if damage % 2:
                link["pieces"] = link["pieces"][: chance.randrange(len(link["pieces"]) + 1)]
            for piece in link["pieces"]:
                data = bytearray(piece["bytes"][: chance.randrange(2000)], "latin-1")
                for _ in range(damage % 4):
                    if data:
                        data[chance.randrange(len(data))] = chance.randrange(256)
                piece["bytes"] = data.decode("latin-1")
        assert journey_view(damaged, "damaged").startswith("<figure")
