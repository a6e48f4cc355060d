"""What a web server in front is good for: slow clients, files, and a second backend when the first one dies."""

import contextlib
import os
import signal
import socket
import time

from exhibits.backstage.bench.contenders import ONE_OF_GUNICORN, ONE_OF_UWSGI, Contender, Left

PATIENCE = 1  # seconds a visitor waits for an answer


def ask(port, path="/hello"):
    """Milliseconds until the answer to a new visitor has begun; None where none comes within PATIENCE."""
    began = time.perf_counter()
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as visitor:
            visitor.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answered = visitor.recv(12)
    except OSError:
        return None
    return (time.perf_counter() - began) * 1000 if answered[9:12] == b"200" else None


# ---------------------------------------------------------------- slow clients

SLOW = 8  # as many as the servers have threads, and twice as many as gunicorn has processes
HALF = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"
LARGE = b"GET /large?mib=16 HTTP/1.1\r\nHost: localhost\r\n\r\n"  # more than the buffers of any socket
# As nginx is by default: it has all of a request before it asks, and takes the whole answer. Ours hands on each piece.
BUFFERS = ("uwsgi_buffering off;", "uwsgi_buffering on;")
NONE = ("uwsgi_buffering off;", "uwsgi_buffering off; uwsgi_request_buffering off;")


def slow(run):
    """While SLOW visitors have sent half a request, or do not read what they asked for: is another one answered
    (0 or 1), and after how many ms? {"senders": the race, "readers": the race}"""
    gthread = ("--threads 8", "--threads 100")
    racers = [
        ("sync", "gunicorn sync, 4 processes", "wsgi-gunicorn", ()),
        ("sync behind nginx", "the same, behind nginx", "uwsgi-gunicorn", (BUFFERS,)),
        ("sync behind nginx without buffers", "the same, behind nginx without buffers", "uwsgi-gunicorn", (NONE,)),
        ("gthread", "gunicorn gthread, 8 threads", "wsgi-gthread", ()),
        ("gthread 100", "gunicorn gthread, 100 threads", "wsgi-gthread", (gthread,)),
        ("gevent", "gunicorn gevent", "wsgi-gevent", ()),
        ("waitress", "waitress, 8 threads", "wsgi-waitress", ()),
        ("uvicorn", "uvicorn", "asgi-uvicorn", ()),
    ]
    found = {}
    for kind, sent, serves in (("senders", HALF, "app"), ("readers", LARGE, "bench")):
        contenders = [Contender(name, title, stack, edits, serves=serves) for name, title, stack, edits in racers]
        found[kind] = run.race_anew(contenders, beside(sent), 2 if run.full else 1, 2)
    return found


def beside(sent):
    """A `measure`: SLOW visitors send this and then do nothing; how does another one fare?"""

    def measure(contender, exhibit):
        with contextlib.ExitStack() as stack:
            for _ in range(SLOW):
                visitor = stack.enter_context(socket.create_connection(("127.0.0.1", exhibit.port), PATIENCE))
                visitor.sendall(sent)
            time.sleep(0.3)  # they have arrived
            took = ask(exhibit.port)
        return {"answered": int(took is not None), "ms": took or PATIENCE * 1000}

    return measure


# ---------------------------------------------------------------- a file


def files(run):
    """The same file, museum.css, from nginx, from uWSGI by itself, and through programs."""
    bench = {"serves": "bench", "path": "/file"}
    static = ("--ini uwsgi.ini", "--ini uwsgi.ini --static-map /file={root}/docs/assets/museum.css")
    racers = [
        Contender("nginx", "nginx", "nginx", path="/file"),
        Contender("uWSGI", "uWSGI, static-map, closes connections", "wsgi-uwsgi", (ONE_OF_UWSGI, static), **bench),
        Contender("gunicorn", "gunicorn sync, wsgi.file_wrapper", "wsgi-gunicorn", (ONE_OF_GUNICORN,), **bench),
        Contender("waitress", "waitress, wsgi.file_wrapper", "wsgi-waitress", **bench),
        Contender("uvicorn", "uvicorn, read in a thread", "asgi-uvicorn", **bench),
    ]
    return run.race(racers, run.loaded())


# ---------------------------------------------------------------- two backends


def backends(run):
    """Two processes of one uWSGI, and two uWSGI behind one nginx: work done, and what a kill -9 costs."""
    alone = ("threads = 4", "threads = 1")
    work = {"serves": "bench", "path": "/cpu"}
    racers = [
        Contender("one process", "1 uWSGI of 1 process", "uwsgi-uwsgi", (ONE_OF_UWSGI, alone), **work),
        Contender("two processes", "1 uWSGI of 2 processes", "uwsgi-uwsgi", (alone,), **work),
        Contender("two servers", "2 uWSGI of 1 process", "two-uwsgi", (ONE_OF_UWSGI, alone), **work),
    ]
    found = run.race(racers, run.loaded(clients=8))
    killed = {}
    for contender in racers:
        if contender.name in found:
            with contextlib.suppress(Left):
                killed[contender.name] = {"title": contender.title, **kill(run, contender)}
    return {"work": found, "killed": killed}


def kill(run, contender):
    """Kill the first uWSGI, with its workers: of the 200 requests that come next, how many are answered?"""
    figures = {"answered": [], "failed": []}
    for _ in range(max(1, run.rounds // 2)):
        with run.alone(contender) as exhibit:
            os.killpg(exhibit.processes[0][1].pid, signal.SIGKILL)
            exhibit.processes[0][1].wait()
            answers = [ask(exhibit.port) for _ in range(200)]
            figures["answered"].append(sum(answer is not None for answer in answers))
            figures["failed"].append(sum(answer is None for answer in answers))
    return figures
