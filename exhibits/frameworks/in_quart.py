"""Quart: Flask's interface as an ASGI program."""

import asyncio

from quart import Quart, Response, render_template, request
from werkzeug.exceptions import HTTPException

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

# --8<-- [start:gateway]
# Is called with scope, receive and send.
application = Quart(__name__, template_folder=desk.PAGES)
# --8<-- [end:gateway]


def plain(text, status=200):
    return Response(text, status, mimetype="text/plain")


async def shown(form=None, error=None):
    about = "Quart", "an ASGI coroutine", request.cookies, form, error
    return await render_template("page.html", **await asyncio.to_thread(desk.page, *about))


@application.before_request
async def guard():
    desk.guard(request.method, request.headers.get)


@application.get("/")
async def page():
    return await shown()


@application.get("/hello")
async def hello():
    return plain(f"Hello, {request.args.get('name', 'World')}!\n")


@application.post("/entries")
async def sign():
    answer = plain("Thank you for signing.\n", 303)
    cookies = await asyncio.to_thread(desk.sign, await request.form, request.cookies)
    for name, value in cookies.items():
        answer.set_cookie(name, value, path=None, samesite="Lax")
    answer.location = "./"
    return answer


@application.errorhandler(HTTPException)
async def not_here(error):
    answer = plain(desk.refused(error.code), error.code)
    answer.headers.extend(field for field in error.get_headers() if field[0] == "Allow")
    return answer


@application.errorhandler(Refused)
async def refused(error):
    if desk.shows(error, request.headers.get("Accept")):
        return await shown(await request.form, error), error.status, dict(error.headers)
    return plain(desk.refused(error), error.status), dict(error.headers)
