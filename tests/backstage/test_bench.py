"""The measurements: the harness really measures, and a verdict is what the figures say."""

import copy
import itertools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time

import psutil
import pytest
from conftest import require
from rich.console import Console

from exhibits import catalog
from exhibits.backstage import claims, plots, site_claims
from exhibits.backstage.bench import load
from exhibits.backstage.bench.contenders import Contender
from exhibits.backstage.bench.run import Run
from exhibits.backstage.bench.suites import SUITES, streaming
from exhibits.backstage.running import ROOT

BOOK = claims.book()
IDS = [f"K{number:02}" for number in range(1, 25)]
RACERS = (Contender("wsgi", "waitress", "wsgi-waitress", serves="hello"),
          Contender("asgi", "uvicorn", "asgi-uvicorn", serves="bench"))  # fmt: skip
QUIET = Console(quiet=True)


def tiny(**more):
    return Run(full=False, rounds=more.pop("rounds", 2), seconds=0.3, console=QUIET)


def measuring(run, work):
    with run.measuring([("test", 1)]) as begin:
        begin()
        return work()


# ---------------------------------------------------------------- the harness


def test_two_stacks_are_raced_with_our_own_client(monkeypatch):
    require(*(catalog.find(racer.stack) for racer in RACERS))
    monkeypatch.setattr(load, "generator", lambda: "ours")
    run = tiny()
    found = measuring(run, lambda: run.race(RACERS, run.loaded(clients=4)))
    assert list(found) == ["wsgi", "asgi"] and run.left == []
    for figures in found.values():
        for name in ("rate", "p50", "p99", "cpu", "memory", "processes", "threads", "errors"):
            assert len(figures[name]) == run.rounds, name
        assert min(figures["rate"]) > 50 and min(figures["memory"]) > 1 and max(figures["errors"]) == 0
        assert all(0 < p50 <= p99 for p50, p99 in zip(figures["p50"], figures["p99"], strict=True))
    assert "exhibits.backstage.bench.programs.asgi:application" in run.settings["asgi"][0]
    assert str(ROOT) not in json.dumps(run.settings)


def test_who_is_not_there_is_left_out_with_a_sentence():
    run = tiny()
    nobody = Contender("nobody", "nobody", "wsgi-nobody")
    assert measuring(run, lambda: run.race([nobody], run.loaded())) == {}
    assert run.left == ["nobody is left out: the catalog has no stack wsgi-nobody"]


def test_what_wrk_says_is_read():
    said = """  Latency Distribution
     50%  320.00us
     75%    1.10ms
     99%    1.02s
  900 requests in 1.00s, 1.20MB read
  Socket errors: connect 1, read 2, write 0, timeout 3
  Non-2xx or 3xx responses: 4
Requests/sec:    899.50
"""
    assert load.read_wrk(said) == {"rate": 899.5, "p50": 0.32, "p99": 1020, "errors": 10}


def test_a_large_body_passes_each_kind_of_server():
    stacks = [catalog.find(name) for name in ("cgi", "wsgi", "asgi")]
    require(*stacks)
    run = tiny()
    for stack in stacks:
        with run.alone(Contender(stack.name, "", stack.name, serves="bench")) as exhibit:
            streaming.download(exhibit.port, 2)  # raises where a byte is missing
            streaming.upload(exhibit.port, 2)


def bench(*arguments, **more):
    return subprocess.Popen([sys.executable, "-m", "exhibits", "bench", *arguments], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)  # fmt: skip


def test_the_results_say_how_they_came_about(tmp_path):
    file = tmp_path / "run.json"
    process = bench("--quick", "--only", "startup", "parsers", "--output", str(file))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    results = json.loads(file.read_text())
    assert {"date", "mode", "command", "rounds", "seconds", "clients", "load", "machine", "left out", "suites"} == set(
        results
    )
    assert {"python", "build", "system", "processor", "cores", "pinned", "nginx", "versions"} == set(results["machine"])
    assert list(results["suites"]) == ["startup", "parsers"]
    bare = claims.numbers(results, ["startup", "python -IS", "ms"])
    assert len(bare) >= 3 and min(bare) > 0.5
    text = file.read_text()
    assert str(ROOT) not in text and sys.prefix not in text and os.uname().nodename not in text


