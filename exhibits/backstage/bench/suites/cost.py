"""What a request costs: at each stage, behind each server, and where there is nothing to wait for."""

import shutil
import sys
import timeit
from dataclasses import replace

from exhibits import catalog
from exhibits.backstage import parsers
from exhibits.backstage.bench.contenders import ONE, PROGRAMS, Contender
from exhibits.backstage.bench.run import rounded
from exhibits.backstage.running import readable_python

# nginx without anybody behind it: what the load generator can ask for at most, in the same run.
CEILING = Contender("nginx", "nginx alone", "nginx")


# ---------------------------------------------------------------- stages


def stages(run):
    """The guestbook's /hello and the smallest program at the default stack of every stage, and nginx alone."""
    racers = [CEILING]
    for stack in catalog.defaults():
        title = f"{catalog.stage(stack.stage).title}: {stack.server}"
        racers += [
            Contender(stack.stage, title, stack.name),
            Contender(f"{stack.stage} hello", f"{title}, smallest program", stack.name, serves="hello"),
        ]
    return run.race(racers, run.loaded())


# ---------------------------------------------------------------- servers


SERVERS = (
    # Not Apache: it does not wait for its CGI programs, so nobody can say how much time they took.
    ("cgi-ours", "CGI: ours"), ("cgi-lighttpd", "CGI: lighttpd"),
    ("fastcgi-ours", "FastCGI: ours"), ("fastcgi-flup", "FastCGI: flup"),
    ("scgi-ours", "SCGI: ours"), ("scgi-flup", "SCGI: flup, which logs"),
    ("uwsgi-ours", "uwsgi: ours"), ("uwsgi-gunicorn", "uwsgi: gunicorn"), ("uwsgi-uwsgi", "uwsgi: uWSGI"),
    ("wsgi-ours", "WSGI: ours"), ("wsgi-gunicorn", "WSGI: gunicorn sync"),
    ("wsgi-gthread", "WSGI: gunicorn gthread"), ("wsgi-gevent", "WSGI: gunicorn gevent"),
    ("wsgi-waitress", "WSGI: waitress"), ("wsgi-werkzeug", "WSGI: Werkzeug run_simple, which logs"),
    ("wsgi-uwsgi", "WSGI: uWSGI, which closes connections"), ("wsgi-granian", "WSGI: Granian"),
    ("asgi-ours", "ASGI: ours"), ("asgi-uvicorn", "ASGI: uvicorn, h11 and asyncio"),
    ("asgi-httptools", "ASGI: uvicorn, httptools and uvloop"), ("asgi-hypercorn", "ASGI: hypercorn"),
    ("asgi-daphne", "ASGI: daphne"), ("asgi-granian", "ASGI: Granian"), ("asgi-gunicorn", "ASGI: gunicorn asgi"),
    ("asgi-uvicorn-worker", "ASGI: gunicorn with uvicorn-worker"),
)  # fmt: skip
QUICK = ("wsgi-gunicorn", "wsgi-waitress", "wsgi-werkzeug", "asgi-uvicorn", "asgi-hypercorn")
THREADED = ("wsgi-gthread", "wsgi-waitress", "asgi-uvicorn")


def servers(run):
    """The smallest program in one process behind each server, and some of them kept on one core."""
    edits = (*ONE, *same_python())
    racers = [
        Contender(name, title, name, edits, serves="hello") for name, title in SERVERS if run.full or name in QUICK
    ]
    racers += [
        replace(racer, name=f"{racer.name} on one core", title=f"{racer.title}, kept on one core", one_core=True)
        for racer in racers if run.full and racer.name in THREADED
    ]  # fmt: skip
    return run.race([CEILING, *racers], run.loaded())


def same_python():
    """Edits: lighttpd may start another Python than ours, and the start is what a CGI program costs."""
    python = readable_python()
    return () if python == sys.executable else (("{python} -I -S", f"{python} -I -S"),)


# ---------------------------------------------------------------- work without waiting


def cpu(run):
    """Some milliseconds of computing for each request: in one process, in two, in threads."""
    work = {"serves": "bench", "path": "/cpu"}
    racers = [
        Contender("sync 1", "WSGI: gunicorn, 1 process", "wsgi-gunicorn", ONE, **work),
        Contender("sync 2", "WSGI: gunicorn, 2 processes", "wsgi-gunicorn", (("--workers 4", "--workers 2"),), **work),
        Contender("threads", "WSGI: gunicorn, 8 threads", "wsgi-gthread", **work),
        Contender("uvicorn 1", "ASGI: uvicorn, 1 process", "asgi-uvicorn", **work),
        Contender("uvicorn 2", "ASGI: uvicorn, 2 processes", "asgi-uvicorn",
                  (("--host {host}", "--workers 2 --host {host}"),), **work),
        thread_each("wsgiref", "WSGI: wsgiref, a thread for each, this Python", "{python}"),
    ]  # fmt: skip
    if free := next(filter(shutil.which, ("python3.15t", "python3.14t", "python3.13t")), None):
        racers.append(thread_each("free-threaded", "WSGI: the same, free-threaded Python", free))
    else:
        run.leave("free-threaded", "no free-threaded Python (python3.14t) was found")
    return run.race(racers, run.loaded(clients=8))


def thread_each(name, title, python):
    """wsgiref with a thread for each connection, run by a Python."""
    started = f"{{python}} -m exhibits.backstage.wsgiref_server {{host}} {{port}} {PROGRAMS}wsgi {{mount}}"
    edit = (started, f"{python} -m {PROGRAMS}threads {{host}} {{port}}")
    return Contender(name, title, "wsgi-wsgiref", (edit,), serves="bench", path="/cpu")


# ---------------------------------------------------------------- parsers


def parsing(run):
    """Microseconds for one request or frame, ours and theirs: {carrier: {"ours": [...], peer: [...]}}."""
    found = {}
    for carrier, peer, ours, theirs in parsers.pairs():
        number = max(1, int(0.05 / timeit.timeit(ours, number=100) * 100))
        both = {"ours": ours, peer: theirs}
        found[carrier] = {who: {"title": who, "microseconds": []} for who in both}
        for _ in range(max(3, run.rounds)):
            for who, parse in both.items():
                spent = timeit.timeit(parse, number=number) / number * 1e6
                found[carrier][who]["microseconds"].append(rounded(spent))
        run.step(6)
    return found
