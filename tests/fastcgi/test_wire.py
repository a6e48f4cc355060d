"""The FastCGI wire: one table drives reader and writer, each case whole, byte by byte and with more behind it."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import is_linear, malformed
from hypothesis import example, given, settings
from hypothesis import strategies as st
from started import Started
from told import CGI, connect, doing_as_told, running

from exhibits.fastcgi import explain, wire
from exhibits.fastcgi.wire import (
    AbortRequest,
    ApplicationReader,
    BeginRequest,
    Data,
    EndRequest,
    GetValues,
    GetValuesResult,
    Params,
    Stderr,
    Stdin,
    Stdout,
    UnknownType,
    WebServerReader,
)
from exhibits.shared.fields import CutOff, Malformed
from tests.explained import fault

BEGIN = bytes.fromhex("01 01 0001 0008 00 00  0001 00 0000000000")
PARAMS_END = bytes.fromhex("01 04 0001 0000 00 00")
STDIN_END = bytes.fromhex("01 05 0001 0000 00 00")
LONG = "x" * 128

# What a web server says: (name, messages, the bytes our writer makes of them).
TO_APPLICATION = [
    ("a request without a body",
     [BeginRequest(1), Params(1, {"A": "b"}), Stdin(1, b"")],
     BEGIN + bytes.fromhex("01 04 0001 0004 04 00") + b"\1\1Ab" + bytes(4) + PARAMS_END + STDIN_END),
    ("keeping the connection, another role, no variables",
     [BeginRequest(258, wire.AUTHORIZER, wire.KEEP_CONN), Params(258, {})],
     bytes.fromhex("01 01 0102 0008 00 00  0002 01 0000000000  01 04 0102 0000 00 00")),
    ("127 bytes have a length of one byte, 128 of four",
     [BeginRequest(1), Params(1, {"x" * 127: LONG, LONG: ""})],
     BEGIN + bytes.fromhex("01 04 0001 0189 07 00") + b"\x7f\x80\0\0\x80" + b"x" * 255 + b"\x80\0\0\x80\0" + b"x" * 128
     + bytes(7) + PARAMS_END),
    ("a body and a filter's data",
     [BeginRequest(1, wire.FILTER), Params(1, {}), Stdin(1, b"12345678"), Stdin(1, b""), Data(1, b"9"), Data(1, b"")],
     bytes.fromhex("01 01 0001 0008 00 00  0003 00 0000000000") + PARAMS_END + bytes.fromhex("01 05 0001 0008 00 00")
     + b"12345678" + STDIN_END + bytes.fromhex("01 08 0001 0001 07 00") + b"9" + bytes(7)
     + bytes.fromhex("01 08 0001 0000 00 00")),
    ("an abort", [BeginRequest(1), AbortRequest(1)], BEGIN + bytes.fromhex("01 02 0001 0000 00 00")),
    ("two requests by turns",
     [BeginRequest(1), BeginRequest(2), Params(2, {}), Params(1, {}), Stdin(2, b""), Stdin(1, b"")],
     BEGIN + bytes.fromhex("01 01 0002 0008 00 00  0001 00 0000000000  01 04 0002 0000 00 00") + PARAMS_END
     + bytes.fromhex("01 05 0002 0000 00 00") + STDIN_END),
    ("a question", [GetValues(("FCGI_MAX_CONNS",))],
     bytes.fromhex("01 09 0000 0010 00 00") + b"\x0e\0FCGI_MAX_CONNS"),
]

# What an application says to a web server that has begun the requests 1 and 2.
TO_WEB_SERVER = [
    ("an answer",
     [Stdout(1, b"Status: 200 OK\n\n"), Stdout(1, b""), EndRequest(1)],
     bytes.fromhex("01 06 0001 0010 00 00") + b"Status: 200 OK\n\n" + bytes.fromhex("01 06 0001 0000 00 00")
     + bytes.fromhex("01 03 0001 0008 00 00  00000000 00 000000")),
    ("errors, and a second request that is refused",
     [Stderr(1, b"oops\n"), EndRequest(2, 0, wire.CANT_MPX_CONN), Stderr(1, b""), EndRequest(1, 0x01020304)],
     bytes.fromhex("01 07 0001 0005 03 00") + b"oops\n" + bytes(3)
     + bytes.fromhex("01 03 0002 0008 00 00  00000000 01 000000  01 07 0001 0000 00 00")
     + bytes.fromhex("01 03 0001 0008 00 00  01020304 00 000000")),
    ("answers to management records",
     [GetValuesResult({"FCGI_MPXS_CONNS": "0"}), UnknownType(99), EndRequest(1), EndRequest(2)],
     bytes.fromhex("01 0a 0000 0012 06 00") + b"\x0f\1FCGI_MPXS_CONNS0" + bytes(6)
     + bytes.fromhex("01 0b 0000 0008 00 00  63 00000000000000")
     + bytes.fromhex("01 03 0001 0008 00 00  00000000 00 000000  01 03 0002 0008 00 00  00000000 00 000000")),
]


def web_server_reader():
    reader = WebServerReader()
    reader.begin(1)
    reader.begin(2)
    return reader


CASES = [pytest.param(ApplicationReader, *case[1:], id=case[0]) for case in TO_APPLICATION]
CASES += [pytest.param(web_server_reader, *case[1:], id=case[0]) for case in TO_WEB_SERVER]

PAIR = b"\1\1Ab"
record = wire.record
BEGUN = wire.build(BeginRequest(1))
# (name, what is wrong, bytes, where)
MALFORMED = [
    ("another version", "and there is only 1", BEGIN + b"\2" + BEGIN[1:], 16),
    ("HTTP", "and there is only 1", b"GET / HTTP/1.1\r\n", 0),
    ("an answer instead of a request", "no web server sends END_REQUEST", wire.build(EndRequest(1)), 1),
    ("the answer to a question", "no web server sends GET_VALUES_RESULT", wire.build(GetValuesResult({})), 1),
    ("an application record of an unknown type", "there is no type 12", record(12, 1, b""), 1),
    ("type 0", "there is no type 0", record(0, 1, b""), 1),
    ("a request without a number", "with requestId", record(wire.BEGIN_REQUEST, 0, bytes(8)), 2),
    ("a question with a number", "with requestId", record(wire.GET_VALUES, 1, b""), 2),
    ("a short BEGIN_REQUEST", "bytes of content, and not", record(wire.BEGIN_REQUEST, 1, bytes(7)), 4),
    ("a long ABORT_REQUEST", "bytes of content, and not", BEGUN + record(wire.ABORT_REQUEST, 1, bytes(1)), 20),
    ("begun twice", "has begun already", BEGUN + BEGUN, 16),
    ("STDIN before PARAMS", "STDIN out of order", BEGUN + record(wire.STDIN, 1, b""), 17),
    ("PARAMS after their end", "PARAMS out of order", BEGUN + PARAMS_END + PARAMS_END, 25),
    ("STDIN after its end", "STDIN out of order", BEGUN + PARAMS_END + STDIN_END + record(wire.STDIN, 1, b"x"), 33),
    ("DATA for a responder", "DATA out of order", BEGUN + PARAMS_END + STDIN_END + record(wire.DATA, 1, b"x"), 33),
    ("a length alone", "in the middle of one", BEGUN + record(wire.PARAMS, 1, b"\1") + PARAMS_END, 24),
    ("a length of 2^31 - 1", "in the middle of one",
     BEGUN + record(wire.PARAMS, 1, PAIR + b"\xff\xff\xff\xff\1Ab") + PARAMS_END, 28),
    ("half a long length", "in the middle of one", BEGUN + record(wire.PARAMS, 1, PAIR + b"\1\x80\0") + PARAMS_END, 28),
    ("a value too long, in the second record", "in the middle of one",
     BEGUN + wire.HEADER.pack(1, 4, 1, 4, 0) + PAIR + wire.HEADER.pack(1, 4, 1, 3, 0) + b"\1\2A" + PARAMS_END, 36),
    ("a question cut off", "in the middle of one", record(wire.GET_VALUES, 0, b"\1"), 8),
    ("a null byte in a value", "a null byte in", BEGUN + record(wire.PARAMS, 1, b"\1\2A\0b") + PARAMS_END, 27),
    ("a null byte in a name", "a null byte in", BEGUN + record(wire.PARAMS, 1, b"\0\1v\1\1\0b") + PARAMS_END, 29),
]
MALFORMED_ANSWERS = [
    ("a request instead of an answer", "no application sends BEGIN_REQUEST", BEGIN, 1),
    ("an unknown management record", "no application sends type 99", record(99, 0, b""), 1),
    ("nobody asked", "there is no request", record(wire.STDOUT, 3, b"x"), 2),
    ("after the end of the request", "there is no request",
     wire.build(EndRequest(1)) + record(wire.STDOUT, 1, b"x"), 18),
    ("after the end of the stream", "after its end", wire.build(Stdout(1, b"")) + wire.build(Stdout(1, b"x")), 9),
    ("a status nobody knows", "there is no protocolStatus", record(wire.END_REQUEST, 1, b"\0\0\0\0\4\0\0\0"), 12),
    ("a short UNKNOWN_TYPE", "bytes of content, and not", record(wire.UNKNOWN_TYPE, 0, b"\1"), 4),
]
BROKEN = [pytest.param(ApplicationReader, *case[1:], id=case[0]) for case in MALFORMED]
BROKEN += [pytest.param(web_server_reader, *case[1:], id=case[0]) for case in MALFORMED_ANSWERS]


def read(reader, data, size=None):
    """All messages, the data given in pieces of this size."""
    size = size or max(1, len(data))
    return [message for at in range(0, len(data), size) for message in reader.receive(data[at:at + size])]


@pytest.mark.parametrize(("reader", "messages", "data"), CASES)
def test_what_is_written_is_read(reader, messages, data):
    assert b"".join(map(wire.build, messages)) == data
    for size in None, 1, 7:
        assert read(reader(), data, size) == messages
    with_more = reader()
    assert read(with_more, data + data[:5]) == messages
    assert with_more.offset == len(data) and bytes(with_more.buffer) == data[:5]
    assert fault(explain.explain(data), data) is None


@pytest.mark.parametrize(("reader", "sentence", "data", "offset"), BROKEN)
@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize("more", [b"", b"more"], ids=["", "more"])
def test_every_way_to_be_malformed_has_a_sentence(reader, sentence, data, offset, size, more):
    with malformed(sentence, offset):
        read(reader(), data + more, size)


def test_what_comes_before_an_error_is_read():
    messages = []
    with malformed("and there is only 1"):
        for message in ApplicationReader().receive(BEGIN + b"\2" * 8):
            messages.append(message)
    assert messages == [BeginRequest(1)]


@pytest.mark.parametrize("cut", range(1, 40))
def test_pairs_may_straddle_records(cut):
    pairs = wire.encode_pairs({"NAME": "value", LONG: LONG, "EMPTY": ""})
    pieces = [pairs[at:at + cut] for at in range(0, len(pairs), cut)]
    data = BEGIN + b"".join([wire.HEADER.pack(1, 4, 1, len(piece), 255) + piece + b"\xff" * 255 for piece in pieces])
    data += PARAMS_END
    assert read(ApplicationReader(), data)[1] == Params(1, {"NAME": "value", LONG: LONG, "EMPTY": ""})
    fields = explain.explain(data)
    assert fault(fields, data) is None
    said = "".join(data[f.offset:f.offset + f.length].decode() for f in fields if f.name == "nameData")
    assert said == f"NAME{LONG}EMPTY"


def test_more_than_fits_into_a_record_goes_into_several():
    variables = {f"N{n}": "v" * 1000 for n in range(100)}
    data = b"".join(map(wire.build, [BeginRequest(1), Params(1, variables), Stdin(1, b"x" * 200_000)]))
    _, params, *body = read(ApplicationReader(), data, 1000)
    assert params.variables == variables
    assert b"".join(message.data for message in body) == b"x" * 200_000 and len(body) == 4
    with pytest.raises(ValueError, match="do not fit"):
        wire.build(GetValuesResult(variables))


def test_a_short_length_in_four_bytes_is_a_length():
    data = BEGIN + record(wire.PARAMS, 1, b"\x80\0\0\1\x80\0\0\1Ab") + PARAMS_END
    assert read(ApplicationReader(), data)[1].variables == {"A": "b"}


def test_a_name_that_comes_twice_has_its_last_value():
    data = BEGIN + record(wire.PARAMS, 1, b"\1\1Ab\1\1Ac") + PARAMS_END
    assert read(ApplicationReader(), data)[1].variables == {"A": "c"}


def test_records_of_a_request_that_is_not_active_are_ignored():
    reader = ApplicationReader()
    assert read(reader, STDIN_END + PARAMS_END + BEGIN) == [BeginRequest(1)]
    reader.forget(1)
    assert read(reader, PARAMS_END + STDIN_END + BEGIN) == [BeginRequest(1)]


def test_a_request_can_be_forgotten_while_its_records_are_read():
    reader = ApplicationReader()
    messages = reader.receive(BEGIN + PARAMS_END + BEGIN)
    assert next(messages) == BeginRequest(1)
    reader.forget(1)
    assert list(messages) == [BeginRequest(1)]


def test_unknown_management_records_are_a_question():
    for type in 0, 12, 255:
        assert read(ApplicationReader(), record(type, 0, b"what")) == [UnknownType(type)]


def test_params_are_limited():
    reader = ApplicationReader(params_limit=1000)
    with malformed("bytes of PARAMS"):
        read(reader, BEGIN + record(wire.PARAMS, 1, b"x" * 993))
    reader = ApplicationReader(params_limit=1000)
    with malformed("bytes of PARAMS"):  # in crumbs, too
        read(reader, BEGIN + record(wire.PARAMS, 1, b"x") * 112)


def test_requests_are_limited():
    with malformed("requests at once"):
        read(ApplicationReader(requests_limit=2), b"".join(wire.build(BeginRequest(id)) for id in (1, 2, 3)))


def test_a_length_reserves_nothing():
    reader = ApplicationReader()
    read(reader, BEGIN + record(wire.PARAMS, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff"))
    assert len(reader.buffer) == 0 and len(reader.active[1].params) == 8


@pytest.mark.parametrize("data", [BEGIN[:5], BEGIN, BEGIN + PARAMS_END])
def test_a_connection_that_ends_too_early(data):
    reader = ApplicationReader()
    read(reader, data)
    with malformed("in the middle of a record or a stream", None, CutOff):
        reader.close()


def test_a_connection_that_ends():
    reader = ApplicationReader()
    read(reader, BEGIN + PARAMS_END + STDIN_END)
    reader.close()
    reader = WebServerReader()
    reader.begin(1)
    with malformed("in the middle of a record or a stream", None, CutOff):
        reader.close()
    read(reader, wire.build(EndRequest(1)))
    reader.close()


def test_explained_in_words():
    fields = explain.explain(BEGIN + wire.build(EndRequest(7, 1, wire.OVERLOADED)))
    said = {field.name: field.value for field in fields}
    assert [field.value for field in fields if field.name == "type"] == ["1 FCGI_BEGIN_REQUEST", "3 FCGI_END_REQUEST"]
    assert (said["role"], said["flags"]) == ("1 FCGI_RESPONDER", "0")
    assert (said["appStatus"], said["protocolStatus"]) == ("1", "2 FCGI_OVERLOADED")
    assert all(field.meaning.endswith(".") and field.section for field in fields)


# ---------------------------------------------------------------- whatever comes

IDS = st.integers(1, 0xFFFF)
TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=300)
VARIABLES = st.dictionaries(TEXT, TEXT, max_size=20)


@settings(deadline=None)
@given(IDS, VARIABLES, st.lists(st.binary(min_size=1, max_size=200)), st.integers(1, 300))
def test_a_request_survives_the_wire(id, variables, body, size):
    messages = [BeginRequest(id), Params(id, variables), *[Stdin(id, data) for data in body], Stdin(id, b"")]
    data = b"".join(map(wire.build, messages))
    assert read(ApplicationReader(), data, size) == messages
    assert fault(explain.explain(data), data) is None


RECORDS = st.builds(
    lambda type, id, content, padding: wire.HEADER.pack(1, type, id, len(content), padding) + content + bytes(padding),
    st.integers(0, 12), st.integers(0, 2), st.binary(max_size=20) | st.just(bytes(8)), st.integers(0, 9),
)
NOISE = st.binary(max_size=100) | st.lists(RECORDS, max_size=8).map(b"".join)
TURNS = st.lists(NOISE | st.sampled_from([BEGIN, PARAMS_END, STDIN_END]), max_size=8).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(TURNS, st.sampled_from([ApplicationReader, web_server_reader]), st.integers(1, 50))
def test_arbitrary_bytes_are_messages_or_malformed_however_cut(data, side, size):
    def outcome(size):
        reader, messages = side(), []
        try:
            for at in range(0, len(data), size):
                for message in reader.receive(data[at:at + size]):
                    messages.append(message)
            reader.close()
        except Malformed as error:
            return messages, str(error)
        return messages, None

    assert outcome(size) == outcome(max(1, len(data)))


@settings(max_examples=200, deadline=None)
@given(TURNS)
@example(wire.record(wire.PARAMS, 1, b"\0") + BEGIN)  # a request begins in the middle of another with its number
def test_arbitrary_bytes_are_explained_or_malformed(data):
    try:
        assert fault(explain.explain(data), data) is None
    except Malformed as error:
        assert 0 <= error.offset <= len(data)


def test_time_grows_no_faster_than_the_data():
    def parse(records):
        crumbs = BEGIN + b"".join([record(wire.PARAMS, 1, b"\1\0A")] * records) + PARAMS_END
        read(ApplicationReader(params_limit=10**6), crumbs, 100)
        assert fault(explain.explain(crumbs), crumbs) is None

    assert is_linear(parse, 3_000)


# ---------------------------------------------------------------- flup speaks it, too


class Peer:
    """A web server's end of a connection."""

    def __init__(self, folder):
        self.socket, self.reader = connect(folder), WebServerReader()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    def say(self, *messages):
        for message in messages:
            if type(message) is BeginRequest:
                self.reader.begin(message.id)
        self.socket.sendall(b"".join(map(wire.build, messages)))

    def hear(self, last=EndRequest):
        """The messages up to the next of this type, or up to the end of the connection."""
        heard = []
        while not heard or type(heard[-1]) is not last:
            if not (data := self.read(wire.HEADER.size)):
                break
            *_, length, padding = wire.HEADER.unpack(data)
            heard += self.reader.receive(data + self.read(length + padding))
        return heard

    def read(self, size):
        """One record and no more: what comes behind it is heard the next time."""
        read = b""  # MSG_WAITALL does not wait for all on a socket with a timeout
        while len(read) < size and (piece := self.socket.recv(size - len(read))):
            read += piece
        return read

    def ask(self, variables, body=b"", id=1, flags=0):
        """(what came on STDOUT, what on STDERR, the EndRequest or None)"""
        self.say(BeginRequest(id, flags=flags), Params(id, CGI | variables))
        self.say(*[Stdin(id, body)] * bool(body), Stdin(id, b""))
        heard = self.hear()
        printed, complained = (
            b"".join(message.data for message in heard if type(message) is type_) for type_ in (Stdout, Stderr)
        )
        return printed, complained, heard[-1] if heard and type(heard[-1]) is EndRequest else None


