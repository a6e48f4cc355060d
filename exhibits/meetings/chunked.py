"""A form without a length, sent in chunks: which framework finds it, behind which server?"""

import io

import bottle
import django.conf
import flask
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

from exhibits.confusions import wsgiref_server
from exhibits.meetings import GUNICORN, HYPERCORN, UVICORN, UWSGI, ask, served

SERVERS = {
    "gunicorn": f"{GUNICORN} {{app}}",
    "waitress": "python -m waitress --listen=127.0.0.1:{port} {app}",
    "uWSGI": f"{UWSGI} --module {{app}}",
    "Granian": "python -m granian --interface wsgi --port {port} {app}",
    "Hypercorn": f"{HYPERCORN} wsgi:{{app}}", "Uvicorn": f"{UVICORN} --interface wsgi {{app}}",
}
flask_app, bottle_app = flask.Flask(__name__), bottle.Bottle()
django.conf.settings.configure(ALLOWED_HOSTS=["localhost"], ROOT_URLCONF=__name__)
urlpatterns = [path("", lambda request: HttpResponse(request.POST.get("name", "nothing")))]
flask_app.post("/")(lambda: flask.request.form.get("name", "nothing"))
bottle_app.post("/")(lambda: bottle.request.forms.get("name", "nothing"))
FRAMEWORKS = {"Flask": flask_app, "Django": get_wsgi_application(), "Bottle": bottle_app}


# --8<-- [start:cure]
def with_length(application, most=1_000_000):
    """A body that the server has decoded gets a length before the framework asks for it."""
    def called(environ, start_response):
        if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read(most + 1)
            if len(body) > most:
                start_response("413 Content Too Large", [("Content-Length", "0")])
                return [b""]
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            environ.update({"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)})
        return application(environ, start_response)
    return called
# --8<-- [end:cure]


def application(environ, start_response):
    program = FRAMEWORKS[environ.get("HTTP_X_FRAMEWORK", "Flask")]
    if environ.get("HTTP_X_CURED") == "yes":
        program = with_length(program)
    return program(environ, start_response)


def found(port, framework, cured):
    fields = ("Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: chunked",
              f"X-Framework: {framework}", f"X-Cured: {cured}")
    status, said = ask(port, "/", *fields, method="POST", body=b"8\r\nname=Ada\r\n0\r\n\r\n")
    return said if status == 200 else status


if __name__ == "__main__":
    print(f"{'':16}as it is{'':20}with the cure")
    print(f"{'':12}" + "".join(f"{name:>10}" for name in [*FRAMEWORKS, *FRAMEWORKS]))
    starts = {name: served(command.replace("{app}", "exhibits.meetings.chunked:application"))
              for name, command in SERVERS.items()}
    for server, start in {**starts, "wsgiref": wsgiref_server(application)}.items():
        with start as port:
            row = [found(port, name, cured) for cured in ("no", "yes") for name in FRAMEWORKS]
        print(f"{server:12}" + "".join(f"{cell:>10}" for cell in row))
