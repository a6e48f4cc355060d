"""Host: evil.example, sent by a visitor: does it come back in a link that the program makes?"""

import os

import django.conf
import flask
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from exhibits.meetings import GUNICORN, UVICORN, ask, served

HOSTS = "example.org", "evil.example"

async def starlette_link(request):
    return PlainTextResponse(str(request.url_for("reset")))


flask_app = flask.Flask(__name__)
flask_app.get("/reset", endpoint="reset")(lambda: flask.url_for("reset", _external=True))
django.conf.settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
urlpatterns = [path("reset", lambda request: HttpResponse(request.build_absolute_uri()))]
django_app = get_wsgi_application()
starlette_app = Starlette(routes=[Route("/reset", starlette_link, name="reset")])


def careful():
    # --8<-- [start:cure]
    names = ["example.org"]
    django.conf.settings.ALLOWED_HOSTS = names
    flask_app.config["TRUSTED_HOSTS"] = names
    starlette_app.add_middleware(TrustedHostMiddleware, allowed_hosts=names)
    # --8<-- [end:cure]


if "CAREFUL" in os.environ:
    careful()

if __name__ == "__main__":
    for name, server in (("django", GUNICORN), ("flask", GUNICORN), ("starlette", UVICORN)):
        for about, environ in (("as it is", {}), ("cured", {"CAREFUL": "yes"})):
            program = f"exhibits.meetings.forged_host:{name}_app"
            with served(f"{server} {program}", **environ) as port:
                answers = [ask(port, "/reset", host=host) for host in HOSTS]
            said = ", ".join(body if status == 200 else str(status) for status, body in answers)
            print(f"{name.title()} {about}:".ljust(20) + said)
