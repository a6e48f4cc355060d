"""The name and the meaning of each byte of the carrier of CGI, for people: lists of `Field`.

An answer looks alike over SCGI and in FastCGI's STDOUT, where `explain_answer` is asked, too.
"""

import re

from exhibits.cgi.wire import FIELD, parse_environment, strings
from exhibits.shared.cgi_variables import meaning
from exhibits.shared.fields import Field, Malformed, shown


def explain_environ(block: bytes) -> list[Field]:
    """Every byte of an environment (bytes), as a list of Field. Raises Malformed."""
    parse_environment(block)
    fields = []
    for at, string in strings(block):
        name, _, value = string.partition(b"=")
        sentence, section = meaning(name.decode("latin-1"))
        add(fields, at, name, "name", sentence, section)
        add(fields, at + len(name), b"=", "=", "Between the name and the value, by convention.", "environ(7)")
        add(fields, at + len(name) + 1, value, "value", sentence, section)
        add(fields, at + len(string), b"\0", "NUL", "Ends the string.", "string(3)")
    return fields


def explain_stdin(data: bytes) -> list[Field]:
    """Standard input (bytes): the body, as it is."""
    fields = []
    add(fields, 0, data, "request-body", "The body, CONTENT_LENGTH bytes of it.", "RFC 3875 section 4.2")
    return fields


def explain_stdout(data: bytes) -> list[Field]:
    """Every byte of what a program prints (bytes), as a list of Field. Raises Malformed."""
    fields, end = explain_answer(data)
    add(fields, end, data[end:], "response-body", "The body of the answer, to the end of the output.",
        "RFC 3875 section 6.4")
    return fields


def explain_stderr(data: bytes) -> list[Field]:
    """Standard error (bytes), as it is."""
    fields = []
    add(fields, 0, data, "log", "Diagnostic output of the program, of which RFC 3875 does not speak.", "stdin(3)")
    return fields


def explain_answer(data: bytes) -> tuple[list[Field], int]:
    """The header block of an answer (bytes): a list of Field, and where the body begins. Raises Malformed."""
    fields, end, found = [], 0, {}
    while line := FIELD.match(data, end):
        found[line[1].lower()] = line[4]
        end = line.end()
    blank = BLANK.match(data, end)
    if not found or not blank:
        raise Malformed("no header fields with an empty line behind them", end)
    type_ = response_type(found, blank.end() < len(data))
    end = 0
    while line := FIELD.match(data, end):
        sentence, section = answer_field(line[1].lower(), line[4], type_)
        add(fields, line.start(1), line[1], "field-name", sentence, section)
        add(fields, line.start(2), line[2], ":", "Ends the name. No white space may stand before it.",
            "RFC 3875 section 6.3")
        add(fields, line.start(3), line[3], "LWSP", *WHITE_SPACE)
        add(fields, line.start(4), line[4], "field-value", sentence, section)
        add(fields, line.start(5), line[5], "LWSP", *WHITE_SPACE)
        add(fields, line.start(6), line[6], "NL", "The end of the line: LF on Unix; a server should take CR LF, too.",
            "RFC 3875 section 7.2")
        end = line.end()
    sentence, section = TYPES[type_]
    add(fields, end, blank[0], "NL", f"An empty line: the header fields end here. {sentence}",
        f"RFC 3875 section {section}")
    return fields, blank.end()


def response_type(found: dict[bytes, bytes], has_body: bool) -> int:
    """Which of RFC 3875's four an answer is, or NONE. found: its header fields by name, in lower case."""
    location = found.get(b"location")
    others = [name for name in found if name not in (b"content-type", b"location", b"status")]
    if location is None:
        return (DOCUMENT if b"status" in found else SUCCESS) if b"content-type" in found else NONE
    if location.startswith(b"/"):
        return NONE if len(found) > 1 or has_body else LOCAL
    if not ABSOLUTE.match(location):
        return NONE
    if b"status" in found and b"content-type" in found:
        return CLIENT_WITH_DOCUMENT
    alone = len(found) == 1 + len(others) and all(name.startswith(b"x-cgi-") for name in others)
    return NONE if not alone or has_body else CLIENT


BLANK = re.compile(rb"\r?\n")
ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z\d+.-]*:")
DOCUMENT, SUCCESS, LOCAL, CLIENT, CLIENT_WITH_DOCUMENT, NONE = range(6)
TYPES = {
    DOCUMENT: ("This is a document response.", "6.2.1"),
    SUCCESS: ("This is a document response; as it has no Status, it is a 200.", "6.2.1"),
    LOCAL: ("This is a local redirect response.", "6.2.2"),
    CLIENT: ("This is a client redirect response, for which the server answers 302.", "6.2.3"),
    CLIENT_WITH_DOCUMENT: ("This is a client redirect response with document.", "6.2.4"),
    NONE: ("None of the four response types fits this answer.", "6.2"),
}
WHITE_SPACE = "White space, which may stand before, in and behind the value.", "RFC 3875 section 6.3"
ANSWER_FIELDS = {
    b"content-type": ("The media type of the body.", "RFC 3875 section 6.3.1"),
    b"status": ("A status code and a reason: how the program's attempt went.", "RFC 3875 section 6.3.3"),
}
LOCATIONS = {
    LOCAL: ("A path: the server itself fetches what is there.", "RFC 3875 section 6.3.2"),
    CLIENT: ("An address: the client shall ask there instead.", "RFC 3875 section 6.3.2"),
    CLIENT_WITH_DOCUMENT: ("An address: the client shall ask there instead.", "RFC 3875 section 6.3.2"),
}
PATH = "A path; but no other field may stand beside it, and no body.", "RFC 3875 section 6.2.2"
NO_PATH = "Another resource, in a way that is of none of the response types.", "RFC 3875 section 6.2"
TO_THE_CLIENT = "A header field for the client; the server writes it as its protocol does.", "RFC 3875 section 6.3.4"
X_CGI = "An extension, which the server may ignore.", "RFC 3875 section 6.3.5"


def answer_field(name: bytes, value: bytes, type_: int) -> tuple[str, str]:
    """What a header field (its name in lower case, bytes) says in an answer of this type, and where that stands."""
    if name == b"location":
        return LOCATIONS.get(type_) or (PATH if value.startswith(b"/") else NO_PATH)
    return ANSWER_FIELDS.get(name) or (X_CGI if name.startswith(b"x-cgi-") else TO_THE_CLIENT)


def add(fields: list[Field], at: int, data: bytes, name: str, meaning: str, section: str) -> None:
    """Add a Field for the data (bytes) at an offset; nothing for no bytes."""
    if data:
        value = NEW_LINES.get(data, "") if name in ("NL", "LWSP", "NUL") else shown(data)
        fields.append(Field(at, len(data), name, value, meaning, section))


NEW_LINES = {b"\n": "LF", b"\r\n": "CR LF"}
