"""A thread that the program starts when it is imported: does it run in the worker?"""

import os
import threading
import time

import flask

from exhibits.meetings import GUNICORN, UWSGI, ask, served

application = flask.Flask(__name__)
at_import, mended = threading.Event(), threading.Event()


def work(beat):
    """What runs beside the requests: a scheduler, a sender of measurements. It beats."""
    while True:
        beat.set()
        time.sleep(0.05)


def start(beat):
    threading.Thread(target=work, args=[beat], daemon=True).start()


# --8<-- [start:cure]
lock, started_in = threading.Lock(), set()


@application.before_request
def start_where_requests_are():
    with lock:
        if os.getpid() not in started_in:
            started_in.add(os.getpid())
            start(mended)
# --8<-- [end:cure]


@application.get("/<name>")
def alive(name):
    beat = {"at-import": at_import, "mended": mended}[name]
    beat.clear()
    return "runs" if beat.wait(2) else "gone"


COMMANDS = {"gunicorn": GUNICORN, "gunicorn --preload": f"{GUNICORN} --preload",
            "uwsgi": f"{UWSGI} --enable-threads --module",
            "uwsgi --lazy-apps": f"{UWSGI} --enable-threads --lazy-apps --module"}

if __name__ == "__main__":
    print(f"{'thread started:':20}at import   with the first request")
    for name, command in COMMANDS.items():
        with served(f"{command} exhibits.meetings.thread_before_fork:application") as port:
            print(f"{name:20}{ask(port, '/at-import')[1]:12}{ask(port, '/mended')[1]}")
else:
    start(at_import)
