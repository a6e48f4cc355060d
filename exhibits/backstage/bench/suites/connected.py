"""What a connection costs that only stays: kept-alive HTTP and WebSockets, and what fails first."""

import contextlib
import resource
import socket

from exhibits.asgi import wire
from exhibits.backstage.bench.contenders import Contender, Left
from exhibits.backstage.bench.run import rounded
from exhibits.backstage.bench.suites.front import PATIENCE, ask

KEPT = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPGRADE = (b"GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: bXVzZXVtLW9mLWJ5dGVzIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")

HTTP = (
    Contender("nginx", "nginx alone", "nginx"),
    Contender("gthread", "WSGI: gunicorn gthread, 8 threads", "wsgi-gthread",
              (("--threads 8", "--threads 8 --keep-alive 75 --worker-connections 4096"),), serves="hello"),
    Contender("gevent", "WSGI: gunicorn gevent", "wsgi-gevent",
              (("--worker-class gevent", "--worker-class gevent --keep-alive 75 --worker-connections 4096"),),
              serves="hello"),
    Contender("waitress", "WSGI: waitress, 8 threads", "wsgi-waitress",
              (("--threads 8", "--threads 8 --connection-limit 4096 --asyncore-use-poll"),), serves="hello"),
    Contender("uvicorn", "ASGI: uvicorn, h11 and asyncio", "asgi-uvicorn",
              (("--http h11", "--http h11 --timeout-keep-alive 75"),), serves="hello"),
    Contender("hypercorn", "ASGI: hypercorn", "asgi-hypercorn",
              (("--graceful-timeout 1", "--graceful-timeout 1 --keep-alive 75"),), serves="hello"),
    Contender("daphne", "ASGI: daphne", "asgi-daphne", serves="hello"),
    Contender("Granian", "ASGI: Granian", "asgi-granian",
              (("--host {host}", "--backpressure 4096 --host {host}"),), serves="hello"),
)
WEBSOCKET = (
    Contender("uvicorn WebSocket", "ASGI: uvicorn, WebSocket", "asgi-uvicorn", serves="bench"),
    Contender("hypercorn WebSocket", "ASGI: hypercorn, WebSocket", "asgi-hypercorn", serves="bench"),
    Contender("daphne WebSocket", "ASGI: daphne, WebSocket", "asgi-daphne", serves="bench"),
    Contender("Granian WebSocket", "ASGI: Granian, WebSocket", "asgi-granian",
              (("--host {host}", "--backpressure 4096 --host {host}"),), serves="bench"),
    Contender("ours WebSocket", "ASGI: ours, WebSocket", "asgi-ours", serves="bench"),
)


def come(port, patience=3):
    """A visitor who has asked once and stays. OSError where there is no answer."""
    visitor = socket.create_connection(("127.0.0.1", port), patience)
    visitor.sendall(KEPT)
    if not visitor.recv(65536).startswith(b"HTTP/1.1 200"):
        raise ConnectionError("no answer")
    return visitor


def converse(port):
    """A visitor with an open WebSocket, through which one message came back."""
    visitor = socket.create_connection(("127.0.0.1", port), 3)
    visitor.sendall(UPGRADE)
    if not visitor.recv(65536).startswith(b"HTTP/1.1 101"):
        raise ConnectionError("no WebSocket")
    visitor.sendall(wire.build(wire.Message("x" * 60), b"mask"))
    visitor.recv(65536)
    return visitor


def idle(run):
    """MiB for each thousand connections held, from the second part of them: what is set up once is set up by then."""
    some, many = (400, 1400) if run.full else (50, 150)
    times = min(2, run.rounds)  # memory hardly varies
    found = {}
    racers = [(contender, come) for contender in HTTP] + [(contender, converse) for contender in WEBSOCKET]
    for _ in range(times):
        for contender, enter in racers:
            run.step(times * len(racers))
            try:
                with run.alone(contender) as exhibit, contextlib.ExitStack() as visitors:
                    at = []
                    for count in (some, many - some):
                        for _ in range(count):
                            visitors.enter_context(enter(exhibit.port))
                        at.append(exhibit.watch.memory())
                    threads = exhibit.watch.threads()
            except Left:
                continue
            except OSError as error:
                run.leave(contender.name, f"it does not hold {many} connections: {error}")
                continue
            entry = found.setdefault(contender.name, {"title": contender.title, "per thousand": [], "threads": []})
            entry["per thousand"].append(rounded((at[1] - at[0]) / (many - some) * 1000))
            entry["threads"].append(threads)
    return found


NO_ANSWER = f"a new visitor gets no answer within {PATIENCE} s"
LIMIT = 1024  # open files, as many systems allow a process unless they are told otherwise
DEFAULTS = ("wsgi-gunicorn", "wsgi-gthread", "wsgi-gevent", "wsgi-waitress", "asgi-uvicorn", "asgi-hypercorn",
            "asgi-daphne", "asgi-granian")


def limits(run):
    """With LIMIT open files and the servers' own limits: how many visitors stay before a new one gets no answer."""
    if not run.full:
        return {}
    found = {}
    for name in DEFAULTS:
        contender = Contender(name, name, name, serves="hello")
        try:
            with files_allowed(LIMIT), run.alone(contender) as exhibit:
                with files_allowed(8 * LIMIT):
                    held, why = fill(exhibit)
        except Left:
            continue
        found[name] = {"title": name, "held": [held], "first to fail": why}
        run.step(len(DEFAULTS))
    return found


def fill(exhibit):
    """(how many visitors could stay, what failed then)."""
    with contextlib.ExitStack() as visitors:
        for held in range(LIMIT + 100):
            try:
                visitors.enter_context(come(exhibit.port, PATIENCE))
            except TimeoutError:
                return held, NO_ANSWER
            except OSError:
                return held, "a new visitor is turned away"
        return held + 1, "nothing" if ask(exhibit.port) else NO_ANSWER


@contextlib.contextmanager
def files_allowed(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard) if hard >= 0 else count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
