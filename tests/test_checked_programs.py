"""The contract, with a checker between server and program: every environ, scope, call and event is as it should be."""

import pytest
from conftest import complaints, serving
from websockets.sync.client import connect

from exhibits import catalog, contract
from exhibits.backstage import checking
from exhibits.backstage.checking import agreeing
from exhibits.catalog.differences import known_difference

pytestmark = pytest.mark.hall

SERVERS = {"wsgi-ours": "application", "uwsgi-ours": "application",
           "asgi-ours": "coroutine", "asgi-uvicorn": "coroutine"}


def held_to(name, mount):
    stack = catalog.find(name)
    return [case for case in contract.CASES if agreeing.applies(stack, mount, case)]


@pytest.mark.parametrize("mount", ["", "/museum"], ids=["root", "mounted"])
@pytest.mark.parametrize("name", SERVERS)
def test_the_contract_with_a_checker_in_between(name, mount, tmp_path):
    with serving(name, f"checked.py:{SERVERS[name]}", tmp_path, mount) as exhibit:
        for case in held_to(name, mount):
            if known_difference(exhibit.stack, case.name) is None:
                checking.visit(case, exhibit)
        if SERVERS[name] == "coroutine":
            with connect(f"ws{exhibit.base[4:]}/live", proxy=None) as live:
                live.send("?")
    assert complaints(exhibit) == []
