"""Django's views: a function and a coroutine, side by side under WSGI as under ASGI."""

from datetime import UTC, datetime

from asgiref.sync import sync_to_async
from django.db import models
from django.http import HttpResponse
from django.urls import path

from exhibits import guestbook
from exhibits.frameworks import desk


def now():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Entry(models.Model):
    at = models.CharField(max_length=20, default=now)
    name = models.CharField(max_length=80)
    message = models.CharField(max_length=1000)

    class Meta:
        app_label, db_table, managed = "museum", "entries", False


def plain(text, status=200, **headers):
    return HttpResponse(text, "text/plain; charset=utf-8", status, headers=headers)


def hello(request):
    if request.method not in ("GET", "HEAD"):
        return plain(desk.refused(405), 405, Allow="GET, HEAD")
    return plain(f"Hello, {request.GET.get('name', 'World')}!\n")


def newest(limit):
    return list(Entry.objects.order_by("-id").values("id", "at", "name", "message")[:limit])


# --8<-- [start:orm]
async def entries(request):
    if request.method == "GET":
        # A function of one's own, in the thread that has the connection.
        rows = await sync_to_async(newest)(int(request.GET.get("limit", 20)))
        return HttpResponse(guestbook.to_json(rows), "application/json")
    try:
        name, message = guestbook.checked(request.POST)
    except guestbook.Refused as error:
        return plain(desk.refused(error), error.status)
    # A coroutine of Django's: inside it is the same.
    await Entry.objects.acreate(name=name, message=message)
    # --8<-- [end:orm]
    mount = request.META["SCRIPT_NAME"]
    answer = plain("Thank you for signing.\n", 303, Location=mount + "/")
    for cookie, value in desk.counted(name, request.COOKIES).items():
        answer.set_cookie(cookie, value, path=mount or "/", samesite="Lax")
    return answer


def handler404(request, exception):
    return plain(desk.refused(404), 404)


urlpatterns = [path("hello", hello), path("entries", entries)]
