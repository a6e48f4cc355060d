"""What tests share: a running stack, until one asks for another; the built site; and how the time of a work grows."""

import os
import subprocess
import sys
import time
from timeit import timeit

import pytest

from exhibits import catalog, contract
from exhibits.backstage import agreeing, checking
from exhibits.backstage.running import ROOT, Exhibit, missing


def require(*stacks):
    """Skip the test where a part is not installed; in CI everything has to be."""
    if lacking := [sentence for stack in stacks for sentence in missing(stack)]:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("; ".join(dict.fromkeys(lacking)))


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


def is_linear(work, size):
    """Whether work(4 * size) takes less than 8 times as long as work(size): linear, it takes 4 times, quadratic, 16.

    The time is the processor's, without the garbage collector (timeit switches it off), whose work depends on
    other tests. It is asked again before the answer is no: a busy machine has its caches full of others' data.
    """

    def seconds(size):
        return timeit(lambda: work(size), timer=time.process_time, number=1)

    return any(seconds(4 * size) < 8 * seconds(size) for _ in range(5))


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the site, built strictly, once: tests of the xdist_group "site" share a process."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return folder


def marks_of(stack, mount="", case=None):
    """What pytest has to know of a test of a stack.

    All with the same exhibit are kept together, so that it starts once; the hall is
    tested where it is asked for; a known difference has to show.
    """
    marks = [pytest.mark.xdist_group(stack.name + mount), *([pytest.mark.hall] if stack.hall else [])]
    if case and (difference := checking.known_difference(stack, case, bool(mount))):
        marks.append(pytest.mark.xfail(strict=True, raises=(AssertionError, OSError), reason=difference.happens))
    return marks


def contract_of(stacks, adapted=lambda stack, case: case):
    """Parameters (stack, mount, case) that hold stacks to the contract wherever each is mounted.

    adapted(stack, case): the case as this stack has to keep it.
    """
    return pytest.mark.parametrize(("stack", "mount", "case"), [
        pytest.param(stack, mount, adapted(stack, case), id=f"{stack.name}{mount}-{case.name}",
                     marks=marks_of(stack, mount, case.name))
        for stack in stacks for mount in agreeing.mounts_of(stack).values() for case in contract.CASES
        if agreeing.applies(stack, mount, case)
    ])  # fmt: skip


def each_stack(*mounts, stacks=catalog.STACKS, behaviour=None):
    """Parameters (stack, mount) for a test, which may hold the stacks to one of `contract.BEHAVIOURS`."""
    return pytest.mark.parametrize(("stack", "mount"), [
        pytest.param(stack, mount, id=stack.name + mount, marks=marks_of(stack, mount, behaviour))
        for stack in stacks for mount in mounts or [""]
        # The visitors of these tests write bytes as they are, and expect "/" to be the guestbook.
        if not (behaviour and (stack.encrypted or stack.fixed_mount))
    ])  # fmt: skip