def test_a_suite_that_does_not_exist_is_one_sentence():
    process = bench("--only", "nonsense")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 2 and "'nonsense'" in said and "startup" in said and "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_process(number):
    process = bench("--quick", "--only", "wait", start_new_session=True)
    family = psutil.Process(process.pid)
    try:
        deadline = time.monotonic() + 30
        while len(children := family.children(recursive=True)) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(children) >= 4
    finally:
        process.send_signal(number)
        _, said = process.communicate(timeout=40)
    assert process.returncode == 130 and "Traceback" not in said, said
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


# ---------------------------------------------------------------- verdicts


def results(**figures):
    """Results with one suite s, of these figures."""
    return {"suites": {"s": {"figures": figures}}}


def judged(test, **figures):
    return claims.outcome({"says": "", **test}, results(**figures)).yes


def test_less_than_15_percent_is_no_difference():
    test = {"more": ["s", "a"], "than": ["s", "b"]}
    assert judged(test, a=[116], b=[100])
    assert not judged(test, a=[114], b=[100])
    like = {"like": ["s", "a"], "as": ["s", "b"]}
    assert judged(like, a=[114], b=[100]) and judged(like, a=[100], b=[114])
    assert not judged(like, a=[116], b=[100]) and not judged(like, a=[100], b=[116])


def test_a_factor_is_asked_for_in_full():
    test = {"more": ["s", "a"], "than": ["s", "b"], "by": 2}
    assert judged(test, a=[200], b=[100]) and not judged(test, a=[199], b=[100])
    assert judged(test, a=[1], b=[0])


def test_a_ratio_is_taken_within_a_round():
    # The machine was twice as slow in the last round: the ratio does not care.
    values = claims.ratios(results(a=[200, 200, 100], b=[100, 100, 50]), ["s", "a"], ["s", "b"])
    assert values == [2, 2, 2]


def test_limits_include_their_value():
    assert judged({"least": 200, "of": ["s", "a"]}, a=[200]) and not judged({"least": 200, "of": ["s", "a"]}, a=[199])
    assert judged({"most": 0, "of": ["s", "a"]}, a=[0, 0, 1]) and not judged({"most": 0, "of": ["s", "a"]}, a=[1])


@pytest.mark.parametrize(("a", "b", "word", "when"), [
    (3, 3, claims.HOLDS, ""), (1, 1, claims.FALSE, ""), (3, 1, claims.SOMETIMES, "it is a"),
    (1, 3, claims.SOMETIMES, "it is b"),
])  # fmt: skip
def test_a_verdict_follows_from_its_parts(a, b, word, when):
    tests = [{"says": "", "when": f"it is {name}", "more": ["s", name], "than": ["s", "one"]} for name in "ab"]
    verdict = claims.verdict({"test": tests}, results(a=[a], b=[b], one=[1]))
    assert (verdict.word, verdict.when) == (word, when)


def test_without_figures_there_is_no_verdict():
    for each in BOOK["claim"]:
        if "test" in each:
            with pytest.raises(claims.Missing):
                claims.verdict(each, results())


# ---------------------------------------------------------------- the 24 claims


def test_the_claims_are_complete():
    assert [each["id"] for each in BOOK["claim"]] == IDS
    page = (ROOT / "docs" / "claims.md").read_text()
    assert sorted(re.findall(r"^```claim\n(K\d\d)\n```$", page, re.MULTILINE)) == IDS
    assert sorted(re.findall(r"^### (K\d\d) · .+ \{ #k\d\d \}$", page, re.MULTILINE)) == IDS


