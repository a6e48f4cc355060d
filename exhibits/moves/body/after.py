"""The length of a body, as an ASGI coroutine says it."""

LIMIT = 1_000_000  # bytes


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    body, more = b"", True
    while more and len(body) <= LIMIT:
        event = await receive()
        if event["type"] == "http.disconnect":
            return  # the visitor has left: nobody waits for an answer
        body += event.get("body", b"")  # both keys may be absent
        more = event.get("more_body", False)
    status, text = 200, f"{len(body)} bytes\n"
    if len(body) > LIMIT:
        status, text = 413, "too much\n"
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
