"""Starlette: an ASGI program, little more than routes."""

import asyncio

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

templates = Jinja2Templates(desk.PAGES)


async def page(request, form=None, error=None):
    about = "Starlette", "an ASGI coroutine", request.cookies, form, error
    filled = await asyncio.to_thread(desk.page, *about)
    status, headers = (error.status, dict(error.headers)) if error else (200, {})
    return templates.TemplateResponse(request, "page.html", filled, status, headers)


async def hello(request):
    return PlainTextResponse(f"Hello, {request.query_params.get('name', 'World')}!\n")


async def sign(request):
    answer = PlainTextResponse("Thank you for signing.\n", 303, {"Location": "./"})
    async with request.form() as form:  # a file that came with it is closed
        cookies = await asyncio.to_thread(desk.sign, form, request.cookies)
    for name, value in cookies.items():
        answer.set_cookie(name, value, path=None, samesite="Lax")
    return answer


async def guard(request, call_next):
    try:
        desk.guard(request.method, request.headers.get)
    except Refused as error:
        return await refused(request, error)
    return await call_next(request)


async def not_here(request, error):
    return PlainTextResponse(desk.refused(error.status_code), error.status_code, error.headers)


async def refused(request, error):
    if desk.shows(error, request.headers.get("Accept")):
        return await page(request, await request.form(), error)
    return PlainTextResponse(desk.refused(error), error.status, dict(error.headers))


# --8<-- [start:gateway]
routes = [Route("/", page), Route("/hello", hello), Route("/entries", sign, methods=["POST"])]
handlers = {HTTPException: not_here, Refused: refused}
guarded = [Middleware(BaseHTTPMiddleware, dispatch=guard)]
application = Starlette(routes=routes, exception_handlers=handlers, middleware=guarded)
# --8<-- [end:gateway]
