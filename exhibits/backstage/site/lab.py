"""The fences `lab`, the form of the laboratory, and `experiments`, its guided experiments."""

import json
import tomllib
from html import escape

from exhibits import catalog, hard
from exhibits.asking import request
from exhibits.backstage.recording import tapping
from exhibits.backstage.site import fence
from exhibits.backstage.site.files import unmarked
from exhibits.backstage.site.html import prose
from exhibits.lab import programs
from exhibits.lab.stages import STAGES

AS_TYPED = 'spellcheck="false" autocapitalize="off" autocomplete="off"'
SHORT = 2000  # bytes: a longer hard request is no pleasure to look at
LABELS = {"script": "CGI script", "respond": "function for FastCGI, SCGI", "wsgi": "WSGI callable",
          "asgi": "ASGI coroutine"}
NAMES = {"guestbook": "the guestbook", "hello": "the smallest one", "rude": "the rude one"}
USUAL = {
    "greeting": "a greeting", "form": "a form", "large": "a large body", "stream": "a stream", "crash": "a crash",
}


def presets():
    """{heading: {label: the request as the page keeps it}}."""
    usual = {label: {"request": tapping.REQUESTS[name].decode("latin-1")} for name, label in USUAL.items()}
    usual["a wait"] = {"request": request("GET", "/slow?seconds=1").decode()}
    usual["a WebSocket"] = {"request": tapping.HANDSHAKE.decode(), "messages": ['{"name":"Ada","message":"Hello"}']}
    found = {"The usual": usual}
    for each in hard.REQUESTS:
        if len(each.sent) <= SHORT:
            found.setdefault(f"Hard: {each.rule.family}", {})[each.name] = {"request": each.sent.decode("latin-1")}
    return found


def data():
    """What the page's script has to know."""
    return {
        "presets": presets(),
        "shapes": {name: stage.shape for name, stage in STAGES.items()},
        "titles": {stage.name: stage.title for stage in catalog.STAGES},
        "programs": {name: {shape: unmarked(programs.source(name, shape)[1]) for shape in files}
                     for name, files in programs.FILES.items()},
        "first": {"request": tapping.GREETING.decode(), "stages": ["wsgi"], "program": "guestbook"},
    }


def lab_view(what_it_needs, own_programs=True):
    """The form, as HTML, which docs/assets/lab.js brings to life. what_it_needs: HTML, a sentence beside the button."""
    stages = "".join(
        f'<label><input type="checkbox" value="{stage.name}"> {escape(stage.title)}</label>'
        for stage in catalog.STAGES
    )
    options = lambda pairs: "".join(f'<option value="{value}">{escape(text)}</option>' for value, text in pairs)  # noqa: E731
    program = f"""
<fieldset class="program"><legend>The program</legend>
<p><label>Program <select name="program">{options(NAMES.items())}</select></label>
<label>as <select name="shape">{options(LABELS.items())}</select></label>
<span class="whose"></span> <button type="button" class="restore" hidden>Put it back</button></p>
<div class="editor"><div class="colours" aria-hidden="true"></div>
<textarea name="text" aria-label="The program's text" wrap="off" {AS_TYPED}></textarea></div>
</fieldset>""" if own_programs else ""
    known = json.dumps(data()).replace("<", "\\u003c")  # nothing in it can end the script that holds it
    return f"""<div class="lab">
<form>
<div class="task" hidden></div>
<fieldset class="request"><legend>The request</legend>
<p><label>Take <select name="preset"></select></label></p>
<p><label for="lab-request">The request, to change as you like; <code>\\r\\n</code> ends a line</label></p>
<textarea id="lab-request" name="request" rows="8" {AS_TYPED}></textarea>
<p class="hint" role="status"></p>
<p class="said" hidden><label for="lab-messages">What the client sends once the WebSocket is open, a message per
line</label>
<textarea id="lab-messages" name="messages" rows="2" {AS_TYPED}></textarea></p>
<p><label>The client <select name="leaves"><option value="0">stays until the end</option>
<option value="1">disconnects after one piece of the response</option>
<option value="2">disconnects after two pieces</option>
</select></label></p>
</fieldset>{program}
<fieldset class="stages"><legend>The stages</legend>
<p>{stages}</p><p class="note">One, two side by side, or more in a table.</p>
</fieldset>
<div class="do"><p><button type="submit" class="send">Send</button>
<button type="button" class="four">Send four at once</button>
<button type="button" class="stop" hidden>Stop</button>
<button type="button" class="share">Link to this</button></p>
<p class="state" role="status"></p>
<progress hidden max="1" value="0" aria-label="Loading Python into the page"></progress></div>
<p class="needs">{what_it_needs}</p>
</form>
<section class="heard" aria-label="The responses"></section>
<script type="application/json" class="lab-data">{known}</script>
</div>
"""


@fence
def lab(text):
    """The form and its scripts. The fence's text is the sentence about what the button brings."""
    return ('<div><link rel="stylesheet" href="../assets/lab.css">' + lab_view(prose(text))
            + '<script type="module" src="../assets/lab-page.js"></script></div>')


def read_experiments():
    """The experiments as data: {"id", "title", "question", "do", "look", "setup"}."""
    text = (programs.ROOMS / "lab" / "experiments.toml").read_text(encoding="utf-8")
    for each in tomllib.loads(text)["experiment"]:
        setup = {
            "request": "\r\n".join([*each["lines"], "", ""]) + each.get("body", ""), "stages": each["stages"],
            "program": each.get("program", "guestbook"), "leaves": each.get("leaves", 0),
            "messages": each.get("messages", []),
            "own": {shape: text.lstrip("\n") for shape, text in each.get("own", {}).items()},
        }
        yield {name: each[name] for name in ("id", "title", "question", "do", "look")} | {"setup": setup}


@fence
def experiments(_):
    """The guided experiments."""
    return '<ol class="experiments">' + "".join(
        f'<li id="{each["id"]}"><h3>{escape(each["title"])}</h3><p class="question">{prose(each["question"])}</p>'
        f'<p><b>Do:</b> {prose(each["do"])}</p><p><b>Look:</b> {prose(each["look"])}</p>'
        f'<p><button type="button" data-setup="{escape(json.dumps(each["setup"]))}">Set it up</button></p></li>'
        for each in read_experiments()
    ) + "</ol>"