@pytest.mark.parametrize("each", BOOK["claim"], ids=IDS)
def test_a_claim_has_a_rule_or_evidence(each):
    assert ("test" in each) != ("verdict" in each)
    figures = {figure["name"] for figure in BOOK["figure"]}
    assert set(each.get("figures", ())) <= figures
    assert set(each.get("repeat", "").split()) <= set(SUITES)
    for name in each.get("proofs", ()):
        assert (ROOT / name).is_file(), name
    for name in each.get("stacks", ()):
        assert catalog.find(name)
    if "test" in each:
        assert each["repeat"] and each["figures"]
        places = [test[key] for test in each["test"] for key in ("more", "than", "like", "as", "of") if key in test]
        assert {place[0] for place in places} <= set(each["repeat"].split())
        assert len(each["test"]) == 1 or each["id"] == "K01" or all(test.get("when") for test in each["test"][:1])
    else:
        assert each["verdict"] in (claims.HOLDS, claims.FALSE, claims.SOMETIMES)
        assert ("when" in each) == (each["verdict"] == claims.SOMETIMES)
        section = re.search(rf"^### {each['id']} .*?(?=^##|\Z)", (ROOT / "docs" / "claims.md").read_text(),
                            re.MULTILINE | re.DOTALL)[0]  # fmt: skip
        assert each.get("proofs") or "](https://" in section


RUNS = claims.runs()


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_a_committed_run_is_full_and_decides_every_claim(number):
    run = RUNS[number]
    assert run["mode"] == "full" and run["rounds"] >= 5
    for each in BOOK["claim"]:
        assert claims.verdict(each, run).word


@pytest.mark.parametrize("each", BOOK["claim"] if len(RUNS) > 1 else [], ids=lambda each: each["id"])
def test_a_verdict_is_the_same_in_both_runs(each):
    first, second = (claims.verdict(each, run) for run in RUNS[:2])
    assert (first.word, first.when) == (second.word, second.when)


# ---------------------------------------------------------------- the page


def constructed():
    """Results that have a figure wherever the claims and plots look for one: each worth 4, in three rounds."""
    made = {"mode": "full", "rounds": 3, "seconds": 2, "clients": 16, "load": "wrk", "command": "bench", "left out": [],
            "machine": {"python": "3", "build": "", "system": "", "processor": "", "cores": 2, "pinned": "",
                        "nginx": "", "versions": {}}, "suites": {}}  # fmt: skip

    def put(place, value):
        suite, *keys = place
        found = made["suites"].setdefault(suite, {"title": suite, "settings": {}, "figures": {}})["figures"]
        for key in keys[:-1]:
            found = found.setdefault(key, {})
        found.setdefault(keys[-1], value)

    rows = set()
    for each in BOOK["claim"]:
        for test in each.get("test", ()):
            for key in ("more", "than", "like", "as", "of"):
                if key in test:
                    rows.add(tuple(test[key][:-1]))
    for figure in BOOK["figure"]:
        groups = [[*figure["of"], step] for step in figure["over"]] if "over" in figure else [figure["of"]]
        for group, row in itertools.product(groups, figure.get("rows", ("one & <two>",))):
            rows.add((*group, row))
    for row in sorted(rows):
        put([*row, "title"], row[-1])
        for name in site_claims.NAMES:
            put([*row, name], [4, 2, 8])
    return made


@pytest.fixture
def runs(monkeypatch):
    made = [constructed(), constructed()]
    monkeypatch.setattr(claims, "runs", lambda: made)
    return made


