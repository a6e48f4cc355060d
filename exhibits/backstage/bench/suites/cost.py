"""What a request costs: at each stage, behind each server, and where there is nothing to wait for."""

import shutil
import subprocess
import sys
import timeit
from dataclasses import replace
from pathlib import Path

from exhibits import catalog
from exhibits.backstage.bench import parsers
from exhibits.backstage.bench.contenders import ONE, PROGRAMS, Contender
from exhibits.backstage.bench.run import cores, rounded
from exhibits.backstage.running import readable_python
from exhibits.catalog.stacks import RUNNING

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
)
QUICK = ("wsgi-gunicorn", "wsgi-waitress", "wsgi-werkzeug", "asgi-uvicorn", "asgi-hypercorn")
# Who is measured under what else, because a claim might turn there.
UNDER = {
    "on one core": ("wsgi-gunicorn", "wsgi-gthread", "wsgi-waitress", "wsgi-werkzeug", "asgi-httptools"),
    "with a log": ("wsgi-gunicorn", "asgi-httptools"),
    "with connections that close": ("asgi-httptools",),
}
AGAIN = ("wsgi-gunicorn", "asgi-uvicorn")


def servers(run):
    """The smallest program in one process behind each server, some of them under other conditions (UNDER), or
    with another event loop, and some of them once more."""
    anywhere = (*ONE, *same_python())
    racers = {
        name: Contender(name, title, name, anywhere=anywhere, serves="hello")
        for name, title in SERVERS if run.full or name in QUICK
    }
    more = [racers["wsgi-gunicorn"].again()]
    if run.full:
        more = [racers[name].under(condition) for condition, names in UNDER.items() for name in names]
        more += [racers[name].again() for name in AGAIN]
        more += [
            replace(racers["asgi-httptools"], name="httptools asyncio", title="ASGI: uvicorn, httptools and asyncio",
                    edits=(("--loop uvloop", "--loop asyncio"),)),
            replace(racers["asgi-uvicorn"], name="h11 uvloop", title="ASGI: uvicorn, h11 and uvloop",
                    edits=(("--loop asyncio", "--loop uvloop"),)),
        ]
    return run.race([CEILING, *racers.values(), *more], run.loaded())


def same_python():
    """Edits: lighttpd may start another Python than ours, and the start is what a CGI program costs."""
    python = readable_python()
    return () if python == sys.executable else (("{python} -I -S", f"{python} -I -S"),)


# ---------------------------------------------------------------- work without waiting


def cpu(run):
    """Some milliseconds of computing for each request: in one process, in several, in threads, by other Pythons."""
    work = {"serves": "bench", "path": "/cpu"}
    workers = {"1": 1, "cores": cores(), "formula": 2 * cores() + 1, "double": 4 * cores() + 2}
    racers = [
        *(Contender(f"sync {name}", f"WSGI: gunicorn, {number} process" + "es" * (number > 1), "wsgi-gunicorn",
                    (("--workers 4", f"--workers {number}"),), **work) for name, number in workers.items()),
        Contender("threads", "WSGI: gunicorn, 8 threads", "wsgi-gthread", **work),
        Contender("uvicorn 1", "ASGI: uvicorn, 1 process", "asgi-uvicorn", **work),
        Contender("uvicorn 2", "ASGI: uvicorn, 2 processes", "asgi-uvicorn",
                  (("--host {host}", "--workers 2 --host {host}"),), **work),
        # It makes a connection for each request, so that both get some.
        Contender("uvicorn 2 behind nginx", "ASGI: uvicorn, 2 processes, behind nginx", "asgi-nginx",
                  (("--uds", "--workers 2 --uds"),), **work),
        thread_each("wsgiref", "WSGI: wsgiref, a thread for each, this Python", "{python}"),
    ]
    for name, pythons, why in (
        ("another build", others("/usr/bin/python3"), "no other Python of the system was found"),
        ("free-threaded", others("python3.15t", "python3.14t", "python3.13t"),
         "no free-threaded Python (python3.14t) was found"),
    ):
        if pythons:
            racers.append(thread_each(name, f"WSGI: the same, {named(pythons[0])}", pythons[0]))
        else:
            run.leave(name, why)
    return run.race(racers, run.loaded(clients=8))


def others(*names):
    """Those of the Pythons that are here, new enough, and not the one that runs."""
    found = filter(None, map(shutil.which, names))
    return [each for each in found if Path(each).resolve() != Path(sys.executable).resolve() and named(each)]


def named(python):
    """"Python 3.14.0, free-threaded", without the place; "" where it is too old."""
    asked = ("import sys, sysconfig; v = sys.version_info[:3]; print('Python %d.%d.%d' % v + ', free-threaded' * "
             "bool(sysconfig.get_config_var('Py_GIL_DISABLED')) if v >= (3, 11) else '')")
    return subprocess.run([python, "-c", asked], capture_output=True, text=True).stdout.strip()


def thread_each(name, title, python):
    """wsgiref with a thread for each connection, run by a Python."""
    started = f"{RUNNING}wsgiref_server {{host}} {{port}} {PROGRAMS}wsgi {{mount}}"
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
