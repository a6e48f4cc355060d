"""Nothing that was acknowledged is lost: while processes are killed, and while the disk is full. Short rounds.

A long one: `python -m exhibits.backstage.checking.durability`.
"""

import os
import random
import subprocess

import pytest
from conftest import each_stack, require

from exhibits.backstage.checking import durability

pytestmark = pytest.mark.hall


@each_stack(stacks=durability.stacks())
def test_no_acknowledged_entry_is_lost_when_processes_are_killed(stack, mount, tmp_path):
    require(stack)
    seed = random.randrange(10**6)
    print(f"durability.killed(catalog.find({stack.name!r}), FILE, {seed}, 3, 60)")  # shown where it fails
    tally = durability.killed(stack, tmp_path / "guestbook.sqlite3", seed, 3, 60)
    print(durability.line(stack.name, tally))
    assert tally.kept, (tally.lost, tally.late, tally.twice, tally.broken)
    assert sum(tally.kills.values()) == 3 and len(tally.acknowledged) >= 60
    assert set(tally.statuses) <= {500, 502, 503, 504}  # 500: of our CGI server, whose program was killed


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB; only root can make one, and not in every container."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
@each_stack(stacks=durability.stacks())
def test_no_acknowledged_entry_is_lost_when_the_disk_is_full(stack, mount, small_disk):
    require(stack)
    tally, full, again = durability.filled(stack, small_disk)
    print(durability.line(stack.name, tally))
    assert tally.kept, (tally.lost, tally.late, tally.twice, tally.broken)
    assert full >= 20 and set(tally.statuses) <= {507, 503}
    assert again, "one cannot sign though there is room again"
