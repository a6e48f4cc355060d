"""The annexes: what is no stage of its own, but stands on one. Bridges between the interfaces, and frameworks on top.

Their stacks are like those of `stacks.py`, and started in the same way.
"""

from dataclasses import dataclass

from exhibits.stacks import GUNICORN, HYPERCORN, MOUNTED, UVICORN, WAITRESS, Process, Stack, edited


@dataclass(frozen=True)
class Annex:
    """name: as in the names of its stacks, and its folder and page are named so, in the plural."""

    name: str
    title: str
    idea: str


ANNEXES = (
    Annex("bridge", "Bridges", "a program written for one interface, called through another"),
    Annex("framework", "Frameworks", "the program is written for a framework, which is written for WSGI or ASGI"),
)

ASGI_HTTP = "HTTP with visitors, ASGI with the program"
WSGI_HTTP = "HTTP with visitors, WSGI with the program, in 8 threads"


def uvicorn(module, speaks=ASGI_HTTP):
    return Process("uvicorn", edited(UVICORN, "exhibits.asgi.{program}", f"exhibits.{module}")
                   + "--host {host} --port {port}", speaks)  # fmt: skip


def hypercorn(module, speaks=ASGI_HTTP):
    return Process("hypercorn", edited(HYPERCORN, "exhibits.asgi.{program}", f"exhibits.{module}")
                   + "--bind {host}:{port}", speaks)  # fmt: skip


def gunicorn(module, speaks=WSGI_HTTP):
    return Process("gunicorn", edited(GUNICORN, "exhibits.{room}.{program}", f"exhibits.{module}")
                   + "--bind {host}:{port} --worker-class gthread --threads 8", speaks, environ=MOUNTED)  # fmt: skip


def bridge(name, interface, carrier, process, *needs, **more):
    return Stack(f"bridge-{name}", "bridge", interface, carrier, (process,), needs=needs, hall=True, **more)


BRIDGES = (
    bridge("wsgi-as-cgi", "WSGI callable", "process", Process(
        "Python", "{python} -m exhibits.cgi.server --host {host} --port {port} --mount {mount} "
        "--env GUESTBOOK={guestbook} {python} -I -S {root}/exhibits/bridges/wsgi_as_cgi.py",
        "HTTP with visitors, CGI/1.1 with a new process for each request; in it wsgiref speaks WSGI with the program",
    ), "h11"),
    bridge("cgi-as-wsgi", "CGI program", "HTTP/1.1", gunicorn(
        "bridges.cgi_as_wsgi", "HTTP with visitors, WSGI with the bridge, which starts the program for each request")),
    bridge("wsgi-in-asgi", "WSGI callable", "HTTP/1.1", uvicorn(
        "bridges.wsgi_in_asgi", "HTTP with visitors, ASGI with a2wsgi, WSGI with the program"),
        "a2wsgi", mount_is_stripped=True),
    # Not behind Uvicorn: see docs/bridges.md.
    bridge("wsgi-in-asgi-asgiref", "WSGI callable", "HTTP/1.1", hypercorn(
        "bridges.wsgi_in_asgi_asgiref", "HTTP with visitors, ASGI with asgiref, WSGI with the program"), "asgiref"),
    bridge("asgi-in-wsgi", "ASGI coroutine", "HTTP/1.1", gunicorn(
        "bridges.asgi_in_wsgi", "HTTP with visitors, WSGI with a2wsgi, ASGI with the program"), "a2wsgi"),
    bridge("timed-wsgi", "WSGI callable", "HTTP/1.1", gunicorn(
        "bridges.timed_wsgi", "HTTP with visitors, WSGI with the middleware, which speaks it with the program")),
    bridge("timed-asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", uvicorn(
        "bridges.timed_asgi", "HTTP and WebSocket with visitors, ASGI with the middleware, "
        "which speaks it with the program"), "websockets", mount_is_stripped=True),
)  # fmt: skip

# What goes wrong, for the tests: Uvicorn begins a request that waited for the last one in the context of that one.
ASGIREF_BEHIND_UVICORN = bridge("asgiref-uvicorn", "WSGI callable", "HTTP/1.1",
                                uvicorn("bridges.wsgi_in_asgi_asgiref"), "asgiref")  # fmt: skip
BLOCKING = bridge("blocking", "ASGI coroutine", "HTTP/1.1", uvicorn("bridges.blocking"))



def framework(name, interface, process, *needs, partial=True):
    return Stack(f"framework-{name}", "framework", interface, "HTTP/1.1", (process,), needs=needs, hall=True,
                 mount_is_stripped=process.part == "uvicorn", partial=partial)  # fmt: skip


# Each with the server that is usual for it. Under /museum, too, though Sanic and Tornado know no mount point.
FRAMEWORKS = (
    framework("flask", "WSGI callable", gunicorn("frameworks.flask"), "Flask"),
    framework("django", "WSGI callable", gunicorn("frameworks.django_wsgi"), "Django"),
    framework("django-asgi", "ASGI coroutine", uvicorn("frameworks.django_asgi"), "Django"),
    framework("bottle", "WSGI callable", Process(
        "waitress", WAITRESS + "--host {host} --port {port} exhibits.frameworks.bottle:application", WSGI_HTTP),
        "Bottle"),
    framework("starlette", "ASGI coroutine", uvicorn("frameworks.starlette"), "Starlette", "python-multipart"),
    framework("fastapi", "ASGI coroutine", uvicorn("frameworks.fastapi"), "FastAPI", "python-multipart"),
    framework("quart", "ASGI coroutine", hypercorn("frameworks.quart"), "Quart"),
    framework("sanic", "Sanic application", Process(
        "Sanic", "{python} -m sanic exhibits.frameworks.sanic:application --host {host} --port {port} --single-process "
        "--no-motd --access-logs", "HTTP with visitors, nothing standardised with the program",
        environ={"MOUNT": "{mount}"})),
    framework("tornado", "Tornado application", Process(
        "Tornado", "{python} -m exhibits.frameworks.tornado {host} {port}",
        "HTTP with visitors, nothing standardised with the program", environ={"MOUNT": "{mount}"})),
    framework("tornado-wsgi", "WSGI callable", Process(
        "Tornado", "{python} -m exhibits.frameworks.tornado_wsgi {host} {port}", WSGI_HTTP,
        environ={"MOUNT": "{mount}"}), partial=False),
)  # fmt: skip

STACKS = (*BRIDGES, *FRAMEWORKS)
