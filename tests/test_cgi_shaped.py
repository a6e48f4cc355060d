"""Our FastCGI and SCGI servers call the same programs, and do the same about whatever these do."""

import os
import re
import socket
import subprocess
import sys
from collections import namedtuple

import pytest
from started import Started
from told import CGI, connect, doing_as_told, running

from exhibits.backstage.running import ROOT, eventually
from exhibits.fastcgi import wire as fastcgi
from exhibits.scgi import wire as scgi
from exhibits.shared import listening
from exhibits.shared.ends import ENDS


def over_fastcgi(variables, body):
    """The bytes of a request, without those that end its body."""
    messages = [fastcgi.BeginRequest(1), fastcgi.Params(1, variables), *[fastcgi.Stdin(1, body)] * bool(body)]
    return b"".join(map(fastcgi.build, messages))


def over_scgi(variables, body):
    return scgi.build_request(variables) + body


def printed_over_fastcgi(answer):
    """What the program printed, of all that came back."""
    reader = fastcgi.WebServerReader()
    reader.begin(1)
    return b"".join(message.data for message in reader.receive(answer) if type(message) is fastcgi.Stdout)


Carrier = namedtuple("Carrier", "room said end printed")
CARRIERS = [Carrier("fastcgi", over_fastcgi, fastcgi.build(fastcgi.Stdin(1, b"")), printed_over_fastcgi),
            Carrier("scgi", over_scgi, b"", bytes)]


class Server:
    """A server that runs in a folder."""

    def __init__(self, carrier, folder):
        self.carrier, self.folder = carrier, folder

    @property
    def log(self):
        return (self.folder / "log").read_text()

    def told(self, do, body=b"", length=None):
        """The bytes of a request for a program that does what it is told, without those that end its body."""
        length = len(body) if length is None else length
        return self.carrier.said({**CGI, "DO": do, "CONTENT_LENGTH": str(length)}, body)

    def ask(self, do, body=b""):
        """What a program prints that is told so."""
        with connect(self.folder) as sock:
            sock.sendall(self.told(do, body) + self.carrier.end)
            return self.carrier.printed(b"".join(iter(lambda: sock.recv(65536), b"")))


@pytest.fixture(scope="module", params=CARRIERS, ids=lambda carrier: carrier.room)
def server(request, tmp_path_factory):
    with doing_as_told(tmp_path_factory.mktemp("ours"), request.param.room) as folder:
        yield Server(request.param, folder)


@pytest.mark.parametrize("size", [0, 2, 6, 300_000])
def test_the_program_gets_the_body(server, size):
    body = b"x" * size
    assert server.ask("echo", body) == b"Status: 200\n\n" + body[:3] + b"|" + body[3:]


def test_all_of_the_body_is_asked_for_as_of_a_file(server):
    assert server.ask("echo as files do", b"all of it") == b"Status: 200\n\nall of it"


def test_a_body_that_breaks_off_ends(server):
    with connect(server.folder) as sock:
        sock.sendall(server.told("echo", b"1234", length=10))
        sock.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
        assert server.carrier.printed(answer) == b"Status: 200\n\n123|4"


def test_the_program_does_not_wait_for_the_body(server):
    with connect(server.folder) as sock:
        sock.sendall(server.told("answer", length=10))
        assert b"answer" in sock.recv(1000)


def test_there_is_an_answer_though_the_program_reads_nothing(server):
    assert server.ask("answer", b"x" * 100_000) == b"Status: 200\n\nanswer"


def test_a_program_that_raises_harms_nobody_else(server):
    assert server.ask("crash").startswith(b"Status: 500 ")
    assert server.ask("crash late") == b"Status: 200\n\nsome"
    assert server.ask("complain").startswith(b"Status: 500 ")
    assert server.ask("exit") == b"Status: 200\n\n"
    assert server.ask("exit in words").startswith(b"Status: 500 ")
    assert server.ask("answer") == b"Status: 200\n\nanswer"


def test_the_program_is_told_that_the_client_left(server):
    with connect(server.folder) as sock:
        sock.sendall(server.told("stream") + server.carrier.end)
        assert sock.recv(8)
    assert eventually(lambda: "client left" in server.log)


@pytest.mark.parametrize("number", sorted(ENDS))
@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.room)
def test_the_server_ends_at_once_and_cleans_up(tmp_path, carrier, number):
    with running(tmp_path, f"exhibits.{carrier.room}.server", "exhibits.cgi.responder") as process:
        assert Server(carrier, tmp_path).ask("").endswith(b"Hello, World!\n")
        with connect(tmp_path):  # who says nothing is not waited for
            process.send_signal(number)
            assert process.wait(2) == 0
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("arguments", "sentence"), [
    ([], "usage: python -m exhibits.STAGE.server SOCKET MODULE"),
    (["", "exhibits.cgi.responder"], "usage: "),
    (["s", "exhibits.nowhere"], "there is no module exhibits.nowhere"),
    (["s", "exhibits.cgi.hello.py"], "there is no module exhibits.cgi.hello.py"),
    (["s", "exhibits.scgi.hello"], "the module exhibits.scgi.hello has no respond"),
    (["a..b:80", "exhibits.cgi.responder"], "cannot listen at a..b:80: "),
    ([f"{80 * 'é'}:80", "exhibits.cgi.responder"], "cannot listen at éé"),
])
def test_a_wrong_command_line_gets_a_sentence(arguments, sentence):
    done = subprocess.run([sys.executable, "-m", "exhibits.scgi.server", *arguments], cwd=ROOT, capture_output=True,
                          text=True)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith(sentence) and "Trace" not in done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_it_listens_at_a_port_and_says_at_which(tmp_path, host):
    command = [sys.executable, "-m", "exhibits.scgi.server", f"{host}:0", "exhibits.cgi.responder"]
    with Started(tmp_path, *command, ready="listening at ") as process:
        said = process.wait_for(rf"listening at {re.escape(host)}:([1-9]\d*)\n")
        socket.create_connection((host.strip("[]"), int(said[1])), 5).close()


@pytest.mark.parametrize("kind", ["file", "pipe", "link to a file"])
def test_what_is_no_socket_is_not_taken_for_one_that_was_left_behind(tmp_path, kind):
    """A connection to it is refused, too."""
    path, work = tmp_path / "s", tmp_path / "work"
    work.write_text("of many hours")
    {"file": lambda: path.write_text("of many hours"), "pipe": lambda: os.mkfifo(path),
     "link to a file": lambda: path.symlink_to(work)}[kind]()
    before = path.lstat()
    with pytest.raises(OSError, match="no socket"):
        listening.listen(str(path))
    assert path.lstat() == before and work.read_text() == "of many hours"
