"""What web programs do and the guestbook does not, in Django: `application` is for WSGI, `coroutine` for ASGI."""

import asyncio
import gc
import hashlib
import logging
import tempfile
import threading
import time
from wsgiref.validate import validator

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIRequest
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from strict_asgi import strict

logging.basicConfig()
settings.configure(
    SECRET_KEY="not a secret", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=["django.middleware.http.ConditionalGetMiddleware", "django.middleware.common.CommonMiddleware",
                "django.contrib.sessions.middleware.SessionMiddleware"],
)
go, ended = threading.Event(), []
FILE = tempfile.NamedTemporaryFile(suffix=".txt")
FILE.write(b"0123456789" * 100_000)
FILE.flush()


class Leaving(HttpResponse):
    """An answer after which there is still something to do."""

    def close(self):
        super().close()
        if go.wait(10):
            ended.append("later")


def streamed(request, lines):
    """An answer in pieces: Django takes the iterator of its interface."""

    async def awaited():
        iterator = lines()
        try:
            while line := await asyncio.to_thread(next, iterator, None):
                yield line
        finally:
            while iterator.gi_running:  # in a thread that nobody can cancel
                await asyncio.sleep(0.01)
            iterator.close()

    return StreamingHttpResponse(awaited() if isinstance(request, ASGIRequest) else lines(), content_type="text/plain")


def upload(request):
    file = request.FILES["file"]
    content = file.read()
    return JsonResponse({"note": request.POST["note"], "name": file.name, "size": len(content),
                         "sha256": hashlib.sha256(content).hexdigest()})


def stream(request):
    go.clear()

    def lines():
        yield b"first\n"
        go.wait(10)
        yield b"last\n"

    return streamed(request, lines)


def endless(request):
    def lines():
        try:
            while True:
                yield b"and so on\n" * 1000
                time.sleep(0.001)
        finally:
            ended.append("endless")

    return streamed(request, lines)


def later(request):
    go.clear()
    return Leaving("accepted", status=202)


def start(request):
    go.set()
    return HttpResponse("gone")


def what_has_ended(request):
    gc.collect()  # Django leaves the generator of a visitor who went to the garbage collector
    return JsonResponse({"ended": ended})


def login(request):
    request.session["name"] = request.GET["name"]
    answer = redirect(reverse("me"))
    answer.set_cookie("theme", "dark")
    answer.set_cookie("size", "large", max_age=60)
    return answer


def me(request):
    return JsonResponse({"name": request.session.get("name"), "cookies": sorted(request.COOKIES),
                         "url": request.build_absolute_uri()})


def file(request):
    return FileResponse(open(FILE.name, "rb"))


def large(request):
    fields = {name: value for name, value in request.headers.items() if name.startswith("X-Large")}
    return HttpResponse(str(sum(map(len, fields.values()))), headers=fields)


def fail(request):
    raise RuntimeError("raised by the program")


def fail_late(request):
    def lines():
        yield b"some\n"
        raise RuntimeError("raised by the program")

    return streamed(request, lines)


urlpatterns = [
    path("upload", upload), path("stream", stream), path("endless", endless), path("later", later), path("go", start),
    path("ended", what_has_ended), path("login", login), path("me", me, name="me"), path("file", file),
    path("large", large), path("raise", fail), path("raise-late", fail_late),
]
application = validator(get_wsgi_application())
coroutine = strict(get_asgi_application(), any_case=True)
