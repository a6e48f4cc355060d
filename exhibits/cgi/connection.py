"""One client of our CGI server: HTTP by h11 on its side, a script on the other.

"§" is a section of RFC 3875 where no other RFC is named.
"""

import contextlib
import itertools
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from email.utils import formatdate
from http import HTTPStatus

import h11

from exhibits.cgi import wire
from exhibits.cgi.script import SOFTWARE, Failure, Script, meta_variables
from exhibits.fields import Malformed

LIMIT = 64 * 1024  # bytes: the head of a request
REASONS = {status.value: status.phrase for status in HTTPStatus}


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
        if self.options.access_log:
            log(f'{self.client} "{line.decode()}" {self.status} {(time.monotonic() - start) * 1000:.0f} ms{self.note}')
        return self.http.our_state is self.http.their_state is h11.DONE

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
        if len(framing) == 2 or (b"transfer-encoding" in framing and request.http_version < b"1.1"):
            raise Failure(400, "it is not clear where the body ends")  # smuggling, RFC 9112 section 6.1
        body = None
        while type(event := self.next_event()) is h11.Data:
            body = body or tempfile.TemporaryFile()
            body.write(event.data)
        return body

    def send(self, *events):
        self.socket.sendall(b"".join(map(self.http.send, events)))

    def is_answered(self):
        return self.http.our_state in (h11.DONE, h11.MUST_CLOSE)

    def fail(self, status, sentence):
        """Say why there is no response; cut off one that has begun, lest it pass for whole."""
        self.note = f", {sentence}{self.note}"
        if self.http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = f"{sentence}\n".encode()
            length = b"%d" % len(body)
            fields = [(b"Content-Type", b"text/plain"), (b"Content-Length", length)]
            with contextlib.suppress(ConnectionError, TimeoutError):
                self.send_response(wire.Response("document", status, b"", fields, None, 0), iter([body]), closing=True)
        elif not self.is_answered() and (self.options.nph or self.http.their_http_version < b"1.1"):
            # Where the end of the connection is the end of the document, only a reset tells a cut.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()

    # ---------------------------------------------------------------- the script

    def respond(self, request, body):
        """Run the script and send its response. If that is a local redirect, do so again for the new path."""
        method, target = request.method, request.target
        for _ in range(10):
            variables = meta_variables(self.options, self.client, request, method, target, body)
            script = Script(self.options.command, variables, body)
            try:
                with script as process:
                    output = self.output(process)
                    if self.options.nph:
                        return self.send_verbatim(output)
                    head, document = read_head(output)
                    if head.form != "local redirect":
                        return self.send_response(head, document)
                    if any(document):  # "MUST NOT return any other header fields or a message-body" (§6.2.2)
                        raise Failure(502, "the script sent a body with a local redirect")
            finally:
                self.note = ": stopped the script" if script.stopped else ""
            method, target, body = b"GET", head.location, None
        raise Failure(502, "the script redirects without end")

    def output(self, script):
        """What the script prints, as it comes, until it ends, fails or is too slow, or the client leaves."""
        pipe, client, poll = script.stdout.fileno(), self.socket.fileno(), select.poll()
        poll.register(pipe, select.POLLIN)
        poll.register(client, select.POLLIN)
        deadline = time.monotonic() + self.options.timeout
        chunk = None
        while chunk != b"":
            ready = [fd for fd, _ in poll.poll(max(0, deadline - time.monotonic()) * 1000)]
            if not ready:
                raise Failure(504, "the script is too slow")  # §6.1 leaves the time to the server
            if client in ready:
                self.overhear(poll)
            if pipe in ready and (chunk := os.read(pipe, 65536)):
                yield chunk
                if not self.is_answered():
                    deadline = time.monotonic() + self.options.timeout
        try:
            code = script.wait(self.options.timeout)
        except subprocess.TimeoutExpired:
            raise Failure(504, "the script does not end") from None
        if code:
            raise Failure(502, f"the script ended with exit code {code}")

    def overhear(self, poll):
        """The client says something while the script runs: either it leaves, or it asks for more already."""
        if self.is_answered() or len(self.http.trailing_data[0]) > LIMIT:
            return poll.unregister(self.socket)  # it can wait
        data = self.socket.recv(4096)
        if not data:  # maybe it closed its own side only, but then a client that left looks just like that
            raise ConnectionAbortedError
        self.http.receive_data(data)

    def send_response(self, head, document, closing=False):
        """Send a document or a redirect (§6.2.1, §6.2.3, §6.2.4), the body as it comes."""
        code = head.status
        fields = [field for field in head.headers if field[0].lower() not in wire.HOP_BY_HOP]
        names = {name.lower() for name, _ in fields}
        if b"date" not in names:
            fields.append((b"Date", formatdate(usegmt=True).encode()))
        if b"server" not in names:
            fields.append((b"Server", SOFTWARE))
        if closing:
            fields.append((b"Connection", b"close"))
        if b"upgrade" in names:
            fields.append((b"Connection", b"upgrade"))  # they go together (RFC 9110 section 7.8)
        response = h11.Response(status_code=code, reason=head.reason or REASONS.get(code, ""), headers=fields)
        self.status, events = code, [response]  # it goes out together with what is there of the body
        left = int(dict(response.headers).get(b"content-length", sys.maxsize))
        if self.method == b"HEAD" or code in (204, 304):
            left = 0  # a body the script sends all the same is discarded (§4.3.3)
        while left and (chunk := next(document, None)) is not None:
            self.send(*events, h11.Data(data=chunk[:left]))
            events, left = [], left - len(chunk[:left])
        self.send(*events, h11.EndOfMessage())
        for _ in document:
            pass  # the client has got all it was promised, the script may finish in peace

    def send_verbatim(self, output):
        """Send what an NPH script prints "to the client unmodified" (§5.2)."""
        for chunk in output:
            self.status = "nph"
            self.http.send_failed()  # h11 has no part in this
            self.socket.sendall(chunk)
        if self.status != "nph":
            raise Failure(502, "the script printed nothing")


def read_head(output):
    """What the script says before the empty line, a `wire.Response`, and then its document, as it comes."""
    reader = wire.ResponseReader()
    try:
        for chunk in output:
            if head := reader.feed(chunk):
                return head, itertools.chain([reader.rest], output)
        reader.close()
    except Malformed as error:
        raise Failure(502, f"the script's answer is malformed: {error}") from None


def hang_up(sock):
    """Close in two steps (RFC 9112 section 9.6): unread input would make it a reset, which can overtake a response."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(1)
        for _ in range(256):
            if not sock.recv(65536):
                break


def log(line):
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode())  # the whole line at once: the scripts write there too
