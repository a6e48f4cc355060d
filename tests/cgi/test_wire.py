"""CGI's wire: what it reads it can write, however the bytes are cut; and nothing but its own errors."""

import pytest
from conftest import malformed
from hypothesis import given
from hypothesis import strategies as st

from exhibits.cgi import explain, wire
from exhibits.shared.fields import CutOff, Malformed
from tests.explained import fault

# (what a program prints, form, status, reason, headers, location)
RESPONSES = {
    "document": (b"Content-Type: text/plain\r\n\r\n", "document", 200, b"", [(b"Content-Type", b"text/plain")], None),
    "document with status": (b"Status: 404 Not Found\r\nContent-Type: a/b\r\nX-Y: z\r\n\r\n", "document", 404,
                             b"Not Found", [(b"Content-Type", b"a/b"), (b"X-Y", b"z")], None),
    "line feeds": (b"Content-Type: a/b\nX: y\n\n", "document", 200, b"",
                   [(b"Content-Type", b"a/b"), (b"X", b"y")], None),
    "local redirect": (b"Location: /there?x=1\r\n\r\n", "local redirect", 200, b"",
                       [(b"Location", b"/there?x=1")], b"/there?x=1"),
    "client redirect": (b"Location: http://a.test/\r\n\r\n", "client redirect", 302, b"",
                        [(b"Location", b"http://a.test/")], b"http://a.test/"),
    "client redirect with document": (b"Status: 301 Moved\r\nLocation: /b\r\nContent-Type: a/b\r\n\r\n",
                                      "client redirect with document", 301, b"Moved",
                                      [(b"Location", b"/b"), (b"Content-Type", b"a/b")], b"/b"),
    "empty value": (b"Content-Type:\r\n\r\n", "document", 200, b"", [(b"Content-Type", b"")], None),
}

BROKEN_RESPONSES = {
    "no colon": (b"Content-Type: a/b\nHello\n\n", "this line is no header field", 18),
    "space in the name": (b"Content Type: a/b\n\n", "this line is no header field", 0),
    "folded": (b"Content-Type: a/b\n c\n\n", "this line is no header field", 18),
    "bare CR": (b"Content-Type: a\rb\n\n", "this line is no header field", 0),
    "NUL": (b"Content-Type: a\0b\n\n", "this line is no header field", 0),
    "HTTP status line": (b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n", "this line is no header field", 0),
    "no CGI field": (b"X: y\n\n", "Content-Type, Location or Status is missing", 5),
    "nothing before the empty line": (b"\n", "Content-Type, Location or Status is missing", 0),
    "twice": (b"Status: 200\nStatus: 404\n\n", "is there twice", 12),
    "status no number": (b"Status: abc\n\n", "is no status code", 0),
    "status too small": (b"Status: 100 Continue\n\n", "is no status code", 0),
    "no end": (b"X: y\n" * 20000, "the header block is too long", 65536),
}

BROKEN_ENVIRONMENTS = {
    "no equals sign": (b"A=1\0B\0", "is not NAME=VALUE", 4),
    "no name": (b"=1\0", "is not NAME=VALUE", 0),
    "twice": (b"A=1\0A=2\0", "is there twice", 4),
    "cut off": (b"A=1\0B=2", "the last string has no NUL", 7),
}


@pytest.mark.parametrize("body", [b"", b"body\n\nX: y\n"], ids=["alone", "with a body"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("case", RESPONSES)
def test_responses(case, whole, body):
    block, *expected = RESPONSES[case]
    reader = wire.ResponseReader()
    data = block + body
    found = [reader.feed(piece) for piece in ([data] if whole else [data[n : n + 1] for n in range(len(block))])]
    assert found[:-1] == [None] * (len(found) - 1)
    assert list(found[-1]) == [*expected, len(block)]
    assert reader.rest == (body if whole else b"")
    assert fault(explain.explain_stdout(data), data) is None


@pytest.mark.parametrize("case", RESPONSES)
def test_responses_are_written_as_they_are_read(case):
    block, *expected = RESPONSES[case]
    _, status, reason, headers, _ = expected
    said = b"%d %s" % (status, reason) if b"Status" in block else None
    again = wire.ResponseReader().feed(wire.build_response(headers, said))
    assert list(again[:5]) == expected


@pytest.mark.parametrize("case", BROKEN_RESPONSES)
def test_broken_responses(case):
    block, sentence, offset = BROKEN_RESPONSES[case]
    with malformed(sentence, offset):
        wire.ResponseReader().feed(block)


def test_a_response_that_ends_early():
    reader = wire.ResponseReader()
    assert reader.feed(b"Content-Type: a/b\n") is None
    with malformed("before the empty line", 18, CutOff):
        reader.close()


@pytest.mark.parametrize("case", BROKEN_ENVIRONMENTS)
def test_broken_environments(case):
    block, sentence, offset = BROKEN_ENVIRONMENTS[case]
    with malformed(sentence, offset):
        wire.parse_environment(block)


names = st.binary(min_size=1).filter(lambda name: b"=" not in name and b"\0" not in name)
values = st.binary().filter(lambda value: b"\0" not in value)


@given(st.dictionaries(names, values))
def test_environments_there_and_back(variables):
    block = wire.build_environment(variables)
    assert wire.parse_environment(block) == variables
    assert fault(explain.explain_environ(block), block) is None


@pytest.mark.parametrize("variable", [(b"", b"1"), (b"A=", b"1"), (b"A", b"\0"), (b"A\0", b"1")])
def test_what_cannot_be_in_an_environment(variable):
    with pytest.raises(ValueError):
        wire.build_environment(dict([variable]))


@given(st.binary())
def test_arbitrary_bytes_raise_nothing_but_our_errors(data):
    for explained in explain.explain_environ, explain.explain_stdout, explain.explain_stdin:
        try:
            assert fault(explained(data), data) is None
        except Malformed as error:
            assert 0 <= error.offset <= len(data)


@given(st.lists(st.binary()))
def test_however_output_is_cut_it_says_the_same(pieces):
    def result(pieces):
        reader = wire.ResponseReader()
        try:
            for piece in pieces:
                if response := reader.feed(piece):
                    return response
        except Malformed as error:
            return str(error)
        return None

    assert result(pieces) == result([b"".join(pieces)])


def test_against_a_real_program(tmp_path):
    """What our own CGI program prints is what the wire says it is."""
    import subprocess
    import sys

    from exhibits.backstage.running import ROOT

    environ = wire.parse_environment(b"REQUEST_METHOD=GET\0PATH_INFO=/status/404\0GUESTBOOK=none\0")
    printed = subprocess.run([sys.executable, "-IS", ROOT / "exhibits/cgi/app.py"], env=environ, capture_output=True,
                             check=True).stdout
    reader = wire.ResponseReader()
    response = reader.feed(printed)
    assert (response.form, response.status, reader.rest) == ("document", 404, b"404 Not Found\n")
