"""Make the two archives of the laboratory, in the Python that will read them: see `build.mjs`.

/library.zip becomes /out/library.zip: the modules below, compiled. /museum becomes /out/museum.pack: compiled too,
and with the text of what a reader sees the text of. Neither is compressed: that is done for all of it at once.
The museum's archive is the simplest there is, for a script to unpack: a line of JSON, {name: length}, and the bytes.
"""

import importlib.util
import json
import os
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

# What Pyodide, the museum's servers and programs import, and what a small program of a lesson may. Some of what all
# of it needs (os, abc, zipimport …) is frozen into Python itself.
KEPT = {
    "": """
        __future__ _colorize _opcode_metadata _py_warnings _weakrefset annotationlib ast base64 bisect codeop
        contextlib contextvars copy copyreg dataclasses datetime decimal dis enum fnmatch functools glob
        hashlib heapq hmac inspect ipaddress keyword linecache locale numbers opcode operator queue random
        reprlib secrets selectors shutil signal socket struct subprocess tempfile textwrap threading token
        tokenize traceback types typing warnings weakref
    """,
    "_pyodide": "__init__ _base _core_docs _future_helper _importhook docs_argspec docstring jsbind",
    "asyncio": """
        __init__ base_events base_futures base_subprocess base_tasks constants coroutines events exceptions
        format_helpers futures graph locks log mixins protocols queues runners selector_events staggered
        streams subprocess taskgroups tasks threads timeouts transports trsock unix_events
    """,
    "collections": "__init__",
    "concurrent": "__init__",
    "concurrent/futures": "__init__ _base thread",
    "email": "__init__ _parseaddr utils",
    "encodings": "__init__ aliases cp437 idna utf_8 utf_16",
    "html": "__init__",
    "http": "__init__ cookies",
    "importlib": "__init__ _abc abc",
    "json": "__init__ decoder encoder scanner",
    "logging": "__init__",
    "pathlib": "__init__ _os",
    "pyodide": "__init__ _package_loader _state code common webloop",
    "pyodide/ffi": "__init__",
    "re": "__init__ _casefix _compiler _constants _parser",
    "sqlite3": "__init__ dbapi2",
    "string": "__init__ templatelib",
    "urllib": "__init__ error parse",
    "wsgiref": "__init__ util",
}
# What is imported and never used here, and is large.
STAND_INS = {
    "asyncio/sslproto.py": "",
    "zipfile.py": "class ZipFile:\n    pass\n",
    "html/entities.py": "html5 = name2codepoint = codepoint2name = entitydefs = {}\n",
}


def compiled(text, name, optimize):
    """The bytes of a .pyc file that is taken as it is: nobody looks whether its source is newer."""
    code = compile(text, name, "exec", dont_inherit=True, optimize=optimize)
    return bytes(_code_to_hash_pyc(code, importlib.util.source_hash(text), checked=False))


def put(archive, name, data):
    archive.writestr(zipfile.ZipInfo(name), data)  # with the date of ZipInfo: the same bytes each time


os.makedirs("/out")
with zipfile.ZipFile("/library.zip") as library, zipfile.ZipFile("/out/library.zip", "w") as out:
    files = {f"{folder}/{name}.py".lstrip("/"): None for folder, names in KEPT.items() for name in names.split()}
    texts = {name: library.read(name) for name in files} | {name: text.encode() for name, text in STAND_INS.items()}
    for name, text in texts.items():
        # Without docstrings (2): nobody reads them here, and they are a third of it.
        put(out, name + "c", compiled(text, f"/lib/python/{name}", 2))

files = {}
for name in open("/museum.txt").read().split():
    shown, path = name.startswith("+"), name.lstrip("+")
    with open(f"/museum/{path}", "rb") as file:
        data = file.read()
    if shown or not path.endswith(".py"):
        files[path] = data
    if path.endswith(".py"):
        files[importlib.util.cache_from_source(path) if shown else f"{path}c"] = compiled(data, f"/museum/{path}", 0)
with open("/out/museum.pack", "wb") as out:
    out.write(json.dumps({name: len(data) for name, data in files.items()}).encode() + b"\n" + b"".join(files.values()))
