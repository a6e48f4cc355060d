"""What tests share: a running stack, until one asks for another; the built site; and how the time of a work grows."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from timeit import timeit

import pytest

from exhibits import catalog, contract
from exhibits.backstage import checking
from exhibits.backstage.checking import agreeing
from exhibits.backstage.own import target
from exhibits.backstage.running import ROOT, Exhibit, missing
from exhibits.catalog.differences import known_difference, untestable
from exhibits.shared.fields import Malformed


def require(*stacks):
    """Skip the test where a part is not installed; in CI everything has to be."""
    if lacking := [sentence for stack in stacks for sentence in missing(stack)]:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("; ".join(dict.fromkeys(lacking)))


def needed(name):
    """The path of a program of the system; without it the test is skipped, in CI it fails."""
    return shutil.which(name) or (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed")


def serving(name, program, folder, mount=""):
    """An Exhibit, not yet started, of the stack of this name with a program of tests/programs, which runs in `folder`.

    program: as --app has it, "echo.py:application".
    """
    stack = catalog.find(name)
    require(stack)
    return Exhibit(stack, app=target.find(f"{Path(__file__).parent}/programs/{program}", stack, folder), mount=mount)


def complaints(exhibit):
    """What a checker around the program, wsgiref.validate or strict_asgi, finds wrong: lines of the log."""
    wrong = re.compile("AssertionError|without being closed|strict ASGI")
    return [line for _, line in exhibit.lines if wrong.search(line)]


class Runner:
    """Keeps the last exhibit that was asked for running."""

    def __init__(self):
        self.key, self.exhibit = None, None

    def __call__(self, stack, mount=""):
        require(stack)
        if self.key != (stack.name, mount):
            self.stop()
            self.exhibit = Exhibit(stack, mount=mount).__enter__()
            self.key = (stack.name, mount)
        return self.exhibit

    def stop(self):
        if self.exhibit:
            self.exhibit.stop()
        self.key, self.exhibit = None, None


@pytest.fixture(scope="session")
def run():
    runner = Runner()
    yield runner
    runner.stop()


@contextlib.contextmanager
def malformed(sentence, offset=None, error=Malformed):
    """What stands in the block raises this error and no subclass, these words in its sentence, at this byte."""
    with pytest.raises(error, match=re.escape(sentence)) as raised:
        yield
    assert type(raised.value) is error and offset in (None, raised.value.offset)


def is_linear(work, size):
    """Whether work(4 * size) takes less than 8 times as long as work(size): linear, it takes 4 times, quadratic, 16.

    The time is the processor's, without the garbage collector (timeit switches it off), whose work depends on
    other tests; of each size the shortest so far, since a busy machine adds to it and never takes away.
    """
    short = long = float("inf")
    for _ in range(9):
        short = min(short, timeit(lambda: work(size), timer=time.process_time, number=1))
        long = min(long, timeit(lambda: work(4 * size), timer=time.process_time, number=1))
        if long < 8 * short:
            return True
    return False


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the site, built strictly, once: tests of the xdist_group "site" share a process."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=100,
    )
    assert built.returncode == 0, built.stderr
    return folder


def marks_of(stack, mount="", case=None):
    """What pytest has to know of a test of a stack.

    All with the same exhibit are kept together, so that it starts once; the hall is
    tested where it is asked for; a known difference has to show.
    """
    marks = [pytest.mark.xdist_group(stack.name + mount), *([pytest.mark.hall] if stack.hall else [])]
    if case and (difference := known_difference(stack, case, bool(mount))):
        marks.append(pytest.mark.xfail(strict=True, raises=(AssertionError, OSError), reason=difference.happens))
    return marks


def hold(case, exhibit):
    """Hold an exhibit to a case; one that cannot be tested there is skipped, where that is known, and only there."""
    known = untestable(exhibit.stack, case.name)
    try:
        checking.visit(case, exhibit)
    except checking.NotTestable as reason:
        assert known, reason
        pytest.skip(f"not testable here: {reason}")
    assert not known, "it can be tested, and is said not to be"


def contract_of(stacks):
    """Parameters (stack, mount, case) that hold stacks to the contract wherever each is mounted."""
    return pytest.mark.parametrize(("stack", "mount", "case"), [
        pytest.param(stack, mount, case, id=f"{stack.name}{mount}-{case.name}",
                     marks=marks_of(stack, mount, case.name))
        for stack in stacks for mount in agreeing.mounts_of(stack).values() for case in contract.CASES
        if agreeing.applies(stack, mount, case)
    ])


def each_stack(*mounts, stacks=catalog.STACKS, behaviour=None):
    """Parameters (stack, mount) for a test, which may hold the stacks to one of `contract.BEHAVIOURS`."""
    return pytest.mark.parametrize(("stack", "mount"), [
        pytest.param(stack, mount, id=stack.name + mount, marks=marks_of(stack, mount, behaviour))
        for stack in stacks for mount in mounts or [""]
        # The visitors of these tests write bytes as they are, and expect "/" to be the guestbook.
        if not (behaviour and (stack.encrypted or stack.fixed_mount))
    ])
