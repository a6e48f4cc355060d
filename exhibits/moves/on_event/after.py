"""FastAPI, with what happens at the start and at the end said by one lifespan."""

from contextlib import asynccontextmanager

from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(application):
    pool = ["a connection"]
    try:
        yield {"pool": pool}  # request.state has it
    finally:
        pool.clear()
        print("closed", flush=True)


application = FastAPI(lifespan=lifespan)


@application.get("/")
async def state(request: Request):
    return f"The pool holds {len(request.state.pool)}."
