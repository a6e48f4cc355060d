"""A job that the program starts when it is loaded: in how many processes does it run?"""

import fcntl
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flask

from exhibits.meetings import GUNICORN, ask, served

application = flask.Flask(__name__)


def job(name):
    """What a scheduler would do every hour: here it writes down in which process."""
    Path(os.environ["FOLDER"], f"{name} {os.getpid()}").touch()
    time.sleep(60)


# --8<-- [start:cure]
def job_in_one_process(name):
    """The others wait for the file until the process that has it ends."""
    with open(Path(os.environ["FOLDER"], "lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        job(name)
# --8<-- [end:cure]


@application.get("/")
def which():
    time.sleep(0.05)  # long enough for other workers to take other visitors
    return str(os.getpid())


def ran(folder, name):
    """The number of processes in which the job ran."""
    return len(list(Path(folder).glob(f"{name} *")))


NAME = "exhibits.meetings.scheduled_job"
FLASK = f"python -m flask --app {NAME} run --port {{port}}"
SERVERS = [("gunicorn --workers 4", f"{GUNICORN} --workers 4 {NAME}", 4),
           ("gunicorn --workers 4 --preload", f"{GUNICORN} --workers 4 --preload {NAME}", 4),
           ("flask run --debug", f"{FLASK} --debug", 1)]

if __name__ == "__main__":
    print(f"{'processes with the job:':32}bare  cured")
    for title, command, workers in SERVERS:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(8) as visitors:
            with served(command, FOLDER=folder) as port:
                seen, deadline = set(), time.monotonic() + 30
                while len(seen) < workers or not ran(folder, "cured"):
                    if time.monotonic() > deadline:
                        raise TimeoutError(title)
                    seen |= set(visitors.map(ask, [port] * 8))
                print(f"{title:32}{ran(folder, 'bare'):<6}{ran(folder, 'cured')}")
elif "FOLDER" in os.environ:
    threading.Thread(target=job, args=["bare"], daemon=True).start()
    threading.Thread(target=job_in_one_process, args=["cured"], daemon=True).start()
