"""Sanic: a framework with a server of its own; it can be an ASGI program, too."""

import asyncio
import os

from html5tagger import Document, E
from sanic import Sanic
from sanic.exceptions import SanicException
from sanic.response import html, text

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

MOUNT = os.environ.get("MOUNT", "")  # Sanic's server knows none: it is a part of every route
TITLE = "The guestbook, by Sanic"
# --8<-- [start:gateway]
application = Sanic("guestbook")  # is what the command `sanic` serves
# --8<-- [end:gateway]


async def shown(request, form=None, error=None):
    about = "Sanic", "nothing standardised", request.cookies, form, error
    filled = await asyncio.to_thread(desk.page, *about)
    page = Document(TITLE, lang="en", _viewport="width=device-width").h1(TITLE)
    page.p(f"Sanic is called as {filled['interface']}. Served by {filled['server']}.")
    with page.form(method="post", action="entries"):
        page.label("Your name ", E.input(name="name", value=filled["name"], required=True))
        page.label("Your message ", E.textarea("\n" + filled["message"], name="message"))
        page.p(filled["refused"], role="alert").button("Sign")
    for entry in filled["entries"]:
        page.p(entry["message"]).footer(f"{entry['name']}, {entry['at']}")
    status, headers = (error.status, dict(error.headers)) if error else (200, None)
    return html(str(page), status, headers)


@application.on_request
async def guard(request):
    desk.guard(request.method, request.headers.get)


@application.get(MOUNT + "/")
async def page(request):
    return await shown(request)


@application.get(MOUNT + "/hello")
async def hello(request):
    return text(f"Hello, {request.args.get('name', 'World')}!\n")


@application.post(MOUNT + "/entries")
async def sign(request):
    answer = text("Thank you for signing.\n", 303, {"Location": "./"})
    cookies = await asyncio.to_thread(desk.sign, request.form, request.cookies)
    for name, value in cookies.items():
        answer.add_cookie(name, value, path=None, samesite="Lax", secure=False)
    return answer


@application.exception(SanicException)
async def not_here(request, error):
    return text(desk.refused(error.status_code), error.status_code, error.headers)


@application.exception(Refused)
async def refused(request, error):
    if desk.shows(error, request.headers.get("Accept")):
        return await shown(request, request.form, error)
    return text(desk.refused(error), error.status, dict(error.headers))
