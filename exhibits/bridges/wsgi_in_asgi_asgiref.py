"""A WSGI program inside an ASGI server, with asgiref, the reference code of ASGI.

It leaves out what a program may rely on: it never calls close() and has no write().
"""

from asgiref.wsgi import WsgiToAsgi

from exhibits.wsgi.app import application as guestbook

application = WsgiToAsgi(guestbook)
