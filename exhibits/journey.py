"""The journey of a request: everything that passed for it, as one piece of data, wherever it comes from.

Recorded, tapped live, or run in the page: terminal, site, page and tests draw the same journey with the same code.
As JSON has it:

    {"stage": "fastcgi", "stack": "fastcgi-flup", "parts": {"flup": "1.0.3", …},
     "links": [  in the order in which a request passes them, each between two neighbours:
      {"between": ["visitor", "nginx"], "carrier": "HTTP/1.1",
       "pieces": [{"at": 0.0, "by": 0, "what": "request", "bytes": "…"}, …]},
      {"between": ["our CGI server", "program"], "carrier": "process", "began": 0.001, "ended": 0.02, "exit": 0,
       "pieces": [{"at": 0.001, "by": 0, "what": "environ", "bytes": "…"}, …]},
      {"between": ["gunicorn", "program"], "carrier": "WSGI callable",
       "calls": [{"by": "server", "call": "application", "arguments": […], "began": 0.003,
                  "returned": …, "ended": 0.004}, …]}]}

A WebSocket whose handshake agreed on extensions has them as "extensions".

Times are seconds since the first byte of the visitor. Pieces stand in the order they passed, `by` says from whom:
0, the first of `between`, or 1, the second. Bytes are text in which each character is a byte (latin-1).
Calls stand in the order they began. One that has ended either "returned" or "raised" something; one that has no
"ended" still waited when the journey was over. A process that still ran then has no "ended" either.

It imports what explains bytes only when something is explained, and runs wherever Python does, in a page too.
"""

import codecs
import importlib
import re
from bisect import bisect
from contextlib import suppress
from typing import NamedTuple

from exhibits.shared.fields import Field, Malformed

# Carriers of bytes: the room that explains them, and what is said by whom (as `by`), in the order to show it.
CARRIERS = {
    "HTTP/1.1": ("http", {"request": 0, "response": 1}),
    "WebSocket": ("asgi", {"client": 0, "server": 1}),
    "process": ("cgi", {"environ": 0, "stdin": 0, "stdout": 1, "stderr": 1}),
    "FastCGI": ("fastcgi", {"request": 0, "response": 1}),
    "SCGI": ("scgi", {"request": 0, "response": 1}),
    "uwsgi": ("uwsgi", {"request": 0, "response": 1}),
}

# Carriers of calls: the room that explains them.
INTERFACES = {"WSGI callable": "wsgi", "ASGI coroutine": "asgi"}

BY = {what: by for _, says in CARRIERS.values() for what, by in says.items()}


def said(link):
    """What the pieces of a link come to: {what: bytes}, b"" where nothing was said. Nothing for a link of calls."""
    if "calls" in link:
        return {}
    whole = dict.fromkeys(CARRIERS[link["carrier"]][1], "")
    for piece in link["pieces"]:
        whole[piece["what"]] += piece["bytes"]
    return {what: text.encode("latin-1") for what, text in whole.items()}


def explain(link):
    """The names of all that was said on a link: {what: list of Field}. Nothing for a link of calls."""
    found, data = {}, said(link)
    for what, whole in data.items():
        room = room_of(CARRIERS[link["carrier"]][0])
        # FastCGI's records explain themselves alike both ways.
        read = getattr(room, f"explain_{what}", vars(room).get("explain"))
        try:
            found[what] = read(whole, *asked(link, what, data)) if whole else []
        except Malformed as error:  # the answer of a program that is left, for one, has no end
            found[what] = [Field(0, len(whole), "not whole", "", f"Its fields have no names here: {error}.", "")]
    return found


def explain_call(link, call):
    """What a call on a link is for, and where that is laid down: (meaning, section)."""
    return room_of(INTERFACES[link["carrier"]]).explain_call(call["call"])


def explain_key(link, holder, key):
    """What a key of an environ, a scope or an event (dict) is for, and where that is laid down: (meaning, section)."""
    return room_of(INTERFACES[link["carrier"]]).explain_key(holder, key)


def room_of(name):
    return importlib.import_module(f"exhibits.{name}.explain")


def asked(link, what, data):
    """What else has to be known: of answers in HTTP the methods, if they can be seen; of frames the extensions."""
    if link["carrier"] == "WebSocket":
        return [link.get("extensions", "")]
    if link["carrier"] == "HTTP/1.1" and what == "response":
        return room_of("http").methods(data["request"])
    return []


# ---------------------------------------------------------------- making one


def link(one, other, carrier, pieces=(), **more):
    """A link of bytes. pieces: (at, by, what, bytes), in the order they passed."""
    said = [{"at": round(at, 6), "by": by, "what": what, "bytes": data.decode("latin-1")}
            for at, by, what, data in pieces]
    return {"between": [one, other], "carrier": carrier, **more, "pieces": said}


