"""The fences `move` and `heirs`: a program before and after, as diffs and with what both answer; options and heirs."""

import shlex
import tomllib
from html import escape

from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence
from exhibits.backstage.site.diffs import diff
from exhibits.backstage.site.files import on_the_web, unmarked
from exhibits.backstage.site.html import hyperlink, prose, shell, table

FOLDER = ROOT / "exhibits" / "moves"
SERVERS = {"gunicorn": "gunicorn", "uvicorn": "Uvicorn", "granian": "granian", "uwsgi": "uWSGI", "waitress": "waitress"}


def moves():
    """What `exhibits/moves/moves.toml` says, by the name of the move."""
    with open(FOLDER / "moves.toml", "rb") as file:
        return tomllib.load(file)


def options():
    """The rows of `exhibits/moves/options.toml`."""
    with open(FOLDER / "options.toml", "rb") as file:
        return tomllib.load(file)["option"]


@fence
def move(name):
    """A move: its diffs, what it needs, the commands that start both sides, and their answers side by side."""
    found = moves()[name]
    diffs = "".join(diff_view(name, suffix) for suffix in suffixes(name))
    kept = [hyperlink(on_the_web(place), f"<code>{place}</code>") for place in (f"exhibits/moves/{name}/program.py",)
            if (ROOT / place).exists()]
    program = f'<p class="start">The program does not change: {kept[0]}</p>' if kept else ""
    install = shell([f"pip install {shlex.join(found['packages'])}"])
    return (diffs + program + install + "".join(map(start, found["server"]))
            + answers_view(found["server"], found["ask"]))


def start(server):
    """How a server of a move is started, and what is in front of it: a block for each, as one blocks the shell."""
    front = f", behind <code>{server['front']}</code>" if "front" in server else ""
    title = f'<p class="start">{escape(server["title"])}{front}</p>'
    return title + (shell([server["run"].format(port=8000)]) if "run" in server else "")


def suffixes(name):
    """The kinds of files that a move is made of: the program or its settings first, then what is in front."""
    found = {path.suffix for path in (FOLDER / name).iterdir() if path.stem in ("before", "after")}
    return sorted(found, key=lambda suffix: (suffix in (".nginx", ".apache"), suffix != ".ini", suffix))


def diff_view(name, suffix=".py"):
    """Both files of a kind in one; where there is one only, all of it is gone or new."""
    files = {sign: FOLDER / name / (stem + suffix) for sign, stem in (("-", "before"), ("+", "after"))}
    there = {sign: file.relative_to(ROOT).as_posix() for sign, file in files.items() if file.exists()}
    caption = "<br>".join(f"{sign} {hyperlink(on_the_web(file), f'<code>{file}</code>')}"
                          for sign, file in there.items())
    return diff(caption, *(lines_of(file) if file.exists() else [] for file in files.values()))


def lines_of(file):
    return unmarked(file.read_text(encoding="utf-8")).splitlines()


def answers_view(servers, asks):
    """A row for each question. Where an answer is not that of the first server, it says so."""
    rows = []
    for ask in asks:
        first, *others = ask["answers"]
        question = f"<code>{escape(ask['request'])}</code>"
        if "shown" in ask:
            question += f"<small>{escape(ask['shown'])}</small>"
        if "at_once" in ask:
            question += f"<small>{ask['at_once']} at once</small>"
        cells = [said(first), *(said(other) + f"<small>{'the same' if other == first else 'differs'}</small>"
                                for other in others)]
        rows.append(("", [question, *cells]))
    return table("answers", ["Request", *(escape(server["title"]) for server in servers)], rows)


def said(answer):
    return "<br>".join(f"<code>{escape(each)}</code>" for each in answer.split(" · "))


@fence
def heirs(_):
    """A row for each thing that gunicorn's options do, a column for each server."""
    def cell(text):
        return prose(text).replace(" --", "</code><br><code>--")  # a line for each option

    rows = [("", [escape(row["does"]), *(cell(row[server]) for server in SERVERS)]) for row in options()]
    return table("heirs", ["What it does", *SERVERS.values()], rows)
