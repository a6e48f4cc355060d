"""What the museum itself costs: the start of each exhibit, the contract, the site."""

import contextlib
import gzip
import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from exhibits import catalog, contract
from exhibits.backstage import checking
from exhibits.backstage.bench.contenders import Contender, Left
from exhibits.backstage.bench.run import rounded
from exhibits.backstage.client import request
from exhibits.backstage.running import ROOT, eventually


def museum(run):
    """{"start": {stage: ms}, "contract": {stage: s}, "site": {...}, "effort": {stage: ...}}:
    how long each takes, and what the guestbook asks of those who write and run it.
    """
    contenders = [
        Contender(stack.stage, f"{catalog.stage(stack.stage).title}: {stack.server}", stack.name)
        for stack in catalog.defaults()
    ]
    found = {"start": {}, "contract": {}, "site": {}, "effort": {}}
    for _ in range(run.rounds):
        for contender in contenders:
            try:
                began = time.perf_counter()
                with run.alone(contender):
                    took = (time.perf_counter() - began) * 1000
            except Left:
                continue
            entry = found["start"].setdefault(contender.name, {"title": contender.title, "ms": []})
            entry["ms"].append(rounded(took))
            run.step(2 * run.rounds * len(contenders))
    for contender in contenders:
        if contender.name in EFFORT:
            with contextlib.suppress(Left), run.alone(contender) as exhibit:
                start = found["start"][contender.name]["ms"]
                found["effort"][contender.name] = {"title": contender.title, **effort(exhibit), "start": start}
    if run.full:
        for contender in contenders:
            try:
                with run.alone(contender) as exhibit:
                    found["contract"][contender.name] = {"title": contender.title, "s": [rounded(kept(exhibit))]}
            except Left:
                continue
        found["site"] = site(run)
    return found


EFFORT = ("wsgi", "asgi")


def effort(exhibit):
    """Lines of the program, and frames of the traceback when it raises."""
    program = ROOT / "exhibits" / exhibit.stack.room / "app.py"
    exhibit.visitor().ask(request("GET", "/crash"))
    # The log comes a moment after the answer.
    eventually(lambda: any(line.startswith("RuntimeError") for _, line in list(exhibit.lines)), 2)
    log = [line for _, line in list(exhibit.lines)]
    begins = max((n for n, line in enumerate(log) if line.startswith("Traceback")), default=len(log))
    return {
        "lines": [len(program.read_text(encoding="utf-8").splitlines())],
        "frames": [sum(line.strip().startswith("File ") for line in log[begins:])],
    }


def kept(exhibit):
    """Seconds that all cases of the contract take at an exhibit."""
    began = time.perf_counter()
    for case in contract.CASES:
        if not case.mounted:
            try:
                checking.visit(case, exhibit)
            except checking.Broken:  # a known difference, or for the tests to tell
                pass
    return time.perf_counter() - began


def site(run):
    """Seconds to build the site, and the weight of its pages in bytes, alone and compressed."""
    if importlib.util.find_spec("mkdocs") is None:
        run.leave("site", "mkdocs is missing: nox -s docs builds the site")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        built = subprocess.run([sys.executable, "-m", "mkdocs", "build", "-q", "-d", folder], cwd=ROOT,
                               capture_output=True, text=True)  # fmt: skip
        took = time.perf_counter() - began
        if built.returncode:
            run.leave("site", "it does not build")
            return {}
        pages = [path.read_bytes() for path in sorted(Path(folder).rglob("index.html"))]
    sizes, packed = [len(page) for page in pages], [len(gzip.compress(page)) for page in pages]
    return {"build": {"title": "to build the site", "s": [rounded(took)]}, "pages": len(pages),
            "largest": max(sizes), "largest compressed": max(packed), "compressed": sum(packed)}  # fmt: skip
