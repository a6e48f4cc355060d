"""Nothing of ours depends on what `python -OO` leaves out: assert statements and docstrings."""

import ast

import pytest

from exhibits import catalog, contract
from exhibits.backstage import checking
from exhibits.backstage.checking import agreeing
from exhibits.backstage.running import ROOT, Exhibit

pytestmark = pytest.mark.hall

SOURCES = [path for path in (ROOT / "exhibits").rglob("*.py") if "glass" not in path.parts]
OURS = [stack for stack in catalog.STACKS if stack.server == "ours"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "exhibits")))
def test_no_code_needs_an_assertion_or_a_docstring(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Assert), f"line {node.lineno}"
        name = getattr(node, "id", getattr(node, "attr", None))
        assert name != "__doc__", f"line {node.lineno}"


@pytest.mark.parametrize("stack", OURS, ids=lambda stack: stack.name)
def test_our_servers_keep_the_contract_without_them(stack, monkeypatch):
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    with Exhibit(stack) as exhibit:
        for case in contract.CASES:
            if agreeing.applies(stack, "", case):
                checking.visit(case, exhibit)
