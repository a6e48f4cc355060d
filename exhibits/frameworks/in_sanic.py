"""Sanic: a framework with a server of its own; it can be an ASGI program, too."""

import asyncio
import os

from sanic import Sanic
from sanic.exceptions import SanicException
from sanic.response import text

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

MOUNT = os.environ.get("MOUNT", "")  # Sanic's server knows none: it is a part of every route
# --8<-- [start:gateway]
application = Sanic("guestbook")  # is what the command `sanic` serves
# --8<-- [end:gateway]


@application.get(MOUNT + "/hello")
async def hello(request):
    return text(f"Hello, {request.args.get('name', 'World')}!\n")


@application.post(MOUNT + "/entries")
async def sign(request):
    answer = text("Thank you for signing.\n", 303, {"Location": MOUNT + "/"})
    cookies = await asyncio.to_thread(desk.sign, request.form, request.cookies)
    for name, value in cookies.items():
        answer.add_cookie(name, value, path=MOUNT or "/", samesite="Lax", secure=False)
    return answer


@application.exception(SanicException)
async def not_here(request, error):
    return text(desk.refused(error.status_code), error.status_code, error.headers)


@application.exception(Refused)
async def refused(request, error):
    return text(desk.refused(error), error.status)
