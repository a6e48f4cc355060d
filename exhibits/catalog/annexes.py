"""The annexes: what is no stage of its own, but stands on one. Bridges between the interfaces, and frameworks on top.

Their stacks are like those of `stacks.py`, and started in the same way.
"""

from dataclasses import dataclass, replace

from exhibits.catalog import stacks
from exhibits.catalog.stacks import GUNICORN, HYPERCORN, MOUNTED, UVICORN, WAITRESS, Process, Stack, edited


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


def uvicorn(module, speaks=ASGI_HTTP, program="application"):
    return Process("uvicorn", edited(UVICORN, "exhibits.asgi.{program}:application", f"exhibits.{module}:{program}")
                   + "--host {host} --port {port}", speaks)


def hypercorn(module, speaks=ASGI_HTTP):
    return Process("hypercorn", edited(HYPERCORN, "exhibits.asgi.{program}", f"exhibits.{module}")
                   + "--bind {address}", speaks)


def gunicorn(module, speaks=WSGI_HTTP):
    return Process("gunicorn", edited(GUNICORN, "exhibits.{room}.{program}", f"exhibits.{module}")
                   + "--bind {address} --worker-class gthread --threads 8", speaks, environ=MOUNTED)


def bridge(name, interface, carrier, process, *needs, **more):
    return Stack(f"bridge-{name}", "bridge", interface, carrier, (process,), needs=needs, hall=True, **more)


BRIDGES = (
    bridge("wsgi-as-cgi", "WSGI callable", "process", Process(
        "Python", "{python} -m exhibits.cgi.server --host {host} --port {port} --mount {mount} "
        "--env GUESTBOOK={guestbook} --env GUESTBOOK_HOSTS={hosts} --env GUESTBOOK_STACK={stack} "
        "{python} -I -S {root}/exhibits/bridges/wsgi_as_cgi.py",
        "HTTP with visitors, CGI/1.1 with a new process for each request; in it wsgiref speaks WSGI with the program",
    )),
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
        "which speaks it with the program"), mount_is_stripped=True),
)

# What goes wrong, for the tests: Uvicorn begins a request that waited for the last one in the context of that one.
ASGIREF_BEHIND_UVICORN = bridge("asgiref-uvicorn", "WSGI callable", "HTTP/1.1",
                                uvicorn("bridges.wsgi_in_asgi_asgiref"), "asgiref")
BLOCKING = bridge("blocking", "ASGI coroutine", "HTTP/1.1", uvicorn("bridges.blocking"))



def framework(name, interface, process, *needs, carrier="HTTP/1.1", partial=True):
    return Stack(f"framework-{name}", "framework", interface, carrier, (process,), needs=needs, hall=True,
                 mount_is_stripped=process.part == "uvicorn", partial=partial)


# Each with the server that is usual for it. Under /museum, too, though Sanic, Tornado and Falcon's ASGI side know
# no mount point.
FRAMEWORKS = (
    framework("flask", "WSGI callable", gunicorn("frameworks.in_flask"), "Flask"),
    framework("django", "WSGI callable", gunicorn("frameworks.in_django_wsgi"), "Django"),
    framework("django-asgi", "ASGI coroutine", uvicorn("frameworks.in_django_asgi"), "Django"),
    framework("bottle", "WSGI callable", Process(
        "waitress", WAITRESS + "--host {host} --port {port} exhibits.frameworks.in_bottle:application", WSGI_HTTP),
        "Bottle"),
    framework("falcon", "WSGI callable", gunicorn("frameworks.in_falcon"), "Falcon", "Jinja"),
    framework("falcon-asgi", "ASGI coroutine", replace(uvicorn("frameworks.in_falcon", program="coroutine"),
                                                       environ={"MOUNT": "{mount}"}), "Falcon", "Jinja"),
    framework("starlette", "ASGI coroutine", uvicorn("frameworks.in_starlette"),
              "Starlette", "python-multipart", "Jinja"),
    framework("fastapi", "ASGI coroutine", uvicorn("frameworks.in_fastapi"),
              "FastAPI", "python-multipart", "Jinja"),
    framework("litestar", "ASGI coroutine", uvicorn("frameworks.in_litestar"), "Litestar", "Jinja"),
    framework("quart", "ASGI coroutine", hypercorn("frameworks.in_quart"), "Quart"),
    framework("channels", "ASGI coroutine", Process(
        "daphne", "{python} -m daphne --bind {host} --port {port} --root-path {mount} "
        "exhibits.frameworks.in_channels:application", "HTTP and WebSocket with visitors, ASGI with Channels, "
        "which speaks it with Django"), "channels", "Django", carrier="HTTP/1.1, WebSocket"),
    framework("socketio", "ASGI coroutine", replace(uvicorn(
        "frameworks.in_socketio", "HTTP and WebSocket with visitors, ASGI with Socket.IO, which speaks it "
        "with Starlette"),
        environ={"MOUNT": "{mount}"}), "python-socketio", "Starlette", "python-multipart", "Jinja",
        carrier="HTTP/1.1, WebSocket"),
    framework("mcp", "ASGI coroutine", uvicorn(
        "frameworks.in_mcp", "HTTP with visitors and their agents, ASGI with Starlette, in which the MCP server "
        "is mounted"),
        "mcp", "Starlette", "python-multipart", "Jinja"),
    framework("sanic", "Sanic application", Process(
        "Sanic", "{python} -m sanic exhibits.frameworks.in_sanic:application --host {host} --port {port} "
        "--single-process --no-motd --access-logs", "HTTP with visitors, nothing standardised with the program",
        environ={"MOUNT": "{mount}"})),
    framework("aiohttp", "aiohttp application", Process(
        "aiohttp", "{python} -m aiohttp.web -H {host} -P {port} exhibits.frameworks.in_aiohttp:main",
        "HTTP with visitors, nothing standardised with the program", environ={"MOUNT": "{mount}"}),
        "aiohttp-jinja2"),
    framework("aiohttp-gunicorn", "aiohttp application", replace(
        gunicorn("frameworks.in_aiohttp", "HTTP with visitors, by the framework itself: gunicorn watches over it"),
        command=edited(GUNICORN, "exhibits.{room}.{program}", "exhibits.frameworks.in_aiohttp")
        + "--bind {address} --worker-class aiohttp.GunicornWebWorker", environ={"MOUNT": "{mount}"}),
        "aiohttp", "aiohttp-jinja2"),
    framework("tornado", "Tornado application", Process(
        "Tornado", "{python} -m exhibits.frameworks.in_tornado {host} {port}",
        "HTTP with visitors, nothing standardised with the program", environ={"MOUNT": "{mount}"})),
    framework("tornado-wsgi", "WSGI callable", Process(
        "Tornado", "{python} -m exhibits.frameworks.wsgi_in_tornado {host} {port}", WSGI_HTTP,
        environ={"MOUNT": "{mount}"}), partial=False),
)


