"""Which files lean on which: the arrows between the folders run one way."""

import ast
import subprocess
import sys

import pytest

from exhibits.backstage.running import ROOT

PROGRAMS = "backstage", "confusions", "meetings", "strangers"  # these start exhibits
FILES = sorted(path for path in (ROOT / "exhibits").rglob("*.py")
               if path.relative_to(ROOT / "exhibits").parts[0] not in (*PROGRAMS, "__main__.py"))


def imported(path):
    """The names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_room_needs_what_goes_on_backstage(path):
    assert [name for name in imported(path) if f"{name}.".startswith("exhibits.backstage.")] == []


def test_to_load_the_guestbook_loads_its_parts_and_nothing_else():
    """CGI pays for each import every time."""
    asks = f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules); import exhibits.guestbook; " \
           "print(*sorted(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", asks], capture_output=True, text=True, check=True)
    parts = ("", ".guarding", ".guestbook", ".messages", ".store")
    assert ran.stdout.split() == [f"exhibits{part}" for part in parts]