def spoken(one, other, carrier, pieces, **more):
    """A list of links: the one of these pieces of (at, by, bytes), and WebSocket's where HTTP changes to it."""
    names = list(CARRIERS[carrier][1])
    pieces = [(at, by, names[by], data) for at, by, data in pieces]
    whole = b"".join(data for _, by, _, data in pieces if by == 1)
    if carrier != "HTTP/1.1" or not whole.startswith(b"HTTP/1.1 101 "):
        return [link(one, other, carrier, pieces, **more)]
    heads = {by: b"".join(data for _, each, _, data in pieces if each == by).find(b"\r\n\r\n") + 4 for by in (0, 1)}
    agreed = EXTENSIONS.search(whole[: heads[1]])
    extended = {"extensions": agreed[1].decode("latin-1")} if agreed else {}
    before, behind = [], []
    for at, by, what, data in pieces:
        head, rest = data[: heads[by]], data[heads[by] :]
        heads[by] -= len(head)
        before += [(at, by, what, head)] if head else []
        behind += [(at, by, ("client", "server")[by], rest)] if rest else []
    return [link(one, other, carrier, before, **more), link(one, other, "WebSocket", behind, **extended, **more)]


EXTENSIONS = re.compile(rb"\r\nSec-WebSocket-Extensions:[ \t]*([^\r]*)", re.IGNORECASE)


def joined(journey, pause):
    """The journey, pieces of one kind that follow each other on a link within so many seconds made one.

    How often somebody had to read for what was written once is chance. What happens elsewhere meanwhile parts them.
    """
    moments = {number: moments_of(link) for number, link in enumerate(journey["links"])}
    for number, link in enumerate(journey["links"]):
        others = sorted(at for other, times in moments.items() if other != number for at in times)
        found, last = [], 0.0
        for piece in link.get("pieces", ()):
            before = found[-1] if found else None
            if (before and before["what"] == piece["what"] and piece["at"] - last <= pause
                    and bisect(others, last) == bisect(others, piece["at"])):
                before["bytes"] += piece["bytes"]
            else:
                found.append(dict(piece))
            last = piece["at"]
        if found:
            link["pieces"] = found
    return journey


def shape(link):
    """What of a link has to be the same in the next run: bytes and calls in their order, and none of the times.

    How bytes are cut into pieces is chance, but for what the other side says in between.
    """
    if "calls" in link:
        untimed = [{**call, "began": ..., "ended": "ended" in call} for call in link["calls"]]
        return {**link, "calls": list(zip(untimed, inside(link["calls"]), strict=True))}
    pieces = []
    for piece in link["pieces"]:
        if pieces and pieces[-1]["what"] == piece["what"]:
            pieces[-1]["bytes"] += piece["bytes"]
        else:
            pieces.append({**piece, "at": ...})
    return {**link, "pieces": pieces, "began": "began" in link, "ended": "ended" in link}


def moments_of(link):
    """When something happened on a link."""
    for each in (link, *link.get("pieces", ()), *link.get("calls", ())):
        yield from (each[when] for when in ("at", "began", "ended") if when in each)


# ---------------------------------------------------------------- what is in what


def inside(calls):
    """For each call the number of the one it is made inside, or None.

    That is one by the other side which began before it and has not ended when it ends: what a coroutine does while
    another one of the same program waits is not inside that.
    """
    found, open_calls = [], []
    for number, call in enumerate(calls):
        open_calls = [n for n in open_calls if ends(calls[n]) > call["began"]]
        around = (n for n in reversed(open_calls)
                  if calls[n]["by"] != call["by"] and ends(calls[n]) >= ends(call))
        found.append(next(around, None))
        open_calls.append(number)
    return found


def ends(call):
    return call.get("ended", float("inf"))


# ---------------------------------------------------------------- step by step


class Step(NamedTuple):
    """One thing that happens on the way.

    link: the number of the link it happens on. kind: "piece", "call" (it is made), "return" (it ends), "whole"
        (a call that is made and ends, and nothing happens between), "begin" or "end" of a process.
    number: that of the piece or call.
    at: when, in seconds. by: who does it, 0 or 1 as in `between`. caption: a sentence about it.
    what, start, end: which bytes of what is said on the link.
    """

    link: int
    kind: str
    number: int
    at: float
    by: int
    caption: str
    what: str = ""
    start: int = 0
    end: int = 0


def steps(journey):
    """All that happens on all links, as a list of Step in the order of the times."""
    found = []
    for number, link in enumerate(journey["links"]):
        found += steps_of_calls(number, link) if "calls" in link else steps_of_bytes(number, link)
    found.sort(key=lambda step: step.at)
    return whole_calls(found, journey)


