"""FastAPI, with what happens at the start and at the end said by on_event."""

from fastapi import FastAPI

application = FastAPI()
pool = []


@application.on_event("startup")
def start():
    pool.append("a connection")


@application.on_event("shutdown")
def stop():
    pool.clear()
    print("closed", flush=True)


@application.get("/")
async def state():
    return f"The pool holds {len(pool)}."
