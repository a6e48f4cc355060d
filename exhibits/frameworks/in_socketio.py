"""Socket.IO: events on WebSocket, or on requests where there is none; an ASGI program."""

import asyncio
import os

import socketio

from exhibits import guestbook
from exhibits.frameworks import desk
from exhibits.frameworks.in_starlette import application as pages

MOUNT = os.environ.get("MOUNT", "")  # it looks for its path in the whole one, root_path and all

# --8<-- [start:gateway]
visitors = socketio.AsyncServer(async_mode="asgi")  # asks Origin to be the Host that was asked
# Is called with scope, receive and send; what is not Socket.IO's goes on to Starlette.
application = socketio.ASGIApp(visitors, pages, socketio_path=f"{MOUNT}/socket.io")
# --8<-- [end:gateway]


# --8<-- [start:events]
@visitors.event
async def connect(visitor, environ, auth):  # environ as in WSGI, made of the scope
    try:
        desk.guard("WEBSOCKET", lambda name: environ.get(f"HTTP_{name.upper()}"))
    except guestbook.Refused as error:
        raise socketio.exceptions.ConnectionRefusedError(error.sentence) from None


@visitors.event
async def sign(visitor, form=None):
    """Called with what a visitor emits as "sign"; what it returns, that visitor is told."""
    try:
        name, message = guestbook.checked(form if isinstance(form, dict) else {})
        await asyncio.to_thread(desk.STORE.sign, name, message)
    except guestbook.Refused as error:
        return {"error": error.sentence}
    await visitors.emit("entry", {"name": name, "message": message})  # to all of this process
    return {"signed": True}
# --8<-- [end:events]
