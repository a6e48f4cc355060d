"""CONN_MAX_AGE under WSGI and ASGI: connections to the database that 40 requests make."""

import os
import tempfile
from contextlib import suppress

import django.conf
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.db.backends.signals import connection_created
from django.http import JsonResponse
from django.urls import path

from exhibits.meetings import GUNICORN, UVICORN, ask_json, served

DATABASE = os.environ.get("DATABASE", ":memory:")
# --8<-- [start:cure]
INTERFACE = os.environ.get("INTERFACE", "WSGI")
AGES = {"WSGI": 600, "ASGI": 0}  # under ASGI none is found again: keep none, or have a pool
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE,
                         "CONN_MAX_AGE": AGES[INTERFACE]}}
# --8<-- [end:cure]
if "AGE" in os.environ:  # as it was, before the cure
    DATABASES["default"]["CONN_MAX_AGE"] = int(os.environ["AGE"])
django.conf.settings.configure(ALLOWED_HOSTS=["localhost"], ROOT_URLCONF=__name__,
                               DATABASES=DATABASES)
made = []
connection_created.connect(lambda **_: made.append(1), weak=False)


def files_open():
    file, found = os.stat(DATABASE), 0
    for descriptor in range(256):
        with suppress(OSError):  # this one is not open
            found += os.path.samestat(file, os.fstat(descriptor))
    return found


def visit(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"made": len(made), "open": files_open()})


urlpatterns = [path("", visit)]
wsgi, asgi = get_wsgi_application(), get_asgi_application()

if __name__ == "__main__":
    program = "exhibits.meetings.django_connections"
    for command, about in ((f"{GUNICORN} {program}:wsgi", {"INTERFACE": "WSGI"}),
                           (f"{UVICORN} {program}:asgi", {"INTERFACE": "ASGI", "AGE": "600"}),
                           (f"{UVICORN} {program}:asgi", {"INTERFACE": "ASGI"})):
        with tempfile.TemporaryDirectory() as folder:
            with served(command, DATABASE=f"{folder}/db.sqlite3", **about) as port:
                answers = [ask_json(port) for _ in range(40)]
        most = max(answer["open"] for answer in answers)
        age = about.get("AGE") or AGES[about["INTERFACE"]]
        print(f"{about['INTERFACE']}, CONN_MAX_AGE={age}:".ljust(25), end="")
        held = "more than 2" if most > 2 else "1 or 2"
        print(f"{answers[-1]['made']} made, {held} open at once")
