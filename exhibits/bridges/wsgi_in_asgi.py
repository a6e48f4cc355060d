"""A WSGI program inside an ASGI server, with a2wsgi: each call has a thread.

The event loop stays free, and the program stays what it is: a request takes a
thread until it is answered, and there is no WebSocket.
"""

from a2wsgi import WSGIMiddleware

from exhibits.wsgi.app import application as guestbook


def terminated(program):
    """An event says where a body ends, chunked or not; a2wsgi does not pass that on."""
    def called(environ, start_response):
        return program({**environ, "wsgi.input_terminated": True}, start_response)
    return called


bridge = WSGIMiddleware(terminated(guestbook), workers=8)


async def application(scope, receive, send):
    if scope["type"] not in ("http", "websocket", "lifespan"):
        raise NotImplementedError(scope["type"])

    async def event():  # a2wsgi wants a coroutine, and granian's receive() gives a future
        message = await receive()
        if message["type"] == "http.disconnect":  # half a body would pass for a whole one
            raise ConnectionError("the client has left")
        return message

    await bridge(scope, event, send)
