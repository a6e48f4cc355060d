"""The WSGI and ASGI programs that the site shows, found by listing files and texts, with the strictest around each.

`application` is for WSGI servers, `coroutine` for ASGI servers: X-Program says which program a request is for, and
without it the answer names them all.

    python tests/programs/shown.py FILE …     calls theirs as the sparest peer does that each specification allows:
                                              what need not be there is missing. What goes wrong is printed.
"""

import ast
import asyncio
import importlib.util
import inspect
import io
import os
import sys
import threading
import tomllib
import traceback
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from wsgiref.validate import validator

sys.path.append(str(Path(__file__).parent))  # where servers have it, and tests have not
from strict_asgi import Wrong, demand, strict

ROOT = Path(__file__).parents[2]
# No programs of visitors; wrong, busy for hours or beside the specification on purpose; for another Python.
OTHERS = {"backstage", "catalog", "shared", "http", "wire.py", "rude.py", "rsgi", "glass", "service",
          "websocket_in_wsgi.py", "worker-sigkill.toml", "too-many-files.toml", "too-much.toml", "not-bytes.toml",
          "hop-by-hop.toml", "no-response.toml"}  # fmt: skip
SHAPES = {("environ", "start_response"): "WSGI", ("env", "start_response"): "WSGI",
          ("scope", "receive", "send"): "ASGI"}  # fmt: skip
AT_ONCE = 4  # one program wants to be called by so many at once


def texts():
    """{name: source} of each shown text that defines a program: a file, or a string in one of TOML."""
    found = {}
    for path in sorted((ROOT / "exhibits").rglob("*.py")):
        if not OTHERS.intersection(path.relative_to(ROOT).parts):
            found[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "exhibits").rglob("*.toml")):
        for place, text in strings(tomllib.loads(path.read_text(encoding="utf-8")), ""):
            if "/cure/" not in place and path.name not in OTHERS:
                found[f"{path.relative_to(ROOT)}:{place}"] = text
    return {name: text for name, text in found.items() if defines(text)}


def strings(value, place):
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from strings(each, f"{place}/{key}")


def defines(text):
    """Whether this is Python with a program: a function of such a shape, or an object with a name servers look for."""
    return has_function(text) or any(
        isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(target, ast.Name)
        and target.id in ("app", "application")
        for node in nodes(text) for target in getattr(node, "targets", ()))


def has_function(text):
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and names(node.args) in SHAPES
               for node in nodes(text))


def nodes(text):
    try:
        return list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return []


def names(arguments):
    return tuple(argument.arg for argument in arguments.args)


def alone(text):
    """Whether it needs a process of its own: Django can be set up once."""
    return "settings.configure(" in text


def programs(name, text):
    """{name: (its shape, itself)} of the programs of a text, which is run for it; parts of others are left out."""
    try:
        module = loaded(name, text)
    except ModuleNotFoundError as error:
        if os.environ.get("CI") or error.name.startswith("exhibits"):
            raise
        return {}  # its framework is not installed
    called = {node.id for function in nodes(text) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
              for node in ast.walk(function) if isinstance(node, ast.Name)}
    found = {}
    for key, value in vars(module).items():
        if callable(value) and not inspect.isclass(value) and (shape := shape_of(value)):
            own = getattr(value, "__module__", "") == module.__name__ or not inspect.isfunction(value)
            if key not in called and (own or key == "application"):
                found[f"{name}:{key}"] = shape, value
    return found


def shape_of(value):
    call = value if inspect.isfunction(value) else type(value).__call__
    try:
        arguments = tuple(inspect.signature(call).parameters)
    except (TypeError, ValueError):
        return None
    return SHAPES.get(arguments if call is value else arguments[1:])


def loaded(name, text):
    if ":" not in name:
        return importlib.import_module(name.removesuffix(".py").replace("/", "."))
    module = types.ModuleType(name)
    exec(compile(text, name, "exec"), vars(module))
    return module


def everything(shape):
    """{name: program} of this shape, of all that can be in one process; the rooms' own app.py even where another
    program has been put in its place."""
    sys.path += [str(ROOT), str(ROOT / "exhibits" / "errors")]  # there the programs of the TOML texts look
    standing = {}
    for room in ("wsgi", "asgi"):
        key = f"exhibits.{room}.app"
        standing[key] = sys.modules.get(key)
        spec = importlib.util.spec_from_file_location(key, ROOT / "exhibits" / room / "app.py")
        sys.modules[key] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    try:
        found = [programs(name, text) for name, text in texts().items() if not alone(text)]
    finally:
        sys.modules |= {key: module for key, module in standing.items() if module}
    return {name: value for each in found for name, (its, value) in each.items() if its == shape}


# ---------------------------------------------------------------- for servers


def dispatch(shape):
    found, loading = {}, threading.Lock()

    def all_of_them():
        with loading:  # who asks meanwhile would find this program in the place of the room's
            if not found:
                around = validator if shape == "WSGI" else lambda program: strict(program, any_case=True)
                found.update({name: around(program) for name, program in everything(shape).items()})
        return found

    return all_of_them


wsgi, asgi = dispatch("WSGI"), dispatch("ASGI")


