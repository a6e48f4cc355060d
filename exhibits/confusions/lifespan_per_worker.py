"""Two workers: how often is a program loaded, does its lifespan begin; whose state is it?"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from exhibits.confusions import ask, python, started


def tell(what):
    os.write(2, f"{what} {os.getpid()}\n".encode())  # at once: no other line comes between


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while (kind := (await receive())["type"]) == "lifespan.startup":
            tell(kind)
            scope.get("state", {})["worker"] = os.getpid()  # not every server has it
            await send({"type": "lifespan.startup.complete"})
        tell(kind)
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    time.sleep(0.1)  # it blocks its worker, so that others go to the other one
    body = f"{os.getpid()} {scope.get('state', {}).get('worker') == os.getpid()}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def run(title, path, *command):
    """Have two workers serve, visit both, end them; say in how many processes what was done."""
    seen = {"loaded": set(), "lifespan.startup": set(), "lifespan.shutdown": set()}
    with started(*command, "exhibits.confusions.lifespan_per_worker:application") as server:
        answers, deadline = set(), time.monotonic() + 30
        with ThreadPoolExecutor(6) as visitors:
            while len(answers) < 2 and time.monotonic() < deadline:
                answers |= set(visitors.map(ask, [path] * 6))
        server.terminate()
        for line in server.stderr:
            what, _, process = line.strip().partition(" ")
            seen.get(what, set()).add(process)
    loaded, startup, shutdown = seen.values()
    where = "each worker" if loaded & startup else "the parent"
    own = all(answer.endswith("True") for answer in answers)
    print(f"{title:31}loaded in {len(loaded)}: {where}; "
          f"startup in {len(startup)}, shutdown in {len(shutdown)}; "
          f"state of its own worker: {'yes' if own else 'no'}")


if __name__ != "__main__":
    tell("loaded")
else:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/uvicorn.sock"
        run("uvicorn --workers 2", path, *python("uvicorn", "--workers", "2", "--uds", path))
        for preload in [], ["--preload"]:
            path = f"{folder}/gunicorn{len(preload)}.sock"
            run(" ".join(["gunicorn --workers 2", *preload]), path, *python(
                "gunicorn", "--workers", "2", "-k", "asgi", "--no-control-socket",
                "-b", f"unix:{path}", *preload))
