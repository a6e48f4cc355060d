"""Every proof of the confusions page still says what the page says it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.hall

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "exhibits" / "confusions"
PROOFS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
PAGE = (ROOT / "docs" / "confusions.md").read_text()


@pytest.mark.parametrize("proof", PROOFS)
def test_a_proof_prints_what_the_page_shows(proof):
    ran = subprocess.run([sys.executable, "-m", f"exhibits.confusions.{proof}"], cwd=ROOT, capture_output=True,
                         text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    said = "\n".join(line.rstrip() for line in ran.stdout.splitlines()) + "\n"
    assert said == (FOLDER / f"{proof}.txt").read_text()


def test_every_proof_is_on_the_page_with_its_program():
    for proof in PROOFS:
        for name in (f"{proof}.py", f"{proof}.txt"):
            assert f'--8<-- "exhibits/confusions/{name}"' in PAGE, name
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(PROOFS)


def test_every_question_has_an_anchor_of_its_own():
    questions = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = [re.search(r"\{ #([a-z0-9-]+) \}$", question) for question in questions]
    assert all(anchors) and len({found[1] for found in anchors}) == len(questions)
