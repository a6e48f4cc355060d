"""The CGI server: what it tells a script, what it makes of the answer, and that no process is left behind.

The script under test is one line of shell, `eval "$HTTP_X_RUN"`: it does what the
field X-Run of the request says, so every test shows the script it needs.
"""

import contextlib
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from started import Started

from exhibits.backstage.running import ROOT, eventually, free_port
from exhibits.shared.ends import ENDS

PLAIN = r"printf 'Content-Type: text/plain\n\n'; "
PATIENCE = 5  # seconds until something that does not happen counts as failed


# ---------------------------------------------------------------- servers


class Server(Started):
    """Our server in a folder of its own."""

    def __init__(self, folder, *options, host="127.0.0.1", name="script.sh", environ=(), descriptors=256):
        (folder / name).write_text('eval "$HTTP_X_RUN"\n')
        self.host, self.port = host, free_port()
        address = ["--host", host, "--port", str(self.port)]
        command = [sys.executable, "-m", "exhibits.cgi.server", *address, *options, "/bin/sh", folder / name]
        super().__init__(
            folder, *command, environ=environ,
            stdin=subprocess.PIPE,  # a standard input that never ends: a script that got it would hang
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors)),
        )

    def connect(self):
        return socket.create_connection((self.host, self.port), PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cgi")
    with Server(folder, "--env", "GUESTBOOK=a=b", environ={"SECRET": "1"}) as server:
        yield server
        assert server.stop() == 0
    assert "Traceback" not in server.said


@pytest.fixture
def another(tmp_path):
    """Start a server with other options; it is stopped after the test."""
    with contextlib.ExitStack() as servers:

        def start(*options, **more):
            return servers.enter_context(Server(tmp_path, *options, **more))

        yield start


# ---------------------------------------------------------------- clients


@dataclass
class Answer:
    status: int
    reason: str
    fields: list  # (name in lower case, value)
    body: bytes
    whole: bool  # the body reached its announced end
    rest: bytes  # what came after it

    def __getitem__(self, name):
        return ", ".join(value for key, value in self.fields if key == name) or None


def request(run="", *fields, method="GET", target="/", version="1.1", host="Host: museum.test", body=b""):
    lines = [f"{method} {target} HTTP/{version}", host, f"X-Run: {run}", *fields]
    return "\r\n".join([line for line in lines if line] + ["", ""]).encode("latin-1") + body


def ask(server, *args, **options):
    """Send one request and read the answer until the server closes."""
    options["host"] = options.get("host", "Host: museum.test") + "\r\nConnection: close"
    return parse(send(server, request(*args, **options)), options.get("method"))


def send(server, data, hang_up=False):
    """Send bytes and return all bytes that come back."""
    with server.connect() as client:
        client.sendall(data)
        if hang_up:
            client.shutdown(socket.SHUT_WR)
        return read_all(client)


def read_all(client):
    return b"".join(iter(lambda: client.recv(65536), b""))


def read_until(client, end):
    data = b""
    while not data.endswith(end):
        chunk = client.recv(1)
        assert chunk, data
        data += chunk
    return data


def parse(data, method="GET"):
    head, found, rest = data.partition(b"\r\n\r\n")
    assert found, data
    line, *lines = head.decode("latin-1").split("\r\n")
    _, status, reason = line.split(" ", 2)
    fields = [(name.lower(), value) for name, value in (line.split(": ", 1) for line in lines)]
    answer = Answer(int(status), reason, fields, b"", True, b"")
    if method == "HEAD" or answer.status in (204, 304):
        answer.rest = rest
    elif answer["transfer-encoding"] == "chunked":
        answer.body, answer.whole, answer.rest = parse_chunks(rest)
    elif length := answer["content-length"]:
        answer.body, answer.rest = rest[:int(length)], rest[int(length):]
        answer.whole = len(answer.body) == int(length)
    else:
        answer.body = rest
    return answer


def parse_chunks(data):
    body = b""
    while chunk := re.match(rb"([0-9a-f]+)\r\n", data):
        size, start = int(chunk[1], 16), chunk.end()
        body, end = body + data[start:start + size], data[start + size:start + size + 2]
        data = data[start + size + 2:]
        if end != b"\r\n" or not size:
            return body, end == b"\r\n", data
    return body, False, data


# ---------------------------------------------------------------- processes


def processes(*columns):
    """A row for each process of the machine."""
    command = ["ps", "-A", *(f"-o{column}=" for column in columns)]
    return [line.split() for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines()]


def alive(pid):
    return any(row[0] == pid and "Z" not in row[1] for row in processes("pid", "stat"))


def children(server):
    """The server's children, zombies included."""
    return [pid for pid, parent in processes("pid", "ppid") if parent == str(server.pid)]


def pids(server):
    """What the script wrote to the file `pids`, once both lines are there."""
    file = server.folder / "pids"
    found = eventually(lambda: file.exists() and len(words := file.read_text().split()) == 2 and words)
    file.unlink()
    return found


PAIR = "sleep 60 & echo $$ $! > pids; "  # a script that starts a process of its own
FLOOD = "echo $$ $$ > pids; " + PLAIN + "while :; do echo x; done"  # one that never stops to print


# ---------------------------------------------------------------- the request


def variables(answer):
    assert answer.status == 200, answer
    found = dict(line.split("=", 1) for line in answer.body.decode("latin-1").splitlines())
    for name in "PWD", "OLDPWD", "SHLVL", "_", "HTTP_X_RUN":  # the shell's own, and ours
        found.pop(name, None)
    return found


ENV = PLAIN + "exec env"


def test_environment_is_what_the_rfc_demands_and_nothing_else(server):
    answer = ask(server, ENV, target="/caf%C3%A9/100%2525?a=%20&b")
    found = variables(answer)
    assert 0 < int(found.pop("REMOTE_PORT")) < 65536
    assert found == {
        "PATH": os.environ["PATH"],
        "GUESTBOOK": "a=b",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "from-cgi-to-asgi/1.0",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "museum.test",
        "SERVER_PORT": str(server.port),
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/caf\xc3\xa9/100%25",
        "QUERY_STRING": "a=%20&b",
        "REQUEST_URI": "/caf%C3%A9/100%2525?a=%20&b",
        "HTTP_HOST": "museum.test",
    }


def test_environment_of_http_1_0_without_host(server):
    found = variables(ask(server, ENV, version="1.0", host="Accept: */*"))
    assert (found["SERVER_PROTOCOL"], found["SERVER_NAME"], found["QUERY_STRING"]) == ("HTTP/1.0", "127.0.0.1", "")
    assert "HTTP_HOST" not in found


@pytest.mark.parametrize("fields, expected", [
    (["X-Mood: fine"], {"HTTP_X_MOOD": "fine"}),
    (["X-Mood:"], {"HTTP_X_MOOD": ""}),
    (["X-Mood: \t a  b\t "], {"HTTP_X_MOOD": "a  b"}),
    (["X-Mood: caf\xe9"], {"HTTP_X_MOOD": "caf\xe9"}),
    (["X-D: 1", "Accept: */*", "x-d: 2"], {"HTTP_X_D": "1, 2", "HTTP_ACCEPT": "*/*"}),
    (["Cookie: a=1", "Cookie: b=2"], {"HTTP_COOKIE": "a=1; b=2"}),
    (["X_Mood: forged"], {}),
    (["X_Mood: forged", "X-Mood: fine"], {"HTTP_X_MOOD": "fine"}),
    (["Proxy: http://evil.test/"], {}),
    (["Authorization: Basic QTpC", "Proxy-Authorization: Basic QTpC"], {}),
    (["Keep-Alive: 5", "TE: trailers", "Trailer: X-A", "Proxy-Connection: close", "Upgrade: websocket"], {}),
    (["Content-Type: text/x-a"], {"CONTENT_TYPE": "text/x-a"}),
    (["Content-Length: 0"], {}),
    (["HTTP-Host: x"], {"HTTP_HTTP_HOST": "x"}),
])
def test_header_fields(server, fields, expected):
    found = variables(ask(server, ENV, *fields))
    del found["HTTP_HOST"]
    assert {k: v for k, v in found.items() if k.startswith(("HTTP_", "CONTENT_"))} == expected


@pytest.mark.parametrize("host, name", [
    ("museum.test:8000", "museum.test"), ("[::1]:80", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("", "127.0.0.1"),
    ("a=b", "a=b"), ("a~b:1", "a~b"), ("a%20b", "a%20b"),
])
def test_server_name(server, host, name):
    assert variables(ask(server, ENV, host=f"Host: {host}"))["SERVER_NAME"] == name


def test_ipv6(another):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    found = variables(ask(another(host="::1"), ENV, version="1.0", host="Accept: */*"))
    assert (found["SERVER_NAME"], found["REMOTE_ADDR"]) == ("[::1]", "::1")


def test_absolute_form(server):
    found = variables(ask(server, ENV, target="http://other.test:81/echo?q=1"))
    assert (found["PATH_INFO"], found["QUERY_STRING"], found["REQUEST_URI"]) == ("/echo", "q=1", "/echo?q=1")


@pytest.mark.parametrize("target, uri", [
    ("http://other.test", "/"), ("HTTP://other.test?a=/b", "/?a=/b"), ("/a?", "/a?"), ("//b?c?d", "//b?c?d"),
])
def test_the_address_as_it_was_sent_is_a_path(server, target, uri):
    assert variables(ask(server, ENV, target=target))["REQUEST_URI"] == uri


def test_script_sees_no_files_of_the_server(server):
    answer = ask(server, PLAIN + "for n in 3 4 5 6 7 8 9; do ( : >&$n ) 2>/dev/null && echo $n; done; true")
    assert (answer.status, answer.body) == (200, b"")


def test_mount(another):
    server = another("--mount", "/museum/")
    for target, path in ("/museum", ""), ("/museum/", "/"), ("/museum/a%2Fb", "/a/b"), ("/museum//b", "//b"):
        found = variables(ask(server, ENV, target=target))
        assert (found["SCRIPT_NAME"], found["PATH_INFO"]) == ("/museum", path)
    for target in "/", "/museumx", "/Museum/", "/x/museum":
        assert ask(server, ENV, target=target).status == 404


@pytest.mark.parametrize("data, status", [
    (request(target="/a%00b"), 400),
    (request(target="*", method="OPTIONS"), 404),
    (request(target="museum.test:80", method="CONNECT"), 501),
    (request(target="/", method="CONNECT"), 400),
    (request(target="/a#b"), 400),
    (request(target="/a?b#c"), 400),
    (request(target="/a b"), 400),
    (request(host=""), 400),
    (request(host="Host: a\r\nHost: b"), 400),
    (request(host="Host: a/b"), 400),
    (request("", "X-S : a"), 400),
    (request("", "X-N: a\0b"), 400),
    (request("", "Content-Length: -1"), 400),
    (request("", "Content-Length: 3", "Content-Length: 5", body=b"abcde"), 400),
    (request("", "Content-Length: 6", "Transfer-Encoding: chunked", body=b"0\r\n\r\nG"), 400),
    (request("", "Transfer-Encoding: chunked", version="1.0", body=b"0\r\n\r\n"), 400),
    (request("", "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 501),
    (request("", "Transfer-Encoding: chunked", body=b"zz\r\n"), 400),
    (request("", "X-Long: " + "a" * 71_000), 431),
    (request("", target="/" + "a" * 200_000), 414),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
])
def test_refused_before_any_script_runs(server, data, status):
    answer = parse(send(server, data.replace(b"X-Run: ", b"X-Run: touch ran")))
    assert (answer.status, answer["connection"], answer["content-type"]) == (status, "close", "text/plain")
    assert re.fullmatch(rb"[^\n]+\n", answer.body) and answer.whole and not answer.rest
    assert not (server.folder / "ran").exists()


# ---------------------------------------------------------------- the body

CAT = PLAIN + 'echo "[$CONTENT_LENGTH]"; cat'
CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize("body", [b"a", bytes(range(256)), b"0123456789" * 100_000], ids=len)
def test_body_is_standard_input(server, body):
    answer = ask(server, CAT, f"Content-Length: {len(body)}", body=body, method="POST")
    assert answer.body == b"[%d]\n" % len(body) + body


def test_chunked_body_gets_a_length(server):
    assert ask(server, CAT, CHUNKED, body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").body == b"[5]\nabcde"


@pytest.mark.parametrize("fields", [(), ("Content-Length: 0",)])
def test_no_body_is_no_length_and_empty_input(server, fields):
    assert ask(server, CAT, *fields, method="POST").body == b"[]\n"


def test_expect_100_continue(server):
    with server.connect() as client:
        client.sendall(request(CAT, "Content-Length: 5", "Expect: 100-continue", "Connection: close"))
        assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert parse(read_all(client)).body == b"[5]\nhello"


@pytest.mark.parametrize("field, body", [("Content-Length: 10", b"abc"), (CHUNKED, b"3\r\nabc\r\n")])
def test_cut_off_body_starts_no_script(server, field, body):
    assert parse(send(server, request("touch ran", field, body=body), hang_up=True)).status == 400
    assert not (server.folder / "ran").exists()


def test_script_may_print_before_it_reads(server):
    """More than any pipe holds, both ways: whoever writes the body into a pipe first waits for ever."""
    body = b"x" * 1_000_000
    answer = ask(server, PLAIN + "head -c 1000000 /dev/zero; cat", f"Content-Length: {len(body)}", body=body)
    assert answer.body == bytes(1_000_000) + body


# ---------------------------------------------------------------- the response


@pytest.mark.parametrize("printed, status, fields, body", [
    (r"Content-Type: text/x-a\n\nhi", "200 OK", {"content-type": "text/x-a"}, b"hi"),
    (r"Content-Type: text/x-a\r\n\r\nhi", "200 OK", {"content-type": "text/x-a"}, b"hi"),
    (r"Content-Type: text/x-a\r\nX-A: 1\n\r\nhi", "200 OK", {"content-type": "text/x-a", "x-a": "1"}, b"hi"),
    (r"Content-Type: text/x-a\n\n\nhi", "200 OK", {}, b"\nhi"),
    (r"content-TYPE:text/x-a\n\nhi", "200 OK", {"content-type": "text/x-a"}, b"hi"),
    (r"Content-Type: a/b\nX-Empty:\nX-Colon: a:b\n\n", "200 OK", {"x-colon": "a:b"}, b""),
    (r"Content-Type: a/b\nX-L: caf\351\n\n", "200 OK", {"x-l": "caf\xe9"}, b""),
    (r"Content-Type: a/b\nStatus: 404 Lost\n\nhi", "404 Lost", {"status": None}, b"hi"),
    (r"Status: 404\n\n", "404 Not Found", {}, b""),
    (r"Status: 599\n\n", "599 ", {}, b""),
    (r"Status: 418 I am a caf\351\n\n", "418 I am a caf\xe9", {}, b""),
    (r"Content-Type: a/b\nDate: never\nServer: mine\n\n", "200 OK", {"date": "never", "server": "mine"}, b""),
    (r"Content-Type: a/b\nContent-Length: 2\n\nhi", "200 OK",
     {"content-length": "2", "transfer-encoding": None}, b"hi"),
    (r"Content-Type: a/b\nSet-Cookie: b=2\nSet-Cookie: a=1\n\n", "200 OK", {"set-cookie": "b=2, a=1"}, b""),
    (r"Content-Type: a/b\nConnection: x\nKeep-Alive: 9\nTransfer-Encoding: gzip\n\nhi", "200 OK",
     {"connection": "close", "keep-alive": None, "transfer-encoding": "chunked"}, b"hi"),
    (r"Content-Type: a/b\nStatus: 426 Upgrade Required\nUpgrade: websocket\n\n", "426 Upgrade Required",
     {"upgrade": "websocket", "connection": "close, upgrade"}, b""),
    (r"Location: http://museum.test/x\n\n", "302 Found", {"location": "http://museum.test/x"}, b""),
    (r"Location: http://museum.test/x\nContent-Type: a/b\nStatus: 301 Moved\n\nhi", "301 Moved",
     {"location": "http://museum.test/x", "content-type": "a/b"}, b"hi"),
    (r"Location: /x\nStatus: 303 See Other\n\n", "303 See Other", {"location": "/x"}, b""),
    (r"Location: /x\nContent-Type: a/b\n\nhi", "302 Found", {"location": "/x"}, b"hi"),
])
def test_response(server, printed, status, fields, body):
    answer = ask(server, f"printf '{printed}'")
    assert f"{answer.status} {answer.reason}" == status
    assert {name: answer[name] for name in fields} == fields
    assert (answer.body, answer.whole, answer.rest) == (body, True, b"")
    assert answer["date"] and answer["server"]


ELSEWHERE = "[ $PATH_INFO != / ] && { " + PLAIN + "exit; }; "  # a script that succeeds at any path but /


@pytest.mark.parametrize("run", [
    "",
    "printf 'hello\\n'",
    r"printf '\n\nhello'",
    r"printf '\r\n\r\nhello'",
    r"printf 'X-A: 1\n\n'",
    r"printf 'Content-Type: text/plain\n'",
    r"printf 'HTTP/1.1 200 OK\nContent-Type: text/plain\n\n'",
    r"printf 'Status: abc\n\n'",
    r"printf 'Status: 100 Continue\n\n'",
    r"printf 'Status: 199\n\n'",
    r"printf 'Status: 600\n\n'",
    r"printf 'Status: 2000\n\n'",
    r"printf 'Status: 200OK\n\n'",
    r"printf 'Status:\n\n'",
    r"printf 'Status: 200 a\001b\n\n'",
    r"printf 'Status: 200\nStatus: 200\n\n'",
    r"printf 'Content-Type: a/b\ncontent-type: a/b\n\n'",
    r"printf 'Content-Type : a/b\n\n'",
    r"printf 'Content-Type: a/b\n: x\n\n'",
    r"printf 'Content-Type: a/b\n X-Folded: x\n\n'",
    r"printf 'Content-Type: a/b\nX-A: 1\n 2\n\n'",
    r"printf 'Content-Type: a/b\nX-A: a\rb\n\n'",
    r"printf 'Content-Type: a/b\nX-A: a\000b\n\n'",
    r"printf 'Content-Type: a/b\nX-A: a\013b\n\n'",
    r"printf 'Content-Type: a/b\nX(A): a\n\n'",
    r"printf 'Content-Type: a/b\nContent-Length: 1x\n\n'",
    r"printf 'Content-Type: a/b\nContent-Length: 1\nContent-Length: 2\n\n'",
    r"printf 'Content-Type: a/b\nX-A: %200000s\n\n' x",
    r"printf 'Content-Type: a/b\nX-A:%5000s\000\n\n'",
    ELSEWHERE + r"printf 'Location: /x\n\nhello'",
    ELSEWHERE + r"printf 'Location: /x\r\r\n\n'",
    "exit 3",
    "kill -9 $$",
    r"printf 'Content-Type: text/plain\n'; kill -9 $$",
    "exec >&-",
])
def test_no_response_is_502(server, run):
    answer = ask(server, run)
    assert (answer.status, answer.reason, answer["content-type"]) == (502, "Bad Gateway", "text/plain")
    assert re.fullmatch(rb"[^\n]+\n", answer.body) and answer.whole


def test_head(server):
    answer = ask(server, r"printf 'Content-Type: a/b\nContent-Length: 5\n\nhello'", method="HEAD")
    assert (answer.status, answer["content-length"], answer.rest) == (200, "5", b"")
    assert ask(server, "exit 3", method="HEAD").rest == b""


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_body(server, status):
    answer = ask(server, rf"printf 'Status: {status} x\nETag: a\n\nhello'")
    assert (answer.status, answer.rest, answer["etag"]) == (status, b"", "a")
    assert (answer["content-length"], answer["content-type"], answer["transfer-encoding"]) == (None, None, None)


def test_http_1_0_ends_with_the_connection(server):
    answer = ask(server, PLAIN + "echo hi", version="1.0")
    assert (answer["connection"], answer["transfer-encoding"], answer.body) == ("close", None, b"hi\n")


def test_local_redirect(server):
    run = (r"case $PATH_INFO in /there) printf 'Content-Type: text/plain\n\n'; echo $REQUEST_METHOD $PATH_INFO "
           r"$QUERY_STRING [$CONTENT_LENGTH]; cat;; *) printf 'Location: /there?q=1\n\n';; esac")
    for end in "", "; exit 3":
        answer = ask(server, run + end, "Content-Length: 5", method="POST", target="/here?q=0", body=b"hello")
        assert (answer.status, answer["location"], answer.body) == (200, None, b"GET /there q=1 []\n")


def test_local_redirects_end(server):
    answer = ask(server, r"echo x >> rounds; printf 'Location: /again\n\n'")
    assert (answer.status, (server.folder / "rounds").read_text()) == (502, "x\n" * 10)


def test_local_redirect_out_of_the_mount(another):
    assert ask(another("--mount", "/museum"), r"printf 'Location: /x\n\n'", target="/museum/").status == 404


def test_output_is_sent_as_it_comes(server):
    with server.connect() as client:
        run = PLAIN + "echo one; until [ -e go ]; do sleep 0.01; done; echo two"
        client.sendall(request(run, "Connection: close"))
        assert read_until(client, b"one\n\r\n").endswith(b"\r\n\r\n4\r\none\n\r\n")
        (server.folder / "go").touch()
        assert read_all(client) == b"4\r\ntwo\n\r\n0\r\n\r\n"


def test_large_output(server):
    assert ask(server, PLAIN + "head -c 3000000 /dev/zero").body == bytes(3_000_000)


CUT = r"printf 'Content-Type: text/plain\n\nhello'; "


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_exit_code_is_for_the_log(server, version):
    """Many a script ends with another code than 0 behind a whole page: PHP's exit(3), a grep that found nothing."""
    answer = ask(server, CUT + "exit 3", target="/exits", version=version)
    assert (answer.status, answer.body, answer.whole) == (200, b"hello", True)
    assert eventually(lambda: re.search(r'"GET /exits HTTP/[^\n]* ms, exit code 3\n', server.said))


@pytest.mark.parametrize("run", [CUT + "kill -9 $$", PLAIN + "kill -9 $$", CUT + "kill -TERM $$"])
def test_script_that_is_killed_after_its_header_fields_is_cut_off(server, run):
    answer = ask(server, run)
    assert (answer.status, answer.whole) == (200, False)
    with pytest.raises(ConnectionResetError):
        ask(server, run, version="1.0")


def test_too_little_for_content_length_is_cut_off(server):
    answer = ask(server, r"printf 'Content-Type: a/b\nContent-Length: 6\n\nhello'")
    assert (answer.body, answer.whole) == (b"hello", False)


def test_too_much_for_content_length_is_dropped(server):
    run = r"printf 'Content-Type: a/b\nContent-Length: 5\n\nhel'; sleep 0.02; echo lo, world; echo more"
    first = parse(send(server, request(run) + request(run, "Connection: close")))
    assert first.body == parse(first.rest).body == b"hello"


def test_script_may_go_on_when_the_client_has_everything(server):
    run = r"printf 'Content-Type: a/b\nContent-Length: 2\n\nhi'; until [ -e left ]; do sleep 0.01; done; touch done"
    with server.connect() as client:
        client.sendall(request(run))
        read_until(client, b"hi")
    time.sleep(0.05)  # for the server to notice, and to do nothing
    (server.folder / "left").touch()
    assert eventually((server.folder / "done").exists)


def test_script_may_go_on_when_it_has_closed_its_standard_output(server):
    run = PLAIN + "echo hi; exec >&-; until [ -e left ]; do sleep 0.01; done; echo ended >&2"
    with server.connect() as client:
        client.sendall(request(run))
        read_until(client, b"hi\n\r\n0\r\n\r\n")
        (server.folder / "left").touch()
        server.wait_for("ended")
    (server.folder / "left").unlink()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("end", ["exit 3", "kill -9 $$"])
def test_failure_after_the_whole_document_harms_nobody(server, version, end):
    answer = ask(server, r"printf 'Content-Type: a/b\nContent-Length: 5\n\nhello'; " + end, version=version)
    assert (answer.body, answer.whole) == (b"hello", True)


def test_nph(another):
    printed = b"HTTP/1.1 299 Mine\nX-A:1\n\nhello\0"
    run = "printf 'HTTP/1.1 299 Mine\\nX-A:1\\n\\nhello\\0'"
    server = another(name="nph-script")
    assert send(server, request(run)) == printed
    assert parse(send(server, request("true"))).status == 502
    assert parse(send(server, request("exit 3"))).status == 502
    assert send(server, request(run + "; exit 3")) == printed
    with pytest.raises(ConnectionResetError):
        send(server, request(run + "; kill -9 $$"))


# ---------------------------------------------------------------- the connection


def test_pipelined_requests_are_answered_in_order(server):
    run = PLAIN + "read n; echo $n; sleep 0.0$n; cat"
    requests = [request(run, "Content-Length: 4", body=b"%d\n%d!" % (n, n)) for n in (3, 2, 1)]
    data = send(server, b"".join(requests) + request("", "Connection: close"))
    for expected in b"3\n3!", b"2\n2!", b"1\n1!":
        answer = parse(data)
        assert answer.body == expected
        data = answer.rest
    assert parse(data).status == 502


def test_request_that_comes_while_the_script_runs_is_answered_next(server):
    with server.connect() as client:
        client.sendall(request(PLAIN + "until [ -e second ]; do sleep 0.01; done"))
        read_until(client, b"\r\n\r\n")
        client.sendall(request(PLAIN + "echo 2", "Connection: close"))
        time.sleep(0.05)  # for the server to read it
        (server.folder / "second").touch()
        assert parse(read_all(client).removeprefix(b"0\r\n\r\n")).body == b"2\n"


@pytest.mark.parametrize("run", [PLAIN + "sleep 0.2; echo hi", "sleep 0.2; " + PLAIN + "echo hi"])
def test_client_that_closes_its_own_side_gets_its_answer(server, run):
    answer = parse(send(server, request(run), hang_up=True))
    assert (answer.body, answer.whole, answer.rest) == (b"hi\n", True, b"")
    data = send(server, request(run) + request(PLAIN + "echo 2"), hang_up=True)  # and so do all it has asked for
    assert parse(parse(data).rest).body == b"2\n"


def test_nobody_waits_for_the_script_of_another(server):
    with server.connect() as client:
        client.sendall(request(CUT + "exec sleep 60"))
        read_until(client, b"hello")
        assert ask(server, PLAIN).status == 200


@pytest.mark.parametrize("first", [
    dict(run=CUT, method="HEAD"),
    dict(run=r"printf 'Status: 204\n\nhello'"),
    dict(run=r"printf 'Status: 304\n\nhello'"),
    dict(run=PLAIN, fields=("Upgrade: websocket", "Connection: upgrade")),
])
def test_connection_stays_in_step(server, first):
    fields, method = first.pop("fields", ()), first.get("method", "GET")
    data = send(server, request(first.pop("run"), *fields, **first) + request(PLAIN + "echo 2", "Connection: close"))
    assert parse(parse(data, method).rest).body == b"2\n"


def test_log(server):
    ask(server, PLAIN + "echo from the script >&2", target="/hello?log")
    assert eventually(lambda: '127.0.0.1 "GET /hello?log HTTP/1.1" 200 ' in server.said)
    assert "from the script\n" in server.said
    assert re.search(r'^127.0.0.1 "GET /hello\?log HTTP/1.1" 200 \d+ ms$', server.said, re.MULTILINE)


def test_last_line_of_standard_error_needs_no_end(server):
    ask(server, PLAIN + "printf 'first\\nlast words' >&2", target="/words")
    assert eventually(lambda: re.search(r'^first\nlast words\n127[^\n]* "GET /words', server.said, re.M))


def test_standard_error_is_read_whenever_it_comes(server):
    """More than a pipe holds: a script that nobody listens to would wait for ever."""
    flood = "head -c 200000 /dev/zero | tr '\\0' 'x' >&2; "
    assert ask(server, flood + PLAIN + "echo hi; " + flood).body == b"hi\n"
    assert ask(server, PLAIN + "echo hi; exec >&-; " + flood + "echo end >&2").body == b"hi\n"


def test_no_access_log(another):
    server = another("--no-access-log")
    ask(server, PLAIN + "echo from the script >&2")
    said = server.said
    assert "from the script\n" in said and "GET /" not in said


def test_slow_client(another):
    server = another("--timeout", "0.2")
    assert parse(send(server, request("touch ran", "Content-Length: 3", body=b"ab"))).status == 408
    assert parse(send(server, b"GET / HT")).status == 408
    assert send(server, b"") == b""  # who asks nothing gets nothing
    assert not (server.folder / "ran").exists()


# ---------------------------------------------------------------- processes


def test_silent_script_is_stopped(another):
    server = another("--timeout", "0.2")
    assert ask(server, PAIR + "wait").status == 504
    assert not any(map(alive, pids(server)))
    answer = ask(server, PAIR + CUT + "wait")
    assert (answer.status, answer.body, answer.whole) == (200, b"hello", False)
    assert not any(map(alive, pids(server)))
    assert ask(server, FLOOD, method="HEAD").status == 200  # nobody needs what it prints, for ever
    found = pids(server)
    assert eventually(lambda: not any(map(alive, found)))
    assert ask(server, PLAIN + "for n in 1 2 3 4 5 6; do echo $n; sleep 0.05; done").whole  # slow, but not silent


@pytest.mark.parametrize("prepare", ["", "trap '' TERM; "], ids=["polite", "deaf"])
def test_client_that_leaves_takes_the_script_along(server, prepare):
    before = server.said.count("client left: stopped the script")
    with server.connect() as client:
        # Who closes the connection may still be listening, until something is sent.
        client.sendall(request(prepare + PAIR + CUT + "while sleep 0.1; do echo; done; wait"))
        read_until(client, b"hello")
    found = pids(server)
    assert eventually(lambda: not any(map(alive, found)))
    assert eventually(lambda: server.said.count("client left: stopped the script") > before)


def test_client_that_resets_the_connection_takes_a_silent_script_along(server):
    with server.connect() as client:
        client.sendall(request(PAIR + CUT + "wait"))
        read_until(client, b"hello")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    found = pids(server)
    assert eventually(lambda: not any(map(alive, found)))


def test_client_that_is_gone_at_once_has_left(another):
    server = another()
    for _ in range(100):  # some are gone before the first byte is read, and so before there is anything to log
        with server.connect() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(request(PLAIN))
        if eventually(lambda: ", client left" in server.said, 0.1):
            break
    assert ", client left" in server.said and " 503 " not in server.said


def test_client_that_leaves_in_the_middle_of_a_flood(server):
    with server.connect() as client:
        client.sendall(request(FLOOD))
        read_until(client, b"x\n")
        found = pids(server)
    assert eventually(lambda: not any(map(alive, found)))


def test_no_zombies(server):
    for _ in range(50):
        assert ask(server, PLAIN + "echo hi").body == b"hi\n"
    for _ in range(10):
        with server.connect() as client:
            client.sendall(request(CUT + "while sleep 0.1; do echo; done"))
            read_until(client, b"hello")
    assert eventually(lambda: not children(server))


def test_file_descriptors_are_short_for_a_while(another):
    server = another(descriptors=16)
    with contextlib.ExitStack() as visitors:
        for _ in range(20):
            visitors.enter_context(server.connect())
        assert eventually(lambda: "nobody can be accepted for now: [Errno 24] Too many open files" in server.said)
        time.sleep(0.5)
    assert eventually(lambda: ask(server, PLAIN + "echo hi").status == 200)
    assert server.said.count("nobody can be accepted") < 4


HOLDS = "sleep 60 & echo $$ $! > pids; "  # something goes on with the script's standard output


@pytest.mark.parametrize("run, body", [
    (HOLDS + PLAIN + "echo hi", b"hi\n"),
    (HOLDS + PLAIN + "echo hi; exit 3", b"hi\n"),
    ("sleep 60 >/dev/null & echo $$ $! > pids; " + PLAIN + "echo hi", b"hi\n"),
    (HOLDS + PLAIN + "(sleep 0.3; echo late) & echo hi", b"hi\nlate\n"),
    (HOLDS + r"printf 'Content-Type: a/b\nContent-Length: 2\n\nhi'", b"hi"),
])
def test_what_a_script_leaves_running_does_not_hold_the_answer_and_lives_on(server, run, body):
    start = time.monotonic()
    answer = ask(server, run)
    assert (answer.status, answer.body, answer.whole) == (200, body, True)
    assert time.monotonic() - start < 4
    script, child = pids(server)
    assert not alive(script) and alive(child)
    os.kill(int(child), signal.SIGTERM)


def test_a_signal_is_heard_whatever_a_script_prints(another):
    server = another()
    with server.connect() as client:
        client.sendall(request(r"printf 'X-A:%50000s\000\n\n'"))
        time.sleep(0.1)
        server.terminate()
        assert server.wait(2) == 0


@pytest.mark.parametrize("number", sorted(ENDS))
def test_a_signal_ends_the_server_and_its_scripts(another, number):
    server = another()
    with server.connect() as client:
        client.sendall(request("trap '' TERM; " + PAIR + CUT + "wait"))
        read_until(client, b"hello")
        found, start = pids(server), time.monotonic()
        server.send_signal(number)
        time.sleep(0.05)
        server.send_signal(number)  # a second one does not disturb
        assert server.wait(PATIENCE) == 0
        assert time.monotonic() - start < 3
        assert not any(map(alive, found))
        assert b"0\r\n\r\n" not in read_all(client)
    with pytest.raises(ConnectionRefusedError):
        server.connect()
    assert "Traceback" not in server.said


# ---------------------------------------------------------------- the command line


@pytest.mark.parametrize("arguments, said", [
    ([], "required: program"),
    (["--port", "many", "true"], "invalid int value"),
    (["--port", "99999", "true"], "cannot listen"),
    (["--host", "", "true"], "--host: it is a name or an address"),
    (["--mount", "museum", "true"], "--mount: it begins with a slash"),
    *((["--timeout", seconds, "true"], "--timeout is") for seconds in ("-1", "0", "1e-7", "nan", "inf")),
    (["--host", "a..b", "true"], "cannot listen"),
    (["--host", 80 * "é", "true"], "cannot listen"),
    (["--env", "=x", "true"], "--env is"),
    (["/nowhere/script"], "/nowhere/script is not a program"),
])
def test_wrong_arguments(arguments, said):
    command = [sys.executable, "-m", "exhibits.cgi.server", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_busy_port(server):
    command = [sys.executable, "-m", "exhibits.cgi.server", "--port", str(server.port), "true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "ddress already in use" in done.stderr
