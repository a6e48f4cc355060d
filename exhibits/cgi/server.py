#!/usr/bin/env python3
"""A CGI/1.1 server (RFC 3875): HTTP/1.1 towards the client, a new process for each request.

    python exhibits/cgi/server.py [--port 8000] [--mount /museum] PROGRAM [ARG ...]

A request becomes the environment and the standard input of PROGRAM; what that prints
becomes the response. "§" means a section of RFC 3875 where no other RFC is named.

Left out: the words of a query as arguments (§4.4), PATH_TRANSLATED (§4.1.6), REMOTE_HOST
(§4.1.9), a working directory of the script's own (§7.2), limits on bodies and processes.
"""

import argparse
import contextlib
import itertools
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

import h11

LIMIT = 64 * 1024  # bytes of a request's head, and of a script's header fields
REASONS = {status.value: status.phrase for status in HTTPStatus}
TARGET = re.compile(rb"(?i:https?://[^/?#]+)?(/[^?#]*)(?:\?([^#]*))?")  # RFC 9112 sections 3.2.1 and 3.2.2
HOST = re.compile(rb"([\w.-]+|\[[\da-fA-F:.]+\])(?::\d*)?")
BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")  # LF ends a script's line; "servers should also accept CR LF" (§7.2)
FIELD = re.compile(rb"([^\s:]+):([^\r\0]*)\r?")
STATUS = re.compile(rb"([2-5]\d\d)(?: ([\t -~\x80-\xff]*))?")
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"}
WITHHELD = HOP_BY_HOP | {
    b"upgrade",  # is hop-by-hop as well, but a script may name one with its 426
    b"authorization", b"proxy-authorization",  # credentials are the server's business (§4.1.18)
    b"content-length",  # is counted anew, without transfer-codings (§4.2)
    b"proxy",  # as HTTP_PROXY it would redirect every HTTP client the script uses (httpoxy, CVE-2016-5385)
}  # fmt: skip

RUNNING = set()  # scripts, so that none outlives the server
STARTING = threading.Lock()


class Problem(Exception):
    """The script's document will not come, or not whole. args: a status code and a sentence."""


class ClientLeft(Exception):
    """There is nobody to answer any more."""


