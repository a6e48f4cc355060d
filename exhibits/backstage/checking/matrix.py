"""Each framework behind each server of its interface, held to the part of the contract that its program has.

    python -m exhibits.backstage.checking.matrix [FRAMEWORK …] [STACK …]

asks all of them, or these frameworks, or all at these stacks, and writes docs/frameworks.json, from which the site
draws the matrix. What differs is explained in `exhibits/catalog/frameworks.toml`, or by what the server is known to do
with the guestbook, too; exit code 1 where something is not.
"""

import json
import platform
import re
import sys
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from exhibits import catalog, contract
from exhibits.asking import request
from exhibits.backstage import checking
from exhibits.backstage.checking.agreeing import MOUNTS
from exhibits.backstage.checking.excuses import matches
from exhibits.backstage.ending import workers
from exhibits.backstage.own import target
from exhibits.backstage.running import ROOT, CannotStart, Exhibit, missing, version
from exhibits.catalog.annexes import MET, VARIED
from exhibits.catalog.differences import known_difference

FILE = ROOT / "docs" / "frameworks.json"
REASONS = ROOT / "exhibits" / "catalog" / "frameworks.toml"
AT_ONCE = 3  # servers that run at the same time
PATIENCE = 60  # seconds a program may take to be loaded, on a machine that has more to do

PART = ("hello", "hello-name", "hello-utf8", "http-1.0", "not-found", "sign-form", "sign-empty", "sign-line-break")
MULTIPART = (b'--b\r\nContent-Disposition: form-data; name="name"; filename="a.txt"\r\n\r\nAda\r\n'
             b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\nHi\r\n--b--\r\n')
# A page may bring the token that its form is to send back; where it differs between visitors, caches have to know.
HTML = {
    "content-type": re.compile("(?i)" + contract.HTML), "vary": lambda got: got in (None, "Cookie"),
    "set-cookie": lambda got: got is None or re.fullmatch(r"csrftoken=\w{32}; .*SameSite=Lax", "".join(got)),
}
CASES = [case for case in contract.CASES if case.name in PART] + [
    contract.Case("method", "405, and what Allow allows", (contract.Step(
        request("DELETE", "{mount}/hello"), 405, {**contract.PLAIN, "allow": re.compile(r".*\bGET\b.*")},
        b"405 Method Not Allowed: not with this method\n"),)),
    contract.Case("page", "the newest entries, by a template", (contract.Step(
        contract.get("/", "Cookie: name=%3CAda%3E"), 200, HTML,
        re.compile(br"(?s).*[A-Za-z]+ is called as \w.*"
                   rb"Served by (?!a server that gives no name).*value=.?(&lt;|<)Ada(&gt;|>).*First!.*Ada.*")),)),
    contract.Case("sign-markup", "a template shows markup, and never has it run", (
        contract.signed(contract.post("/entries", b"name=%3Cb%3E&message=%3Cscript%3E", contract.FORM), "%3Cb%3E", 1),
        contract.Step(contract.get("/"), 200, HTML,
                      re.compile(rb"(?s)(?!.*(<script>|<b>)).*&lt;script(&gt;|>).*&lt;b(&gt;|>).*First!.*"))),
        stored=(("<b>", "<script>"),)),
    contract.Case("sign-refused-html", "a browser whose form is refused gets the page again, with what was typed", (
        contract.Step(contract.post("/entries", b"name=+&message=%3Cb%3E+%22Hi%22+so", contract.FORM, contract.BROWSER),
                      422, HTML,
                      re.compile(rb"(?s).*<textarea.*>\n&lt;b(&gt;|>) (&quot;|&#34;|\")Hi(&quot;|&#34;|\") so<"
                                 rb"/textarea>.*the name is empty.*First!.*")),)),
    contract.Case("visits", "a cookie that is no sensible number counts as none", tuple(
        contract.signed(contract.post("/entries", b"name=Ada&message=Hi", contract.FORM, f"Cookie: visits={visits}"),
                        "Ada", count)
        for visits, count in (("9" * 5000, 1), ("\xd9\xa3", 1), ("-1", 1), ("", 1), ("41", 42))),
        stored=(("Ada", "Hi"),) * 5),
    contract.Case("sign-file", "a file is not a text", (contract.Step(
        contract.post("/entries", MULTIPART, "Content-Type: multipart/form-data; boundary=b"), 422, contract.PLAIN,
        re.compile(rb"422 Unprocessable Content: (the name is empty|(the name|a field) is not a text)\n")),)),
    contract.Case("foreign-origin", "a page from elsewhere does not sign", (contract.Step(
        contract.post("/entries", b"name=a&message=b", contract.FORM, "Origin: http://evil.test", contract.BROWSER),
        403, contract.PLAIN, re.compile(rb"403 Forbidden: .*\n")),)),
    contract.Case("foreign-host", "nor is it served where its own name is made to mean this machine", (contract.Step(
        request("GET", "{mount}/", host="evil.test"), 0, {}, own=(400, 421)),)),
]
# What a framework or its server may lack, asked in the matrix only.
MORE = (*(case for case in contract.CASES if case.name in ("head", "sign-chunked", "hello-broken-utf8")),
        contract.Case("sign-broken-utf8", "a form whose bytes are no text", (contract.refused(
            contract.post("/entries", b"name=%FF&message=Hi", contract.FORM), 400, "Bad Request",
            "a field is not UTF-8"),)))
HANDSHAKE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
INITIALIZE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "visitor", "version": "1"}}}).encode()
# What some are named for: {framework: cases}.
OWN = {
    "Channels": (contract.Case("channels-foreign", "a WebSocket reaches Channels, and is refused to a foreign page", (
        contract.Step(contract.get("/live", *HANDSHAKE, "Origin: http://evil.test"), 0, {}, own=(403,)),)),),
    "Socket.IO": (contract.Case("socketio-opens", "a session, on requests", (
        contract.Step(contract.get("/socket.io/?EIO=4&transport=polling"), 200,
                      {**contract.PLAIN, "access-control-allow-credentials": "true"},
                      re.compile(rb'0\{"sid":"[^"]+","upgrades":\["websocket"\],.*\}')),)),),
    "MCP": (contract.Case("mcp-initialize", "the first word of an agent, to a mounted program", (
        contract.Step(contract.post("/mcp/", INITIALIZE, "Content-Type: application/json",
                                    "Accept: application/json, text/event-stream"), 200, contract.JSON,
                      re.compile(rb'\{"jsonrpc":"2.0","id":1,"result":\{.*"name":"guestbook".*\}\}')),)),),
}


