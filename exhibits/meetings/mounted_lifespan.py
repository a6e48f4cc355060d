"""A program mounted in another: is its lifespan run, and what does its first visitor get?"""

from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from exhibits.meetings import UVICORN, ask, served


@asynccontextmanager
async def opened(app):
    """What the inner program needs before its first visitor: a pool, a session manager."""
    app.state.pool = "a connection from the pool"
    yield
    del app.state.pool


async def index(request):
    return PlainTextResponse(request.app.state.pool)


inner = Starlette(routes=[Route("/", index)], lifespan=opened)
alone = inner
mounted = Starlette(routes=[Mount("/inner", inner)])


# --8<-- [start:cure]
@asynccontextmanager
async def both(app):
    async with inner.router.lifespan_context(inner):
        yield  # what the outer program opens, it opens here

mended = Starlette(routes=[Mount("/inner", inner)], lifespan=both)
# --8<-- [end:cure]

if __name__ == "__main__":
    for name, path in (("alone", "/"), ("mounted", "/inner/"), ("mended", "/inner/")):
        with served(f"{UVICORN} exhibits.meetings.mounted_lifespan:{name}") as port:
            print(f"{name:9}", *ask(port, path))
