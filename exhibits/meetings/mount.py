"""Mounted at /shop: is /shop/cart found if the front keeps the prefix, or if it cuts it off?"""

import django.conf
import quart
import sanic
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from exhibits.meetings import GUNICORN, HYPERCORN, UVICORN, ask, served

ROOT = "/shop"
SERVERS = {
    "uvicorn --root-path": f"{UVICORN} --root-path {ROOT}",
    "hypercorn --root-path": f"{HYPERCORN} --root-path {ROOT}",
    "gunicorn -k asgi --root-path": f"{GUNICORN} -k asgi --root-path {ROOT}",
    "daphne --root-path": f"python -m daphne --port {{port}} --root-path {ROOT}",
    "granian --url-path-prefix": "python -m granian --interface asgi --port {port} "
                                 f"--url-path-prefix {ROOT}",
}
CURED = {"uvicorn, cured": UVICORN, "hypercorn, cured": HYPERCORN}  # without an option
FOUND = {(200, 404): "kept", (404, 200): "cut", (200, 200): "either", (404, 404): "neither"}

django.conf.settings.configure(ALLOWED_HOSTS=["localhost"], ROOT_URLCONF=__name__)
urlpatterns = [path("cart", lambda request: HttpResponse())]
starlette_app = Starlette(routes=[Route("/cart", lambda request: Response())])
quart_app, sanic_app = quart.Quart(__name__), sanic.Sanic("shop")
quart_app.get("/cart")(lambda: "")
sanic_app.get("/cart")(lambda request: sanic.text(""))
FRAMEWORKS = {"Starlette": starlette_app, "Django": get_asgi_application(),
              "Quart": quart_app, "Sanic": sanic_app}


async def application(scope, receive, send):
    fields = dict(scope.get("headers", ()))  # none in the lifespan, which Sanic insists on
    framework = FRAMEWORKS[fields.get(b"x-framework", b"Sanic").decode()]
    await framework(scope, receive, send)


# --8<-- [start:cure]
async def cured(scope, receive, send):
    """As ASGI has it: the path begins with root_path, whatever the front has done."""
    if "path" in scope:
        inside = scope["path"].startswith(f"{ROOT}/")
        path = scope["path"] if inside else ROOT + scope["path"]
        scope = {**scope, "root_path": ROOT, "path": path}
    await application(scope, receive, send)
# --8<-- [end:cure]

if __name__ == "__main__":
    print(f"{'':30}" + "".join(f"{name:11}" for name in FRAMEWORKS).rstrip())
    for name, command in {**SERVERS, **CURED}.items():
        program = "cured" if name in CURED else "application"
        with served(f"{command} exhibits.meetings.mount:{program}") as port:
            found = [tuple(ask(port, path, f"X-Framework: {framework}")[0]
                           for path in (f"{ROOT}/cart", "/cart"))
                     for framework in FRAMEWORKS]
        row = "".join(f"{FOUND.get(cell, 'error'):11}" for cell in found)
        print(f"{name:30}{row}".rstrip())
