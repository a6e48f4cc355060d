"""The name and the meaning of each byte of uwsgi, for people: lists of `Field`."""

from exhibits.http import explain as http
from exhibits.shared.cgi_variables import meaning
from exhibits.shared.fields import CutOff, Field, shown
from exhibits.uwsgi.wire import HEADER, positions, read_header, read_variables

WHOLE = "The uwsgi Protocol § The uwsgi Protocol"
PACKET, VARS = "The uwsgi Protocol § uwsgi packet header", "The uwsgi Protocol § The uwsgi vars"
TYPES = "The uwsgi Protocol § Packet descriptions"


def explain_request(data: bytes) -> list[Field]:
    """Every byte of one request (bytes) or of several, as a list of `Field`."""
    fields, start = [], 0
    while start < len(data):
        if len(data) - start < HEADER.size:
            raise CutOff("the packet header is not complete", len(data))
        end, modifier2 = read_header(data, start)
        if len(data) < end:
            raise CutOff("the variables are not complete", len(data))
        fields += [
            Field(start, 1, "modifier1", "0", "The type of the packet: a WSGI request, its body behind it.", TYPES),
            Field(start + 1, 2, "datasize", str(end - start - 4),
                  "How many bytes of variables follow, the low byte first: 65535 at most.", PACKET),
            Field(start + 3, 1, "modifier2", str(modifier2), "0 for a WSGI request.", TYPES),
        ]
        block, offset = data[start + 4:end], start + 4
        _, length = read_variables(block, offset)
        for key, key_end, value, value_end in positions(block, offset):
            name, text = block[key:key_end].decode("latin-1"), shown(block[value:value_end])
            sentence, section = meaning(name)
            fields += [
                Field(offset + key - 2, 2, "key_size", str(key_end - key),
                      "How many bytes the name has that follows.", VARS),
                Field(offset + key, key_end - key, "key", name, sentence, section),
                Field(offset + value - 2, 2, "val_size", str(value_end - value),
                      "How many bytes the value has that follows.", VARS),
            ]
            if value < value_end:  # an empty value takes no bytes
                fields.append(Field(offset + value, value_end - value, "val", text, sentence, section))
        start = end + length
        if start > len(data):
            raise CutOff("the body is not complete", len(data))
        if length:
            fields.append(Field(end, length, "body", shown(data[end:start]),
                                "The body of the request, which datasize does not count.", TYPES))
    return fields


def explain_response(data: bytes, method: str = "GET") -> list[Field]:
    """Every byte of the answer (bytes) to a request with this method, as a list of `Field`. Raises Malformed."""
    version, *others = http.explain_response(data, method.encode())
    return [version._replace(meaning=HTTP, section=WHOLE), *others]


HTTP = 'The answer is HTTP. Read as a uwsgi packet it has modifier1 72, "H".'
