"""Accidents that everybody has once, made to happen: what came back, and what the log said.

`record` writes them into docs/recordings/accidents; the site's page of accidents shows them.
"""

import json
import re
import socket
from dataclasses import dataclass

import h11

from exhibits import catalog, journey
from exhibits.asking import request
from exhibits.backstage.recording.tapping import HOST_HEADERS, Staged, changed
from exhibits.backstage.running import ROOT, eventually, version
from exhibits.fastcgi import wire as fastcgi
from exhibits.fastcgi.explain import explain as explain_records
from exhibits.fastcgi.explain import explain_header
from exhibits.shared.fields import Field
from exhibits.uwsgi import wire as uwsgi
from exhibits.uwsgi.explain import PACKET, TYPES, VARS

FOLDER = ROOT / "docs" / "recordings" / "accidents"
PATIENCE = 1  # seconds: a log that has said nothing by then says nothing
SILENCE = 3  # seconds without a byte in which a connection stays open: then it is left


@dataclass(frozen=True)
class Accident:
    """Something goes wrong at some stacks.

    sent: the bytes. to: who gets them, "program" (its socket, past the web server) or "visitors" (the port).
    stacks: names in the catalog. log: a pattern; of the lines that match the matching part is kept.
    edits: changes to the configuration of a part, (part, edits as in the catalog); a stack may be without it.
    program: instead of the guestbook.
    hangs_up: the sender closes his half of the connection, and so says that nothing more comes; he reads on.
    """

    sent: bytes
    to: str
    stacks: tuple[str, ...]
    log: str
    edits: tuple[str, tuple[tuple[str, str], ...]] = ("", ())
    program: str = "app"
    hangs_up: bool = False


SMALL_BUFFER = ("uWSGI", (("buffer-size = 65535", "buffer-size = 4096"),))  # uWSGI's own default
VARIABLES = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/hello", "QUERY_STRING": "name=Ada"}
CUT_RECORD = (fastcgi.build(fastcgi.BeginRequest(1, fastcgi.RESPONDER, 0))
              + fastcgi.build(fastcgi.Params(1, VARIABLES))[:48])

ACCIDENTS = {
    "wrong-port": Accident(
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "program",
        ("uwsgi-uwsgi", "uwsgi-gunicorn", "uwsgi-ours", "fastcgi-flup", "fastcgi-ours", "scgi-flup", "scgi-ours"),
        r"invalid request block size.*|Unsupported uWSGI.*|this is not .*|Protocol error.*", edits=SMALL_BUFFER,
    ),
    "long-cookie": Accident(
        request("GET", "/hello", "Cookie: note=" + "x" * 4000, *HOST_HEADERS), "visitors", ("uwsgi-uwsgi",),
        r"invalid request block size.*|upstream prematurely closed.*?(?=,)", edits=SMALL_BUFFER,
    ),
    "long-head": Accident(
        request("GET", "/hello", *(f"X-Note-{number}: {'x' * 30000}" for number in (1, 2, 3)), *HOST_HEADERS),
        "visitors", ("uwsgi-uwsgi", "scgi-flup", "fastcgi-flup", "fastcgi-ours"),
        r"(uwsgi|fastcgi) request .*?is too big: \d+",
    ),
    "status-line": Accident(
        request("GET", "/", *HOST_HEADERS), "visitors", ("cgi-apache", "cgi-lighttpd", "cgi-ours"),
        r"malformed header from script.*|the script's answer is malformed: .*\)",
        program="status_line",
    ),
    "cut-record": Accident(CUT_RECORD, "program", ("fastcgi-flup", "fastcgi-ours"), r"this is not .*", hangs_up=True),
    "half-body": Accident(
        request("POST", "/digest", "Content-Type: text/plain", *HOST_HEADERS, body=b"The guestbook. " * 2)[:-15],
        "visitors", tuple(stack.name for stack in catalog.defaults()), r"client prematurely closed.*?(?=,)",
        hangs_up=True,
    ),
}


def happen(name):
    """Let the accident happen at each of its stacks: a list of what came of it, as JSON has it."""
    return [happen_at(ACCIDENTS[name], catalog.find(each)) for each in ACCIDENTS[name].stacks]


