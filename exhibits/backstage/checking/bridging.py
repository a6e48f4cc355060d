"""Each bridge under each server of the interface that it offers, asked what goes wrong there.

    python -m exhibits.backstage.checking.bridging [BRIDGE …]

asks all of them, or these, and writes docs/bridges.json, from which the site draws its table. What is not right has
its reason and its cure in `exhibits/catalog/bridges.toml`; exit code 1 where something has none.
"""

import json
import re
import socket
import sys
import time
import tomllib
from functools import cache

from exhibits.asking import request
from exhibits.backstage.checking.matrix import as_text
from exhibits.backstage.ending import workers
from exhibits.backstage.running import ROOT, Exhibit, eventually, missing, version
from exhibits.backstage.running.ports import is_free
from exhibits.catalog.stacks import Process, Stack

FILE = ROOT / "docs" / "bridges.json"
DATA = ROOT / "exhibits" / "catalog" / "bridges.toml"
# What each is to the server, and what it needs.
BRIDGES = {
    "wsgi_as_cgi": ("CGI", ()), "cgi_as_wsgi": ("WSGI", ()), "asgi_in_wsgi": ("WSGI", ("a2wsgi",)),
    "wsgi_in_asgi": ("ASGI", ("a2wsgi",)), "wsgi_in_asgi_asgiref": ("ASGI", ("asgiref",)),
}
SILENCE = 2  # seconds that a program may print nothing, where a bridge or its server knows such a limit
PATIENCE = 5  # seconds without a byte after which a visitor gives up
AT_ONCE = 3  # servers that run at the same time


@cache
def data():
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


def servers(bridge):
    """The servers, entries of DATA, that a bridge is for."""
    return [each for each in data()["server"] if each["takes"] == BRIDGES[bridge][0]]


class Bridged(Exhibit):
    """A bridge under a server. One that answers nothing is what may have to be found out."""

    def wait_until_ready(self):
        if not eventually(lambda: not is_free(self.host, self.port)):
            self.check()


def stack(bridge, server):
    command = server["command"].replace("{module}", f"exhibits.bridges.{bridge}")
    return Stack(f"{bridge}, {server['name']}", "bridge", "", "HTTP/1.1", needs=BRIDGES[bridge][1], processes=(
        Process(server["part"], command, "", environ={"CGI_SECONDS": str(SILENCE)}),))


# ---------------------------------------------------------------- the cases: "" is right, else what came


def talk(exhibit, sent, until=None, patience=PATIENCE):
    """What comes back: all of it, or as much as `until` needs. TimeoutError after so many seconds of silence."""
    with socket.create_connection((exhibit.host, exhibit.port), patience) as visitor:
        visitor.sendall(sent)
        received = b""
        while (piece := visitor.recv(65536)) and not (until and until in received + piece):
            received += piece
        return received + piece


def answered(exhibit, sent, wanted, patience=PATIENCE):
    got = talk(exhibit, sent, patience=patience)
    head, _, body = got.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.[01] (\d+)", head)[1].decode()
    if status != "200" or wanted not in body:
        return status if status != "200" else "empty"
    return "" if b"\r\ncontent-type:" in head.lower() else "no header fields"


def get(exhibit):
    return answered(exhibit, request("GET", "/hello", "Connection: close"), b"Hello, World!\n")


def with_length(exhibit):
    return answered(exhibit, request("POST", "/echo", "Connection: close", body=b"one two"), b"one two")


def chunked(exhibit):
    fields = "Connection: close", "Transfer-Encoding: chunked"
    return answered(exhibit, request("POST", "/echo", *fields, body=b"7\r\none two\r\n0\r\n\r\n"), b"one two")


def streamed(exhibit):
    """Whether the first line is there before the last is made; a busy machine is asked again."""
    for _ in range(3):
        with socket.create_connection((exhibit.host, exhibit.port), PATIENCE) as visitor:
            visitor.sendall(request("GET", "/stream?n=3&delay=0.4", "Connection: close"))
            received, first = b"", None
            while piece := visitor.recv(65536):
                received += piece
                first = first or (b"line 1 of" in received and time.monotonic())
            if first and b"line 3 of" in received and time.monotonic() - first > 0.4:
                return ""
    return "at once" if b"line 3 of" in received else "broken"


