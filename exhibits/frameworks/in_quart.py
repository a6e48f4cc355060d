"""Quart: Flask's interface as an ASGI program."""

import asyncio

from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

# --8<-- [start:gateway]
application = Quart(__name__)  # is called with scope, receive and send
# --8<-- [end:gateway]


def plain(text, status=200):
    return Response(text, status, mimetype="text/plain")


@application.get("/hello")
async def hello():
    return plain(f"Hello, {request.args.get('name', 'World')}!\n")


@application.post("/entries")
async def sign():
    answer = plain("Thank you for signing.\n", 303)
    answer.location = request.root_path + "/"
    cookies = await asyncio.to_thread(desk.sign, await request.form, request.cookies)
    for name, value in cookies.items():
        answer.set_cookie(name, value, path=request.root_path or "/", samesite="Lax")
    return answer


@application.errorhandler(HTTPException)
async def not_here(error):
    answer = plain(desk.refused(error.code), error.code)
    answer.headers.extend(field for field in error.get_headers() if field[0] == "Allow")
    return answer


@application.errorhandler(Refused)
async def refused(error):
    return plain(desk.refused(error), error.status)