def happen_at(accident, stack):
    """What came of an accident, as JSON has it.

    got: what came back. waits: the connection was still open SILENCE seconds later. reached: between whom else bytes
    or calls passed. calls: of the program, where recorded.
    """
    result = {"stack": stack.name, "parts": {part.name: version(part) for part in stack.parts}}
    with Staged(changed(stack, *accident.edits), accident.program) as exhibit:
        exhibit.lines.clear()
        if accident.to == "program":
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(SILENCE)
                sock.connect(str(exhibit.run / "app.sock"))
                got, result["waits"] = talk(sock, accident)
                result["got"] = got.decode("latin-1")
        else:
            first, *others = exhibit.ask(accident.sent, accident.hangs_up)["links"]
            result["got"] = without_framing(journey.said(first)["response"])
            result["reached"] = [other["between"] for other in others]
            calls = [other["calls"] for other in others if "calls" in other]
            if calls:
                result["calls"] = calls[0]
        wait_for_words(exhibit, accident.log)
    # All has been read now. What two processes say at once has no order: each in its turn.
    lines = [line for process in stack.processes for part, line in exhibit.lines if part == process.part]
    result["log"] = words(lines, accident.log)
    return result


def without_framing(response):
    """Status line and body of a response, "" of none: how the body was cut into chunks is chance."""
    if not response:
        return ""
    http = h11.Connection(h11.CLIENT)
    http.send(h11.Request(method="GET", target="/", headers=[("Host", "localhost")]))
    http.receive_data(response)
    http.receive_data(b"")
    body = b""
    while type(event := http.next_event()) is not h11.EndOfMessage:
        body += event.data if type(event) is h11.Data else b""
    return (response.partition(b"\r\n")[0] + b"\r\n\r\n" + body).decode("latin-1")


def talk(sock, accident):
    """Send what an accident sends; return all (bytes) that comes back, and whether the connection is still open."""
    sock.sendall(accident.sent)
    if accident.hangs_up:
        sock.shutdown(socket.SHUT_WR)
    received = b""
    try:
        while data := sock.recv(65536):
            received += data
    except TimeoutError:
        return received, True
    except ConnectionResetError:
        pass
    return received, False


def wait_for_words(exhibit, pattern):
    """Wait a moment for the first line of the log that matches."""
    eventually(lambda: words([line for _, line in list(exhibit.lines)], pattern), PATIENCE)


def words(lines, pattern):
    """Of the lines that match, the matching parts, each once."""
    return list(dict.fromkeys(match[0] for line in lines if (match := re.search(pattern, line))))


def record():
    """Write every accident anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ACCIDENTS:
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(happen(name), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path.relative_to(ROOT))


# ---------------------------------------------------------------- how the bytes are read by who did not expect them


def as_uwsgi(data):
    """What HTTP says to a reader of uwsgi, as a list of Field."""
    modifier1, size, modifier2 = uwsgi.HEADER.unpack_from(data)
    rest = data[uwsgi.HEADER.size :]
    return [
        Field(0, 1, "modifier1", str(modifier1), f'"{data[:1].decode()}", read as the type of a packet.', TYPES),
        Field(1, 2, "datasize", str(size),
              f'"{data[1:3].decode()}", read as a number with the low byte first: so many bytes are to come.',
              PACKET),
        Field(3, 1, "modifier2", str(modifier2), "The space, read as modifier2.", PACKET),
        Field(4, len(rest), "vars", f"{len(rest)} of {size} bytes", "All that there is of the packet.", VARS),
    ]


def as_record(data):
    """A stream of FastCGI that ends inside a record, as a list of Field."""
    whole = 16  # FCGI_BEGIN_REQUEST
    type_, id, size, padding = fastcgi.read_header(data, whole, whole)
    rest = data[whole + fastcgi.HEADER.size :]
    return [
        *explain_records(data[:whole]), *explain_header(whole, type_, id, size, padding),
        Field(whole + 8, len(rest), "contentData", f"{len(rest)} of {size} bytes", "All that came of it.",
              "FastCGI 1.0 section 3.3"),
    ]


READINGS = {"wrong-port": as_uwsgi, "cut-record": as_record}
