"""`bench`: what the museum itself costs. JSON on standard output.

Absolute figures do not travel from machine to machine; ratios within one run
nearly do. So everything is measured in pairs, first one and then the other and
back, and a ratio is the median over the pairs, with the smallest and largest.
"""

import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import timeit
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from exhibits import catalog, contract
from exhibits.backstage import parsers, running
from exhibits.backstage.running import ROOT, Exhibit

CONNECTIONS = 8

# Our from-scratch servers, and whom they are measured against.
RIVALS = (
    ("cgi-ours", "cgi-lighttpd"),
    ("fastcgi-ours", "fastcgi-flup"),
    ("scgi-ours", "scgi-flup"),  # flup logs each request here, which costs it something
    ("uwsgi-ours", "uwsgi-gunicorn"),
    ("wsgi-ours", "wsgi-gthread"),
    ("wsgi-ours", "wsgi-waitress"),
    ("asgi-ours", "asgi-uvicorn"),
)


def bench(options):
    """Measure everything the options ask for and print it; return 0."""
    stacks = [stack for stack in options.stacks if not running.missing(stack)]
    console = Console(stderr=True)
    results = {"machine": machine(), "load": load_generator(), "pairs": options.pairs, "seconds": options.seconds}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        rivals = [pair for pair in RIVALS if not any(running.missing(catalog.find(name)) for name in pair)]
        task = progress.add_task("measuring", total=2 * len(stacks) + len(rivals) + 2)

        def step(measure, *arguments):
            measured = measure(*arguments, options)
            progress.advance(task)
            return measured

        results["start to first 200, ms"] = {stack.name: step(start, stack) for stack in stacks}
        results["guestbook /hello against the bare hello program"] = {stack.name: step(cost, stack) for stack in stacks}
        results["our servers against others, the bare hello program"] = [step(rival, pair) for pair in rivals]
        results["CGI program against a bare Python, time to first byte"] = step(cgi)
        results["our parsers against others"] = step(parse)
    print(json.dumps(results, indent=2))
    return 0


def machine():
    return {
        "python": platform.python_version(),
        "build": "with profile-guided optimisation" if "--enable-optimizations" in config_args() else "without",
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "parts": {part.name: number for part in catalog.PARTS.values() if (number := running.version(part))},
    }


def config_args():
    import sysconfig

    return sysconfig.get_config_var("CONFIG_ARGS") or ""


def spread(values, digits=2):
    """Median, smallest and largest of some figures."""
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


# ---------------------------------------------------------------- start


def start(stack, options):
    """Milliseconds from the start of the first process to the first 200, the visitor's polling included."""
    times = []
    for _ in range(options.pairs):
        begun = time.perf_counter()
        with Exhibit(stack):
            times.append((time.perf_counter() - begun) * 1000)
    return spread(times, 0)


# ---------------------------------------------------------------- requests per second


def cost(stack, options):
    """Requests per second of the guestbook's /hello and of hello.py behind the same server, and their ratio."""
    with Exhibit(stack) as guestbook, Exhibit(stack, hello=True) as hello:
        return {"of": ["guestbook", "hello.py"], **race(guestbook, hello, options)}


def rival(names, options):
    """Requests per second of the bare hello program behind two stacks, and their ratio."""
    one, other = (catalog.find(name) for name in names)
    with Exhibit(one, hello=True) as ours, Exhibit(other, hello=True) as theirs:
        return {"of": list(names), **race(ours, theirs, options)}


def race(one, other, options):
    """Load two running exhibits in turns."""
    for exhibit in (one, other):
        load(exhibit, 0.3)
    pairs = []
    for number in range(options.pairs):
        order = (one, other) if number % 2 == 0 else (other, one)
        rates = {exhibit: load(exhibit, options.seconds) for exhibit in order}
        pairs.append((rates[one], rates[other]))
    return {
        "per second": [round(statistics.median(rates)) for rates in zip(*pairs, strict=True)],
        "ratio": spread([first / second for first, second in pairs]),
    }


def load_generator():
    return "wrk" if shutil.which("wrk") else "a Python client of ours (install wrk for one that is not the limit)"


def load(exhibit, seconds):
    """Requests per second of GET /hello over `CONNECTIONS` connections at once."""
    if wrk := shutil.which("wrk"):
        said = subprocess.run([wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", exhibit.base + "/hello"],
                              capture_output=True, text=True, check=True).stdout  # fmt: skip
        if "Non-2xx" in said:
            raise running.CannotStart(f"{exhibit.stack.name} answers with errors under load:\n{said}")
        return float(re.search(r"Requests/sec: +([\d.]+)", said)[1])
    stop = time.perf_counter() + seconds
    counts = [0] * CONNECTIONS
    threads = [threading.Thread(target=visit_until, args=(stop, exhibit, counts, n)) for n in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def visit_until(stop, exhibit, counts, n):
    sent = b"GET /hello HTTP/1.1\r\nHost: museum.test\r\nConnection: close\r\n\r\n"
    while time.perf_counter() < stop:
        with socket.create_connection(("127.0.0.1", exhibit.port), 10) as visitor:
            visitor.sendall(sent)
            first = visitor.recv(65536)
            while visitor.recv(65536):
                pass
        if not first.startswith(b"HTTP/1.1 200"):
            raise running.CannotStart(f"{exhibit.stack.name} answers {first[:50]!r} under load")
        counts[n] += 1


# ---------------------------------------------------------------- parsers


def parse(options):
    """Microseconds for one request or frame, ours and theirs, and how many times as fast ours is."""
    results = []
    for carrier, peer, ours, theirs in parsers.pairs():
        number = max(1, int(0.1 / timeit.timeit(ours, number=100) * 100))
        times = [[timeit.timeit(each, number=number) / number * 1e6 for each in (ours, theirs)]
                 for _ in range(options.pairs)]  # fmt: skip
        results.append({
            "of": ["ours", peer], "carrier": carrier,
            "microseconds": [round(statistics.median(each), 1) for each in zip(*times, strict=True)],
            "ratio": spread([other / own for own, other in times]),
        })  # fmt: skip
    return results


# ---------------------------------------------------------------- the CGI program


def cgi(options):
    """From exec to the first byte: /hello and /entries against `python -I -S hello.py`, in ms and as ratios."""
    room = ROOT / "exhibits" / "cgi"
    with tempfile.TemporaryDirectory() as folder:
        guestbook = Path(folder, "guestbook.sqlite3")
        contract.seed(guestbook).close()
        environ = {"REQUEST_METHOD": "GET", "QUERY_STRING": "", "SCRIPT_NAME": "", "GUESTBOOK": str(guestbook)}
        programs = {
            "hello.py": (room / "hello.py", environ),
            "/hello": (room / "app.py", {**environ, "PATH_INFO": "/hello"}),
            "/entries": (room / "app.py", {**environ, "PATH_INFO": "/entries"}),
        }
        times = {name: [] for name in programs}
        for _ in range(10 * options.pairs):
            for name, (program, variables) in programs.items():
                times[name].append(first_byte(program, variables))
    bare = times["hello.py"]
    return {
        name: {
            "ms": spread(values),
            "ratio": round(statistics.median(ours / base for ours, base in zip(values, bare, strict=True)), 2),
        }
        for name, values in times.items()
    }


def first_byte(program, environ):
    begun = time.perf_counter()
    with subprocess.Popen([sys.executable, "-I", "-S", program], env=environ, stdout=subprocess.PIPE) as process:
        process.stdout.read(1)
        return (time.perf_counter() - begun) * 1000
