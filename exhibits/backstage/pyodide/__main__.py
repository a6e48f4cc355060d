"""Put into a folder what the laboratory's page loads: Pyodide, its library, the museum, and their licences.

    python -m exhibits.backstage.pyodide FOLDER

Needs npm and Node. Pyodide comes by `package-lock.json` into .cache, and nothing of it is kept in the repository.
"""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

from exhibits.backstage.running import ROOT
from exhibits.lab.programs import FILES

HERE = Path(__file__).parent
CACHE = ROOT / ".cache" / "pyodide"
# Asks the stages for what makes them import all that they ever do, and prints the files of these modules.
IMPORTED = """
import asyncio, json, os, sys, tempfile
from exhibits.backstage.pyodide import page
from exhibits.lab import stages
with tempfile.TemporaryDirectory() as folder:
    page.GUESTBOOK = os.environ["GUESTBOOK"] = folder + "/guestbook.sqlite3"
    for stage in stages.STAGES:
        for fields in "", "Connection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Version: 13\\r\\n" \\
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n":
            request = "GET /live HTTP/1.1\\r\\nHost: localhost\\r\\n" + fields + "\\r\\n"
            asyncio.run(page.ask(json.dumps({"stage": stage, "request": request})))
print("\\n".join(module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "exhibits"))
"""
SHOWN = ("guestbook.py", "store.py", "guarding.py", "messages.py")  # tracebacks lead through them
MODULE = "pyodide.asm.wasm"
COMPRESSED = MODULE, "library.zip", "museum.pack"  # by us: not every host compresses what is no text
AS_THEY_ARE = "pyodide.mjs", "pyodide.asm.mjs"


def paths():
    """The paths, below the root, of the files that go into the archive; those whose text goes along have a "+"."""
    done = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    imported = {Path(name).relative_to(ROOT / "exhibits").as_posix() for name in done.stdout.split()}
    shown = {*SHOWN, *(file for files in FILES.values() for file in files.values())}
    for name in sorted(imported | shown | {"guestbook.html"}):
        yield f"{'+' if name in shown else ''}exhibits/{name}"


def install():
    """The folder of Pyodide's npm package, of the version in the lock."""
    lock, kept, found = HERE / "package-lock.json", CACHE / "package-lock.json", CACHE / "node_modules" / "pyodide"
    if not (found.exists() and kept.read_bytes() == lock.read_bytes()):
        CACHE.mkdir(parents=True, exist_ok=True)
        for file in lock, HERE / "package.json", ROOT / "tests" / "site" / ".npmrc":
            shutil.copy(file, CACHE)
        subprocess.run(["npm", "ci", "--prefix", CACHE], check=True)
    return found


def build(folder):
    """Fill the folder (Path); return {name of a file: its bytes over the network}."""
    pyodide = install()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    listed = CACHE / "museum.txt"
    listed.write_text("\n".join(paths()))
    subprocess.run(["node", HERE / "build.mjs", pyodide, listed, CACHE], check=True, cwd=ROOT)
    shutil.copy(pyodide / MODULE, folder)  # taken where the host compresses it: docs/assets/lab-worker.js says why
    sizes, loads = {}, 0
    for name in COMPRESSED:
        data = ((pyodide if name.startswith("pyodide") else CACHE) / name).read_bytes()
        (folder / f"{name}.gz").write_bytes(gzip.compress(data, 9, mtime=0))
        sizes[f"{name}.gz"] = (folder / f"{name}.gz").stat().st_size
        loads += len(data)
    for name in AS_THEY_ARE:
        shutil.copy(pyodide / name, folder)
        sizes[name] = len(gzip.compress((folder / name).read_bytes()))
    info = json.loads((pyodide / "pyodide-lock.json").read_text())["info"]
    (folder / "about.json").write_text(json.dumps({"info": info, "bytes": loads}))
    for licence in sorted((HERE / "licences").iterdir()):
        shutil.copy(licence, folder)
    return sizes


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m {__package__} FOLDER")
    if not (shutil.which("npm") and shutil.which("node")):
        sys.exit("the laboratory's Python comes by npm and is compiled with Node, which are not here: nox -s docs")
    sizes = build(Path(sys.argv[1]))
    for name, size in sizes.items():
        print(f"{size:>10,} {name}")
    print(f"{sum(sizes.values()):>10,} bytes in all, compressed")


if __name__ == "__main__":
    main()
