"""The guestbook with the strictest of its interface around it: `application` for WSGI, `coroutine` for ASGI."""

import importlib.util
from pathlib import Path
from wsgiref.validate import validator

from strict_asgi import strict


def guestbook(room):
    """The program of a room from its file: where `import` finds it, the server has put this program."""
    file = Path(__file__).parents[2] / "exhibits" / room / "app.py"
    spec = importlib.util.spec_from_file_location(f"{room}_guestbook", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.application


application, coroutine = validator(guestbook("wsgi")), strict(guestbook("asgi"))
