"""A page of evil.example opens a WebSocket here: who stops it?"""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import WebSocketRoute
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from exhibits.meetings import UVICORN, served

OURS = ["https://example.org"]


async def account(websocket):
    await websocket.accept()
    await websocket.send_text(f"the account of {websocket.cookies['session']}")
    await websocket.close()


# --8<-- [start:cure]
async def careful(websocket):
    """A browser always says which page is asking, and a page cannot say otherwise."""
    if websocket.headers.get("origin") not in OURS:
        await websocket.close()  # before it is accepted: the server answers 403
    else:
        await account(websocket)
# --8<-- [end:cure]

cors = [Middleware(CORSMiddleware, allow_origins=OURS)]
plain = Starlette(routes=[WebSocketRoute("/", account)])
with_cors = Starlette(routes=[WebSocketRoute("/", account)], middleware=cors)
cured = Starlette(routes=[WebSocketRoute("/", careful)])


def told(port, origin):
    try:
        fields = {"Cookie": "session=Ada"}  # a browser adds it, unless SameSite forbids
        address = f"ws://127.0.0.1:{port}/"
        with connect(address, origin=origin, additional_headers=fields, proxy=None) as visitor:
            return visitor.recv()
    except InvalidStatus as refused:
        return str(refused.response.status_code)


if __name__ == "__main__":
    for name in ("plain", "with_cors", "cured"):
        with served(f"{UVICORN} exhibits.meetings.websocket_origin:{name}") as port:
            for origin in ("https://example.org", "https://evil.example"):
                print(f"{name:12}{origin:23}{told(port, origin)}")
