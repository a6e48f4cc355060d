"""Every trouble between framework and server is still what its page says it is, and so is its cure."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "exhibits" / "meetings"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
PAGE = (ROOT / "docs" / "meetings.md").read_text()


@pytest.mark.hall  # where all frameworks and servers are
@pytest.mark.timeout(250)  # one starts seven servers
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_prints_what_the_page_shows(program):
    ran = subprocess.run([sys.executable, "-m", f"exhibits.meetings.{program}"], cwd=ROOT, capture_output=True,
                         text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (FOLDER / f"{program}.txt").read_text()


def test_every_program_is_on_the_page_and_fits_it():
    for program in PROGRAMS:
        assert f'--8<-- "exhibits/meetings/{program}.py"' in PAGE
        assert f'--8<-- "exhibits/meetings/{program}.txt"' in PAGE
        assert f'--8<-- "exhibits/meetings/{program}.py:cure"' in PAGE
        lines = [line for line in (FOLDER / f"{program}.py").read_text().splitlines() if line]
        assert len(lines) <= 60 and max(map(len, lines)) <= 96, program
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(PROGRAMS)


def test_every_trouble_has_an_anchor_of_its_own():
    troubles = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = [re.search(r"\{ #([a-z0-9-]+) \}$", trouble) for trouble in troubles]
    assert all(anchors) and len({found[1] for found in anchors}) == len(troubles)
