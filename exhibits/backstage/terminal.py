"""Text of others on the visitor's terminal: what a stranger sent may be in it, and must not steer it."""

import sys


def plain(text):
    r"""The text with every character escaped that is not printed but obeyed, or is not seen: \x1b, \x9b, \u202e.

    Line breaks and tabs stay; a CR LF becomes a line break.
    """
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode() for each in text
    )


def escape(text):
    """The text as a part of rich's markup that shows just this text."""
    import rich.markup  # complaints are made without it: that it is missing is one of them

    return rich.markup.escape(plain(text))


def complain(sentence):
    """Say on standard error why a command does not do what was asked."""
    print(f"exhibits: {plain(str(sentence))}", file=sys.stderr)
