"""Django as an ASGI coroutine: a visitor of /meet waits a second for another one."""

import asyncio
import os

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY", "only for this exhibit"),
    ALLOWED_HOSTS=["localhost"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)
came = 0


def hello(request):
    name = request.GET.get("name", "World")
    return HttpResponse(f"Hello, {name}!\n", content_type="text/plain")


async def meet(request):
    global came
    came += 1
    mine = came
    for _ in range(10):
        if came > mine:
            break
        await asyncio.sleep(0.1)
    text = "Somebody came after me.\n" if came > mine else "Nobody came after me.\n"
    return HttpResponse(text, content_type="text/plain")


urlpatterns = [path("", hello), path("meet", meet)]
application = get_asgi_application()
