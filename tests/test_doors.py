"""Each exhibit starts in an environment that holds its own packages and no other.

The tests' own environment holds all of them, so what a stack forgets to ask for is there all the same. Here
each gets an environment of links to what its packages bring, and what those require: what pip would install.
"""

import os
import subprocess
import tempfile
import tomllib
from pathlib import Path

import pytest
from conftest import each_stack, require
from environments import environment
from packaging.requirements import Requirement

from exhibits import catalog, contract
from exhibits.backstage.running import ROOT
from exhibits.catalog.differences import known_difference

pytestmark = pytest.mark.hall

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
BASE = [Requirement(line).name for line in GROUPS["base"]]


# Nobody is there, and nobody may be asked: everything here stays on this machine.
PROXIES = {name: "http://127.0.0.1:9" for each in ("http_proxy", "https_proxy", "all_proxy")
           for name in (each, each.upper())}


@pytest.fixture
def home():
    """A folder with a space and an umlaut in its name, which the user of a web server can enter, too."""
    with tempfile.TemporaryDirectory(prefix="my müseum-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@each_stack(stacks=catalog.EVERYTHING)
def test_a_stack_starts_with_its_own_packages_alone(stack, mount, home):
    """In folders with odd names, and with a proxy for whatever is elsewhere."""
    require(stack)
    python = environment(home / "venv", BASE + stack.packages)
    ended = subprocess.run(
        [python, "-m", "exhibits", "serve", stack.name, "--once"], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={**os.environ, **PROXIES, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(home)},
    )
    assert "Hello, Jürgen!" in ended.stdout, ended.stderr
    known = known_difference(stack, "sign-form") or known_difference(stack, contract.MANNERS)
    assert ended.returncode == bool(known) == ("Not as the contract has it" in ended.stdout), ended.stdout
