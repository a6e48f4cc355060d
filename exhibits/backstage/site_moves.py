"""The fence `move`: a program before and after, as a diff of two files, and what both answer."""

import tomllib
from difflib import unified_diff
from html import escape

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import DiffLexer

from exhibits.backstage.site import ROOT, fence, link, on_the_web, shell, table

FOLDER = ROOT / "exhibits" / "moves"


def moves():
    """What `exhibits/moves/moves.toml` says, by the name of the move."""
    with open(FOLDER / "moves.toml", "rb") as file:
        return tomllib.load(file)


@fence
def move(name):
    """A move: its diff, the commands that start both sides, and their answers side by side."""
    found = moves()[name]
    servers = found["server"]
    commands = [line for server in servers
                for line in (f"# {server['title']}", server["run"].format(port=8000))]  # fmt: skip
    return diff_view(name) + shell(commands) + answers_view(servers, found["ask"])


def diff_view(name):
    """Both files in one, each line that is gone or new marked by its first character."""
    files = [FOLDER / name / file for file in ("before.py", "after.py")]
    before, after = map(lines_of, files)
    lines = [*unified_diff(before, after, lineterm="", n=len(before))][3:]  # without names and line numbers
    if not lines:
        raise ValueError("there is no difference")
    names = [file.relative_to(ROOT).as_posix() for file in files]
    one, other = (link(on_the_web(file), f"<code>{file}</code>") for file in names)
    code = highlight("\n".join(lines), DiffLexer(), HtmlFormatter(wrapcode=True, cssclass="highlight"))
    return f'<figure class="move"><figcaption>- {one}<br>+ {other}</figcaption>{code}</figure>'


def lines_of(file):
    """Without snippet markers, which are for other pages."""
    return [line for line in file.read_text(encoding="utf-8").splitlines() if "--8<--" not in line]


def answers_view(servers, asks):
    """A row for each question. Where an answer is not that of the first server, it says so."""
    rows = []
    for ask in asks:
        first, *others = ask["answers"]
        question = f"<code>{escape(ask['request'])}</code>"
        if "at_once" in ask:
            question += f"<small>{ask['at_once']} at once</small>"
        cells = [said(first), *(said(other) + f"<small>{'alike' if other == first else 'differs'}</small>"
                                for other in others)]  # fmt: skip
        rows.append(("", [question, *cells]))
    return table("answers", ["Asked", *(escape(server["title"]) for server in servers)], rows)


def said(answer):
    return "<br>".join(f"<code>{escape(each)}</code>" for each in answer.split(" · "))
