"""Calls between a server and a program, written down as they happen: what the taps of WSGI and ASGI share."""

import time
from collections.abc import Callable
from typing import Any

MOST = 1000  # calls that are written down of one request
SHOWN = {"bytes": 200, "characters": 1000, "entries": 100}  # of longer values the beginning stays, and their length
DEEPEST = 8


class Calls(list):
    """The calls of one request, as a journey has them (see `exhibits.journey`), in the order they began.

    now: a function that returns the time in seconds. changed: called with (number of a call, the call) when it
    begins and when it ends. No two moments are the same, however coarse the clock: their order is what nests calls.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic,
        changed: Callable[[int, dict], object] = lambda number, call: None,
    ) -> None:
        self.now, self.changed, self.last = now, changed, float("-inf")

    def moment(self) -> float:
        self.last = max(self.now(), self.last + 1e-6)
        return self.last

    def call(self, by: str, name: str, function: Callable, *arguments: Any) -> Any:
        """function(*arguments), written down."""
        with self.written(by, name, arguments) as call:
            result = function(*arguments)
            call["returned"] = plain(result)
            return result

    def written(self, by: str, name: str, arguments: tuple) -> "Written":
        """For a `with` block in which a call is made, who puts into the call what is "returned"."""
        call = {"by": by, "call": name, "arguments": plain(arguments), "began": self.moment()}
        changed = self.changed if len(self) < MOST else lambda number, call: None
        written = Written(call, len(self), self.moment, changed)
        if len(self) < MOST:
            self.append(call)
        return written


class Written:
    """A call that is being made."""

    def __init__(
        self, call: dict, number: int, moment: Callable[[], float], changed: Callable[[int, dict], object]
    ) -> None:
        self.written, self.number, self.moment, self.changed = call, number, moment, changed

    def __enter__(self) -> dict:
        self.changed(self.number, self.written)
        return self.written

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is not None:
            self.written["raised"] = said(error)
        self.written["ended"] = self.moment()
        self.changed(self.number, self.written)


def said(error: BaseException) -> str:
    """An exception in words, as the last line of a traceback has them."""
    return ": ".join(filter(None, (type(error).__name__, str(plain(str(error))))))


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it; what is left out of it says so.

    Tuples become lists, bytes the text of their literal, other objects the name of their type.
    """
    if isinstance(value, (dict, list, tuple)) and depth == DEEPEST:
        return f"<{type(value).__name__}>"
    if isinstance(value, dict):
        found = {plain(str(key)): plain(each, depth + 1) for key, each in list(value.items())[: SHOWN["entries"]]}
        return found | cut(value, "entries", {"…": ""})
    if isinstance(value, (list, tuple)):
        return [plain(each, depth + 1) for each in value[: SHOWN["entries"]]] + cut(value, "entries", [""])
    if isinstance(value, (bytes, bytearray)):
        return repr(bytes(value[: SHOWN["bytes"]])) + cut(value, "bytes", "")
    if isinstance(value, str):
        return value[: SHOWN["characters"]] + cut(value, "characters", "")
    return value if isinstance(value, (int, float, type(None))) else f"<{type(value).__name__}>"


def cut(value: Any, unit: str, empty: Any) -> Any:
    """What stands where the rest of a long value is left out, as the kind of thing that empty is."""
    if len(value) <= SHOWN[unit]:
        return type(empty)()
    mark = f"… ({len(value):,} {unit} in all)"
    return {"…": mark} if isinstance(empty, dict) else [mark] if isinstance(empty, list) else f" {mark}"