def test_flup_understands_what_we_write_and_we_what_it_writes(tmp_path):
    pytest.importorskip("flup")
    with running(tmp_path, "exhibits.fastcgi.hello"), Peer(tmp_path) as peer:
        printed, _, end = peer.ask({})
    assert printed.startswith(b"Status: 200 OK\r\n") and printed.endswith(b"\r\n\r\nHello, World!\n")
    assert end == EndRequest(1)


def test_flup_reads_our_pairs_and_writes_the_same():
    fcgi_base = pytest.importorskip("flup.server.fcgi_base")
    variables = {"A": "", LONG: "v", "B": LONG * 3}
    data, at, read = wire.encode_pairs(variables), 0, {}
    while at < len(data):
        at, (name, value) = fcgi_base.decode_pair(data, at)
        read[name.decode()] = value.decode()
    assert read == variables
    assert b"".join(fcgi_base.encode_pair(k.encode(), v.encode()) for k, v in variables.items()) == data


def program(name, package):
    """The path of a program that apt has; Debian's php-fpm has its version in the name."""
    found = shutil.which(name) or next(map(str, Path("/usr/sbin").glob(f"{name}*")), None)
    if found:
        return found
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name}: apt install {package}")


def test_the_reference_client_and_ours_understand_each_other(tmp_path):
    """cgi-fcgi, of the FastCGI developer's kit: its environment and standard input become a request."""
    cgi_fcgi = program("cgi-fcgi", "libfcgi-bin")
    body = b"x" * 100_000
    with doing_as_told(tmp_path, "fastcgi"):
        asked = subprocess.run(
            [cgi_fcgi, "-bind", "-connect", tmp_path / "s"], input=body, capture_output=True, timeout=10,
            env={**CGI, "REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body)), "DO": "echo", "LONG": LONG},
        )
    assert asked.stdout == b"Status: 200\n\n" + body[:3] + b"|" + body[3:]


@pytest.fixture
def open_folder():
    """A folder everybody can enter: as root php-fpm becomes nobody."""
    with tempfile.TemporaryDirectory(prefix="museum-test-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


def test_php_understands_what_we_write_and_we_what_it_writes(open_folder):
    """php-fpm: an application of the same protocol in C."""
    php_fpm = program("php-fpm", "php-fpm")
    (open_folder / "hello.php").write_text(
        '<?php header("X-Long: " . strlen($_SERVER["HTTP_LONG"])); echo $_GET["name"], " ", strlen('
        'file_get_contents("php://input")); error_log("to the log");'
    )
    (open_folder / "fpm.conf").write_text(
        f"[global]\nerror_log = {open_folder}/log\ndaemonize = no\n[www]\nlisten = {open_folder}/s\npm = static\n"
        "pm.max_children = 1\nuser = nobody\ngroup = nogroup\nlisten.mode = 0666\n"
    )
    command = [php_fpm, "-F", "-R", "-n", "-y", open_folder / "fpm.conf"]
    with Started(open_folder, *command, ready=open_folder / "s", log="said"):
        variables = {**CGI, "REQUEST_METHOD": "POST", "QUERY_STRING": "name=J%C3%BCrgen", "CONTENT_LENGTH": "70000",
                     "CONTENT_TYPE": "text/plain", "SCRIPT_FILENAME": str(open_folder / "hello.php")}
        for flags in wire.KEEP_CONN, 0:
            with Peer(open_folder) as peer:
                for _ in range(2 if flags else 1):  # twice on one connection
                    printed, complained, end = peer.ask(variables, b"x" * 70_000, flags=flags)
                    head, _, body = printed.partition(b"\r\n\r\n")
                    assert b"X-Long: 300" in head.split(b"\r\n") and body.decode() == "Jürgen 70000"
                    assert b"to the log" in complained and end == EndRequest(1)
            with Peer(open_folder) as peer:
                peer.say(GetValues(("FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS")))
                [values] = peer.hear(GetValuesResult)
                assert values.values["FCGI_MPXS_CONNS"] == "0"


# ---------------------------------------------------------------- our server, a program that does what it is told

@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    with doing_as_told(tmp_path_factory.mktemp("ours"), "fastcgi") as folder:
        yield folder


@pytest.fixture
def peer(ours):
    with Peer(ours) as peer:
        yield peer


ANSWER = b"Status: 200\n\nanswer", b"", EndRequest(1)


def test_ours_answers_though_the_program_reads_nothing(ours):
    for flags in 0, wire.KEEP_CONN:
        with Peer(ours) as peer:
            assert peer.ask({"DO": "answer"}, b"x" * 100_000, flags=flags) == ANSWER


def test_ours_sends_more_than_fits_into_a_record(peer):
    assert peer.ask({"DO": "long"})[0] == b"Status: 200\n\n" + b"x" * 1_000_000


def test_ours_keeps_the_connection_if_it_is_asked_to(peer):
    for _ in range(3):
        assert peer.ask({"DO": "answer"}, flags=wire.KEEP_CONN) == ANSWER
    assert peer.ask({"DO": "answer"}) == ANSWER
    assert peer.socket.recv(1) == b""


def test_ours_sends_errors_as_errors(peer):
    printed, complained, end = peer.ask({"DO": "complain"})
    assert complained == b"oops\n" and printed.startswith(b"Status: 500 ") and end == EndRequest(1)


def test_ours_says_how_the_program_ended(peer):
    printed, complained, end = peer.ask({"DO": "crash"}, flags=wire.KEEP_CONN)
    assert printed.startswith(b"Status: 500 ") and b"RuntimeError: broken" in complained and end == EndRequest(1, 1)
    printed, complained, end = peer.ask({"DO": "crash late"}, flags=wire.KEEP_CONN)
    assert printed == b"Status: 200\n\nsome" and b"RuntimeError: broken" in complained and end == EndRequest(1, 1)
    printed, complained, end = peer.ask({"DO": "break"}, flags=wire.KEEP_CONN)
    assert printed.startswith(b"Status: 500 ") and b"a pipe of my own" in complained and end == EndRequest(1, 1)
    assert peer.ask({"DO": "exit"}, flags=wire.KEEP_CONN) == (b"Status: 200\n\n", b"", EndRequest(1, 3))
    assert peer.ask({"DO": "answer"}) == ANSWER


def test_ours_is_a_responder_only(peer):
    for role in wire.AUTHORIZER, wire.FILTER, 0, 99:
        peer.say(BeginRequest(1, role, wire.KEEP_CONN), Params(1, CGI), Stdin(1, b""))
        assert peer.hear() == [EndRequest(1, 0, wire.UNKNOWN_ROLE)]
    assert peer.ask({"DO": "answer"}) == ANSWER


def test_ours_carries_one_request_at_a_time(peer):
    peer.say(BeginRequest(1, flags=wire.KEEP_CONN), BeginRequest(2), Params(2, {"DO": "echo"}), Stdin(2, b""))
    assert peer.hear() == [EndRequest(2, 0, wire.CANT_MPX_CONN)]
    peer.say(Params(1, {"DO": "answer"}), Stdin(1, b""))
    assert peer.hear() == [Stdout(1, b"Status: 200\n\nanswer"), Stdout(1, b""), EndRequest(1)]


def test_ours_ends_a_request_that_is_aborted(peer):
    peer.say(BeginRequest(1, flags=wire.KEEP_CONN), AbortRequest(1))
    assert peer.hear() == [EndRequest(1, 1)]
    peer.say(BeginRequest(1, flags=wire.KEEP_CONN), Params(1, {"DO": "stream"}), Stdin(1, b""))
    assert peer.hear(Stdout) == [Stdout(1, b"Status: 200\n\nline\n")]
    peer.say(AbortRequest(1))
    *_, complaint, end_of_line, end_of_stream, end = peer.hear()
    assert complaint.data + end_of_line.data == b"client left\n"
    assert (end_of_stream, end) == (Stdout(1, b""), EndRequest(1, 1))
    assert peer.ask({"DO": "answer"}) == ANSWER


def test_ours_answers_questions_at_any_time(peer):
    peer.say(GetValues(("FCGI_MPXS_CONNS", "FCGI_MAX_CONNS", "FCGI_COLOUR")))
    [result] = peer.hear(GetValuesResult)
    assert result.values.keys() == {"FCGI_MPXS_CONNS", "FCGI_MAX_CONNS"} and result.values["FCGI_MPXS_CONNS"] == "0"


def test_ours_does_not_know_every_type(peer):
    peer.socket.sendall(record(99, 0, b"what"))
    assert peer.hear(UnknownType) == [UnknownType(99)]
    assert peer.ask({"DO": "answer"}) == ANSWER


def test_ours_closes_where_it_understands_nothing(ours, peer):
    peer.socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert peer.socket.recv(1) == b""
    assert "not FastCGI" in (ours / "log").read_text()
