"""A wait of 0.1 s, such as a database or another server causes: while more and more visitors come, and while they
come at a constant rate."""

import os

from exhibits.backstage.bench.contenders import Contender
from exhibits.backstage.bench.run import cores
from exhibits.backstage.bench.suites.cost import CEILING

# So many threads asyncio.to_thread has; the processors as concurrent.futures counts them.
POOL = min(32, (getattr(os, "process_cpu_count", os.cpu_count)() or 1) + 4)
SLOW = {"path": "/slow?seconds=0.1"}
SYNC = Contender("sync", "WSGI: gunicorn sync, 4 processes", "wsgi-gunicorn", **SLOW)
MANY = Contender("gthread 100", "WSGI: gunicorn gthread, 100 threads", "wsgi-gthread",
                 (("--threads 8", "--threads 100"),), **SLOW)
GEVENT = Contender("gevent", "WSGI: gunicorn gevent", "wsgi-gevent", **SLOW)
UVICORN = Contender("uvicorn", "ASGI: uvicorn, h11 and asyncio", "asgi-uvicorn", **SLOW)
HTTPTOOLS = Contender("httptools", "ASGI: uvicorn, httptools and uvloop", "asgi-httptools", **SLOW)
RACERS = (
    SYNC,
    Contender("gthread 8", "WSGI: gunicorn gthread, 8 threads", "wsgi-gthread", **SLOW),
    MANY,
    GEVENT,
    # By default waitress takes 100 connections; the rest would wait unseen.
    Contender("waitress", "WSGI: waitress, 100 threads", "wsgi-waitress",
              (("--threads 8", "--threads 100 --connection-limit 2000 --asyncore-use-poll"),), **SLOW),
    Contender("uWSGI", "WSGI: uWSGI, 100 threads, closes connections", "wsgi-uwsgi",
              (("processes = 2", "processes = 1"), ("threads = 4", "threads = 100")), **SLOW),
    UVICORN,
    HTTPTOOLS,
    Contender("hypercorn", "ASGI: hypercorn", "asgi-hypercorn", **SLOW),
    Contender("Granian", "ASGI: Granian", "asgi-granian", **SLOW),
    Contender("blocking", "ASGI: uvicorn, time.sleep in async def", "asgi-uvicorn", serves="bench", path="/blocking"),
    Contender("to_thread", "ASGI: uvicorn, time.sleep in to_thread", "asgi-uvicorn", serves="bench", path="/threaded"),
)
AS_MANY = Contender("gthread pool", f"WSGI: gunicorn gthread, {POOL} threads, as many as to_thread has",
                    "wsgi-gthread", (("--threads 8", f"--threads {POOL}"),), **SLOW)


def processes(number, name):
    """gunicorn sync with so many processes."""
    return Contender(f"sync {name}", f"WSGI: gunicorn sync, {number} processes", "wsgi-gunicorn",
                     (("--workers 4", f"--workers {number}"),), **SLOW)


# How many processes gunicorn's documentation starts from, and twice as many.
FORMULA = processes(2 * cores() + 1, "formula"), processes(4 * cores() + 2, "double")
ONE_CORE = tuple(each.under("on one core") for each in (SYNC, MANY, UVICORN))
# Clients: seconds of load, rounds in a full run, and who comes besides. What waits for 0.1 s hardly varies, so few
# rounds do. Where 1000 ask, one second is hardly more than their arrival.
LEVELS = {10: (1, 1, ()), 100: (1, 3, (AS_MANY, *FORMULA, *ONE_CORE, UVICORN.again())),
          1000: (2, 2, (MANY.under("on one core"), UVICORN.under("on one core"), UVICORN.again()))}


def waiting(run):
    """{clients: the race}. In one second 9 answers of 0.1 s fit, not 10: that much less is the best there is."""
    if not run.full:
        return {"100": run.race_anew(RACERS, run.loaded(100), 1)}
    return {str(clients): run.race_anew((*RACERS, *more), run.loaded(clients, seconds), rounds, len(LEVELS))
            for clients, (seconds, rounds, more) in LEVELS.items()}


OFTEN = 200  # requests a second


def steadily(run):
    """Latency at a constant rate, counted from when a request was due: {"hello": a race of the smallest programs,
    "wait": of those that wait 0.1 s}. nginx alone is the floor: what the load generator sees by itself."""
    hello = [CEILING] + [
        Contender(name, title, stack, serves="hello") for name, title, stack in (
            ("sync", SYNC.title, "wsgi-gunicorn"), ("gthread", "WSGI: gunicorn gthread, 8 threads", "wsgi-gthread"),
            ("waitress", "WSGI: waitress, 8 threads", "wsgi-waitress"), ("uvicorn", UVICORN.title, "asgi-uvicorn"),
            ("httptools", HTTPTOOLS.title, "asgi-httptools"))]
    wait = [SYNC, MANY, GEVENT, UVICORN, UVICORN.again()]
    if not run.full:
        hello, wait = hello[:2], []
    measure, rounds = run.steadily(OFTEN, 2), (2, 3) if run.full else (1, 1)
    return {"hello": run.race_anew(hello, measure, rounds[0], 2), "wait": run.race_anew(wait, measure, rounds[1], 2)}
