"""The fence of the page "In production": what a trial found, a row for each server."""

from html import escape

from exhibits.backstage.recording.service import ROWS, recorded
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import table

# Of each trial: the heading of what was tried, and the columns, each a heading and a name in the findings.
COLUMNS = {
    "stop": ("Started as", [
        ("The slow response", "slow"), ("SIGTERM to all processes", "all"), ("A later request", "new"),
        ("An endless stream, after 5 s", "stream"), ("Exit status", "code"),
    ]),
    "reload": ("Started as", [("Version after SIGHUP", "version"), ("Requests that failed", "failed")]),
    "activate": ("Started as", [("The client that waited", "visitor")]),
    "first": ("In the Dockerfile", [("The slow response", "slow"), ("The container, after 5 s", "ends")]),
    "log": ("Started as", [("Log of requests", "access"), ("Traceback of an exception", "fault")]),
}


@fence
def service(trial):
    """A trial: its servers with their versions, and what came."""
    title, columns = COLUMNS[trial]
    rows = [("", [started(row, found), *(cell(found[key]) for _, key in columns)])
            for row, found in zip(ROWS[trial], recorded(trial), strict=True)]
    return table("answers", [title, *(heading for heading, _ in columns)], rows)


def started(row, found):
    """The command, or what stands for it, and the versions of its parts."""
    versions = ", ".join(f"{part} {number}" for part, number in found["parts"].items())
    touched = f"{row['touch']} is touched; " if "touch" in row else ""
    return f"<code>{escape(row.get('title', row['run']))}</code><small>{escape(touched + versions)}</small>"


def cell(value):
    """A finding: a word, or where something was written and the line."""
    if isinstance(value, list):
        where, line = value
        return escape(where) + (f"<br><code>{escape(line)}</code>" if line else "")
    if isinstance(value, int):
        return str(value if value >= 0 else 128 - value)  # as a shell says it of one that a signal ended
    return escape(str(value))
