#!/usr/bin/env python3
"""A CGI/1.1 server (RFC 3875): HTTP/1.1 towards the client, a new process for each request.

    python exhibits/cgi/server.py [--port 8000] [--mount /museum] PROGRAM [ARG ...]

A request becomes the environment and the standard input of PROGRAM; what that prints
becomes the response. "§" is a section of RFC 3875 where no other RFC is named.

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

SOFTWARE = b"from-cgi-to-asgi/1.0"
LIMIT = 64 * 1024  # bytes: the head of a request, and the header fields of a script
REASONS = {status.value: status.phrase for status in HTTPStatus}
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"}
WITHHELD = HOP_BY_HOP | {
    b"upgrade",  # is hop-by-hop too, but a script may answer with one (RFC 9110 section 15.5.22)
    b"authorization", b"proxy-authorization",  # credentials are not told to everybody (§4.1.18)
    b"content-length",  # is counted anew, without transfer-codings (§4.2)
    b"proxy",  # would be HTTP_PROXY, where HTTP clients look for their proxy (httpoxy, CVE-2016-5385)
}  # fmt: skip

TARGET = re.compile(rb"(?i:https?://[^/?#]+)?(/[^?#]*)(?:\?([^#]*))?")  # RFC 9112 section 3.2
HOST = re.compile(rb"([\w.-]+|\[[\da-fA-F:.]+\])(?::\d*)?")
BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")  # LF ends a line, "servers should also accept CR LF" (§7.2)
FIELD = re.compile(rb"([^\s:]+):([^\r\0]*)\r?")
STATUS = re.compile(rb"([2-5]\d\d)(?: ([\t -~\x80-\xff]*))?")

running = set()  # the scripts, so that none outlives the server
starting = threading.Lock()


class Failure(Exception):
    """There will be no response from the script, or not a whole one. args: status code, sentence."""


class Connection:
    """A client, in a thread of its own. Its requests are answered one after the other."""

    def __init__(self, sock, client, options):
        self.socket, self.client, self.options = sock, client, options
        self.socket.settimeout(options.timeout)
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMIT)

    def serve(self):
        with self.socket:
            while self.exchange():
                self.http.start_next_cycle()
            hang_up(self.socket)

    def exchange(self):
        """Answer one request and log it; true if the connection can carry another one."""
        start, line, self.method, self.status, self.note = time.monotonic(), b"-", None, "-", ""
        try:
            request = self.next_event()
            if type(request) is h11.ConnectionClosed:
                return False
            start, self.method = time.monotonic(), request.method
            line = b"%s %s HTTP/%s" % (request.method, request.target, request.http_version)
            self.respond(request, self.read_body(request))
        except TimeoutError:
            if self.method or self.http.trailing_data[0]:
                self.fail(408, "the client is too slow")
        except ConnectionError:
            self.note = ", client left" + self.note
        except Failure as failure:
            self.fail(*failure.args)
        except h11.ProtocolError as error:  # in h11's words, the client is remote and the script is local
            self.fail(error.error_status_hint if type(error) is h11.RemoteProtocolError else 502, str(error)[:200])
        except OSError as error:  # no process, file or disk space to be had
            self.fail(503, error.strerror)
        if line == b"-" and self.status == "-":
            return False  # nothing was asked
        log(f'{self.client} "{line.decode()}" {self.status} {(time.monotonic() - start) * 1000:.0f} ms{self.note}')
        return self.http.our_state is self.http.their_state is h11.DONE

    # ---------------------------------------------------------------- the request

    def next_event(self):
        while (event := self.http.next_event()) is h11.NEED_DATA:
            if self.http.they_are_waiting_for_100_continue:
                self.send(h11.InformationalResponse(status_code=100, headers=[], reason="Continue"))
            self.http.receive_data(self.socket.recv(4096))  # small pieces: h11 checks LIMIT between them
        return event

    def read_body(self, request):
        """The body as a file, or None. The script starts when all of it is there.

        So CONTENT_LENGTH is exact even if the body came in chunks (§4.2), no script sees half
        a body, and none waits for us to read its output while we wait for it to read its input.
        """
        framing = {name for name, _ in request.headers} & {b"content-length", b"transfer-encoding"}
        if len(framing) == 2 or b"transfer-encoding" in framing and request.http_version < b"1.1":
            raise Failure(400, "it is not clear where the body ends")  # smuggling, RFC 9112 section 6.1
        body = None
        while type(event := self.next_event()) is h11.Data:
            body = body or tempfile.TemporaryFile()
            body.write(event.data)
        return body

    def meta_variables(self, request, method, target, body):
        """The environment of the script: all that MUST be in it (§4.1), PATH_INFO and the header fields."""
        parts, mount = TARGET.fullmatch(target), os.fsencode(self.options.mount)
        if not parts or method == b"CONNECT":
            raise Failure(400, "the request does not ask for a path")
        path = unquote_to_bytes(parts[1])
        if b"\0" in path:
            raise Failure(400, "the path holds a NUL, which an environment cannot")
        if not (path + b"/").startswith(mount + b"/"):
            raise Failure(404, "there is nothing here")
        fields = header_variables(request.headers)
        address, port = self.socket.getsockname()[:2]
        address = f"[{address}]" if ":" in address else address
        host = HOST.fullmatch(fields.get(b"HTTP_HOST") or address.encode())
        if not host:
            raise Failure(400, "the Host field names no host")
        variables = {
            **self.options.environ,
            b"GATEWAY_INTERFACE": b"CGI/1.1",
            b"SERVER_SOFTWARE": SOFTWARE,
            b"SERVER_PROTOCOL": b"HTTP/" + request.http_version,
            b"SERVER_NAME": host[1],
            b"SERVER_PORT": b"%d" % port,
            b"REMOTE_ADDR": self.client.encode(),
            b"REQUEST_METHOD": method,
            b"SCRIPT_NAME": mount,
            b"PATH_INFO": path[len(mount):],
            b"QUERY_STRING": parts[2] or b"",
            **fields,
        }  # fmt: skip
        if body:
            variables[b"CONTENT_LENGTH"] = b"%d" % body.tell()
        return variables

    # ---------------------------------------------------------------- the script

    def respond(self, request, body):
        """Run the script and send its response; run it again for another path if it says so."""
        method, target = request.method, request.target
        for _ in range(10):
            with self.script(self.meta_variables(request, method, target, body), body) as script:
                output = self.output(script)
                if self.options.nph:
                    return self.send_verbatim(output)
                cgi, fields, beginning = read_header_fields(output)
                document = itertools.chain([beginning], output)
                location = cgi.get(b"location", b"")
                if len(cgi) > 1 or not location.startswith(b"/"):
                    return self.send_response(cgi, fields, document)
                # A local redirect: the client gets what it would have got there (§6.2.2).
                if any(document):
                    raise Failure(502, "the script sent a body with a local redirect")
                method, target, body = b"GET", location, None
        raise Failure(502, "the script redirects without end")

    @contextlib.contextmanager
    def script(self, variables, body):
        """A process for this request, which ends with the block at the latest."""
        if body:
            body.seek(0)
        with starting:
            script = subprocess.Popen(
                self.options.command, bufsize=0, env=variables,
                stdin=body or subprocess.DEVNULL, stdout=subprocess.PIPE,
                start_new_session=True,  # a process group, to end the script with all that it has started
            )  # fmt: skip
            running.add(script)
        try:
            yield script
        finally:
            if script.returncode is None:
                stop([script])
                self.note = ": stopped the script"
            running.discard(script)
            script.stdout.close()

    def output(self, script):
        """What the script prints, as it comes. It fails if the script does, or stops if the client leaves."""
        pipe, client, poll = script.stdout.fileno(), self.socket.fileno(), select.poll()
        poll.register(pipe, select.POLLIN)
        poll.register(client, select.POLLIN)
        chunk = None
        deadline = time.monotonic() + self.options.timeout
        while chunk != b"":
            ready = [fd for fd, _ in poll.poll(max(0, deadline - time.monotonic()) * 1000)]
            if not ready:
                raise Failure(504, "the script is too slow")  # §6.1 names this status code
            if client in ready:
                self.overhear(poll)
            if pipe in ready and (chunk := os.read(pipe, 65536)):
                yield chunk
                deadline = time.monotonic() + self.options.timeout
        try:
            code = script.wait(self.options.timeout)
        except subprocess.TimeoutExpired:
            raise Failure(504, "the script does not end") from None
        if code:
            raise Failure(502, f"the script ended with exit code {code}")