@pytest.mark.parametrize("id", IDS)
def test_a_claim_is_drawn_with_what_decides_it(runs, id):
    html = site_claims.claim(id, "claim", "claim", {}, None)
    found = claims.claim(id)
    verdict = claims.verdict(found, runs[0])
    assert f"<b>{verdict.word.capitalize()}" in html
    assert html.count("<li><b>Yes.") + html.count("<li><b>No.") == len(found.get("test", ()))
    for svg in re.findall(r"<svg.*?</svg>", html):
        assert 'role="img"' in svg and re.search(r"<title id=.+?</title><desc id=.+?</desc>", svg)
        assert "<two>" not in svg
    assert html.count("<svg") == html.count("<table") == html.count("<figure")
    assert html.count("<svg") + html.count(">Figure: ") == len(found.get("figures", ()))
    assert all(html.count(f"<{tag}") == html.count(f"</{tag}>") for tag in ("div", "figure", "svg", "path", "rect"))


def test_what_was_not_measured_is_not_shown(monkeypatch):
    monkeypatch.setattr(claims, "runs", lambda: [])
    for each in BOOK["claim"]:
        html = site_claims.claim(each["id"], "claim", "claim", {}, None)
        assert ("Not shown yet" in html) == ("test" in each)
        assert "<svg" not in html and ("verdict" in html) == ("verdict" in each)


SURPRISES = [
    (1.5, ["servers", "wsgi-gthread on one core", "rate"], ["servers", "wsgi-gthread", "rate"]),
    (1.5, ["servers", "wsgi-waitress on one core", "rate"], ["servers", "wsgi-waitress", "rate"]),
    (claims.MARGIN, ["wait", "1000", "gevent", "rate"], ["wait", "1000", "uvicorn", "rate"]),
    (claims.MARGIN, ["wait", "1000", "httptools", "rate"], ["wait", "1000", "gevent", "rate"]),
    (2, ["idle", "uvicorn", "per thousand"], ["idle", "gthread", "per thousand"]),
    (2, ["idle", "Granian WebSocket", "per thousand"], ["idle", "hypercorn WebSocket", "per thousand"]),
    (claims.MARGIN, ["wait", "100", "gthread 8", "rate"], ["wait", "100", "to_thread", "rate"]),
    (1 / claims.MARGIN, ["backends", "work", "two processes", "rate"], ["backends", "work", "two servers", "rate"]),
]  # fmt: skip


@pytest.mark.parametrize(("by", "more", "than"), SURPRISES)
def test_the_surprises_of_the_page_are_in_both_runs(by, more, than):
    assert len(claims.runs()) == 2
    for results in claims.runs():
        assert statistics.median(claims.ratios(results, more, than)) >= by


def test_how_much_two_runs_differed_is_computed(runs):
    assert "No verdict changed" in site_claims.measured("", "measured", "measured", {}, None)
    changed = copy.deepcopy(runs[1])
    changed["suites"]["cost"]["figures"]["cgi"]["cpu"] = [40, 40, 40]
    runs[1] = changed
    html = site_claims.measured("", "measured", "measured", {}, None)
    # 4 ÷ 4 in one run and 40 ÷ 4 in the other; three times as much is FastCGI's claim.
    assert "Verdicts changed: K01, K03." in html and "none by more than 900 %" in html


def test_numbers_are_short_and_say_enough():
    assert [plots.plain(n) for n in (0, 0.0123, 1, 1.5, 12.34, 123.4, 1234, 51_180.0, 99.96)] == [
        "0", "0.0123", "1", "1.5", "12.3", "123", "1,234", "51,180", "100"
    ]  # fmt: skip


def test_labels_of_lines_do_not_cover_each_other():
    places = plots.apart([100, 101, 99, 30], 16)
    assert all(after - before >= 16 for before, after in itertools.pairwise(sorted(places)))


def test_a_figure_is_drawn_where_the_claim_that_has_it_first_is_not_shown(runs):
    assert 'href="#k07-streams"' in site_claims.claim("K24", "claim", "claim", {}, None)
    del runs[0]["suites"]["limits"]
    assert "Not shown yet" in site_claims.claim("K07", "claim", "claim", {}, None)
    assert 'id="k24-streams"' in site_claims.claim("K24", "claim", "claim", {}, None)