@dataclass(frozen=True)
class Module(target.Program):
    """The program of a framework, under the name that servers look for."""

    interface: str
    module: str
    name: str

    def written(self):
        return f"from exhibits.frameworks.{self.module} import {self.name} as application\n"


@dataclass(frozen=True)
class Reason:
    """An entry of REASONS; names of frameworks and stacks may have * for any text.

    where: "root" or "mounted", where it is so there only.
    """

    frameworks: tuple[str, ...]
    stacks: tuple[str, ...]
    cases: tuple[str, ...]
    happens: str
    why: str
    source: str
    where: str = ""

    def explains(self, framework, stack, where, case):
        return (matches(self.frameworks, framework) and matches(self.stacks, stack) and matches(self.cases, case)
                and self.where in ("", where))


@cache
def reasons():
    entries = tomllib.loads(REASONS.read_text(encoding="utf-8"))["known"]
    return [Reason(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})
            for entry in entries]


@cache
def reason(framework, stack, where, case):
    """What explains that a framework's program does not keep a case there: a Reason, a Difference, or None."""
    found = next((each for each in reasons() if each.explains(framework, stack, where, case)), None)
    usual = {stack.name: usual for usual, stack in VARIED}.get(stack, stack)  # of which it varies the settings alone
    return found or (known_difference(catalog.find(usual), case, where == "mounted") if usual else None)


def servers(interface):
    """The stacks that speak HTTP/1.1 with visitors and this interface with the program, no other server between.

    Behind each of them stands the same with other settings.
    """
    usual = [stack for stack in catalog.STACKS if stack.takes == interface and len(stack.processes) == 1
             and stack.carrier.startswith("HTTP/1.1")]
    return [each for stack in usual for each in (stack, *(varied for name, varied in VARIED if name == stack.name))] + [
        stack for name, stack in VARIED if not name and stack.takes == interface]


