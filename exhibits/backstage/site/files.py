"""The fences `sources` and `files`: files of the repository, each with what it says of itself."""

import ast
import os
import re
from html import escape

from exhibits import catalog
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import hyperlink, prose


@fence
def sources(stage_name):
    """The specification of a stage, the files of its room, what they share with others, and their tests."""
    stage = catalog.stage(stage_name)
    room = sorted(path for path in (ROOT / "exhibits" / stage.name).iterdir() if is_source(path))
    shared = [ROOT / "exhibits" / name for name in (
        "guestbook.py", "messages.py", "guarding.py", "store.py", "shared/cgi_variables.py", "catalog/__init__.py",
        "catalog/stacks.py")]
    tests = [ROOT / "tests" / "test_contract.py", *sorted((ROOT / "tests" / stage.name).glob("test_*.py"))]
    specification = f"<li>{hyperlink(stage.url, escape(stage.specification))}: the specification</li>"
    return file_list([*room, *shared, *tests], specification)


@fence
def files(names):
    """Files of the repository, one name a line."""
    return file_list([ROOT / name for name in names.split()])


def is_source(path):
    return path.is_file() and path.name != "__init__.py" and not path.name.startswith(".") and path.suffix != ".pyc"


def file_list(paths, first=""):
    """A list of links to files (Path), each with what it says of itself; `first` is an item to begin with."""
    items = []
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        says = prose(summary(path))
        address = hyperlink(on_the_web(name), f"<code>{escape(name)}</code>")
        items.append(f"<li>{address}: {says}</li>" if says else f"<li>{address}</li>")
    return f'<ul class="files">{first}{"".join(items)}</ul>'


def unmarked(text):
    """The text of a program without the markers by which pages quote parts of it."""
    return "".join(line for line in text.splitlines(keepends=True) if "--8<--" not in line)


def summary(path):
    """The first sentence of a file's docstring or of the comment it begins with; "" where there is neither."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    else:
        comment = re.match(r"(?:[#;].*\n)*", text)[0]
        text = re.sub(r"(?m)^[#;] ?", "", comment)
    return re.split(r"(?<=[.!?])\s", text.partition("\n\n")[0].replace("\n", " ").strip())[0]


def on_the_web(name):
    """Where a file of the repository can be read."""
    found = settings()
    branch = found["edit_uri"].split("/")[1]
    return f"{found['repo_url']}/blob/{branch}/{name}"


def settings():
    """site_url, repo_url and edit_uri, from mkdocs.yml: what stands there, or what the environment has in its place."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    line = r'^(site_url|repo_url|edit_uri): *(?:!ENV \[(\w+), )?"?([^\s"\]]+)'
    return {name: os.environ.get(variable, value) for name, variable, value in re.findall(line, text, re.MULTILINE)}
