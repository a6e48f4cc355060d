"""`serve --reload`: the files of a program are looked at, and the exhibit starts anew when one of them changes."""

import contextlib
import glob
import os
import tempfile
import time
from importlib.util import cache_from_source
from pathlib import Path

from exhibits.backstage.own.target import Unfit
from exhibits.backstage.running import ROOT, CannotStart
from exhibits.backstage.terminal import plain

PAUSE = 0.3  # seconds between two looks
MOST = 5000  # files and folders that are looked at
KINDS = (".py", ".html")
# Besides these and what begins with a dot, environments with other people's programs are passed over.
PASSED_OVER = {"__pycache__", "node_modules"}
OURS_PASSED_OVER = {*PASSED_OVER, "backstage"}  # in the museum itself, which does not serve it


def stay(exhibit, seen, make, console):
    """Start an exhibit anew at each change of its program, until a signal comes.

    seen: what `look` saw before it was started. make(): a new one that does not run yet, or Unfit. What goes wrong
    is said, and the next change waited for; where that can be known before, the old one goes on meanwhile.
    """

    def say(sentence):
        console.print(plain(f"{sentence}\nWaiting for the next change."), soft_wrap=True, markup=False)

    app = exhibit.app
    try:
        while True:
            time.sleep(PAUSE)
            now, _ = look(app)
            changed = [path for path in now.keys() | seen.keys() if now.get(path) != seen.get(path)]
            seen = now
            forget(changed)
            try:
                if changed and (wrong := syntax_error(changed)):
                    say(wrong)
                elif changed:
                    following = make()
                    console.print(plain(f"{short(changed)} changed: restarting"), soft_wrap=True, markup=False)
                    if exhibit:
                        exhibit.stop()
                        exhibit = None
                    exhibit = following.__enter__()
                elif exhibit:
                    exhibit.check()
            except (CannotStart, Unfit, OSError) as reason:  # the last where a whole folder comes and goes
                say(reason)
                if exhibit and isinstance(reason, CannotStart):
                    exhibit.stop()
                    exhibit = None
    finally:
        if exhibit:
            exhibit.stop()


def look(app):
    """({file: when it was written}, whether that is all) of the program, of the visitor's own or of all rooms."""
    passed_over = PASSED_OVER if app else OURS_PASSED_OVER
    ours = os.path.join(os.path.realpath(tempfile.gettempdir()), "museum-")  # run folders
    found, left = {}, [app.path if app else ROOT / "exhibits"]
    if app and app.file:
        left.append(app.file.parent)
    if app and app.file and app.file.is_file():
        found[str(app.file)] = app.file.stat().st_mtime_ns
    count = 0
    while left and count < MOST:
        try:
            entries = list(os.scandir(left.pop()))
        except OSError:
            continue
        for entry in entries:
            count += 1
            try:
                if entry.name.startswith(".") or entry.name in passed_over:
                    continue
                if entry.name.startswith("museum-") and os.path.realpath(entry.path).startswith(ours):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if not Path(entry.path, "pyvenv.cfg").exists():
                        left.append(entry.path)
                elif entry.name.endswith(KINDS) and entry.is_file():
                    found[entry.path] = entry.stat().st_mtime_ns
            except OSError:  # it has gone meanwhile
                pass
    return found, not left


def forget(paths):
    """Remove what Python has compiled of these files.

    It keeps the time of a file in whole seconds, and its size: of two edits that agree in both it would run the
    first (PEP 552).
    """
    for path in paths:
        compiled = Path(cache_from_source(path))  # by this Python; perhaps others import the file, too
        for file in compiled.parent.glob(f"{glob.escape(Path(path).stem)}.*.pyc"):
            with contextlib.suppress(OSError):
                file.unlink()


def syntax_error(paths):
    """What Python says of the first file that is none of its language; "" where all are."""
    for path in paths:
        try:
            if path.endswith(".py") and os.path.isfile(path):  # and no pipe, which would be waited for
                compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
        except FileNotFoundError:
            pass
        except (SyntaxError, ValueError, OSError) as error:
            line = getattr(error, "lineno", None)  # a file with a null byte has none
            where = f"{path}, line {line}" if line else path
            return f"{where}: {error.msg if isinstance(error, SyntaxError) else error}"
    return ""


def short(paths):
    first, *others = sorted(os.path.basename(path) for path in paths)
    return f"{first} and {len(others)} more" if others else first
