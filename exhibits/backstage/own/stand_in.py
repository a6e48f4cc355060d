"""What servers find in the guestbook's place: a copy of this file, and a call of `load` for the visitor's program."""

import importlib
import os
import sys


def load(module, name, path, folder, packages=None):
    """The program `name` of a module, as gunicorn and Uvicorn would find it.

    name: dotted, "site.app"; with () at the end it is called to make the program, "create_app()".
    path: the folder that modules are imported from. folder: where the program is to run.
    packages: (version, folders) of the Python that was asked to serve it, for a server with a Python of its own.
    """
    os.chdir(folder)
    os.environ["PWD"] = folder
    sys.path.insert(0, path)
    if packages and packages[0] == list(sys.version_info[:2]):
        sys.path += [each for each in packages[1] if each not in sys.path]
    arguments, sys.argv = sys.argv, [module]  # those of the server are not for the program
    try:
        program = importlib.import_module(module)
    finally:
        sys.argv = arguments
    for part in name.removesuffix("()").split("."):
        program = getattr(program, part)
    return program() if name.endswith("()") else program


def as_coroutine(program):
    """An ASGI program as a coroutine function: by that servers tell ASGI 3 from what was before."""

    async def application(scope, receive, send):
        await program(scope, receive, send)

    return application
