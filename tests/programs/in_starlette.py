"""What web programs do and the guestbook does not, in Starlette."""

import asyncio
import hashlib
import tempfile

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from strict_asgi import strict

go, ended = asyncio.Event(), []
FILE = tempfile.NamedTemporaryFile(suffix=".txt")
FILE.write(b"0123456789" * 100_000)
FILE.flush()


async def upload(request):
    async with request.form() as form:
        content = await form["file"].read()
        return JSONResponse({"note": form["note"], "name": form["file"].filename, "size": len(content),
                             "sha256": hashlib.sha256(content).hexdigest()})


async def stream(request):
    go.clear()

    async def lines():
        yield b"first\n"
        await go.wait()
        yield b"last\n"

    return StreamingResponse(lines(), media_type="text/plain")


async def endless(request):
    async def lines():
        try:
            while True:
                yield b"and so on\n" * 1000
                await asyncio.sleep(0)  # or uvicorn never learns that the visitor has left
        finally:
            ended.append("endless")

    return StreamingResponse(lines(), media_type="text/plain")


async def later(request):
    go.clear()

    async def task():
        await go.wait()
        ended.append("later")

    return PlainTextResponse("accepted", 202, background=BackgroundTask(task))


async def start(request):
    go.set()
    return PlainTextResponse("gone")


async def what_has_ended(request):
    return JSONResponse({"ended": ended})


async def login(request):
    request.session["name"] = request.query_params["name"]
    answer = RedirectResponse(request.app.url_path_for("me"), 302)
    answer.set_cookie("theme", "dark")
    answer.set_cookie("size", "large", max_age=60)
    return answer


async def me(request):
    return JSONResponse({"name": request.session.get("name"), "cookies": sorted(request.cookies),
                         "url": str(request.url)})


async def file(request):
    return FileResponse(FILE.name)


async def large(request):
    fields = {name: value for name, value in request.headers.items() if name.startswith("x-large")}
    return PlainTextResponse(str(sum(map(len, fields.values()))), headers=fields)


async def fail(request):
    raise RuntimeError("raised by the program")


async def fail_late(request):
    async def lines():
        yield b"some\n"
        raise RuntimeError("raised by the program")

    return StreamingResponse(lines(), media_type="text/plain")


async def echo(websocket):
    """It does as it is told."""
    await websocket.accept("museum" if "museum" in websocket.scope["subprotocols"] else None)
    await websocket.send_json({"name": websocket.session.get("name")})
    while (event := await websocket.receive())["type"] == "websocket.receive":
        text = event.get("text")
        if text == "close":
            return await websocket.close(4001, "as told")
        if text == "raise":
            raise RuntimeError("raised by the program")
        if text is None:
            await websocket.send_bytes(event["bytes"][::-1])
        else:
            await websocket.send_text(text[::-1])
    ended.append(f"echo {event['code']} {event.get('reason')}")


async def closed(websocket):
    await websocket.close()


application = strict(Starlette(
    routes=[
        Route("/upload", upload, methods=["POST"]), Route("/stream", stream), Route("/endless", endless),
        Route("/later", later), Route("/go", start), Route("/ended", what_has_ended), Route("/login", login),
        Route("/me", me, name="me"), Route("/file", file), Route("/large", large), Route("/raise", fail),
        Route("/raise-late", fail_late), WebSocketRoute("/echo", echo), WebSocketRoute("/closed", closed),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key="not a secret")],
))
