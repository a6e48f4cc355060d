"""A wait of 0.1 s, such as a database or another server causes, while more and more visitors come."""

from exhibits.backstage.bench.contenders import Contender

SLOW = {"path": "/slow?seconds=0.1"}
MANY = ("--threads 8", "--threads 100")
RACERS = (
    Contender("sync", "WSGI: gunicorn sync, 4 processes", "wsgi-gunicorn", **SLOW),
    Contender("gthread 8", "WSGI: gunicorn gthread, 8 threads", "wsgi-gthread", **SLOW),
    Contender("gthread 100", "WSGI: gunicorn gthread, 100 threads", "wsgi-gthread", (MANY,), **SLOW),
    Contender("gevent", "WSGI: gunicorn gevent", "wsgi-gevent", **SLOW),
    # By default waitress takes 100 connections; the rest would wait unseen.
    Contender("waitress", "WSGI: waitress, 100 threads", "wsgi-waitress",
              (("--threads 8", "--threads 100 --connection-limit 2000 --asyncore-use-poll"),), **SLOW),
    Contender("uWSGI", "WSGI: uWSGI, 100 threads, closes connections", "wsgi-uwsgi",
              (("processes = 2", "processes = 1"), ("threads = 4", "threads = 100")), **SLOW),
    Contender("uvicorn", "ASGI: uvicorn, h11 and asyncio", "asgi-uvicorn", **SLOW),
    Contender("httptools", "ASGI: uvicorn, httptools and uvloop", "asgi-httptools", **SLOW),
    Contender("hypercorn", "ASGI: hypercorn", "asgi-hypercorn", **SLOW),
    Contender("Granian", "ASGI: Granian", "asgi-granian", **SLOW),
    Contender("blocking", "ASGI: uvicorn, time.sleep in async def", "asgi-uvicorn", serves="bench", path="/blocking"),
    Contender("to_thread", "ASGI: uvicorn, time.sleep in to_thread", "asgi-uvicorn", serves="bench", path="/threaded"),
)  # fmt: skip
# Clients: seconds of load at each visit, and rounds. Where 1000 ask, one second is hardly more than their
# arrival; and one at a time, all wait the same.
LEVELS = {1: (1, 1), 10: (1, None), 100: (1, None), 1000: (2, None)}


def waiting(run):
    """{clients: the race}. In one second 9 answers of 0.1 s fit, not 10: that much less is the best there is."""
    levels = LEVELS if run.full else {100: (1, None)}
    return {str(clients): run.race_anew(RACERS, run.loaded(clients, seconds), rounds, len(levels))
            for clients, (seconds, rounds) in levels.items()}  # fmt: skip