def leaves(exhibit):
    """Whether the program hears of a visitor who leaves; where it does not, whether it holds up the next one."""
    exhibit.lines.clear()
    talk(exhibit, request("GET", "/stream?n=1000&delay=0.02"), until=b"line 2 of")
    if eventually(lambda: any("client left" in line for _, line in list(exhibit.lines)), PATIENCE):
        return get(exhibit)
    return "blocks" if tried(exhibit, "get") in ("nothing", "closed") else "goes on"


def endless(exhibit):
    """Whether a program that prints nothing is ended, and the visitor told."""
    got = talk(exhibit, request("GET", "/slow?seconds=10", "Connection: close"), patience=SILENCE + PATIENCE)
    status = re.match(rb"HTTP/1\.[01] (\d+)", got)[1]
    return "" if status == b"504" and get(exhibit) == "" else status.decode()


CASES = {"get": get, "length": with_length, "chunked": chunked, "stream": streamed, "leaves": leaves,
         "endless": endless}
TITLES = {"get": "GET", "length": "a body with a length", "chunked": "a body in chunks", "stream": "a streamed answer",
          "leaves": "a visitor who leaves", "endless": "a program that falls silent"}


def applies(bridge, case):
    """A process can be ended; who waits in a call of Python, nobody can end."""
    return case != "endless" or "cgi" in bridge


def tried(exhibit, case):
    try:
        return CASES[case](exhibit)
    except TimeoutError:
        return "nothing"
    except (OSError, TypeError):  # no status line came
        return "closed"


def meet(bridge, server):
    """{case: "" or what came} of a bridge under a server. After a case that may have left it stuck it starts anew."""
    waiting, found = [case for case in CASES if applies(bridge, case)], {}
    while waiting:
        with Bridged(stack(bridge, server)) as exhibit:
            while waiting:
                case = waiting.pop(0)
                found[case] = tried(exhibit, case)
                if found[case] in ("nothing", "goes on", "blocks"):
                    break
        if found["get"] == "nothing":
            return dict.fromkeys([*found, *waiting], "nothing")
    return found


# ---------------------------------------------------------------- why


def reason(bridge, server, case):
    """The entry of DATA that says why a cell is not right, or None."""
    for entry in data()["reason"]:
        if case in entry["cases"] and {server, "*"} & {*entry["cells"].get(bridge, ())}:
            return entry
    return None


def unexplained(cells):
    """Sentences for what no entry explains, and for entries that explain nothing."""
    used = []
    for bridge, found in cells.items():
        for server, cases in found.items():
            for case, came in cases.items():
                if came and (entry := reason(bridge, server, case)):
                    used.append(entry["happens"])
                elif came:
                    yield f"{bridge} under {server}, {case}: {came}"
    yield from (f"nothing is so any more: {each['happens']}" for each in data()["reason"]
                if each["happens"] not in used)


def main(names):
    """Ask these bridges, or all, write FILE; return the exit code. Of the others the last run stays."""
    cells = json.loads(FILE.read_text(encoding="utf-8"))["cells"] if names else {}
    asked = [(bridge, server) for bridge in BRIDGES if not names or bridge in names for server in servers(bridge)]
    if lacking := dict.fromkeys(sentence for pair in asked for sentence in missing(stack(*pair))):
        print("exhibits: " + "; ".join(lacking), file=sys.stderr)
        return 1
    with workers(AT_ONCE) as pool:
        for (bridge, server), found in zip(asked, pool.map(lambda pair: meet(*pair), asked), strict=True):
            print(bridge, server["name"], found, flush=True)
            cells.setdefault(bridge, {})[server["name"]] = found
    used = {part.name: part for bridge in BRIDGES for server in servers(bridge) for part in stack(bridge, server).parts}
    FILE.write_text(as_text({bridge: cells[bridge] for bridge in BRIDGES},
                            {name: version(part) for name, part in used.items()}), encoding="utf-8")
    wrong = list(unexplained(cells))
    print(f"{FILE.relative_to(ROOT)} is new", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
