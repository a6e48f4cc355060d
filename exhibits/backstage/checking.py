"""Holding a running stack to the contract."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache

from exhibits import contract
from exhibits.backstage.running import ROOT


class Broken(AssertionError):
    """A stack did not keep the contract; the message says where."""


def visit(case, exhibit):
    """Act out a case at a running `Exhibit`; raise Broken where an answer is not as laid down."""
    store = contract.seed(exhibit.guestbook)
    try:
        seen = "" if exhibit.stack.mount_is_stripped else exhibit.mount
        with exhibit.visitor() as visitor:
            for number, step in enumerate(case.steps, 1):
                sent = step.request.replace(b"{mount}", seen.encode())
                answer = visitor.ask(sent, then=step.then, hang_up=step.hang_up)
                if wrong := problems(step, answer, exhibit.mount, exhibit.stack.scheme):
                    raise Broken(f"request {number}: " + "; ".join(wrong))
        rows = store.execute("SELECT name, message FROM entries WHERE id > 1 ORDER BY id")
        if tuple(rows) != case.stored:
            raise Broken(f"stored {rows} and not {list(case.stored)}")
    finally:
        store.close()


def problems(step, answer, mount, scheme="http"):
    """How an Answer differs from what a Step demands, as sentences; none: it keeps the contract."""
    if isinstance(step.status, tuple):
        return [] if answer.status in step.status else [f"status {answer.status}, not one of {step.status}"]
    if answer.status != step.status:
        return [f"status {answer.status}, not {step.status}"]
    found = [] if answer.complete else ["the answer was cut off"]
    if step.continued and 100 not in answer.informational:
        found.append('no "100 Continue" came')
    expected = filled(step.headers, mount)
    got = answer.compared()
    if step.streamed or step.status in (204, 304):
        got.pop("content-length", None)
    elif isinstance(step.body, bytes):
        expected.setdefault("content-length", str(len(filled(step.body, mount, scheme))))
    else:
        got.pop("content-length", None)
    for name in sorted(expected.keys() | got.keys()):
        if not matches(expected.get(name), got.get(name)):
            found.append(f"{name}: {got.get(name)!r}, not {expected.get(name)!r}")
    if not matches(filled(step.body, mount, scheme), answer.body):
        found.append(f"body {shortened(answer.body)}, not {shortened(step.body)}")
    return found


def matches(expected, got):
    if isinstance(expected, re.Pattern):
        return got is not None and expected.fullmatch(got) is not None
    return sorted(expected) == got if isinstance(expected, list) else expected == got


def filled(value, mount, scheme="http"):
    """The value with the mount point and the scheme put in."""
    if isinstance(value, dict):
        return {key: filled(each, mount) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, mount) for each in value]
    if isinstance(value, str):
        return value.replace("{mount}", mount).replace("{path}", mount or "/")
    if isinstance(value, bytes):
        return value.replace(b"{mount}", mount.encode()).replace(b"{scheme}", scheme.encode())
    return value


def shortened(body):
    text = repr(body.pattern if isinstance(body, re.Pattern) else body)
    return text if len(text) < 300 else f"{text[:150]} … {text[-100:]} ({len(body)} bytes)"


# ---------------------------------------------------------------- known differences


@dataclass(frozen=True)
class Difference:
    """One entry of `exhibits/differences.toml`; the fields are described there."""

    stack: str
    cases: tuple[str, ...]
    happens: str
    why: str
    source: str
    mounted: bool = False


@cache
def differences():
    """All known differences, in the order of the file."""
    with open(ROOT / "exhibits" / "differences.toml", "rb") as file:
        entries = tomllib.load(file).get("difference", [])
    return [Difference(**{**entry, "cases": tuple(entry["cases"])}) for entry in entries]


def known_difference(stack, case, mounted=False):
    """The Difference that explains why a stack fails the case or behaviour of this name, or None."""
    for difference in differences():
        if difference.stack == stack.name and case in difference.cases and mounted >= difference.mounted:
            return difference
    return None
