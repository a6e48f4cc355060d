"""A client's connection with a server that gives it a thread, seen from the server."""

import socket
from contextlib import contextmanager

import pytest

from exhibits.asking import request
from exhibits.http.connection import Connection
from exhibits.http.wire import Body, End, Response


@contextmanager
def connected(timeout):
    """(a Connection, the visitor's socket)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        visitor = socket.create_connection(listener.getsockname())
        sock, _ = listener.accept()
    with visitor, sock:
        yield Connection(sock, timeout), visitor


def test_nothing_follows_an_answer_of_which_some_may_be_missing():
    with connected(0.2) as (connection, visitor):
        visitor.sendall(2 * request("GET", "/"))
        connection.next_request()
        with pytest.raises(TimeoutError):
            connection.send(Response(200, [(b"Content-Length", b"%d" % (1 << 25))]), Body(bytes(1 << 25)), End())
        assert not connection.finish()


def test_a_refusal_is_the_last_answer():
    with connected(0.2) as (connection, visitor):
        visitor.sendall(request("POST", "/", "Content-Length: 5", "Expect: 100-continue"))
        connection.next_request()
        connection.refuse(404, "there is nothing here")
        assert not connection.finish()
        visitor.shutdown(socket.SHUT_WR)
        connection.hang_up()
        assert b"".join(iter(lambda: visitor.recv(65536), b"")).count(b"HTTP/1.1 ") == 1
