"""One client of our CGI server: HTTP on its side, a script on the other.

"§" is a section of RFC 3875 where no other RFC is named.
"""

import itertools
import os
import select
import sys
import time

from exhibits.cgi import wire
from exhibits.cgi.script import SOFTWARE, Failure, Script, meta_variables
from exhibits.http import connection, grammar
from exhibits.http.wire import Body, End, Response
from exhibits.shared.fields import Malformed
from exhibits.shared.log import log

AHEAD = 64 * 1024  # bytes that a client may say while the script runs
LOOK_AGAIN = 0.1  # seconds of silence until we look whether the script has ended
HELD_OPEN = 1  # seconds of silence until an answer ends whose script has, while others keep its standard output open


class Connection(connection.Connection):
    """A client, in a thread of its own. Its requests are answered one after the other."""

    def __init__(self, sock, address, options):
        super().__init__(sock, options.timeout)
        self.address, self.options, self.listens_only = address, options, False

    def serve(self):
        while self.exchange():
            pass
        self.hang_up()

    def exchange(self):
        """Answer one request and log it; true if the connection can carry another one."""
        start, self.note = time.monotonic(), ""
        try:
            if not self.next_request():
                return False
            start = time.monotonic()
            # The script starts when all of the body is there. So CONTENT_LENGTH is exact even if it came in chunks
            # (§4.2), no script sees half a body, and none waits for us to read its output while we wait for it to read.
            self.respond(self.request, self.read_to_file())
        except grammar.BadMessage as error:
            self.fail(error.status, error.sentence)
        except Failure as failure:
            self.fail(*failure.args)
        except TimeoutError:
            if self.request or self.reader.buffer:
                self.fail(408, "the client is too slow")
        except ConnectionError:
            self.note = ", client left" + self.note
        except OSError as error:  # no process, file or disk space to be had
            self.fail(503, error.strerror)
        if (self.request or self.status != "-") and self.options.access_log:
            line, took = self.request.line if self.request else "-", (time.monotonic() - start) * 1000
            log(f'{self.address[0]} "{line}" {self.status} {took:.0f} ms{self.note}')
        return self.finish()

    def fail(self, status, sentence):
        """Say why there is no response; cut off one that has begun, lest it pass for whole."""
        self.note = f", {sentence}{self.note}"
        if self.status == "-":
            self.refuse(status, sentence, [(b"Server", SOFTWARE)])
        elif self.status == "nph" or (not self.writer.complete and self.writer.left == grammar.TO_THE_END):
            self.abort()  # where the end of the connection is the end of the document, only a reset tells a cut

    # ---------------------------------------------------------------- the script

    def respond(self, request, body):
        """Run the script and send its response. If that is a local redirect, do so again for the new path."""
        method, path, query = request.method, request.path, request.query
        for _ in range(10):
            variables = meta_variables(self.options, self.address[0], request, method, path, query, body)
            variables[b"REMOTE_PORT"] = b"%d" % self.address[1]  # not in the RFC, but everywhere
            script = Script(self.options.command, variables, body)
            try:
                with script:
                    output = self.output(script)
                    if self.options.nph:
                        return self.send_verbatim(output)
                    head, document = read_head(output)
                    if head.form != "local redirect":
                        return self.send_response(head, document)
                    if any(document):  # "MUST NOT return any other header fields or a message-body" (§6.2.2)
                        raise Failure(502, "the script sent a body with a local redirect")
            finally:
                self.note += ": stopped the script" if script.stopped else ""
            method, (path, query), body = b"GET", split(head.location), None
        raise Failure(502, "the script redirects without end")

    def output(self, script):
        """What the script prints, as it comes, until it ends or is too slow, or the client leaves. None: nothing more.

        Its exit code is for the log only: many a script ends with another than 0 behind a whole page.
        """
        stdout, stderr, client, poll = script.stdout, script.stderr, self.socket.fileno(), select.poll()
        for fd in stdout, stderr, client:
            poll.register(fd, 0 if fd == client and self.listens_only else select.POLLIN)
        deadline, pipes = time.monotonic() + self.options.timeout, {stdout, stderr}
        while pipes:
            ended = script.has_ended()
            ready = {fd for fd, _ in poll.poll((HELD_OPEN if ended else LOOK_AGAIN) * 1000)}
            if client in ready:
                self.overhear(poll)
            if stderr in ready and not script.complain():
                pipes.discard(stderr)
                poll.unregister(stderr)
            if stdout in ready and (chunk := os.read(stdout, 65536)):
                yield chunk
                if not self.writer.complete:
                    deadline = time.monotonic() + self.options.timeout
            elif stdout in ready:
                pipes.discard(stdout)
                poll.unregister(stdout)
                if script.wait(HELD_OPEN) is None:
                    yield None  # it has closed its standard output and goes on: that was all
            if ended and (stdout not in pipes or stdout not in ready):
                break  # what the script has started may go on, and keep its standard output
            if time.monotonic() > deadline:
                raise Failure(504, "the script is too slow")  # §6.1 leaves the time to the server
        code = script.wait(self.options.timeout)
        if code is None:
            raise Failure(504, "the script does not end")
        if code < 0:  # it has not ended by itself: nobody knows what is missing
            raise Failure(502, f"the script was ended by signal {-code}")
        if code:
            self.note += f", exit code {code}"

    def overhear(self, poll):
        """The client says something while the script runs: it asks for more already, has nothing to ask, or is gone."""
        if self.writer.complete or len(self.reader.buffer) > AHEAD:
            return poll.unregister(self.socket)  # it can wait
        data = self.socket.recv(4096)  # from a client that is gone this is an error
        if not data and self.listens_only:
            raise ConnectionAbortedError
        if not data:  # it has closed its own side and waits for the answer; only a reset would be news
            self.listens_only = True
            poll.modify(self.socket, 0)
        self.reader.receive(data)  # which keeps it until this request is answered

    def send_response(self, head, document):
        """Send a document or a redirect (§6.2.1, §6.2.3, §6.2.4), the body as it comes."""
        fields = [field for field in head.headers if field[0].lower() not in wire.HOP_BY_HOP]
        names = {name.lower(): value for name, value in fields}
        if b"server" not in names:
            fields.append((b"Server", SOFTWARE))
        messages = [Response(head.status, fields, head.reason)]  # goes out together with what is there of the body
        try:
            left = int(names.get(b"content-length", sys.maxsize))
            if self.request.method == b"HEAD" or head.status in grammar.NO_BODY:
                left = 0  # a body the script sends all the same is discarded (§4.3.3)
            while left and (chunk := next(document, None)) is not None:
                self.send(*messages, Body(chunk[:left]))
                messages, left = [], left - len(chunk[:left])
            self.send(*messages, End())
        except ValueError as error:
            raise Failure(502, f"the script's answer cannot be sent: {error}") from None
        for _ in document:
            pass  # the client has got all it was promised, the script may finish in peace

    def send_verbatim(self, output):
        """Send what an NPH script prints "to the client unmodified" (§5.2)."""
        for chunk in filter(None, output):
            self.status = "nph"
            self.send_bytes(chunk)
        if self.status != "nph":
            raise Failure(502, "the script printed nothing")


def read_head(output):
    """What the script says before the empty line, a `wire.Response`, and then its document, as it comes."""
    reader = wire.ResponseReader()
    try:
        for chunk in filter(None, output):
            if head := reader.feed(chunk):
                return head, itertools.chain([reader.rest], output)
        reader.close()
    except Malformed as error:
        raise Failure(502, f"the script's answer is malformed: {error}") from None


def split(location):
    """Path and query of a local redirect."""
    try:
        return grammar.split_target(b"GET", location)[:2]
    except grammar.BadMessage:
        raise Failure(502, "the script redirects to what is no path") from None
