"""Visitors who come over TLS: with HTTP/2 on a TCP connection, or with HTTP/3 on QUIC.

They are asked like `visiting.Visitor`, with the bytes of an HTTP/1.1 request, and say the
same in their own protocol: what is only framing there (chunks, the version) is left out.
"""

import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h11
import trustme
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, StreamReset

from exhibits.backstage.visiting import LAST, Answer, Kept

# What is about the connection has no place in HTTP/2 (RFC 9113 section 8.2.2); Host is ":authority".
LEFT_OUT = (b"host", b"connection", b"transfer-encoding", b"upgrade")


def make_certificate(folder, host):
    """Write a certificate for this host that is good for this run: cert.pem, key.pem, and ca.pem who vouches for it."""
    authority = trustme.CA()
    certificate = authority.issue_cert(host)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")


class Said:
    """A request that was given as the bytes of HTTP/1.1.

    headers: what HTTP/2 and 3 say instead of its head. body: its bytes. whole: it is not cut off.
    """

    def __init__(self, pieces):
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        for piece in pieces:
            parser.receive_data(piece)
        self.headers, self.body, self.whole = [], b"", False
        while (event := parser.next_event()) is not h11.NEED_DATA and not self.whole:
            if isinstance(event, h11.Request):
                fields = list(event.headers)
                authority = dict(fields).get(b"host", b"localhost")
                self.headers = [(b":method", event.method), (b":scheme", b"https"), (b":authority", authority),
                                (b":path", event.target)]
                self.headers += [(name, value) for name, value in fields if name not in LEFT_OUT]
                self.expects = (b"expect", b"100-continue") in fields
            elif isinstance(event, h11.Data):
                self.body += event.data
            self.whole = isinstance(event, h11.EndOfMessage)


class Encrypted(Kept):
    """One visitor's connection, kept open between requests. trusts: the file with the authority to believe."""

    def __init__(self, host, port, timeout, trusts):
        self.host, self.port, self.timeout, self.trusts = host, port, timeout, str(trusts)

    def ask(self, request, *, then=(), hang_up=False, within=LAST):
        """Send a request and return the Answer; see `visiting.Visitor.ask`."""
        said, answer = Said((request, *then)), Answer()
        try:
            if self.socket is None:
                self.connect()
            self.deadline = time.monotonic() + min(within, self.timeout)
            self.exchange(said, answer)
        except (ConnectionError, TimeoutError, ssl.SSLError, h2.exceptions.ProtocolError):
            pass  # what has come so far is the answer, and it is not complete
        if not answer.complete:
            self.close()
        return answer

    def await_continue(self, answer):
        """A client does not wait for "100 Continue" without end (RFC 9110 section 10.1.1)."""
        end, self.deadline = self.deadline, time.monotonic() + 1
        try:
            while not answer.informational and not answer.complete:
                self.read(answer)
        except TimeoutError:
            pass
        self.deadline = end

    def took(self, headers, answer):
        """Put the head of an answer, which may be one of the 1xx, into it."""
        fields = [(name.decode(), value.decode("latin-1")) for name, value in headers]
        status = int(fields[0][1])
        if status < 200:
            answer.informational.append(status)
        else:
            answer.status, answer.headers = status, [field for field in fields if not field[0].startswith(":")]


class Visitor2(Encrypted):
    """A visitor who speaks HTTP/2 (RFC 9113)."""

    def connect(self):
        context = ssl.create_default_context(cafile=self.trusts)
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.socket = context.wrap_socket(plain, server_hostname=self.host)
        if self.socket.selected_alpn_protocol() != "h2":
            raise ConnectionError("the server does not speak HTTP/2")
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
        self.h2.initiate_connection()

    def exchange(self, said, answer):
        self.stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(self.stream, said.headers, end_stream=said.whole and not said.body)
        if said.expects:
            self.await_continue(answer)
        body = said.body
        while body and not answer.complete:
            room = min(self.h2.local_flow_control_window(self.stream), self.h2.max_outbound_frame_size)
            if room:
                self.h2.send_data(self.stream, body[:room], end_stream=said.whole and len(body) <= room)
                self.socket.sendall(self.h2.data_to_send())
                body = body[room:]
            else:
                self.read(answer)
        if not said.whole:
            self.h2.reset_stream(self.stream)
            self.socket.sendall(self.h2.data_to_send())
            return
        while not answer.complete:
            self.read(answer)

    def read(self, answer):
        self.socket.sendall(self.h2.data_to_send())
        self.socket.settimeout(max(0.001, self.deadline - time.monotonic()))
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        for event in self.h2.receive_data(data):
            if isinstance(event, (h2.events.ResponseReceived, h2.events.InformationalResponseReceived)):
                self.took(event.headers, answer)
            elif isinstance(event, h2.events.DataReceived):
                answer.body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                answer.complete = True
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                raise ConnectionError("the server gave up")


class Client3(H3Connection):
    def _check_content_length(self, stream):
        """An answer to HEAD announces a length and has no body (RFC 9110 section 8.6): aioquic takes it for cut off."""


class Visitor3(Encrypted):
    """A visitor who speaks HTTP/3 (RFC 9114)."""

    def connect(self):
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.connect((self.host, self.port))
        settings = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, cafile=self.trusts, server_name=self.host)
        self.quic = QuicConnection(configuration=settings)
        self.h3 = Client3(self.quic)
        self.quic.connect((self.host, self.port), now=time.monotonic())

    def exchange(self, said, answer):
        stream = self.quic.get_next_available_stream_id()
        self.h3.send_headers(stream, said.headers, end_stream=said.whole and not said.body)
        if said.expects:
            self.await_continue(answer)
        if said.body:
            self.h3.send_data(stream, said.body, end_stream=said.whole)
        if not said.whole:
            self.quic.reset_stream(stream, 0x010C)  # H3_REQUEST_CANCELLED (RFC 9114 section 8.1)
            self.send()
            return
        while not answer.complete:
            self.read(answer)

    def send(self):
        for datagram, _ in self.quic.datagrams_to_send(now=time.monotonic()):
            self.socket.send(datagram)

    def read(self, answer):
        self.send()
        now = time.monotonic()
        if now > self.deadline:
            raise TimeoutError
        timer = self.quic.get_timer() or self.deadline
        self.socket.settimeout(max(0.001, min(timer, self.deadline) - now))
        try:
            self.quic.receive_datagram(self.socket.recv(65536), (self.host, self.port), now=time.monotonic())
        except TimeoutError:
            self.quic.handle_timer(now=time.monotonic())
        while event := self.quic.next_event():
            if isinstance(event, (ConnectionTerminated, StreamReset)):
                raise ConnectionError("the server gave up")
            for part in self.h3.handle_event(event):
                if isinstance(part, HeadersReceived):
                    self.took(part.headers, answer)
                elif isinstance(part, DataReceived):
                    answer.body += part.data
                answer.complete |= part.stream_ended

    def close(self):
        if self.socket is not None:
            self.quic.close()
            self.send()
        super().close()


VISITORS = {"HTTP/2": Visitor2, "HTTP/3": Visitor3}