@dataclass(frozen=True)
class Met:
    """A program of a framework, for the matrix: a file of `exhibits/frameworks`, and what it needs; its name there."""

    name: str
    module: str
    interface: str
    needs: tuple[str, ...]
    program: str = "application"


WSGI, ASGI = "WSGI callable", "ASGI coroutine"
STARLETTE = "Starlette", "python-multipart", "Jinja"
# What each server of the interface is to serve: the matrix of docs/frameworks.md.
MET = (
    Met("Flask", "in_flask", WSGI, ("Flask",)),
    Met("Django", "in_django_wsgi", WSGI, ("Django",)),
    Met("Bottle", "in_bottle", WSGI, ("Bottle",)),
    Met("Falcon", "in_falcon", WSGI, ("Falcon", "Jinja")),
    Met("Falcon, async", "in_falcon", ASGI, ("Falcon", "Jinja"), "coroutine"),
    Met("Django, async", "in_django_asgi", ASGI, ("Django",)),
    Met("Channels", "in_channels", ASGI, ("channels", "Django")),
    Met("Starlette", "in_starlette", ASGI, STARLETTE),
    Met("FastAPI", "in_fastapi", ASGI, ("FastAPI", *STARLETTE[1:])),
    Met("Litestar", "in_litestar", ASGI, ("Litestar", "Jinja")),
    Met("Quart", "in_quart", ASGI, ("Quart",)),
    Met("Sanic", "in_sanic", ASGI, ("Sanic",)),
    Met("Socket.IO", "in_socketio", ASGI, ("python-socketio", *STARLETTE)),
    Met("MCP", "in_mcp", ASGI, ("mcp", *STARLETTE)),
)


def varied(name, words):
    """A stack of the map, its server started with these words, too: (its own name, the Stack)."""
    (stack,) = [stack for stack in stacks.STACKS if stack.name == name]
    (process,) = stack.processes
    process = replace(process, command=f"{process.command} {words}", speaks=f"the same, with {words}")
    return name, replace(stack, name=f"{name} {words}", processes=(process,), hall=True)


# Settings in which frameworks and servers meet in another way: programs loaded before the fork, in each process, in
# several. {what the stack is without them: …}, and "" for what is no stack of the map at all.
VARIED = (
    varied("wsgi-gunicorn", "--preload"),
    varied("wsgi-uwsgi", "--lazy-apps"),
    varied("wsgi-granian", "--workers 2"),
    ("", Stack("hypercorn wsgi:…", "wsgi", WSGI, "HTTP/1.1", (Process(
        "hypercorn", edited(HYPERCORN, "exhibits.asgi.{program}", "wsgi:exhibits.wsgi.{program}") + "--bind {address}",
        "HTTP with visitors, WSGI with the program, in threads"),), hall=True)),
    varied("asgi-granian", "--workers 2"),
    varied("asgi-hypercorn", "--workers 2"),
    varied("asgi-gunicorn", "--workers 2 --preload"),
)

STACKS = (*BRIDGES, *FRAMEWORKS)
