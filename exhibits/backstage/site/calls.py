"""The calls of a journey, as HTML."""

from html import escape

from exhibits.backstage.site.sections import named
from exhibits.journey import explain_call, explain_key, inside, literal

NOTE = ("A call stands inside the one during which the other side made it, with the time from the visitor's first "
        "byte. Tuples are shown as lists, and other objects by the name of their type.")


def calls_view(id, link):
    """The calls of a link: in the order they began, those made inside another one in there."""
    server, program = link["between"]
    calls, around = link["calls"], inside(link["calls"])

    def listed(outer):
        items = "".join(
            call_view(f"{id}-call-{number + 1}", link, calls[number], listed(number))
            for number, each in enumerate(around) if each == outer
        )
        return f"<ol>{items}</ol>" if items else ""

    title = f"{escape(link['carrier'])}, between {escape(server)} and {escape(program)}: {len(calls)} calls. {NOTE}"
    return (f'<figure class="calls" id="{id}" data-search-exclude><figcaption>{title}</figcaption>'
            f"{listed(None)}{named(sections_of(link))}</figure>")


def sections_of(link):
    """The sections that the explanations of the calls and their keys name."""
    for call in link["calls"]:
        yield explain_call(link, call)[1]
        for value in (*call["arguments"], call.get("returned")):
            if isinstance(value, dict):
                yield from (explain_key(link, value, key)[1] for key in value)


def call_view(id, link, call, within):
    """One call: who makes it, with what, what happens in it, and what comes of it."""
    by = link["between"][0] if call["by"] == "server" else "program"
    arguments = [value_view(id, link, argument) for argument in call["arguments"]]
    says = (f"<p><b>{escape(by)}</b> calls <code>{escape(call['call'])}{'' if arguments else '()'}</code> "
            f"{moment(call['began'])}{explained(explain_call(link, call))}</p>")
    for number, argument in enumerate(arguments):
        says += f'<div class="with"><span>{"and" if number else "with"}</span> {argument}</div>'
    says += within
    if "returned" in call:
        says += gives("returns", value_view(f"{id}-returns", link, call["returned"]), call)
    elif "raised" in call:
        says += gives("raises", f"<code>{escape(call['raised'])}</code>", call)
    else:
        says += '<div class="gives"><span>does not end before the journey does</span></div>'
    return f'<li class="{call["by"]}" id="{id}">{says}</li>'


def gives(word, value, call):
    return f'<div class="gives"><span>{word}</span> {value} {moment(call["ended"])}</div>'


def moment(seconds):
    """When something happened: of what is faster than a person can see, in milliseconds."""
    return f"<small>{shown(seconds)}</small>"


def shown(seconds):
    """0.0123 s as 12.3 ms, 1.5 s as 1.50 s."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def value_view(id, link, value):
    """A value of a call. A dict becomes a list of its keys, which a link can name, each with what it is for."""
    if not isinstance(value, dict):
        return f"<code>{escape(literal(value))}</code>"
    pairs = "".join(
        f'<div id="{id}-{escape(key)}"><dt><code>{escape(repr(key))}</code></dt>'
        f"<dd><code>{escape(literal(each))}</code>{explained(explain_key(link, value, key))}</dd></div>"
        for key, each in value.items()
    )
    if len(value) <= 6:
        return f"<dl>{pairs}</dl>"
    return f"<details open><summary>a dict of {len(value)}</summary><dl>{pairs}</dl></details>"


def explained(found):
    meaning, section = found
    return f"<i>{escape(meaning)} <small>{escape(section)}</small></i>"
