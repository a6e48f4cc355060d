"""A WebDAV program behind our servers, asked by litmus: methods, statuses and fields that the guestbook never has."""

import re
import subprocess

import pytest
from conftest import needed, serving

from exhibits.backstage.running import ROOT

pytestmark = pytest.mark.hall

SUITES = {"basic": 16, "copymove": 13, "props": 30, "locks": 41, "http": 4}


# waitress shows that the program keeps all of it: what fails behind one of ours is that one's fault.
@pytest.mark.parametrize("name", ["wsgi-waitress", "wsgi-ours", "uwsgi-ours", "fastcgi-ours", "scgi-ours"])
def test_litmus(name, tmp_path):
    callable = "respond" if name in ("fastcgi-ours", "scgi-ours") else "application"
    with serving(name, f"dav.py:{callable}", tmp_path) as exhibit:
        asked = subprocess.run([needed("litmus"), "-k", f"{exhibit.base}/"], cwd=tmp_path, capture_output=True,
                               text=True, timeout=60)
    said = asked.stdout.replace("\r", "\n")
    passed = {suite: int(count) for suite, count in re.findall(r"summary for `(\w+)':.* (\d+) passed, 0 failed", said)}
    assert passed == SUITES and asked.returncode == 0, said
    # A target with a fragment: ours refuses it (RFC 9112 section 3.2), waitress and nginx cut it off.
    warned = re.findall(r"(\w+)\.+ WARNING", said)
    assert warned == ([] if name == "wsgi-ours" else ["delete_fragment"]), said
    assert not [line for _, line in exhibit.lines if "Traceback" in line]


def test_the_page_says_how_many_tests_these_are():
    assert f"the {sum(SUITES.values())} tests of [litmus]" in (ROOT / "docs/how-it-checks-itself.md").read_text()
