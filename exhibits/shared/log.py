"""Lines for whoever runs a server: on standard error, where they may go nowhere, but never wrong."""

import contextlib
import os
import traceback
from typing import Any

# Where standard error is closed, the next file or connection gets its number, and with that what is said here.
while (spare := os.open(os.devnull, os.O_RDWR)) < 3:
    pass
os.close(spare)


def log(line: str) -> None:
    """Write a line (str). It stays whole, though other threads and processes write too; nobody has to read it."""
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))


def log_exception() -> None:
    """Write the traceback of the exception that is being handled, whatever state the program left things in."""
    try:
        log(traceback.format_exc().rstrip())
    except BaseException as error:
        log(f"an exception that cannot be shown: {type(error).__name__}")


def last_words(end: SystemExit) -> str:
    """What a process says that ends so, for its standard error."""
    try:
        return "" if end.code is None or isinstance(end.code, int) else f"{end.code}\n"
    except BaseException as error:
        return f"SystemExit with something that cannot be shown: {type(error).__name__}\n"


class Complaints:
    """What an event loop calls for that which goes wrong outside of every task (`set_exception_handler`).

    That there is no file descriptor for a visitor is a sentence, said once; that a visitor left is none.
    protocol: the class of those that asyncio has for visitors.
    """

    def __init__(self, protocol: type) -> None:
        self.protocol, self.short = protocol, False

    def __call__(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if "socket" in context and isinstance(error, OSError):
            if not self.short:
                log(f"nobody can be accepted for now: {error.strerror}")
            self.short = True
        elif not (isinstance(error, OSError) and isinstance(context.get("protocol"), self.protocol)):
            loop.default_exception_handler(context)
