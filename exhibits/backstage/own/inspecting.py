"""Import a program and say, without calling it, through which interface it can be called.

    python -P -m exhibits.backstage.own.inspecting ANSWER ARGUMENTS

ARGUMENTS are those of `stand_in.load`, as JSON. The answer is JSON in the file ANSWER: the
interface, or what went wrong, in words. What the program prints meanwhile is no part of it.
"""

import contextlib
import difflib
import importlib
import inspect
import json
import os
import sys
import traceback

from exhibits.backstage.own.stand_in import load

# Whether it is a coroutine function, and how many arguments it must have.
CALLS = {
    (False, 2): "WSGI callable",     # environ, start_response (PEP 3333)
    (True, 3): "ASGI coroutine",     # scope, receive, send (ASGI 3.0)
    (False, 3): "ASGI coroutine",    # the same, of a function that returns a coroutine
    (True, 2): "RSGI application",   # scope, protocol
    (False, 4): "CGI-shaped function",  # environ, stdin, stdout, stderr
}


def interface(program):
    """The name of the interface; "" where the arguments do not tell; a sentence in an Unclear where there is none."""
    if hasattr(program, "__rsgi__"):
        return "RSGI application"
    if not callable(program):
        raise Unclear("which cannot be called")
    if inspect.isclass(program):
        # Making an object of it is the call. An ASGI class is awaited, a WSGI class iterated over.
        call, is_coroutine = program, hasattr(program, "__await__")
    else:
        call = program if inspect.isroutine(program) else getattr(program, "__call__", program)  # noqa: B004
        is_coroutine = inspect.iscoroutinefunction(program) or inspect.iscoroutinefunction(call)
    parameters = inspect.signature(program).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return "ASGI coroutine" if is_coroutine else ""
    places = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    needed = [each.name for each in places if each.default is each.empty]
    if found := CALLS.get((is_coroutine, len(needed))):
        return found
    if needed == ["scope"]:
        raise Unclear("an ASGI 2 application, which is called twice; servers call ASGI 3 today. This makes one of it: "
                      "asgiref.compatibility.guarantee_single_callable")
    if not needed and not inspect.isclass(program):
        raise Unclear("which takes no arguments. If it makes the program, add (): NAME()")
    raise Unclear(f"which takes {', '.join(needed) or 'nothing'}: no interface that is here calls it so")


class Unclear(Exception):
    """It is no program; the message goes on after "is a function,"."""


def described(program):
    """What it is, in words: "a function", "a Flask object", "a class"."""
    name = "class" if inspect.isclass(program) else type(program).__name__
    name = name if inspect.isclass(program) or inspect.isroutine(program) else f"{name} object"
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def inspect_program(module, name, path, *more):
    """What `serve` has to know, as data: {"error": …} or {"interface", "file", "awaits"}."""
    first = name.removesuffix("()").split(".")[0]
    try:
        program = load(module, name, path, *more)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            return {"error": f"there is no module {error.name!r} in {path}"}
        return {"error": f"importing {module} failed:\n{last_words(error)}", "lacks": error.name}
    except BaseException as error:
        found = sys.modules.get(module)
        if found is not None and not hasattr(found, first) and isinstance(error, AttributeError):
            near = difflib.get_close_matches(first, dir(found), n=1, cutoff=0.5)
            meant = f"; did you mean {module}:{near[0]}?" if near else ""
            return {"error": f"{module} ({getattr(found, '__file__', None)}) has no {first!r}{meant}"}
        return {"error": f"importing {module}:{name} failed:\n{last_words(error)}"}
    file = getattr(sys.modules[module], "__file__", None)
    try:
        found = interface(program)
    except Unclear as unclear:
        return {"error": f"{module}:{name} is {described(program)}, {str(unclear).replace('NAME', f'{module}:{name}')}"}
    except Exception:  # it is written in C, or its class has an answer of its own to every question
        found = ""
    call = program if inspect.isroutine(program) else type(program).__call__
    return {"interface": found, "file": file, "awaits": inspect.iscoroutinefunction(call)}


def last_words(error):
    """The part of a traceback that is the visitor's: no frame of the import system, the last five of the others."""
    told = traceback.TracebackException.from_exception(error)
    others = ("<frozen importlib", os.path.dirname(importlib.__file__), os.path.dirname(__file__))
    frames = [frame for frame in told.stack if not frame.filename.startswith(others)]
    lines = traceback.StackSummary.from_list(frames[-5:]).format() + list(told.format_exception_only())
    return "".join(lines).rstrip()


if __name__ == "__main__":
    answer, arguments = sys.argv[1:]
    found = inspect_program(*json.loads(arguments))
    with open(answer, "w", encoding="utf-8") as file:
        json.dump(found, file)
    with contextlib.suppress(BaseException):  # the program may have put anything in its place
        sys.stdout.flush()
    os._exit(0)  # without waiting for threads that the program has started
