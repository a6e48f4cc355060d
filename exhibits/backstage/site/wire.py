"""The fences of recordings: `wire`, byte by byte and call by call, and `journey`, step by step."""

import json
from html import escape

from exhibits.backstage.recording import FOLDER, aged
from exhibits.backstage.site import fence
from exhibits.backstage.site.agreement import the_run
from exhibits.backstage.site.dumps import link_view
from exhibits.backstage.site.html import hyperlink, table
from exhibits.backstage.site.journey import journey_view, links_view, steps_view
from exhibits.backstage.site.sections import section_link
from exhibits.cgi.wire import parse_environment
from exhibits.journey import readable, said
from exhibits.shared.cgi_variables import meaning

TITLES = {"greeting": "a greeting", "form": "a form", "large": "a large body", "stream": "a stream", "crash": "a crash",
          "websocket": "a WebSocket"}


def recording(name):
    """What docs/recordings keeps of a run, by name ("fastcgi-greeting")."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@fence
def wire(text):
    """A recording, "fastcgi-greeting", or the one link of it whose number follows: its dumps, or its calls."""
    name, *number = text.split()
    found = recording(name)
    links = found["links"]
    chosen = [int(*number)] if number else range(len(links))
    return "".join(link_view(f"{name}-{index}", links[index]) for index in chosen) + age(found)


@fence
def journey(stage):
    """The recorded journeys of a stage: its greeting, and links by which a script puts another one in its place."""
    names = {f"{stage}-{what}": title for what, title in TITLES.items() if (FOLDER / f"{stage}-{what}.json").exists()}
    first, *_ = names
    choices = "".join(
        f"<li>{hyperlink(f'#{first}' if name == first else f'../../bytes/{stage}/#{name}', title)}</li>"
        for name, title in names.items()
    )
    found = recording(first)
    return (f'<div class="journeys"><ul class="choices">{choices}</ul>'
            f"{journey_view(found, first)}</div>{age(found)}")


@fence
def recorded(name):
    """A recording with all that passed, and its steps, for a page of many."""
    found = recording(name)
    return (f'<figure class="recorded" id="{name}" data-search-exclude><details><summary>Step by step</summary>'
            f"{steps_view(found, name)}</details>{links_view(found, name)}</figure>{age(found)}")


@fence
def environments(names):
    """The environments of two recordings side by side, with what each variable is for."""
    links = [next(link for link in recording(name)["links"] if link["carrier"] == "process") for name in names.split()]
    environs = [parse_environment(said(link)["environ"]) for link in links]
    rows = []
    for variable in sorted(environs[0] | environs[1]):
        name = variable.decode("latin-1")
        sentence, section = meaning(name)
        values = (each.get(variable) for each in environs)
        rows.append(("", [f"<code>{escape(name)}</code> <small>{escape(sentence)} {section_link(section)}</small>", *(
            "" if value is None else f"<code>{escape(readable(value.decode('latin-1')))}</code>" if value else "empty"
            for value in values)]))
    return table("environments", ["Variable", *(escape(link["between"][0]) for link in links)], rows)


def age(found):
    """What a reader should know of a recording that is older than the last run of the contract, else ""."""
    if sentence := aged(found["parts"], the_run()["stacks"][found["stack"]]["parts"]):
        return f'<p class="note">This was {escape(sentence)}, with which the contract was last run.</p>'
    return ""
