"""Django's views: a function and a coroutine, side by side under WSGI as under ASGI."""

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from exhibits import guestbook
from exhibits.frameworks import desk
from exhibits.frameworks.django_models import Entry


def plain(text, status=200, **headers):
    return HttpResponse(text, "text/plain; charset=utf-8", status, headers=headers)


def newest(limit):
    return list(Entry.objects.order_by("-id").values("id", "at", "name", "message")[:limit])


def page(request, form=None, error=None):
    interface = "an ASGI coroutine" if isinstance(request, ASGIRequest) else "a WSGI callable"
    try:
        rows = newest(desk.NEWEST)
    except (guestbook.Refused, DatabaseError) as unreadable:
        if error is None:
            return refused(request, unreadable)
        rows = []  # the page says already what is wrong
    filled = desk.page("Django", interface, request.COOKIES, form, error, rows)
    answer = render(request, "django.html", filled, status=error.status if error else 200)
    for name, value in error.headers if error else ():
        answer[name] = value
    return answer


def refused(request, error):
    error = desk.refusal(error)
    if desk.shows(error, request.headers.get("Accept")):
        return page(request, request.POST, error)
    return plain(desk.refused(error), error.status, **dict(error.headers))


def hello(request):
    if request.method not in ("GET", "HEAD"):
        return plain(desk.refused(405), 405, Allow="GET, HEAD")
    return plain(f"Hello, {request.GET.get('name', 'World')}!\n")


# --8<-- [start:orm]
async def entries(request):
    if request.method not in ("GET", "HEAD", "POST"):
        return plain(desk.refused(405), 405, Allow="GET, HEAD, POST")
    try:
        if request.method != "POST":
            limit = guestbook.number(request.GET.get("limit", "20"), "limit", 0, 1000)
            # A function of one's own, in the thread that has the connection.
            rows = await sync_to_async(newest)(limit)
            return HttpResponse(guestbook.to_json(rows), "application/json")
        desk.guard(request.method, request.headers.get)
        name, message = guestbook.checked(request.POST)
        await Entry.objects.acreate(name=name, message=message)
    # --8<-- [end:orm]
    except (guestbook.Refused, DatabaseError) as error:
        return await sync_to_async(refused)(request, error)
    answer = plain("Thank you for signing.\n", 303, Location="./")
    for cookie, value in desk.counted(name, request.COOKIES).items():
        answer.set_cookie(cookie, value, path=None, samesite="Lax")
    return answer


def handler404(request, exception):
    return plain(desk.refused(404), 404)


urlpatterns = [path("", require_safe(page)), path("hello", hello), path("entries", entries)]