def steps_of_bytes(number, link):
    explained, passed = explain(link), dict.fromkeys(CARRIERS[link["carrier"]][1], 0)
    who = link["between"]
    if "began" in link:
        yield Step(number, "begin", 0, link["began"], 0, f"{capital(the(who[0]))} starts a process.")
    for count, piece in enumerate(link["pieces"]):
        what, by, size = piece["what"], piece["by"], len(piece["bytes"])
        start, end = passed[what], passed[what] + size
        passed[what] = end
        says = told(link, what, [field for field in explained[what] if start <= field.offset < end], piece["bytes"])
        name = what if what in ("environ", "stdin", "stdout", "stderr") else link["carrier"]
        caption = f"{capital(the(who[by]))} sends {the(who[1 - by])} {counted(size, 'byte')} of {name}{says}."
        yield Step(number, "piece", count, piece["at"], by, caption, what, start, end)
    if "ended" in link:
        code = f" with exit code {link['exit']}" if "exit" in link else ""
        yield Step(number, "end", 0, link["ended"], 1, f"The process ends{code}.")


def steps_of_calls(number, link):
    server, program = link["between"]
    for count, call in enumerate(link["calls"]):
        by = 0 if call["by"] == "server" else 1
        one = program if by else server
        yield Step(number, "call", count, call["began"], by,
                   f"{capital(the(one))} calls {call['call']}{given(call['arguments'])}.")
        if "ended" in call:
            yield Step(number, "return", count, call["ended"], 1 - by,
                       f"{call['call']} {outcome(call)}, and {the(one)} goes on.")


def whole_calls(found, journey):
    """The steps with those of a call made one where nothing happens between them: it then has its result at once."""
    merged = []
    for step in found:
        before = merged[-1] if merged else None
        if (step.kind == "return" and before and before.kind == "call"
                and (before.link, before.number) == (step.link, step.number)):
            call = journey["links"][step.link]["calls"][step.number]
            caption = f"{before.caption.removesuffix('.')}, which {outcome(call)}."
            merged[-1] = before._replace(kind="whole", at=step.at, caption=caption)
        else:
            merged.append(step)
    return merged


# ---------------------------------------------------------------- sentences

LONG = 60  # characters of a value that a sentence quotes


def told(link, what, fields, text):
    """Behind how many bytes a piece has: what it is, with its punctuation; "" where that says nothing."""
    if link["carrier"] in ("FastCGI", "WebSocket"):  # records and frames: which ones
        kinds = [field.value.split()[-1] for field in fields if field.name in ("type", "FIN, RSV, opcode")]
        return f": {', '.join(kinds)}" if kinds else ""
    bodies = [field.value for field in fields if field.name == "chunk-data" or field.name.endswith("body")]
    if variables := sum(field.name in ("name", "key") for field in fields):
        return f": {counted(variables, 'variable')}{' and a body' if bodies else ''}"
    first = bodies[0] if bodies and fields[0].name == "chunk-size" else text
    line = readable(re.split(r"[\r\n\0]", first.strip("\r\n"))[0]).rstrip(".:")
    return f": {shortened(line)}" if line and "\\" not in line else ""


def given(arguments):
    return "()" if not arguments else f"({', '.join(brief(each) for each in arguments)})"


def outcome(call):
    if "raised" in call:
        return f"raises {shortened(call['raised'])}"
    return f"returns {brief(call['returned'])}"


def brief(value):
    """A value of a call, as short as it can be told apart from others."""
    if isinstance(value, dict) and len(value) > 1:
        return f"{{'type': {value['type']!r}, …}}" if "type" in value else f"{{… {len(value)} keys}}"
    return shortened(literal(value))


def literal(value):
    """A value of a call as Python writes it. Bytes ("b'…'") and other objects ("<method>") are texts in a journey."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {literal(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, str) and (re.match(r"b['\"]|<\w+>$|… \(", value) or value == "None"):
        return value
    return repr(value)


def shortened(text):
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def counted(number, unit):
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"


def the(who):
    """Somebody in a sentence: "the visitor", "the program", "our CGI server", "nginx"."""
    return f"the {who}" if who in ("visitor", "program") else who


def capital(text):
    """A sentence begins large, but no name changes for it: nginx stays nginx."""
    return text[0].upper() + text[1:] if text.startswith(("the ", "our ")) else text


def readable(value):
    """A value as a reader may see it: as UTF-8 where it is that, and what cannot be seen escaped."""
    kept, *cut = re.split("(?=…)", value, maxsplit=1)
    with suppress(UnicodeError):
        kept = codecs.getincrementaldecoder("utf-8")().decode(kept.encode("latin-1"), final=not cut)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in "".join([kept, *cut]))
