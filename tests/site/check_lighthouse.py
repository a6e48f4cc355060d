"""What Lighthouse says, as a phone and as a desktop computer."""

import json
import os
import subprocess

import pytest
from conftest import CHROMIUM, FLAGS, KINDS, TOOLS

READ_FIRST = [address for address in KINDS if address.partition("/")[0] in ("", "stages", "compare")]


@pytest.mark.parametrize("form", ["mobile", "desktop"])
@pytest.mark.parametrize("address", READ_FIRST)
def test_lighthouse(served, address, form):
    """Full marks.

    Its score for performance is of this machine at this moment, whatever else runs on it, so it is only printed.
    What makes a page slow and does not depend on that is held: the score's parts that count bytes and moves.
    """
    done = subprocess.run(
        ["node", TOOLS / "lighthouse/cli/index.js", served + address, "--quiet", "--output=json",
         *(["--preset=desktop"] if form == "desktop" else []),
         f"--chrome-flags={' '.join(['--headless=new', *map(quoted, FLAGS)])}"],
        env={**os.environ, "CHROME_PATH": CHROMIUM}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    open(f"/tmp/lh-{address.replace('/','_')}-{form}.json","w").write(done.stdout)
    scores = {name: round(100 * category["score"]) for name, category in report["categories"].items()}
    audits = report["audits"]
    parts = {n: audits[n].get("displayValue") for n in ("first-contentful-paint","largest-contentful-paint","total-blocking-time","cumulative-layout-shift","speed-index","total-byte-weight","dom-size","render-blocking-resources")}
    print(f"{address or 'home'}, {form}: {scores} {parts} {report['environment']['benchmarkIndex']}")
    wanting = [f"{id}: {audit['title']}" for name in ("accessibility", "best-practices", "seo")
               for ref in report["categories"][name]["auditRefs"]
               if ref["weight"] and (audit := audits[id := ref["id"]])["score"] not in (1, None)]  # fmt: skip
    assert not wanting


def quoted(flag):
    return f"'{flag}'" if " " in flag else flag
