"""Litestar: an ASGI program; what a handler needs, its arguments name, with their types."""

from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.params import Body, FromQuery
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


def plain(text: str, status: int = 200, **more: Any) -> Response[str]:
    return Response(text, status_code=status, media_type=MediaType.TEXT, **more)


def shown(request: Request, form=None, error=None) -> Template:
    filled = desk.page("Litestar", "an ASGI coroutine", request.cookies, form, error)
    status, headers = (error.status, dict(error.headers)) if error else (200, {})
    return Template("page.html", context=filled, status_code=status, headers=headers)


async def guard(request: Request) -> None:
    desk.guard(request.method, request.headers.get)


@get("/", sync_to_thread=True)
def page(request: Request) -> Template:
    return shown(request)


@get("/hello", media_type=MediaType.TEXT)
async def hello(name: FromQuery[str] = "World") -> str:
    return f"Hello, {name}!\n"


@post("/entries", status_code=303, sync_to_thread=True)
def sign(request: Request, data: Form) -> Response:
    try:
        signed = desk.sign(data, request.cookies).items()
    except Refused as error:
        if desk.shows(error, request.headers.get("Accept")):
            return shown(request, data, error)
        raise
    cookies = [Cookie(name, value=value, path="") for name, value in signed]
    return plain("Thank you for signing.\n", 303, headers={"Location": "./"}, cookies=cookies)


def refused(request: Request, error: Refused) -> Response[str]:
    return plain(desk.refused(error), error.status, headers=dict(error.headers))


def not_here(request: Request, error: HTTPException) -> Response[str]:
    return plain(desk.refused(error.status_code), error.status_code, headers=error.headers)


# --8<-- [start:gateway]
# Is called with scope, receive and send.
application = Litestar(
    [page, hello, sign], before_request=guard,
    exception_handlers={Refused: refused, HTTPException: not_here},
    template_config=TemplateConfig(directory=desk.PAGES, engine=JinjaTemplateEngine))
# --8<-- [end:gateway]
