"""An ASGI program that answers with what its server offers: the scope's versions, extensions and state."""

import json


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        scope.get("state", {})["begun"] = True
        while (kind := (await receive())["type"]) == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": f"{kind}.complete"})
        return
    told = json.dumps({
        "spec_version": scope["asgi"].get("spec_version", "2.0"),
        "extensions": sorted(scope.get("extensions") or {}),
        "state": scope.get("state", {}).get("begun", False),
    })
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": told})
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told.encode()})
