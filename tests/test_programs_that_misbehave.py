"""Whatever a program does, at whatever moment: an answer if one is still possible, a traceback, and the server stays.

Each server has four threads here, so that those that are lost, or taken, are soon missed.
"""

import contextlib
import resource
import socket
import sys
import time
from dataclasses import dataclass

import pytest
from started import Started

from exhibits.backstage.running import eventually
from exhibits.fastcgi import wire as fastcgi
from exhibits.scgi import wire as scgi
from exhibits.shared.fields import CutOff
from exhibits.uwsgi import wire as uwsgi

PROGRAM = '''
import resource, sys, time

class Unshowable(Exception):
    def __str__(self):
        raise KeyboardInterrupt

def deep():
    return deep()

RAISED = {
    "Exception": RuntimeError("broken"), "BaseException": BaseException("broken"), "SystemExit": SystemExit("broken"),
    "GeneratorExit": GeneratorExit("broken"), "KeyboardInterrupt": KeyboardInterrupt("broken"),
    "StopIteration": StopIteration("broken"), "MemoryError": MemoryError("broken"),
    "BrokenPipeError": BrokenPipeError("broken"), "OSError": OSError("broken"), "Unshowable": Unshowable("broken"),
    "SystemExit of something odd": SystemExit(Unshowable("broken")),
}

def fail(what):
    if what == "RecursionError":
        deep()
    if what == "RecursionError elsewhere":
        raise RecursionError("broken")
    raise RAISED[what]

class Blocks:
    """What a WSGI program returns: it fails where it is told to."""

    def __init__(self, when, what):
        self.when, self.what, self.left = when, what, 2

    def __iter__(self):
        return self

    def __next__(self):
        self.left -= 1
        if self.when == ("first", "late")[1 - self.left]:
            fail(self.what)
        if self.left < 0 or self.when == "close" and not self.left:
            raise StopIteration
        return b"some"

    def __len__(self):
        if self.when == "len":
            fail(self.what)
        return 2

    def __getattr__(self, name):
        if self.when == "getattr":
            fail(self.what)
        if name == "close" and self.when == "close":
            return lambda: fail(self.what)
        raise AttributeError(name)

class Spoiled:
    def write(self, text):
        raise ValueError("spoiled")
    flush = write

HELD, KEPT = [], []

def hold_many_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (2000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    HELD.extend(open("/dev/null") for _ in range(1100))

def application(environ, start_response):
    when, _, what = environ["HTTP_DO"].partition(" ")
    headers = [("Content-Type", "text/plain")]
    if when == "spoil":
        environ["wsgi.errors"] = {"None": None, "Spoiled": Spoiled()}[what]
        environ["REQUEST_METHOD"] = None
        raise RuntimeError("broken")
    if when == "clear":
        environ.clear()
        raise RuntimeError("broken")
    if when == "stderr":
        sys.stderr = None
        environ["wsgi.errors"].close = None
        raise RuntimeError("broken")
    if when == "get":  # as middleware does, so that the program need not know HEAD
        environ["REQUEST_METHOD"] = "GET"
    if when == "call":
        fail(what)
    if when == "hold":
        start_response("200 OK", headers)
        def hold():
            yield b"held"
            time.sleep(float(what))
        return hold()
    start_response("200 OK", headers)
    if when == "fine" or when == "get":
        return [b"fine"]
    return Blocks(when, what)

def respond(environ, stdin, stdout, stderr):
    when, _, what = environ["HTTP_DO"].partition(" ")
    if when == "spoil":
        stderr.write = stdout.flush = sys.stderr = None
        raise RuntimeError("broken")
    if when == "clear":
        environ.clear()
        raise RuntimeError("broken")
    if when == "stderr":
        if sys.stderr:
            sys.stderr.close()
        raise RuntimeError("broken")
    if when == "call":
        fail(what)
    if when == "use":
        said = []
        for use in KEPT:
            try:
                said.append(use())
            except ValueError:
                said.append("refused")
    if when == "keep":
        KEPT[:] = lambda: stdout.write(b"late"), stdout.flush, stdin.read
    if when == "many":
        hold_many_files()
    stdout.write(b"Content-Type: text/plain\\n\\n")
    if when == "late":
        stdout.write(b"some")
        stdout.flush()
        fail(what)
    if when == "hold":
        stdout.write(b"held")
        stdout.flush()
        time.sleep(float(what))
    if when == "text":
        stdout.write("text")
    if when == "use":
        stdout.write(f"{said} {stdin.read()} ".encode())
    stdout.write(b"fine")
'''
RAISED = ["Exception", "BaseException", "SystemExit", "GeneratorExit", "KeyboardInterrupt", "StopIteration",
          "MemoryError", "BrokenPipeError", "OSError", "Unshowable", "SystemExit of something odd",
          "RecursionError", "RecursionError elsewhere"]
