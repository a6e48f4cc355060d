"""A diff as the site shows it: of a move, of an error and its cure."""

from difflib import unified_diff
from html import escape

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import DiffLexer


def diff(caption, before, after):
    """Two lists of lines in one figure, each line that is gone or new marked by its first character.

    What the theme's button copies is `after` alone, without marks (data-copy). The caption is HTML.
    """
    changes = [*unified_diff(before, after, lineterm="", n=len(before) + len(after))][3:]  # without names and numbers
    lines = "\n".join(changes or [f" {line}" for line in before])
    code = highlight(lines, DiffLexer(stripnl=False), HtmlFormatter(wrapcode=True, cssclass="highlight"))
    return (f'<figure class="move" data-copy="{escape(chr(10).join(after))}">'
            f"<figcaption>{caption}</figcaption>{code}</figure>")
