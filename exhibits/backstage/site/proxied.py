"""The fence of the page "Behind a proxy": a trouble and its cure in one set-up, and, to be opened, in others."""

from html import escape

from exhibits.backstage.recording.proxied import HERE, TROUBLES, recorded, ways
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence
from exhibits.backstage.site.errors import diffs
from exhibits.backstage.site.files import on_the_web
from exhibits.backstage.site.html import hyperlink, prose, table


@fence
def proxied(name):
    """A trouble: the diff of each of its set-ups, and what visitors get before and after it."""
    (way, found), *others = zip(ways(TROUBLES[name]), recorded(name), strict=True)
    link = hyperlink(on_the_web((HERE / f"{name}.toml").relative_to(ROOT).as_posix()), "all of it as data")
    folded = (f'<details class="example"><summary>{escape(way["title"])}</summary>{view(way, found)}</details>'
              for way, found in others)
    return (f"<p><b>{escape(way['title'])}</b></p>{view(way, found)}{''.join(folded)}"
            f'<p class="note">- before, + after ({link}).</p>')


def view(way, found):
    """A set-up as a diff, its requests, and what came of them."""
    versions = ", ".join(f"{part} {number}" for part, number in found["parts"].items() if part != "trustme")
    asked = [prose(each["says"]) + (f"<small>{each['at_once']} at once</small>" if "at_once" in each else "")
             for each in way["ask"]]
    rows = [("", [question, said(before), said(after)])
            for question, before, after in zip(asked, found["before"], found["after"], strict=True)]
    return "".join(diffs(way)) + table("answers", [f"Request, with {escape(versions)}", "Before", "After"], rows)


def said(gists):
    """What visitors get; several lines where not all get the same."""
    return "<br>".join(f"<code>{escape(each)}</code>" for gist in gists for each in gist.split(" · "))
