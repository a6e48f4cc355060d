"""What makes a CGI program slow: the start of Python, and then line by line what is imported."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from exhibits import contract
from exhibits.backstage.bench.run import rounded
from exhibits.backstage.running import ROOT

LEAN = (sys.executable, "-I", "-S")  # neither the environment nor site-packages are looked at
ROOM = ROOT / "exhibits" / "cgi"
MODULES = ("json", "sqlite3", "urllib.parse", "html", "http.cookies", "hashlib", "email.message", "wsgiref.handlers",
           "http.server", "asyncio")


def startup(run):
    """Milliseconds from exec to the first byte: {name: {"title", "ms": [...]}}, all visited in turns."""
    with tempfile.TemporaryDirectory() as folder:
        guestbook = Path(folder, "guestbook.sqlite3")
        contract.seed(guestbook).close()
        environ = {"REQUEST_METHOD": "GET", "QUERY_STRING": "", "SCRIPT_NAME": "", "GUESTBOOK": str(guestbook)}
        programs = {
            "sh": ("a shell that prints a line", ["/bin/sh", "-c", "echo"], environ),
            "python -IS": ("Python, -I -S, nothing else", [*LEAN, "-c", "print()"], environ),
            "python": ("Python, nothing else", [sys.executable, "-c", "print()"], environ),
            "hello.py": ("the smallest CGI program", [*LEAN, ROOM / "hello.py"], environ),
            "/hello": ("the guestbook, /hello", [*LEAN, ROOM / "app.py"], {**environ, "PATH_INFO": "/hello"}),
            "/entries": ("the guestbook, /entries", [*LEAN, ROOM / "app.py"],
                         {**environ, "PATH_INFO": "/entries"}),
            **{name: (f"import {name}", [*LEAN, "-c", f"import {name}; print()"], environ) for name in MODULES},
        }
        found = {name: {"title": title, "ms": []} for name, (title, _, _) in programs.items()}
        visits = 20 if run.full else 3
        for _ in range(visits):
            for name, (_, command, variables) in programs.items():
                found[name]["ms"].append(rounded(first_byte(command, variables)))
            run.step(visits)
    return found


def first_byte(command, environ):
    began = time.perf_counter()
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        process.stdout.read(1)
        return (time.perf_counter() - began) * 1000
