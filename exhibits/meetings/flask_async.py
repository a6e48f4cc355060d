"""Four visitors of a Flask view that awaits: how many at once, in how many event loops?"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import flask

from exhibits.meetings import GUNICORN, ask_json, served

application = flask.Flask(__name__)
now, most, loops = [], [], set()


@application.get("/")
async def wait():
    now.append(1)
    most.append(len(now))
    loops.add(asyncio.get_running_loop())  # kept, so that no other gets its place in memory
    await asyncio.sleep(0.5)
    now.pop()
    return {"most": max(most), "loops": len(loops)}


# --8<-- [start:cure]
CURE = "--worker-class gthread --threads 4"
# --8<-- [end:cure]

if __name__ == "__main__":
    for options in ("--worker-class gthread --threads 1", CURE):
        with served(f"{GUNICORN} {options} exhibits.meetings.flask_async:application") as port:
            with ThreadPoolExecutor(4) as visitors:
                answers = list(visitors.map(ask_json, [port] * 4))
        at_once = max(answer["most"] for answer in answers)
        made = max(answer["loops"] for answer in answers)
        print(f"{options}: {at_once} of {len(answers)} at once, {made} event loops")
