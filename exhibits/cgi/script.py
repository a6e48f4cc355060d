"""What CGI is (RFC 3875): a request becomes the environment and the standard input of a process.

"§" is a section of RFC 3875 where no other RFC is named.
"""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from urllib.parse import unquote_to_bytes

from exhibits.cgi import wire

SOFTWARE = b"from-cgi-to-asgi/1.0"
TARGET = re.compile(rb"(?i:https?://[^/?#]+)?(/[^?#]*)(?:\?([^#]*))?")  # RFC 9112 section 3.2
HOST = re.compile(rb"([\w.-]+|\[[\da-fA-F:.]+\])(?::\d*)?")

NOTHING = open(os.devnull)
running = set()  # the scripts, so that none outlives the server
starting = threading.Lock()


class Failure(Exception):
    """There will be no response from the script, or not a whole one. args: status code, sentence."""


def meta_variables(options, client, request, method, target, body):
    """The environment of the script: all that MUST be in it (§4.1), PATH_INFO and the header fields."""
    parts, mount = TARGET.fullmatch(target), os.fsencode(options.mount)
    if not parts or method == b"CONNECT":
        raise Failure(400, "the request does not ask for a path")
    path = unquote_to_bytes(parts[1])
    if b"\0" in path:
        raise Failure(400, "the path holds a NUL, which an environment cannot")
    if not (path + b"/").startswith(mount + b"/"):
        raise Failure(404, "there is nothing here")
    fields = wire.header_variables(request.headers)
    host = HOST.fullmatch(fields.get(b"HTTP_HOST") or options.name)
    if not host:
        raise Failure(400, "the Host field names no host")
    variables = {
        **options.environ,
        b"GATEWAY_INTERFACE": b"CGI/1.1",
        b"SERVER_SOFTWARE": SOFTWARE,
        b"SERVER_PROTOCOL": b"HTTP/" + request.http_version,
        b"SERVER_NAME": host[1],
        b"SERVER_PORT": b"%d" % options.port,
        b"REMOTE_ADDR": client.encode(),
        b"REQUEST_METHOD": method,
        b"SCRIPT_NAME": mount,
        b"PATH_INFO": path[len(mount):],
        b"QUERY_STRING": parts[2] or b"",
        **fields,
    }  # fmt: skip
    if body:
        variables[b"CONTENT_LENGTH"] = b"%d" % body.tell()
    return variables


class Script:
    """A process for one request, which ends with the `with` block at the latest; stopped: whether it had to be."""

    def __init__(self, command, variables, body):
        self.command, self.variables, self.body, self.stopped = command, variables, body, False

    def __enter__(self):
        if self.body:
            self.body.seek(0)
        with starting:
            self.process = subprocess.Popen(
                self.command, bufsize=0, env=self.variables,
                stdin=self.body or NOTHING, stdout=subprocess.PIPE,
                start_new_session=True,  # a process group, to end the script with all that it has started
            )  # fmt: skip
            running.add(self.process)
        return self.process

    def __exit__(self, *exception):
        if self.process.returncode is None:
            stop([self.process])
            self.stopped = True
        running.discard(self.process)
        self.process.stdout.close()


def stop(scripts):
    """End the process groups of scripts: ask, insist a moment later, and leave no zombies."""
    for number, patience in (signal.SIGTERM, 0.2), (signal.SIGKILL, 5):
        deadline = time.monotonic() + patience
        for script in scripts:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of zombies
                os.killpg(script.pid, number)
        for script in scripts:
            with contextlib.suppress(subprocess.TimeoutExpired):
                script.wait(max(0, deadline - time.monotonic()))
