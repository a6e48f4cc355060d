"""The name and the meaning of each byte of SCGI, for people: lists of `Field`."""

from exhibits.cgi.explain import add, explain_answer
from exhibits.scgi.wire import RequestReader
from exhibits.shared.cgi_variables import meaning
from exhibits.shared.fields import Field, shown

NETSTRING, HEADERS = "SCGI section 4", "SCGI section 3"


def explain_request(data: bytes) -> list[Field]:
    """Every byte of a request (bytes), as a list of `Field`. Raises Malformed."""
    reader = RequestReader()
    reader.receive(data)
    reader.close()
    at = data.index(b":") + 1
    fields = [
        Field(0, at - 1, "[len]", data[:at - 1].decode(), "How many bytes of variables follow, in decimal.", NETSTRING),
        Field(at - 1, 1, ":", ":", "Ends the number.", NETSTRING),
    ]
    pieces = data[at:reader.size - 2].split(b"\0")
    for name, value in zip(pieces[::2], pieces[1::2], strict=True):
        text = name.decode("latin-1")
        sentence, section = FIRST if text == "CONTENT_LENGTH" else meaning(text)
        fields.append(Field(at, len(name), "name", text, sentence, section))
        fields.append(Field(at + len(name), 1, "NUL", "", "Ends the name.", HEADERS))
        at += len(name) + 1
        if value:
            fields.append(Field(at, len(value), "value", shown(value), sentence, section))
        fields.append(Field(at + len(value), 1, "NUL", "", "Ends the value.", HEADERS))
        at += len(value) + 1
    fields.append(Field(at, 1, ",", ",", "Ends the variables.", NETSTRING))
    if reader.offset > reader.size:
        fields.append(Field(reader.size, reader.offset - reader.size, "body", shown(data[reader.size:reader.offset]),
                            "The body of the request, as long as CONTENT_LENGTH says.", HEADERS))
    if reader.rest:
        fields.append(Field(reader.offset, len(reader.rest), "rest", shown(reader.rest),
                            "Nobody reads this: the server answers the request and closes.", "SCGI section 2"))
    return fields


def explain_response(data: bytes) -> list[Field]:
    """Every byte of an answer (bytes) that is one of a CGI program, as a list of `Field`. Raises Malformed."""
    fields, end = explain_answer(data)
    add(fields, end, data[end:], "response-body", "The body, to the end of the connection.", "SCGI section 2")
    return fields


FIRST = "How many bytes the body has: always there, and the first variable.", HEADERS
