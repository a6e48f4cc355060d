"""A Flask program in eight threads: what they share, and what each has for itself."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import flask

from exhibits.confusions import ask, waitress_server

application = flask.Flask(__name__)
lock = threading.Lock()
visits = {"bare": 0, "locked": 0}


@application.get("/<how>/<name>")
def visit(how, name):
    flask.g.name = name
    with lock if how == "locked" else nullcontext():
        before = visits[how]
        time.sleep(0.01)  # others run between reading and writing
        visits[how] = before + 1
    return f"{flask.g.name} {flask.request.view_args['name']}"


with waitress_server(application, threads=8) as port, ThreadPoolExecutor(8) as visitors:
    for how in visits:
        paths = [f"/{how}/{name}" for name in range(40)]
        said = list(visitors.map(ask, [port] * 40, paths))
        own = said == [f"{name} {name}" for name in range(40)]
        counted = "all 40" if visits[how] == 40 else "fewer than 40"
        print(f"{how:8}the global counter has {counted} visits, "
              f"each visitor {'his own' if own else 'another'} request and g")
