"""What a stranger's page can do to a server on this machine is in Chromium what the site says it is."""

import subprocess
import sys

from conftest import ROOT


def test_a_strangers_page_can_do_what_the_site_says_and_no_more():
    program = [sys.executable, "-m", "exhibits.strangers.chromium"]
    ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    shown = (ROOT / "exhibits" / "strangers" / "chromium.txt").read_text()
    # The first line is the version, which changes every few weeks; what it does is to change with a reason.
    assert ran.stdout.splitlines()[1:] == shown.splitlines()[1:], ran.stdout
