"""A journey as HTML, which docs/assets/journey.js makes move: step by step, and all the bytes and calls.

Made for the site from recordings, for the laboratory in the page, and for the museum at home.
"""

from html import escape

from exhibits.backstage.site.calls import shown
from exhibits.backstage.site.dumps import link_view
from exhibits.backstage.site.way import pairs, way_view
from exhibits.journey import explain, steps

FRAMES = "Frames are processes: a solid one stays, a dashed one is made for one request."
DRAWN = 6000  # fields, pieces and calls of a journey; the page of one with more would be of many megabytes


def drawing(journey, id, note=FRAMES):
    """The HTML of a journey that nobody has looked at before: a sentence where there is too much of it."""
    links = journey["links"]
    parts = sum(len(link.get("pieces", link.get("calls", ()))) for link in links)
    if parts <= DRAWN:  # else it is not even explained
        parts += sum(len(each) for link in links for each in explain(link).values())
    if parts > DRAWN:
        return f"<p>It has {parts:,} parts, and more than {DRAWN:,} are not drawn.</p>"
    return journey_view(journey, id, note)


def journey_view(journey, id, note=FRAMES):
    """The HTML of a journey: the drawing of its way, its steps, and what passed. Its parts have ids that begin with id.

    note: what to say below it. Without a script it is a drawing, a numbered list and all the dumps; `start` of
    journey.js makes a stepper of it.
    """
    return (f'<figure class="journey" id="{id}" data-search-exclude><div class="way">{way_view(journey, id)}</div>'
            f"{steps_view(journey, id)}{links_view(journey, id)}"
            f"<figcaption>{escape(note)}</figcaption></figure>")


def steps_view(journey, id):
    """The steps of a journey, a numbered list."""
    return f'<ol class="steps">{"".join(step_view(id, journey, step) for step in steps(journey))}</ol>'


def links_view(journey, id):
    """All that passed on the links of a journey."""
    links = "".join(link_view(f"{id}-{number}", link) for number, link in enumerate(journey["links"]))
    return f'<div class="links">{links}</div>'


def step_view(id, journey, step):
    """A step: what happens and when, on which hop of the way and by whom, and what of the link it shows."""
    link = journey["links"][step.link]
    hop = pairs(journey).index(tuple(link["between"]))
    shows, span = f"{id}-{step.link}", ""
    if "calls" in link:
        shows += f"-call-{step.number + 1}"
    else:
        shows += f"-{step.what or 'environ'}"
        span = f' data-from="{step.start}" data-to="{step.end}"'
    return (f'<li data-kind="{step.kind}" data-hop="{hop}" data-by="{step.by}" data-at="{step.at:g}" '
            f'data-shows="{shows}"{span}>{escape(step.caption)} <small>{shown(step.at)}</small></li>')
