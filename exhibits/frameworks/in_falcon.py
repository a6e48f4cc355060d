"""Falcon: one program, made into a WSGI callable and into an ASGI coroutine."""

import asyncio
import os

import falcon.asgi
from jinja2 import Environment, FileSystemLoader

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

pages = Environment(loader=FileSystemLoader(desk.PAGES), autoescape=True)
MOUNT = os.environ.get("MOUNT", "")  # Falcon leaves root_path in the path: a part of each route
in_thread = falcon.wrap_sync_to_async  # a function, to be awaited


class Guard:
    def process_request(self, req, resp):
        desk.guard(req.method, req.get_header)

    async def process_request_async(self, req, resp):
        self.process_request(req, resp)


class Page:
    def on_get(self, req, resp, form=None, error=None):
        interface = "an ASGI coroutine" if hasattr(req, "scope") else "a WSGI callable"
        filled = desk.page("Falcon", interface, req.cookies, form, error)
        resp.text = pages.get_template("page.html").render(filled)
        resp.content_type = falcon.MEDIA_HTML

    on_head = on_get
    on_get_async = on_head_async = in_thread(on_get)


class Hello:
    def on_get(self, req, resp):
        resp.text = f"Hello, {req.get_param('name', default='World')}!\n"

    on_head = on_get

    async def on_get_async(self, req, resp):
        self.on_get(req, resp)

    on_head_async = on_get_async


class Entries:
    def sign(self, req, resp, media):
        req.context.form = form = media if isinstance(media, dict) else {}
        resp.status, resp.location, resp.text = 303, "./", "Thank you for signing.\n"
        for name, value in desk.sign(form, req.cookies).items():
            resp.set_cookie(name, value, secure=False, http_only=False, same_site="Lax")

    def on_post(self, req, resp):
        self.sign(req, resp, req.get_media())

    async def on_post_async(self, req, resp):
        await asyncio.to_thread(self.sign, req, resp, await req.get_media())


def refused(req, resp, error, params):
    resp.status, resp.location = error.status, None
    resp.set_headers(error.headers)
    if desk.shows(error, req.get_header("Accept")):
        return Page().on_get(req, resp, req.context.get("form"), error)
    resp.content_type, resp.text = falcon.MEDIA_TEXT, desk.refused(error)


def not_here(req, resp, error, params):
    resp.status, resp.text = error.status, desk.refused(error.status_code)
    resp.set_headers(error.headers or {})


# --8<-- [start:gateway]
def program(kind, mount="", suffix=None, handler=lambda function: function):
    app = kind(falcon.MEDIA_TEXT, middleware=Guard())
    for path, resource in (("/", Page()), ("/hello", Hello()), ("/entries", Entries())):
        app.add_route(mount + path, resource, suffix=suffix)
    app.add_error_handler(Refused, handler(refused))
    app.add_error_handler(falcon.HTTPError, handler(not_here))
    return app


application = program(falcon.App)  # is called with environ and start_response
coroutine = program(falcon.asgi.App, MOUNT, "async", in_thread)  # with scope, receive and send
# --8<-- [end:gateway]
