"""What CGI is (RFC 3875): a request becomes the environment and the standard input of a process.

"§" is a section of RFC 3875 where no other RFC is named.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from urllib.parse import unquote_to_bytes

from exhibits.cgi import wire
from exhibits.http.grammar import HOST
from exhibits.shared.log import log

SOFTWARE = b"from-cgi-to-asgi/1.0"

LINE = 8192  # bytes: a longer one is logged in pieces
NOTHING = open(os.devnull)
running = set()  # the scripts, so that none outlives the server
starting = threading.Lock()


class Failure(Exception):
    """There will be no response from the script, or not a whole one. args: status code, sentence."""


def meta_variables(options, client, request, method, path, query, body):
    """The environment of the script: all that MUST be in it (§4.1), PATH_INFO and the header fields."""
    mount, path = os.fsencode(options.mount), unquote_to_bytes(path)
    if method == b"CONNECT":
        raise Failure(501, "there is no tunnel here")
    if b"\0" in path:
        raise Failure(400, "the path holds a NUL, which an environment cannot")
    if not (path + b"/").startswith(mount + b"/"):
        raise Failure(404, "there is nothing here")
    host = HOST.fullmatch(request.joined.get(b"host", b""))[1]
    variables = {
        **options.environ,
        b"GATEWAY_INTERFACE": b"CGI/1.1",
        b"SERVER_SOFTWARE": SOFTWARE,
        b"SERVER_PROTOCOL": b"HTTP/" + request.version,
        b"SERVER_NAME": host or options.name,
        b"SERVER_PORT": b"%d" % options.port,
        b"REMOTE_ADDR": client.encode(),
        b"REQUEST_METHOD": method,
        b"SCRIPT_NAME": mount,
        b"PATH_INFO": path[len(mount):],
        b"QUERY_STRING": query,
        # Not in the RFC, but everywhere: of an absolute target what follows the host.
        b"REQUEST_URI": request.path + b"".join(request.target.partition(b"?")[1:]),
        **wire.header_variables(request.headers),
    }
    if body:
        variables[b"CONTENT_LENGTH"] = b"%d" % body.tell()
    return variables


class Script:
    """A process for one request, which ends with the `with` block at the latest; stopped: whether it had to be.

    stdout, stderr: the file descriptors of what it prints. What it has started may outlive it.
    """

    def __init__(self, command, variables, body):
        self.command, self.variables, self.body, self.stopped = command, variables, body, False
        self.complaint = b""  # a line of standard error that has not come to its end

    def __enter__(self):
        if self.body:
            self.body.seek(0)
        with starting:
            self.process = subprocess.Popen(
                self.command, bufsize=0, env=self.variables,
                stdin=self.body or NOTHING, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,  # a process group, to end the script with all that it has started
            )
            running.add(self.process)
        self.stdout, self.stderr = self.process.stdout.fileno(), self.process.stderr.fileno()
        return self

    def __exit__(self, *exception):
        if not self.has_ended():
            stop([self.process])
            self.stopped = True
        running.discard(self.process)
        os.set_blocking(self.stderr, False)
        with contextlib.suppress(BlockingIOError):
            self.complain()
        if self.complaint:
            log(self.complaint.decode(errors="backslashreplace"))
        self.process.stdout.close()
        self.process.stderr.close()

    def has_ended(self):
        return self.process.poll() is not None

    def wait(self, seconds):
        """Its exit code, or minus the number of the signal that ended it; None if it still runs then."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)

    def complain(self):
        """Hand on what it says on standard error, in whole lines, as others log too; false at its end."""
        data = os.read(self.stderr, 65536)
        lines, newline, self.complaint = (self.complaint + data).rpartition(b"\n")
        if len(self.complaint) > LINE:
            lines, newline, self.complaint = self.complaint, b"\n", b""
        if newline:
            log(lines.decode(errors="backslashreplace"))
        return bool(data)


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