START = ("import sys, runpy; from exhibits.shared import listening; listening.THREADS = 4; module = sys.argv.pop(1); "
         "runpy.run_module(module, run_name='__main__')")


@dataclass
class Server:
    stage: str
    folder: object
    process: object

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(str(self.folder / "s"))
        return sock

    def logged(self):
        return (self.folder / "log").read_text()

    def ask(self, do, method="GET"):
        """As once(), as soon as one of the threads is free: who lingers until the client has closed is busy a moment.

        A thread that is lost is never free.
        """
        return eventually(lambda: (heard := self.once(do, method))[0] != 503 and heard)

    def once(self, do, method="GET"):
        """(the status, 0 if there is no answer; the body; how it ended)"""
        with self.connect() as sock:
            sock.sendall(request(self.stage, do, method))
            return understood(self.stage, b"".join(iter(lambda: sock.recv(65536), b"")), method)


def request(stage, do, method="GET", body=b"", keep=False):
    variables = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "",
                 "SERVER_NAME": "museum.test", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_DO": do,
                 "CONTENT_LENGTH": "0"}
    if stage == "scgi":
        return scgi.build_request(variables)
    if stage == "uwsgi":
        return uwsgi.build_request(variables)
    flags = fastcgi.KEEP_CONN if keep else 0
    messages = [fastcgi.BeginRequest(1, flags=flags), fastcgi.Params(1, variables), fastcgi.Stdin(1, b"")]
    if body:
        messages.insert(2, fastcgi.Stdin(1, body))
    return b"".join(map(fastcgi.build, messages))


def understood(stage, data, method="GET"):
    if stage == "uwsgi":
        reader = uwsgi.ResponseReader(method)
        try:
            messages = reader.receive(data) + ([] if reader.ended else reader.close())
        except CutOff:
            return 0, data, None
        return messages[0].status, b"".join(m.data for m in messages if type(m) is uwsgi.Body), None
    end = None
    if stage == "fastcgi":
        reader = fastcgi.WebServerReader()
        reader.begin(1)
        messages = list(reader.receive(data))
        data = b"".join(message.data for message in messages if type(message) is fastcgi.Stdout)
        end = messages[-1] if messages and type(messages[-1]) is fastcgi.EndRequest else None
    head, _, body = data.replace(b"\r", b"").partition(b"\n\n")
    status = int(head[8:11]) if head.startswith(b"Status: ") else 200 if head else 0
    return status, body, end


@contextlib.contextmanager
def serving(stage, folder, prepare=None):
    (folder / "told.py").write_text(PROGRAM)
    command = [sys.executable, "-c", START, f"exhibits.{stage}.server", folder / "s", "told"]
    with Started(folder, *command, preexec_fn=prepare) as process:
        yield Server(stage, folder, process)


STAGES = "fastcgi", "scgi", "uwsgi"