def cases_of(framework):
    return *CASES, *MORE, *OWN.get(framework.name, ())


def meet(framework, stack, mounts=MOUNTS):
    """{where: {case: what is wrong}} of a framework (a catalog.annexes.Met) at a stack. Raises CannotStart."""
    program, found = Module(framework.interface, framework.module, framework.program), {}
    for where, mount in mounts.items():
        starting = Exhibit(stack, mount=mount, app=program)
        starting.patience = PATIENCE
        with starting as exhibit:
            # What the server does with every answer; a 404 is no such thing. It may still be loading the program.
            with exhibit.visitor(exhibit.patience) as visitor:
                sent = contract.get("/hello").replace(b"{mount}", exhibit.place.seen.encode())
                checking.known_faults[exhibit.place] = {*checking.faults(visitor, visitor.ask(sent), sent)}
            found[where] = {outcome.case.name: outcome.why for outcome in checking.run(exhibit, cases_of(framework))
                            if outcome.state == checking.DIFFERS}
    return found


def unexplained(cells):
    """Sentences for what no entry explains, and for entries that explain nothing, in {framework: {stack: found}}."""
    used = set()
    for framework, stacks in cells.items():
        for stack, found in stacks.items():
            for where, wrong in found.items():
                for case, why in wrong.items():
                    entry = reason(framework, stack, where, case)
                    used.add(entry)
                    if entry is None:
                        yield f"{framework}, {stack}, {where}, {case}: {why}"
    yield from (f"nothing is so any more: {each.happens}" for each in reasons() if each not in used)


def as_text(cells, parts):
    """A run as JSON, a line for each program at each server: {program: {server: what came}}, and {part: version}."""
    rows = [f"  {json.dumps(program)}: {{\n" + ",\n".join(
        f"   {json.dumps(server)}: {json.dumps(came, ensure_ascii=False)}" for server, came in found.items()) + "\n  }"
        for program, found in cells.items()]
    return (f'{{\n "date": "{datetime.now(UTC).date().isoformat()}",\n "Python": "{platform.python_version()}",\n'
            f' "parts": {json.dumps(parts)},\n "cells": {{\n' + ",\n".join(rows) + "\n }\n}\n")


def main(names):
    """Ask all, or the frameworks and at the stacks named, write FILE; return the exit code. The rest stays."""
    cells = json.loads(FILE.read_text(encoding="utf-8"))["cells"] if names else {}
    frameworks = {each.name for each in MET} & set(names) or {each.name for each in MET}
    asked = [(each, stack) for each in MET if each.name in frameworks for stack in servers(each.interface)
             if stack.name in names or not set(names) - frameworks]
    if lacking := dict.fromkeys(sentence for each, stack in asked for sentence in missing(stack)):
        print("exhibits: " + "; ".join(lacking), file=sys.stderr)
        return 1

    def one(pair):
        try:
            found = meet(*pair)
        except CannotStart as error:
            found = {where: {"hello": f"it does not start: {str(error)[:300]}"} for where in MOUNTS}
        print(pair[0].name, pair[1].name, found, flush=True)
        return found

    with workers(AT_ONCE) as pool:
        for (framework, stack), found in zip(asked, pool.map(one, asked), strict=True):
            cells.setdefault(framework.name, {})[stack.name] = found
    used = [part for each in MET for stack in servers(each.interface) for part in stack.parts] + [
        catalog.PARTS[name] for each in MET for name in each.needs]
    parts = {part.name: version(part) for part in sorted(used, key=lambda part: part.name.lower())}
    ordered = {each.name: {stack.name: cells[each.name][stack.name] for stack in servers(each.interface)
                           if stack.name in cells.get(each.name, ())} for each in MET}
    FILE.write_text(as_text(ordered, parts), encoding="utf-8")
    wrong = list(unexplained(cells))
    print(f"{FILE.relative_to(ROOT)} is new: {sum(map(len, cells.values()))} pairs", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
