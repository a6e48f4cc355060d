"""Tornado: a framework with a server of its own, asynchronous before asyncio was.

    python -m exhibits.frameworks.tornado HOST PORT

It is neither WSGI nor ASGI.
"""

import asyncio
import os
import sys

from tornado.web import Application, RequestHandler

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

MOUNT = os.environ.get("MOUNT", "")  # Tornado's server knows none: it is a part of every route


class Plain(RequestHandler):
    def answer(self, text, status=200):
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(text)

    def write_error(self, status, **more):
        if status == 405:
            allowed = [name for name in ("GET", "POST") if name.lower() in vars(type(self))]
            self.set_header("Allow", ", ".join(allowed))
        self.answer(desk.refused(status), status)

    def compute_etag(self):
        return None


class Hello(Plain):
    def get(self):
        self.answer(f"Hello, {self.get_query_argument('name', 'World')}!\n")


class Entries(Plain):
    async def post(self):
        form = {name: self.get_body_argument(name, "") for name in ("name", "message")}
        cookies = {name: morsel.value for name, morsel in self.cookies.items()}
        try:
            cookies = await asyncio.to_thread(desk.sign, form, cookies)
        except Refused as error:
            return self.answer(desk.refused(error), error.status)
        for name, value in cookies.items():
            self.set_cookie(name, value, path=MOUNT or "/", samesite="Lax")
        self.set_header("Location", MOUNT + "/")
        self.answer("Thank you for signing.\n", 303)


class Nothing(Plain):
    def prepare(self):
        self.send_error(404)


async def main(host, port):
    # --8<-- [start:gateway]
    routes = [(MOUNT + "/hello", Hello), (MOUNT + "/entries", Entries)]
    application = Application(routes, default_handler_class=Nothing)
    application.listen(int(port), host)
    # --8<-- [end:gateway]
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
