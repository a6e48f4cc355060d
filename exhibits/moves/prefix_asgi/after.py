"""A page with a link, as an ASGI coroutine that knows where it is mounted."""

from urllib.parse import quote


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    mount = scope.get("root_path", "")
    known = scope["path"].removeprefix(mount) in ("/", "/next")
    headers = [(b"content-type", b"text/html")]
    status = 200 if known else 404
    await send({"type": "http.response.start", "status": status, "headers": headers})
    link = f'<a href="{quote(mount)}/next">Next</a>\n'.encode()
    body = link if known else b"Nothing here.\n"
    await send({"type": "http.response.body", "body": body})
