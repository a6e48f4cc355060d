"""FastAPI: Starlette, with the arguments read and checked from their types."""

from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

FormField = Annotated[str, Form()]
# --8<-- [start:gateway]
application = FastAPI()  # is called with scope, receive and send
# --8<-- [end:gateway]


@application.get("/hello")
async def hello(name: str = "World"):
    return PlainTextResponse(f"Hello, {name}!\n")


@application.post("/entries")
def sign(request: Request, name: FormField = "", message: FormField = ""):  # in a thread
    mount = request.scope["root_path"]
    answer = PlainTextResponse("Thank you for signing.\n", 303, {"Location": mount + "/"})
    for cookie, value in desk.sign({"name": name, "message": message}, request.cookies).items():
        answer.set_cookie(cookie, value, path=mount or "/", samesite="Lax")
    return answer


@application.exception_handler(HTTPException)
async def not_here(request, error):
    return PlainTextResponse(desk.refused(error.status_code), error.status_code, error.headers)


@application.exception_handler(Refused)
async def refused(request, error):
    return PlainTextResponse(desk.refused(error), error.status)
