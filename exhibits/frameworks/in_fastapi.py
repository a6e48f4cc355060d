"""FastAPI: Starlette, with the arguments read and checked from their types."""

from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

FormField = Annotated[str, Form()]
templates = Jinja2Templates(desk.PAGES)
TEXT = {"description": "Refused, in a sentence", "content": {"text/plain": {}}}
# --8<-- [start:gateway]
application = FastAPI(responses={422: TEXT})  # is called with scope, receive and send
# --8<-- [end:gateway]


@application.middleware("http")
async def guard(request, call_next):
    try:
        desk.guard(request.method, request.headers.get)
    except Refused as error:
        return PlainTextResponse(desk.refused(error), error.status)
    return await call_next(request)


def shown(request, form=None, error=None):
    filled = desk.page("FastAPI", "an ASGI coroutine", request.cookies, form, error)
    status, headers = (error.status, dict(error.headers)) if error else (200, {})
    return templates.TemplateResponse(request, "page.html", filled, status, headers)


@application.get("/", response_class=HTMLResponse)
def page(request: Request):  # not a coroutine, so in a thread
    return shown(request)


@application.get("/hello", response_class=PlainTextResponse)
async def hello(name: str = "World"):
    return PlainTextResponse(f"Hello, {name}!\n")


@application.post("/entries", status_code=303, response_class=PlainTextResponse)
def sign(request: Request, name: FormField = "", message: FormField = ""):
    form = {"name": name, "message": message}
    answer = PlainTextResponse("Thank you for signing.\n", 303, {"Location": "./"})
    try:
        cookies = desk.sign(form, request.cookies)
    except Refused as error:
        if desk.shows(error, request.headers.get("Accept")):
            return shown(request, form, error)
        return PlainTextResponse(desk.refused(error), error.status, dict(error.headers))
    for cookie, value in cookies.items():
        answer.set_cookie(cookie, value, path=None, samesite="Lax")
    return answer


@application.exception_handler(Refused)
async def refused(request, error):
    return PlainTextResponse(desk.refused(error), error.status, dict(error.headers))


@application.exception_handler(HTTPException)
async def not_here(request, error):
    return PlainTextResponse(desk.refused(error.status_code), error.status_code, error.headers)


@application.exception_handler(RequestValidationError)
async def not_a_text(request, error):
    return PlainTextResponse(desk.refused(Refused(422, "a field is not a text")), 422)
