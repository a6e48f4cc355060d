"""The path /J%C3%BCrgen, as WSGI and ASGI hand it on."""

from exhibits.confusions import ask, uvicorn_server, waitress_server


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    path = environ.get("PATH_INFO", "")
    really = path.encode("latin-1").decode("utf-8", "replace")
    return [f"WSGI {path!a}, really {really!a}".encode()]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"ASGI {scope['path']!a}".encode()})


if __name__ == "__main__":
    with waitress_server(wsgi) as port:
        print(ask(port, "/J%C3%BCrgen"))
    with uvicorn_server(asgi) as port:
        print(ask(port, "/J%C3%BCrgen"))
