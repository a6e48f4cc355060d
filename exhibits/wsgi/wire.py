"""WSGI, call by call: who calls whom with what.

WSGI is a call, not bytes: it has no wire of its own. In front of a server like gunicorn travels
HTTP/1.1, which the room `http` explains. Behind it the server calls the program, and `trace` writes
down each call between the two.

    visitor  <-- bytes -->  server  <-- calls -->  program

Left out: the iterator in wsgi.file_wrapper, which does not survive being traced.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from exhibits.shared.calls import Calls


def trace(application: Callable, **options: Any) -> "Traced":
    """Middleware that writes down each call between a server and a program: see `Traced`."""
    return Traced(application, **options)


class Traced:
    """A program whose calls are written down.

    traces: those of the latest requests; each is a list of calls that JSON can hold (see `exhibits.journey`).
    A call stands where it began, so what the program does inside one comes behind it.
    now: the clock. begins: called for each request; returns what is called when a call of it begins or ends,
    with its number and the call.
    """

    def __init__(
        self, application: Callable, now: Callable[[], float] = time.monotonic,
        begins: Callable[[], Callable] = lambda: lambda number, call: None,
    ) -> None:
        self.application, self.now, self.begins, self.traces = application, now, begins, deque(maxlen=100)

    def __call__(self, environ: dict, start_response: Callable) -> "TracedBlocks":
        calls = Calls(self.now, self.begins())
        self.traces.append(calls)
        call = calls.call

        def starting(*arguments: Any) -> Callable:
            write = call("program", "start_response", start_response, *arguments)
            return lambda block: call("program", "write", write, block)

        def calling(environ: dict, start_response: Callable) -> Any:
            inside = {"wsgi.input": TracedInput(environ["wsgi.input"], call),
                      "wsgi.errors": TracedErrors(environ["wsgi.errors"], call)}
            return self.application({**environ, **inside}, starting)

        return TracedBlocks(call("server", "application", calling, environ, start_response), call)


class TracedInput:
    """wsgi.input, with every read written down."""

    def __init__(self, stream: Any, call: Callable) -> None:
        self.stream, self.call = stream, call

    def read(self, *size: int) -> bytes:
        return self.call("program", "wsgi.input.read", self.stream.read, *size)

    def readline(self, *size: int) -> bytes:
        return self.call("program", "wsgi.input.readline", self.stream.readline, *size)

    def readlines(self, *hint: int) -> list[bytes]:
        return self.call("program", "wsgi.input.readlines", self.stream.readlines, *hint)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")


class TracedErrors:
    """wsgi.errors, with every write written down."""

    def __init__(self, stream: Any, call: Callable) -> None:
        self.stream, self.call = stream, call

    def write(self, text: str) -> Any:
        return self.call("program", "wsgi.errors.write", self.stream.write, text)

    def writelines(self, lines: Iterable[str]) -> None:
        return self.call("program", "wsgi.errors.writelines", self.stream.writelines, list(lines))

    def flush(self) -> None:
        return self.call("program", "wsgi.errors.flush", self.stream.flush)


class TracedBlocks:
    """What the program returned, with every call of the server written down."""

    def __init__(self, blocks: Any, call: Callable) -> None:
        self.blocks, self.call, self.iterator = blocks, call, iter(())

    def __len__(self) -> int:
        return self.call("server", "len", lambda: len(self.blocks))

    def __iter__(self) -> Iterator[bytes]:
        self.iterator = self.call("server", "iter", lambda: iter(self.blocks))
        return self

    def __next__(self) -> bytes:
        return self.call("server", "next", lambda: next(self.iterator))

    def __getattr__(self, name: str) -> Callable[[], Any]:
        if name != "close":
            raise AttributeError(name)
        close = self.blocks.close  # AttributeError where the program has none: then there is none here
        return lambda: self.call("server", "close", close)