class Connection:
    """One client, in one thread, whose requests are answered one after the other."""

    def __init__(self, sock, client, options):
        self.socket, self.client, self.options = sock, client, options
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMIT)
        sock.settimeout(options.timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def serve(self):
        with self.socket:
            while self.exchange():
                self.http.start_next_cycle()
            hang_up(self.socket)

    def exchange(self):
        """Answer one request and log it; true if another may follow on this connection."""
        self.method, self.status, self.note = b"", "-", ""
        line, start = "-", time.monotonic()
        try:
            request = self.next_event()
            if type(request) is h11.ConnectionClosed:
                return False
            self.method, start = request.method, time.monotonic()
            line = b"%s %s HTTP/%s" % (request.method, request.target, request.http_version)
            self.respond(request, self.read_body(request))
        except ClientLeft:
            self.note = "client left" + self.note
        except Problem as problem:
            self.fail(*problem.args)
        except h11.RemoteProtocolError as error:  # the client's fault
            self.fail(error.error_status_hint, str(error)[:200])
        except h11.LocalProtocolError as error:  # the script's
            self.fail(502, str(error)[:200])
        except OSError as error:  # no process, no file or no room on the disk to be had
            self.fail(503, error.strerror)
        milliseconds = (time.monotonic() - start) * 1000
        log(f'{self.client} "{line}" {self.status} {milliseconds:.0f} ms{self.note}')
        return self.http.our_state is self.http.their_state is h11.DONE

    # ---------------------------------------------------------------- the request

    def next_event(self):
        while (event := self.http.next_event()) is h11.NEED_DATA:
            if self.http.they_are_waiting_for_100_continue:
                self.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            try:
                self.http.receive_data(self.socket.recv(4096))  # little by little, for h11 to see LIMIT in time
            except ConnectionError:
                self.http.receive_data(b"")
            except TimeoutError:
                if self.http.their_state is h11.IDLE and not self.http.trailing_data[0]:
                    return h11.ConnectionClosed()  # nothing was asked
                raise Problem(408, "the rest of the request did not come") from None
        return event

    def read_body(self, request):
        """The whole body as a file, before the script starts; None if there is no body.

        So CONTENT_LENGTH is exact even if the body came in chunks (§4.2), no script sees
        a body that was cut off, and none can wait for us to read while we wait for it to read.
        """
        names = {name for name, _ in request.headers}
        if b"transfer-encoding" in names and (b"content-length" in names or request.http_version < b"1.1"):
            raise Problem(400, "it is not clear where the body ends")  # RFC 9112 section 6.1: smuggling
        body = None
        while type(event := self.next_event()) is h11.Data:
            body = body or tempfile.TemporaryFile()
            body.write(event.data)
        return body

    def meta_variables(self, request, method, target, body):
        """The environment of the script: what §4.1 says MUST be in it, PATH_INFO and the header fields."""
        parts, mount = TARGET.fullmatch(target), os.fsencode(self.options.mount)
        if not parts or method == b"CONNECT":
            raise Problem(400, "the request does not ask for a path")
        path = unquote_to_bytes(parts[1])
        if b"\0" in path:
            raise Problem(400, "the path holds a NUL, and an environment cannot")
        if not (path + b"/").startswith(mount + b"/"):
            raise Problem(404, "there is nothing here")
        fields = {}
        for name, value in request.headers:
            if name in WITHHELD or b"_" in name:  # X_Mood would pass for X-Mood: both are HTTP_X_MOOD
                continue
            # Repeated fields become one (§4.1.18); within cookies a comma would not separate (RFC 9113 8.2.3).
            comma = b"; " if name == b"cookie" else b", "
            fields[name] = fields[name] + comma + value if name in fields else value
        address, port = self.socket.getsockname()[:2]
        host = HOST.fullmatch(fields.get(b"host") or (f"[{address}]" if ":" in address else address).encode())
        if not host:
            raise Problem(400, "the Host field names no host")
        variables = self.options.environ | {
            b"GATEWAY_INTERFACE": b"CGI/1.1",
            b"SERVER_SOFTWARE": b"from-cgi-to-asgi/1.0",
            b"SERVER_PROTOCOL": b"HTTP/" + request.http_version,
            b"SERVER_NAME": host[1],
            b"SERVER_PORT": b"%d" % port,
            b"REMOTE_ADDR": self.client.encode(),
            b"REQUEST_METHOD": method,
            b"SCRIPT_NAME": mount,
            b"PATH_INFO": path[len(mount):],
            b"QUERY_STRING": parts[2] or b"",
        }  # fmt: skip
        if b"content-type" in fields:
            variables[b"CONTENT_TYPE"] = fields.pop(b"content-type")
        if body:
            variables[b"CONTENT_LENGTH"] = b"%d" % body.seek(0, os.SEEK_END)
        return variables | {b"HTTP_" + name.upper().replace(b"-", b"_"): value for name, value in fields.items()}

    # ---------------------------------------------------------------- the script

    def respond(self, request, body):
        """Run the script, and again wherever it redirects locally."""
        method, target = request.method, request.target
        for _ in range(10):
            with self.script(self.meta_variables(request, method, target, body), body) as script:
                output = self.output(script)
                if self.options.nph:
                    return self.pass_on(output)
                cgi, fields, beginning = read_header_fields(output)
                document = itertools.chain([beginning], output)
                location = cgi.get(b"location", b"")
                if cgi.keys() != {b"location"} or not location.startswith(b"/"):
                    return self.send_response(cgi, fields, document)
                if any(document):  # §6.2.2: "MUST NOT return any other header fields or a message-body"
                    raise Problem(502, "the script sent a local redirect with a body")
                method, target, body = b"GET", location, None
        raise Problem(502, "the script redirects without end")

    @contextlib.contextmanager
    def script(self, variables, body):
        """The process of one request: it does not outlive the block."""
        if body:
            body.seek(0)
        with STARTING:
            script = subprocess.Popen(
                self.options.command, env=variables, bufsize=0, stdout=subprocess.PIPE,
                stdin=body or subprocess.DEVNULL,
                start_new_session=True,  # a process group, to reach whatever the script starts itself
            )  # fmt: skip
            RUNNING.add(script)
        try:
            yield script
        finally:
            if script.returncode is None:
                stop([script])
                self.note = ": stopped the script"
            RUNNING.discard(script)
            script.stdout.close()

    def output(self, script):
        """What the script prints, as it comes, for as long as it goes on and the client stays."""
        pipe, poll = script.stdout.fileno(), select.poll()
        poll.register(pipe, select.POLLIN)
        poll.register(self.socket, select.POLLIN)
        chunk = b"-"
        while chunk:
            ready = self.wait(poll)
            if pipe in ready: ...
