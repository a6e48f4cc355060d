"""The user as whom some servers run programs where root starts them: what he can reach."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from exhibits.backstage.running.ports import CannotStart

NOBODY = 65534  # the user as whom Apache and http.server run programs where root starts them


def runs_as_nobody(stack):
    """Whether the program of a stack runs as another user than we do, who has to reach what it needs."""
    return stack.drops_root and os.geteuid() == 0


def nobody_writes(guestbook):
    """Whether that user can write a guestbook; where there is none yet it is made, and belongs to him."""
    tried = 'test -w "$(dirname "$1")" && { test -e "$1" || : > "$1"; } && test -w "$1"'
    return subprocess.run(["sh", "-c", tried, "sh", guestbook], cwd="/", stderr=subprocess.DEVNULL,
                          user=NOBODY, group=NOBODY, extra_groups=()).returncode == 0


def readable_python():
    """A Python that also another user may run: one below root's home cannot be reached by others."""
    ours = Path(sys.executable).resolve()
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in ours.parents):
        return sys.executable
    found = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if found is None:
        raise CannotStart("another user cannot run this Python, and there is no /usr/bin/python3")
    return found
