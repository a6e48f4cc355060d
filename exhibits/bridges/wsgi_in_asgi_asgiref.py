"""A WSGI program inside an ASGI server, with asgiref, the reference code of ASGI.

It leaves out what a program may rely on: it never calls close() and has no write().
"""

from asgiref.wsgi import WsgiToAsgi

from exhibits.wsgi.app import application as guestbook


def terminated(program):
    """asgiref has read the whole body before the call, and does not say so."""
    def called(environ, start_response):
        return program({**environ, "wsgi.input_terminated": True}, start_response)
    return called


application = WsgiToAsgi(terminated(guestbook))
