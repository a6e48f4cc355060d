"""Middleware for ASGI: one more header field in every HTTP response."""

from exhibits.asgi.hello import application as hello


# --8<-- [start:middleware]
def unstored(application):
    async def middleware(scope, receive, send):
        async def start(event):
            if event["type"] == "http.response.start":
                headers = [*event.get("headers", ()), (b"cache-control", b"no-store")]
                event = {**event, "headers": headers}
            await send(event)

        await application(scope, receive, start)

    return middleware
# --8<-- [end:middleware]


application = unstored(hello)
