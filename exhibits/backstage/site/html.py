"""Pieces of HTML that the fences are made of."""

import re
from html import escape

from exhibits.backstage.site import fence


def shell(lines):
    return f'<div class="language-sh highlight"><pre><code>{escape(chr(10).join(lines))}</code></pre></div>'


def prose(text):
    """Plain text as HTML: `code` is code, an address is a link, and so is [text](place on the site, or an address)."""
    def link(found):
        name, place = found.groups()
        return hyperlink(place, name) if place else hyperlink(found[0], found[0].partition("//")[2])

    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text.strip()))
    return re.sub(r"\[([^]]+)\]\(([^\s()<>]+)\)|https?://[^\s<>()]*[^\s<>().,;:]", link, text)


@fence
def linked(text):
    """A paragraph that leads to what a fence makes on another page: Markdown's own links do not know such places."""
    return f"<p>{prose(text)}</p>"


def table(css_class, columns, rows):
    """An HTML table. columns and cells are HTML; a row is (id or "", cells), its first cell the row's header.

    Style sheets stack the cells of narrow screens, each under its data-label.
    A browser forgets then that it is a table, so the roles are spelled out.
    Between cells there is white space: the search takes off the tags, and joins what they part.
    """
    head = "".join(f'<th scope="col" role="columnheader">{column}</th>\n' for column in columns)
    body = []
    for id, (first, *others) in rows:
        cells = "".join(
            f'\n<td role="cell" data-label="{column}">{other}</td>' if other else '\n<td role="cell"></td>'
            for column, other in zip(columns[1:], others, strict=True)
        )
        attribute = f' id="{id}"' if id else ""
        body.append(f'<tr role="row"{attribute}><th scope="row" role="rowheader">{first}</th>{cells}</tr>\n')
    return (f'<div class="table"><table class="{css_class}" role="table">'
            f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
            f'<tbody role="rowgroup">{"".join(body)}</tbody></table></div>')


def hyperlink(address, text, css_class=""):
    """A link; address is plain or escaped text without quotes, text is HTML."""
    attribute = f' class="{css_class}"' if css_class else ""
    return f'<a href="{address}"{attribute}>{text}</a>'


def unique(values):
    """The values without repeats, in order."""
    return list(dict.fromkeys(values))