def application(environ, start_response):
    program = environ.get("HTTP_X_PROGRAM")
    if program:
        return wsgi()[program](environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["\n".join(wsgi()).encode()]


async def coroutine(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError("each program has its own")
    program = dict(scope["headers"]).get(b"x-program")
    if program:
        return await asgi()[program.decode()](scope, receive, send)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": "\n".join(asgi()).encode()})


# ---------------------------------------------------------------- the sparest peer


class Input(io.BytesIO):
    """wsgi.input that does not end: who reads beyond CONTENT_LENGTH would wait for ever."""

    def __init__(self, body):
        super().__init__(body)
        self.left = len(body)

    def read(self, size=-1):
        demand(0 <= size <= self.left or not size, f"it reads {size} bytes, and {self.left} are there")
        self.left -= size
        return super().read(size)


def call_wsgi(program, variables, body):
    environ = {
        "REQUEST_METHOD": "GET", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": Input(body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "SCRIPT_NAME": "", "PATH_INFO": "", "QUERY_STRING": "", **variables,
    }

    def without_what_is_empty(environ, start_response):  # which may be absent; the validator does not know
        return program({name: value for name, value in environ.items() if value != ""}, start_response)

    answer = validator(without_what_is_empty)(environ, lambda status, headers, exc_info=None: bytearray().extend)
    try:
        for _ in answer:
            pass
    finally:
        answer.close()


def ask_wsgi(program, paths):
    """What is wrong with a WSGI program, asked for each of these paths by several at once: sentences."""
    form = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": "8"}
    asked = [({"PATH_INFO": path}, b"") for path in paths]
    asked += [({"SCRIPT_NAME": "/museum"}, b""), ({"PATH_INFO": paths[0], **form}, b"name=Ada")]
    with ThreadPoolExecutor(len(asked) * AT_ONCE) as visitors:
        calls = [visitors.submit(call_wsgi, program, *each) for each in asked * AT_ONCE]
    return [told(call.exception()) for call in calls if call.exception()]


async def call_asgi(program, scope, *events):
    """Call it with these events; returns whether it has sent any. Then a client has nothing to say, and leaves with
    the answer."""
    coming, ended, sent = list(events), asyncio.Event(), []

    async def receive():
        if not coming:
            await ended.wait()
            return LEAVES[scope["type"]]
        return coming.pop(0)

    async def send(event):
        sent.append(event)
        if scope["type"] != "http" or not event.get("more_body", event["type"] == "http.response.start"):
            ended.set()

    try:
        async with asyncio.timeout(20):
            await strict(program)(scope, receive, send)
    except Exception as error:
        # What a program does not know it has to reject, before it has said anything.
        return told(error) if sent or scope["type"] == "http" or isinstance(error, Wrong) else ""
    return ""


async def ask_asgi(program, paths):
    """What is wrong with an ASGI program, asked for each of these paths by several at once: sentences."""
    calls = [call_asgi(program, {**HTTP, "path": path}, {"type": "http.request"}) for path in paths * AT_ONCE]
    calls.append(call_asgi(program, {**WEBSOCKET, "path": paths[0]}, CONNECT, BYTES))
    calls.append(call_asgi(program, {"type": "lifespan", "asgi": {"version": "3.0"}}, {"type": "lifespan.startup"}))
    try:
        await program({"type": "unheard-of", "asgi": {"version": "3.0"}}, None, None)
        unheard_of = "it takes a scope of a type that nobody knows"
    except TypeError as error:  # it has called one of these two
        unheard_of = f"it takes a scope of a type that nobody knows: {error}"
    except Exception:
        unheard_of = ""
    return [each for each in [*await asyncio.gather(*calls), unheard_of] if each]


def told(error):
    """The traceback; nothing where the program means to fail, or where a framework takes something for granted."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    meant = isinstance(error, ZeroDivisionError) or (
        "exhibits" in where.filename and where.line.startswith("raise RuntimeError"))
    return "" if meant or "site-packages" in where.filename else "".join(traceback.format_exception(error))


HTTP = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "query_string": b"",
        "headers": []}
WEBSOCKET = {"type": "websocket", "asgi": {"version": "3.0"}, "headers": []}
CONNECT, BYTES = {"type": "websocket.connect"}, {"type": "websocket.receive", "bytes": b"Ada"}
LEAVES = {"http": {"type": "http.disconnect"}, "websocket": {"type": "websocket.disconnect", "code": 1005},
          "lifespan": {"type": "lifespan.shutdown"}}  # fmt: skip


def paths(text):
    """The paths that a text names, and one that it does not."""
    named = {node.value for node in nodes(text) if isinstance(node, ast.Constant)
             and isinstance(node.value, str) and node.value.startswith("/") and " " not in node.value}
    return sorted({"/", "/caf\xe9", *(path for path in named if path.isascii() and not {*"<%"} & {*path})})


def ask(name, shape, program, paths):
    wrong = ask_wsgi(program, paths) if shape == "WSGI" else asyncio.run(ask_asgi(program, paths))
    return [f"{name}: {sentence}" for sentence in dict.fromkeys(wrong) if sentence]


def main(files):
    """Print what is wrong with the programs of these files; return whether anything is."""
    sys.path += [str(ROOT), str(ROOT / "exhibits" / "errors")]
    sources = texts()
    with ThreadPoolExecutor(100) as peers:
        answers = [peers.submit(ask, name, shape, program, paths(sources[file]))
                   for file in files for name, (shape, program) in programs(file, sources[file]).items()
                   if inspect.isfunction(program)]  # what an object of a framework takes for granted is not ours
    wrong = [sentence for answer in answers for sentence in answer.result()]
    print(*wrong, sep="\n", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
