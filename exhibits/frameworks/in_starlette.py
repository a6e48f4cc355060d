"""Starlette: an ASGI program, little more than routes."""

import asyncio

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from exhibits.frameworks import desk
from exhibits.guestbook import Refused


async def hello(request):
    return PlainTextResponse(f"Hello, {request.query_params.get('name', 'World')}!\n")


async def sign(request):
    mount = request.scope["root_path"]
    answer = PlainTextResponse("Thank you for signing.\n", 303, {"Location": mount + "/"})
    cookies = await asyncio.to_thread(desk.sign, await request.form(), request.cookies)
    for name, value in cookies.items():
        answer.set_cookie(name, value, path=mount or "/", samesite="Lax")
    return answer


async def not_here(request, error):
    return PlainTextResponse(desk.refused(error.status_code), error.status_code, error.headers)


async def refused(request, error):
    return PlainTextResponse(desk.refused(error), error.status)


# --8<-- [start:gateway]
routes = [Route("/hello", hello), Route("/entries", sign, methods=["POST"])]
handlers = {HTTPException: not_here, Refused: refused}
application = Starlette(routes=routes, exception_handlers=handlers)
# --8<-- [end:gateway]
