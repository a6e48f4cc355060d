"""The page "Which server": its commands start and answer, and its sentences are what the figures of both runs say."""

import contextlib
import copy
import os
import re
import shlex
from itertools import product

import pytest

from exhibits.backstage.bench import claims
from exhibits.backstage.checking import holding
from exhibits.backstage.running import ROOT, version
from exhibits.backstage.site import which
from exhibits.catalog.parts import PARTS

PAGE = (ROOT / "docs" / "which-server.md").read_text(encoding="utf-8")
BOOK = which.book()
CASES = {case["name"]: case for case in BOOK["case"]}
RESTS = [pytest.param(test, id=f"{name}: {test['says']}") for name, case in CASES.items() for test in case["rests"]]
RUNS = [pytest.param(run, id=f"run {number}") for number, run in enumerate(claims.runs(), 1)]
SINCE = "2026-11-27"  # runs of this day and later have all figures


def figure(look, results):
    """look(results); a figure may be missing from runs that are older than its suite."""
    try:
        return look(results)
    except claims.Missing as missing:
        if results["date"] < SINCE:
            pytest.xfail(f"the run of {results['date']} does not have {missing} yet")
        raise


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("results", RUNS)
@pytest.mark.parametrize("test", RESTS)
def test_what_a_case_rests_on_holds_in_each_run(test, results):
    found = figure(lambda results: claims.outcome(test, results), results)
    assert found.yes, f"{test['says']} {found.median}"


@pytest.mark.parametrize("results", RUNS)
@pytest.mark.parametrize("name", CASES)
def test_what_a_case_shows_was_measured(name, results):
    for shown in CASES[name]["figures"]:
        for row in shown["rows"]:
            assert figure(lambda run, of=(*shown["of"], row, shown["draw"]): claims.numbers(run, of), results)


@pytest.mark.parametrize("results", RUNS)
def test_the_servers_side_by_side_were_measured(results):
    names = {name for column in BOOK["column"] for name in re.findall(r"{(\w+)}", "".join(column["of"]))}
    for server in BOOK["server"]:
        assert server.keys() - names == {"title"}, "a name that no column looks for"
        for column in BOOK["column"]:
            place = [part.format_map(dict.fromkeys(names, "") | server) for part in column["of"]]
            assert "" in place or claims.numbers(results, place)


def test_a_figure_that_turns_is_seen():
    """A run in which threads, greenlets and coroutines answer as little as those who block contradicts their cases."""
    forged = copy.deepcopy(claims.runs()[0])
    for group in forged["suites"]["wait"]["figures"].values():
        for racer in group.values():
            racer["rate"] = group["sync"]["rate"]
    turned = set()
    for name, test in ((name, test) for name, case in CASES.items() for test in case["rests"]):
        with contextlib.suppress(claims.Missing):
            if not claims.outcome(test, forged).yes:
                turned.add(name)
    assert turned == {"threads", "greenlets", "coroutines"}


def test_both_runs_stand_beside_each_sentence():
    shown = which.rest({"says": "One.", "of": ["idle", "gthread", "per thousand"], "least": 0})
    for results in claims.runs():
        values = claims.numbers(results, ["idle", "gthread", "per thousand"])
        assert which.plots.plain(claims.statistics.median(values)) in shown
    assert "not measured (idle / nobody / rate)" in which.rest(
        {"says": "One.", "of": ["idle", "nobody", "rate"], "least": 0})


def test_what_was_measured_is_what_is_recommended():
    """The number of threads that is the most of a case is that of who was measured for it."""
    case = CASES["threads"]
    assert case["most"] == 100
    for results in claims.runs():
        assert f"--threads {case['most']}" in results["suites"]["wait"]["settings"]["gthread 100"][0]
        assert "--workers 4" in results["suites"]["wait"]["settings"]["sync"][0]
        assert results["machine"]["cores"] == 2  # what the sentences say of cores


# ---------------------------------------------------------------- commands


def words(command):
    """The words of a command as `check` takes them, with places for the address and the program."""
    for old, new in (("127.0.0.1", "{host}"), ("8000", "{port}")):
        assert command.count(old) == 1, command
        command = command.replace(old, new)
    return [re.sub(r"^\w+:app$", "{app}", word) for word in shlex.split(command)]


def parameters():
    for name, case in CASES.items():
        hall = [pytest.mark.hall] if "gevent" in case["install"] else []
        yield pytest.param(case, id=name, marks=hall)


@pytest.mark.parametrize("case", list(parameters()))
def test_the_command_of_a_case_starts_and_says_hello(case):
    for part in (PARTS[name] for name in re.findall(r"\w+", case["install"]) if name != "standard"):
        if version(part) is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{part.name} is not installed")
    interface = "asgi" if "async" in case["call"] else "wsgi"
    server = holding.Started(words(which.command(case, **case["example"])), interface, "http")
    wanted = [server.checks[f"contract/{name}"] for name in ("hello", "hello-name")]
    assert [(each.name, each.verdict) for each in holding.hold(server, wanted)] == [
        (each.name, holding.RIGHT) for each in wanted]
    if "websocket" in case["does"]:
        assert server.opens_websockets()


@pytest.mark.hall
def test_uvicorn_takes_httptools_and_uvloop_where_they_are():
    """As the page says of `uvicorn[standard]`, whose command names neither."""
    from uvicorn.config import Config

    config = Config("program:app")
    config.load_app = lambda: print
    config.load()
    assert config.http_protocol_class.__name__ == "HttpToolsProtocol"
    assert "uvloop" in config.get_loop_factory().__module__


# ---------------------------------------------------------------- the arithmetic


def waits(servers, load):
    """Erlang's formula: which part of visitors, who come independently of each other, finds all servers busy."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return servers * blocked / (servers - load * (1 - blocked))


@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 10, 20, 50, 100, 1000])
def test_fewer_than_one_in_ten_finds_no_thread_free(at_once):
    assert 0 < waits(which.places(at_once), at_once) < 0.1
    assert waits(at_once + 1, at_once) > 0.1  # one more than the average is not enough


def test_the_example_of_the_page_is_computed():
    example = CASES["threads"]["example"]
    assert which.filled(CASES["threads"], **example) == {"workers": 2, "threads": 17, "connections": 1000}
    assert "10 + 2 × √10, that is 17 threads" in PAGE


def test_memory_limits_the_workers_and_one_there_is_always():
    example = {**CASES["processes"]["example"], "cores": 8, "worker": 300}
    assert which.filled(CASES["processes"], **example)["workers"] == 3
    assert which.filled(CASES["processes"], **example | {"memory": 100})["workers"] == 1
    assert which.filled(CASES["websockets"], **example)["workers"] == 1


def test_every_program_has_a_case_however_many_come():
    some = {"cores": 2, "memory": 1024, "worker": 100}
    for does, call, rate, seconds in product(which.DOES, which.CALL, (0.01, 10, 1000, 100_000), (0.001, 1, 3600)):
        case = which.chosen(does, call, rate=rate, seconds=seconds, **some)
        assert does in case["does"] and call in case["call"]
    named = [which.chosen(does, call, rate=rate, seconds=0.5, **some)["name"]
             for does, call, rate in product(which.DOES, which.CALL, (40, 1500))]
    assert set(named) == set(CASES)
    assert all(which.chosen(does, call, **case["example"]) == case
               for case in CASES.values() for does, call in product(case["does"], case["call"]))


def test_each_case_has_its_section():
    assert re.findall(r"\{ #(\w+) \}\n\n```which-case\n(\w+)\n```", PAGE) == [(name, name) for name in CASES]
