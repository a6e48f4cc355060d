"""The fence `line`: who speaks with whom, one below the other.

    browser
      request > | < response | TCP
    web server | gunicorn

A line that is not indented is somebody: a name, and what is said of it. An indented one is the link between
the two around it: what goes there, what comes back, what it rides on.
"""

from html import escape

from exhibits.backstage.site import fence
from exhibits.backstage.site.way import arrow, label

WIDTH, LEFT, BOX, HEIGHT, STEP = 460, 110, 240, 44, 92  # of the picture, and of each box in it


@fence
def line(text):
    """The picture, and its words for who cannot see it. ValueError where a line has not the form above."""
    said = [row.strip().split(" | ") for row in text.splitlines() if row.strip()]
    people, links = said[::2], said[1::2]
    if len(people) != len(links) + 1 or any(len(link) != 3 for link in links):
        raise ValueError("a line has somebody, a link of three parts, somebody …")
    parts, words = [], []
    for number, (name, *more) in enumerate(people):
        top = 2 + STEP * number
        parts.append(box(top, name, *more, last=number == len(links)))
        if number < len(links):
            there, back, on = links[number]
            there, back = there.rstrip(" >"), back.lstrip("< ")
            start, end, x = top + HEIGHT + 4, top + STEP - 4, LEFT + BOX / 2
            parts += [arrow(x - 6, start, x - 6, end), arrow(x + 6, end, x + 6, start),
                      label([there], x - 18, top + 72, "end"), label([back], x + 18, top + 66, "start"),
                      label([on], x + 18, top + 81, "on start")]
            words.append(f"{name} to {people[number + 1][0]}, by {on}: {there}; back: {back}.")
    return (f'<figure class="way line"><svg viewBox="0 0 {WIDTH} {STEP * len(links) + HEIGHT + 4}" role="img" '
            f'aria-label="{escape(" ".join(words))}">{"".join(parts)}</svg></figure>')


def box(top, name, says="", last=False):
    centre, line = LEFT + BOX / 2, top + HEIGHT / 2 + 5
    if says:
        line -= 7
        says = f'<tspan class="on" x="{centre:g}" dy="15">{escape(says)}</tspan>'
    return (f'<rect class="box{" program" * last}" x="{LEFT}" y="{top}" width="{BOX}" height="{HEIGHT}" rx="4"></rect>'
            f'<text x="{centre:g}" y="{line:g}"><tspan class="who">{escape(name)}</tspan>{says}</text>')
