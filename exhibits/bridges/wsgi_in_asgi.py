"""A WSGI program inside an ASGI server, with a2wsgi: each call has a thread.

The event loop stays free, and the program stays what it is: a request takes a
thread until it is answered, and there is no WebSocket.
"""

from a2wsgi import WSGIMiddleware

from exhibits.wsgi.app import application as guestbook

application = WSGIMiddleware(guestbook, workers=8)
