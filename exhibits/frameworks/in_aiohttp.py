"""aiohttp: a framework with a server of its own, which gunicorn can start, too."""

import asyncio
import os

import aiohttp_jinja2
from aiohttp import web
from jinja2 import FileSystemLoader

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

routes = web.RouteTableDef()
MOUNT = os.environ.get("MOUNT", "")  # aiohttp's server knows none: the program is a part of one


@routes.get("/")
async def page(request, form=None, error=None):
    about = "aiohttp", "nothing standardised", request.cookies, form, error
    filled = await asyncio.to_thread(desk.page, *about)
    status = error.status if error else 200
    return aiohttp_jinja2.render_template("page.html", request, filled, status=status)


@web.middleware
async def sentences(request, handler):
    try:
        desk.guard(request.method, request.headers.get)
        return await handler(request)
    except Refused as error:
        text = desk.refused(error)
        return web.Response(text=text, status=error.status, headers=error.headers)
    except web.HTTPClientError as error:
        error.text = desk.refused(error.status)
        raise


@routes.get("/hello")
async def hello(request):
    return web.Response(text=f"Hello, {request.query.get('name', 'World')}!\n")


@routes.post("/entries")
async def sign(request):
    try:
        form = await request.post()
    except (ValueError, LookupError):  # no form, no UTF-8, no known encoding
        raise Refused(400, "the form cannot be read") from None
    try:
        cookies = await asyncio.to_thread(desk.sign, form, request.cookies)
    except Refused as error:
        if not desk.shows(error, request.headers.get("Accept")):
            raise
        answer = await page(request, form, error)
        answer.headers.extend(error.headers)
        return answer
    answer = web.HTTPSeeOther("./", text="Thank you for signing.\n")
    for name, value in cookies.items():
        answer.set_cookie(name, value, path="", samesite="Lax")
    raise answer


# --8<-- [start:gateway]
guestbook = web.Application(middlewares=[sentences])
guestbook.add_routes(routes)
aiohttp_jinja2.setup(guestbook, loader=FileSystemLoader(desk.PAGES))
application = guestbook  # is what `python -m aiohttp.web` and gunicorn's worker serve
if MOUNT:
    application = web.Application()
    application.add_subapp(MOUNT, guestbook)
# --8<-- [end:gateway]


def main(argv):
    return application
