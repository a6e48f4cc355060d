"""A counter in a global variable and 40 visitors: what is it in one process and in four?"""

import os
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import flask

from exhibits.meetings import GUNICORN, ask_json, served

application = flask.Flask(__name__)
count = 0


# --8<-- [start:cure]
def add_one():
    """The number of this visit, kept where every process looks."""
    with closing(sqlite3.connect(os.environ["DATABASE"], timeout=10)) as database, database:
        database.execute("INSERT INTO visits VALUES (1)")
        return database.execute("SELECT count(*) FROM visits").fetchone()[0]
# --8<-- [end:cure]


@application.get("/")
def visit():
    global count
    count += 1
    time.sleep(0.05)  # long enough for the other workers to take the other visitors
    return {"global": count, "kept": add_one()}


if __name__ == "__main__":
    for workers in 1, 4:
        program = "exhibits.meetings.several_processes:application"
        command = f"{GUNICORN} --preload --workers {workers} {program}"
        with tempfile.TemporaryDirectory() as folder:
            file = f"{folder}/visits.sqlite3"
            with closing(sqlite3.connect(file)) as database:
                database.execute("CREATE TABLE visits (number INTEGER)")
            with served(command, DATABASE=file) as port:
                with ThreadPoolExecutor(8) as visitors:
                    answers = list(visitors.map(ask_json, [port] * 40))
        seen = max(answer["global"] for answer in answers)
        kept = max(answer["kept"] for answer in answers)
        counted = "40" if seen == 40 else "fewer than 40"
        print(f"--workers {workers}: the global variable counts {counted}, the database {kept}")
