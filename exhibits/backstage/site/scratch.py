"""The fence `scratch`: how large the museum's own server of a stage is, and what it leaves out."""

import ast

from exhibits import catalog
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence
from exhibits.backstage.site.files import on_the_web
from exhibits.backstage.site.html import hyperlink, prose


@fence
def scratch(stage_name):
    """The files of a from-scratch server with their lines, and what its docstring says it leaves out."""
    server = ROOT / "exhibits" / catalog.stage(stage_name).name / "server.py"
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in needed(server)}
    files = ", ".join(f"{linked(path)}&nbsp;{count}" for path, count in lines.items())
    return f"<p>{sum(lines.values()):,} lines, comments included: {files}.</p><p>{prose(left_out(server))}</p>"


def linked(path):
    name = path.relative_to(ROOT / "exhibits").as_posix()
    return hyperlink(on_the_web(f"exhibits/{name}"), f"<code>{name}</code>")


def needed(path):
    """A file and all files of the museum that it imports, itself first."""
    found, waiting = [], [path]
    while waiting:
        path = waiting.pop(0)
        if path not in found:
            found.append(path)
            waiting += imported(path)
    return found


def imported(path):
    """The files of the museum that a file imports, in the order it names them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "exhibits":
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            files = [ROOT / f"{name.replace('.', '/')}.py" for name in names]
            yield from (file for file in files if file.is_file())


def left_out(path):
    """The paragraph of a file's docstring that begins so; StopIteration where there is none."""
    paragraphs = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).split("\n\n")
    return next(" ".join(text.split()) for text in paragraphs if text.startswith("Left out"))
