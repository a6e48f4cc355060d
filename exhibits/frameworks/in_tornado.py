"""Tornado: a framework with a server of its own, asynchronous before asyncio was.

    python -m exhibits.frameworks.in_tornado HOST PORT

It is neither WSGI nor ASGI.
"""

import asyncio
import os
import sys

from tornado.web import Application, ErrorHandler, RequestHandler

from exhibits.frameworks import desk
from exhibits.frameworks.tornado_ending import until_told
from exhibits.guestbook import Refused

MOUNT = os.environ.get("MOUNT", "")  # Tornado's server knows none: it is a part of every route
asked = set()  # who is not yet answered


class Plain(RequestHandler):
    def set_default_headers(self):
        self.set_header("Content-Type", "text/plain; charset=utf-8")

    def prepare(self):
        asked.add(self)
        desk.guard(self.request.method, self.request.headers.get)

    def on_finish(self):
        asked.discard(self)

    async def show(self, form=None, error=None):
        cookies = {name: morsel.value for name, morsel in self.cookies.items()}
        about = "Tornado", "nothing standardised", cookies, form, error
        filled = await asyncio.to_thread(desk.page, *about)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.render("tornado.html", **filled)

    def refuse(self, error):
        self.set_status(error.status)
        for name, value in error.headers:
            self.set_header(name, value)
        return desk.refused(error)

    def write_error(self, status, exc_info=(None, None), **more):
        if isinstance(exc_info[1], Refused):
            return self.finish(self.refuse(exc_info[1]))
        if status == 405:
            self.set_header("Allow", "POST" if isinstance(self, Entries) else "GET")
        self.finish(desk.refused(status))

    def log_exception(self, kind, error, traceback):
        if kind is not Refused:
            super().log_exception(kind, error, traceback)


class Page(Plain):
    get = Plain.show


class Hello(Plain):
    def get(self):
        self.finish(f"Hello, {self.get_query_argument('name', 'World')}!\n")


class Entries(Plain):
    async def post(self):
        form = {name: self.get_body_argument(name, "") for name in ("name", "message")}
        cookies = {name: morsel.value for name, morsel in self.cookies.items()}
        try:
            cookies = await asyncio.to_thread(desk.sign, form, cookies)
        except Refused as error:
            if not desk.shows(error, self.request.headers.get("Accept")):
                raise
            self.refuse(error)
            return await self.show(form, error)
        for name, value in cookies.items():
            self.set_cookie(name, value, path=None, samesite="Lax")
        self.write("Thank you for signing.\n")
        self.redirect("./", status=303)


class Nothing(ErrorHandler, Plain):
    pass


async def main(host, port):
    # --8<-- [start:gateway]
    routes = [(MOUNT + "/", Page), (MOUNT + "/hello", Hello), (MOUNT + "/entries", Entries)]
    nothing = {"default_handler_class": Nothing, "default_handler_args": {"status_code": 404}}
    application = Application(routes, template_path=desk.PAGES, **nothing)
    server = application.listen(int(port), host)
    # --8<-- [end:gateway]
    await until_told(server, asked)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