@pytest.fixture(scope="module", params=STAGES)
def server(request, tmp_path_factory):
    with serving(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.mark.parametrize("what", RAISED)
@pytest.mark.parametrize("when", ["call", "first", "len", "getattr", "late", "close"])
def test_whatever_is_raised_and_whenever(server, when, what):
    if server.stage != "uwsgi" and when not in ("call", "late"):
        return  # what only a WSGI program has
    if when in ("first", "len") and what == "StopIteration":
        return  # that ends it, as it should
    before = len(server.logged())
    for _ in range(3):
        status, body, end = server.ask(f"{when} {what}")
    if when in ("late", "close", "getattr"):
        assert (status, body[:4]) == (200, b"some")
    else:
        assert (status, body.count(b"\n")) == (500, 1)
    if end:  # standard error goes to the web server
        assert end.app_status == 1
    elif not (what == "StopIteration" and when == "late"):
        told = {"Unshowable": "Unshowable", "SystemExit of something odd": "SystemExit",
                "RecursionError": "RecursionError: maximum"}.get(what, "broken")
        assert eventually(lambda: told in server.logged()[before:])
    assert [server.ask("fine")[:2] for _ in range(3)] == [(200, b"fine")] * 3


@pytest.mark.parametrize("how", ["spoil None", "spoil Spoiled", "clear", "stderr"])
def test_a_program_that_spoils_what_it_is_given(server, how):
    before = len(server.logged())
    for _ in range(3):
        status, body, end = server.ask(how)
        assert (status, body.count(b"\n")) == (500, 1)
        assert end or eventually(lambda: "broken" in server.logged()[before:])
    assert server.ask("fine")[:2] == (200, b"fine")


def test_a_program_that_changes_the_method(tmp_path):
    """Middleware that makes a GET of a HEAD: the answer to the HEAD has no body all the same."""
    with serving("uwsgi", tmp_path) as server, server.connect() as sock:
        sock.sendall(request("uwsgi", "get", "HEAD"))
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n")


def test_what_a_program_keeps_of_a_call_has_no_part_in_the_next_one(tmp_path):
    """Of our servers whose connections carry several requests; of HTTP's see test_survival.py."""
    with serving("fastcgi", tmp_path) as server, server.connect() as sock:
        for do in "keep", "use":
            sock.sendall(request("fastcgi", do, body=b"body", keep=True))
            data = b""
            while not data.endswith(fastcgi.build(fastcgi.EndRequest(1, 0, 0))):
                data += sock.recv(65536)
        assert understood("fastcgi", data)[1] == b"['refused', 'refused', 'refused'] b'body' fine"


def test_text_is_not_bytes(tmp_path):
    with serving("scgi", tmp_path) as server:
        assert server.ask("text")[0] == 500 and "TypeError" in server.logged()


# ---------------------------------------------------------------- too many, too few


def test_who_finds_no_thread_is_told_so_and_the_next_one_is_served(server):
    assert eventually(lambda: server.ask("fine")[0] == 200)
    with contextlib.ExitStack() as visitors:
        for _ in range(3):
            visitor = visitors.enter_context(server.connect())
            visitor.sendall(request(server.stage, "hold 1.5"))
            assert b"held" in visitor.recv(65536)
        for _ in range(3):
            status, body, end = server.once("fine")
            assert (status, body) == (503, b"There are too many visitors at once.\n")
            assert not end or end.protocol_status == fastcgi.OVERLOADED
    assert eventually(lambda: server.ask("fine")[:2] == (200, b"fine"))


@pytest.mark.skipif(0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2000, reason="nobody may open so many files")
def test_a_program_may_open_many_files(tmp_path):
    """What select can look at ends at the 1024th; our server of FastCGI looks whether the request is aborted."""
    with serving("fastcgi", tmp_path) as server:
        assert server.ask("many")[:2] == (200, b"fine")
        assert [server.ask("hold 0")[:2] for _ in range(6)] == 6 * [(200, b"heldfine")]


@pytest.mark.parametrize("stage", STAGES)
def test_file_descriptors_are_short_for_a_while(stage, tmp_path):
    def prepare():
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))  # three streams, the listener, two for signals, two visitors

    def used():
        ticks = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / 100

    with serving(stage, tmp_path, prepare) as server, contextlib.ExitStack() as open_connections:
        assert server.ask("fine")[:2] == (200, b"fine")
        for _ in range(10):
            open_connections.enter_context(server.connect())
        assert eventually(lambda: "nobody can be accepted for now: Too many open files" in server.logged())
        before = used()
        time.sleep(1)
        assert used() - before < 0.2
        open_connections.close()
        assert eventually(lambda: server.ask("fine")[:2] == (200, b"fine"))
        assert server.logged().count("nobody can be accepted") < 5
