"""The program: one of the museum's own, or the reader's text. A shape is how it is called.

script: a process starts it for each request. respond: a function of environ, stdin, stdout and stderr.
wsgi: a callable of environ and start_response. asgi: a coroutine of scope, receive and send.
"""

import inspect
import linecache
from functools import lru_cache
from pathlib import Path

ROOMS = Path(__file__).parent.parent
HERE = Path((lambda: None).__code__.co_filename).parent  # as tracebacks have it, from a compiled file too
FILES = {
    "hello": {"script": "cgi/hello.py", "respond": "cgi/responder.py", "wsgi": "wsgi/hello.py",
              "asgi": "asgi/hello.py"},
    "guestbook": {"script": "cgi/app.py", "respond": "cgi/app.py", "wsgi": "wsgi/app.py", "asgi": "asgi/app.py"},
    "rude": {"script": "cgi/rude.py", "respond": "cgi/rude.py", "wsgi": "wsgi/rude.py", "asgi": "asgi/rude.py"},
}
NAMES = {"respond": "respond", "wsgi": "application", "asgi": "application"}
SHAPES = {
    "script": "a script, which prints its answer",
    "respond": "a function respond(environ, stdin, stdout, stderr)",
    "wsgi": "a WSGI callable, application(environ, start_response)",
    "asgi": "an ASGI coroutine, application(scope, receive, send)",
}
OWN = "program.py"  # what the reader's text is called in tracebacks


class Unfit(Exception):
    """The program cannot be called here; the message says why. traceback: where it failed, or ""."""

    def __init__(self, sentence, traceback=""):
        super().__init__(sentence)
        self.traceback = traceback


def source(program, shape):
    """(file name, text) of a program: a name in FILES, or the reader's text."""
    if program not in FILES:
        return OWN, program
    path = ROOMS / FILES[program][shape]
    return str(path), path.read_text(encoding="utf-8")


def load(program, shape, process):
    """What a server of this shape calls; raises Unfit.

    process: in whose process it is (str). There a program that stays is loaded once: it has a memory.
    """
    name, text = source(program, shape)
    # Tracebacks show the lines of what is no file, too, and of this text: all that readers write have one name.
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    if shape == "script":
        return script(name, text)
    return resident(name, text, shape, process)


@lru_cache(maxsize=64)
def compiled(name, text):
    try:
        return compile(text, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:  # ValueError: a null character
        raise Unfit("the program is no Python", told(error)) from None


def script(name, text):
    code = compiled(name, text)
    if name == OWN and (shape := shape_of(code)):
        raise Unfit(f"this is {SHAPES[shape]}; CGI starts {SHAPES['script']}")
    return lambda: exec(code, {"__name__": "__main__", "__file__": name})


def shape_of(code):
    """The shape of a program whose text defines one of the names that servers look for, else None."""
    for constant in code.co_consts:
        if inspect.iscode(constant):
            if constant.co_name == "respond":
                return "respond"
            if constant.co_name == "application":
                return "asgi" if constant.co_flags & inspect.CO_COROUTINE else "wsgi"
    return None


@lru_cache(maxsize=64)
def resident(name, text, shape, process):
    space = {"__name__": "program", "__file__": name}
    code = compiled(name, text)
    if name == OWN and shape_of(code) not in (shape, None):
        raise Unfit(f"this is {SHAPES[shape_of(code)]}, and here belongs {SHAPES[shape]}")
    try:
        exec(code, space)
    except BaseException as error:
        raise Unfit("the program fails before it can be asked", told(error)) from None
    if not callable(space.get(NAMES[shape])):
        raise Unfit(f"here belongs {SHAPES[shape]}, and the program has no {NAMES[shape]}")
    return space[NAMES[shape]]


def told(error):
    """The traceback of an error, from where the reader's text begins."""
    import traceback

    frames = traceback.TracebackException.from_exception(error)
    while frames.stack and Path(frames.stack[0].filename).parent == HERE:
        del frames.stack[0]
    return "".join(frames.format())
