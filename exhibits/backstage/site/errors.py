"""The fences of the page of errors: each error as it was recorded, and a box that finds the one of a line."""

import json
from html import escape

from exhibits.backstage.recording.errors import ERRORS, FOLDER, HERE, cured
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence
from exhibits.backstage.site.diffs import diff
from exhibits.backstage.site.files import on_the_web
from exhibits.backstage.site.html import hyperlink, table


@fence
def error(name):
    """An error: its set-up with the cure as a diff, what the visitor and the logs say, and what comes afterwards."""
    found = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return setup(name) + outcome(name, found)


def setup(name):
    """All files and commands of an error, with its cure."""
    link = hyperlink(on_the_web((HERE / f"{name}.toml").relative_to(ROOT).as_posix()), "the set-up")
    return f'{"".join(diffs(ERRORS[name]))}<p class="note">- as it fails, + with the cure ({link}).</p>'


def diffs(error):
    """Each file and the commands, each line that the cure takes away or adds marked by its first character."""
    after = cured(error)
    for file, text in [*error["files"].items(), ("commands", error["commands"])]:
        new = after["commands"] if file == "commands" else after["files"][file]
        old_lines, new_lines = text.strip().splitlines(), new.strip().splitlines()
        label = f"<b>{escape(file.capitalize() if file == 'commands' else file)}</b>"
        yield diff(label, old_lines, new_lines)


def outcome(name, found):
    """Who says what before the cure, and what the visitor gets after it."""
    request = f"{ERRORS[name]['request']}"
    times = f", {ERRORS[name]['at_once']} at once" if "at_once" in ERRORS[name] else ""
    versions = ", ".join(f"{part} {number}" for part, number in found["parts"].items())
    rows = [("", [f"Log of {escape(who)}", code(lines)])
            for who, lines in found["before"].items() if who != "visitor" and lines]
    rows.insert(0, ("", [f"<code>{escape(request)}</code>{times} gets", got(found["before"]["visitor"])]))
    rows.append(("", ["After the cure", got(found["after"]["visitor"])]))
    return table("error", [escape(versions), "What came back"], rows)


def got(lines):
    """Of a response the status line, where it leads to, and the first words of the body; or the sentence instead."""
    head, body = lines, []
    if "" in lines:
        at = lines.index("")
        head, body = lines[:at], [line for line in lines[at:] if line.strip() and not line.lstrip().startswith("<")]
    if not head[0].startswith("HTTP/"):
        return escape(head[0])
    shown = [head[0], *(line for line in head if line.lower().startswith("location:")), *body[:1]]
    notes = [line for line in body if line.startswith("(")]
    return code(line[:120] for line in shown if line not in notes) + "".join(f"<br>{escape(note)}" for note in notes)


def code(lines):
    return "<br>".join(f"<code>{escape(line)}</code>" for line in lines)


@fence
def finder(source):
    """A box for a line of a log. The script looks for it in the headings and tables of the page it stands in."""
    return """<form class="finder"><label for="line">Paste a line of your log, or what the browser shows</label>
<textarea id="line" rows="3" spellcheck="false" autocomplete="off"></textarea>
<p role="status"></p></form>
<script src="../assets/errors.js" defer></script>"""
