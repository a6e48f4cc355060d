"""The errors people search for, made to happen: the set-up that gives one, the request, and the same after the cure.

Each file of `exhibits/errors` is one error. `record` runs all of them and writes what came into docs/recordings/errors;
the site's page of errors shows it, and a test makes each of them happen again.

What a file says:

files: what the set-up is made of, name to text. Of "nginx.conf" it is what stands inside http { }, of "apache.conf"
    what stands below the modules. Where nginx.conf names cert.pem, there is a certificate for example.org.
commands: one a line, started in this order in the folder of the files.
request: its first line, without the version; headers: more lines, with so many x's for {9000}; body: so many bytes.
says: who says what before the cure and no longer after it: a program, or "visitor" for what the visitor gets.
cure: edits of the set-up, a list of {file, old, new}; the file "commands" is the commands.
ends: the server does not stay: its end is waited for before the request.
at_once: so many visitors ask the same at one time; what the last of them gets is kept.
piecewise: say how the body came.
comes_from: the address of the visitor. by: "https". stays: so many seconds after the handshake of a WebSocket.
"""

import json
import re
import shlex
import shutil
import socket
import ssl
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from h11 import RemoteProtocolError

from exhibits.backstage.recording.accidents import without_framing
from exhibits.backstage.running import ROOT, Exhibit, eventually, free_port, version
from exhibits.backstage.running.exhibit import START
from exhibits.backstage.running.installed import modules
from exhibits.catalog.stacks import Process, Stack

FOLDER = ROOT / "docs" / "recordings" / "errors"
HERE = ROOT / "exhibits" / "errors"
ERRORS = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(HERE.glob("*.toml"))}
PROGRAMS = ("hello.py", "bare.py", "slow.py")  # in every set-up
PLACE = "/srv/site"  # where the set-up says it is; a folder of its own stands in for it
INNER, FRONT, OTHER = "8000", "8080", "5000"  # of the program, of nginx, of nobody; free ports stand in for them
PATIENCE = 10  # seconds in which what has to be said is said, on a machine that has other things to do
SILENCE = 20  # seconds without a byte until a visitor gives up
LINES = 30  # of what the visitor gets, recorded
PING, PONG = 0x89, 0x8A  # the first byte of a frame that is one
PAUSE = 0.1  # seconds between two parts of a body that came apart
PATHS = "".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
MODULES = "".join(f"LoadModule {name}_module {modules()}/mod_{name}.so\n"
                  for name in ("mpm_prefork", "authz_core", "alias", "cgi", "headers", "proxy", "proxy_http"))
WRAPPED = {  # what else is in the configuration of a web server
    "nginx.conf": f"""daemon off; pid nginx.pid; worker_processes 1; events {{{{}}}}
http {{{{ access_log off; {PATHS}
{{text}}
}}}}""",
    "apache.conf": f"""ServerRoot {PLACE}
ServerName localhost
PidFile apache.pid
DefaultRuntimeDir .
Mutex file:. default
User "#65534"
Group "#65534"
{MODULES}
ErrorLog "|/bin/cat"
{{text}}""",
    "lighttpd.conf": f"""server.document-root = "{PLACE}/empty"
server.bind = "127.0.0.1"
server.errorlog = "/dev/stderr"
{{text}}""",
}
# What stands before the words in a line of a log, and what is another one each time.
STAMPS = [(r"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} - ", ""),
          (r"^\[?\d{4}[-/]\d\d[-/]\d\d[ T][\d:.,]+( [+-]\d{4})?\]? *", ""), (r"^\[\d+\] ", ""),
          (r"^\[\w{3} \w{3} \d\d [\d:.]+ \d{4}\] ", ""), (r"\[pid \d+(:tid \d+)?\] ", ""),
          (r"(?<=\[client 127\.0\.0\.1):\d+", ""), (r"\b\d+#\d+: ", ""), (r"(?<= )\*\d+ ", ""),
          (r"\b(pid[: ])\s*\d+", r"\1…")]
SERVERS = {"nginx": "nginx", "gunicorn": "gunicorn", "uvicorn": "uvicorn", "uwsgi": "uWSGI", "apache2": "Apache",
           "waitress-serve": "waitress", "granian": "Granian"}
# The programs of the system, as they are started: where they are, and with a configuration that is no set-up.
STARTED = {"nginx": ["{nginx}", "-p", "{run}/", "-c", "nginx.conf", "-e", "stderr"], "apache2": ["{apache}"],
           "lighttpd": ["{lighttpd}"]}
# Said in the files, and so needed.
BESIDES = {r"\b(import|from) flask\b": "Flask", r"\b(import|from) django\b": "Django",
           r"\b(import|from) starlette\b": "Starlette", r"--ws websockets\b": "websockets",
           r"\bssl_certificate\b": "trustme"}
NAME = "example.org"  # for which there is a certificate


def cured(error):
    """The same error with its cure: an error whose set-up is edited. ValueError where an edit finds nothing."""
    texts = {**error["files"], "commands": error["commands"]}
    for edit in error["cure"]:
        if edit["old"] not in texts[edit["file"]]:
            raise ValueError(f"{edit['file']} does not hold {edit['old']!r}")
        texts[edit["file"]] = texts[edit["file"]].replace(edit["old"], edit["new"])
    commands = texts.pop("commands")
    return {**error, "files": texts, "commands": commands, "ends": False}


def stack(name, error):
    """The commands of an error as a stack."""
    commands = error["commands"].replace("\\\n", "").strip().splitlines()  # a backslash continues a line
    processes = tuple(Process(SERVERS.get(each.split()[0], each.split()[0]), each, "") for each in commands)
    text = " ".join([error["commands"], *error["files"].values()])
    needs = tuple(part for word, part in BESIDES.items() if re.search(word, text))
    return Stack(name, "wsgi", "", "", processes, needs=needs)


class Happening(Exhibit):
    """A set-up that runs, whether or not it works."""

    def __init__(self, name, error):
        super().__init__(stack(name, error), hello=True)
        self.error = error

    def make_run_folder(self):
        folder = super().make_run_folder()
        folder.chmod(0o755)  # where root starts nginx, another user looks for the socket
        self.real = {INNER: str(self.inner), FRONT: str(self.port), OTHER: str(free_port()), PLACE: str(folder)}
        for name in PROGRAMS:
            shutil.copy(HERE / name, folder)
        if "trustme" in self.stack.needs:
            from exhibits.backstage.visiting.encrypted import make_certificate

            make_certificate(folder, NAME)
        for name, text in self.error["files"].items():
            (folder / name).parent.mkdir(exist_ok=True)
            text = WRAPPED.get(name, "{text}").format(text=text)
            (folder / name).write_text(self.filled(text))
            if name.endswith((".sh", ".cgi")):
                (folder / name).chmod(0o755)
        return folder

    def filled(self, text):
        """A text of the set-up with the places where it is run."""
        return exchanged(text, self.real)

    def shown(self, text):
        """What was said, with the places of the set-up, and without dates and process numbers."""
        text = exchanged(text, {real: shown for shown, real in self.real.items()})
        for pattern, instead in STAMPS:
            text = re.sub(pattern, instead, text)
        return text

    def command(self, process):
        name, *words = shlex.split(self.filled(process.command))
        if name in STARTED:
            return [*STARTED[name], *words]
        ours = Path(sys.executable).parent / name
        return [str(ours) if ours.exists() else name, *words]

    def environment(self, process):
        here = super().environment(process)
        del here["PYTHONPATH"]  # a set-up has what is in its folder
        return here | {"GUNICORN_CMD_ARGS": "--no-control-socket --graceful-timeout 1", "PYTHONDONTWRITEBYTECODE": "1"}

    def install(self, process):
        """All files are there."""

    def start(self, process):
        """One that has to be there before the next is started."""
        super().start(process)
        popen = self.processes[-1][1]
        eventually(lambda: popen.poll() is not None or self.listens(process), START)

    def check(self):
        """A process that ends is what may have to be shown."""

    def listens(self, process):
        """Whether it listens at one of the places that its command names, or nginx's configuration."""
        files = self.error["files"]
        texts = [process.command, *(text for name, text in files.items() if name in process.command.split())]
        if (conf := f"{process.part.lower()}.conf") in files:
            texts = re.findall(r"(?im)^\s*((?:listen|server\.port) .*?);?$", files[conf])
        text = "\n".join(texts) + "\n"
        places = rf"{INNER}|{FRONT}|(?:(?<=unix:)|(?<=--uds )){PLACE}/\S+"
        return any(reached(self.filled(where)) for where in re.findall(places, text))

    def wait_until_ready(self):
        if self.error.get("ends"):
            eventually(lambda: any(popen.poll() is not None for _, popen, _ in self.processes))

    def log_of(self, part):
        """The lines that a process has said until now, as they are shown."""
        return [self.shown(line) for name, line in list(self.lines) if name == part]


def exchanged(text, instead):
    """A text with other words in place of these, all at once: what is put in may hold another, as a port may."""
    return re.sub("|".join(map(re.escape, instead)), lambda found: instead[found[0]], text)


def reached(where):
    """Whether somebody listens at a port or a path."""
    family, address = (socket.AF_INET, ("127.0.0.1", int(where))) if where.isdigit() else (socket.AF_UNIX, where)
    with socket.socket(family) as sock:
        try:
            sock.connect(address)
        except PermissionError:
            return True
        except OSError:
            return False
    return True


def ask(error, happening, to):
    """Send the request of an error to a port as the set-up has it; what the visitor gets, as text."""
    fields = [re.sub(r"\{(\d+)\}", lambda found: "x" * int(found[1]), line) for line in error.get("headers", [])]
    lines = [f"{error['request']} HTTP/1.1", *fields]
    if not any(line.startswith("Host:") for line in lines):
        lines.insert(1, "Host: localhost")
    if not any(line.startswith("Connection:") for line in lines):
        lines.append("Connection: close")
    if "body" in error:
        lines.append(f"Content-Length: {error['body']}")
    received, parts, last = b"", 0, None
    try:
        with connection(error, happening, to) as sock:
            try:
                sock.sendall("\r\n".join([*lines, "", ""]).encode() + b"x" * error.get("body", 0))
            except OSError:
                pass  # who has heard enough closes; the answer may be there all the same
            while data := sock.recv(65536):
                now = time.monotonic()
                parts += last is None or now - last > PAUSE
                last, received = now, received + data
                head, end, body = received.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
                if end and head.startswith(b"HTTP/1.1 101 "):
                    return f"{head.decode('latin-1')}\r\n\r\n{stay(sock, error)}"
                if end and length and len(body) >= int(length[1]):
                    break
    except ConnectionRefusedError:
        return "connection refused"
    except TimeoutError:
        return f"nothing within {SILENCE} seconds"
    except ConnectionResetError:
        pass
    if not received:
        return "the connection is closed without a response"
    head = received.partition(b"\r\n\r\n")[0].decode("latin-1")
    try:
        body = without_framing(received).partition("\r\n\r\n")[2]
    except RemoteProtocolError:
        return head + "\r\n\r\n(the body is not whole)"
    how = f"\n(the body came in {parts} parts)" if parts > 1 else "\n(all of the body came at once)"
    return head + "\r\n\r\n" + body[:2000] + (how if error.get("piecewise") else "")


def answers(error, happening, to):
    """What the visitors get who ask at the same time, as many as the error says: a list of texts."""
    count = error.get("at_once", 1)
    with ThreadPoolExecutor(count) as visitors:
        return list(visitors.map(lambda _: ask(error, happening, to), range(count)))


def connection(error, happening, to):
    """A visitor's connection to a port as the set-up has it, from the address and by the protocol of the error."""
    source = (error["comes_from"], 0) if "comes_from" in error else None
    sock = socket.create_connection(("127.0.0.1", int(happening.real[to])), SILENCE, source)
    if error.get("by") != "https":
        return sock
    return ssl.create_default_context(cafile=happening.run / "ca.pem").wrap_socket(sock, server_hostname=NAME)


def stay(sock, error):
    """Whether a WebSocket is still open after as many seconds as the error says: a note, "" where it says none.

    The visitor says nothing, but for the pong that answers a ping (RFC 6455 section 5.5.2), its mask four zeros.
    """
    if "stays" not in error:
        return ""
    until = time.monotonic() + error["stays"]
    while (left := until - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            frame = sock.recv(65536)
        except TimeoutError:
            break
        if not frame:
            return f"(closed within {error['stays']} s)"
        if frame[0] == PING:
            sock.sendall(bytes([PONG, 0x80 | frame[1]]) + bytes(4) + frame[2:])
    return f"(still open after {error['stays']} s)"


def run(name, error):
    """Run a set-up and ask: {"visitor": what he gets, and for each program the lines of its log}.

    It is waited for what the error says; after the cure nothing is waited for, as nothing has to be said.
    """
    with Happening(name, error) as happening:
        to = FRONT if "nginx.conf" in error["files"] else INNER
        *_, got = answers(error, happening, to)
        says = {who: texts for who, texts in error["says"].items() if who != "visitor"}
        if error.get("cured"):
            time.sleep(PAUSE)
        else:
            eventually(lambda: not unsaid(says, {who: happening.log_of(who) for who in says}), PATIENCE)
        parts = dict.fromkeys(process.part for process in happening.stack.processes)
        seen = [line for line in happening.shown(got).splitlines() if not line.lower().startswith("date: ")]
        return {"visitor": seen, **{part: happening.log_of(part) for part in parts}}


def unsaid(says, found):
    """What of {who: [text]} is not in {who: [line]}."""
    return [text for who, texts in says.items() for text in texts if not any(text in line for line in found[who])]


def happen(name):
    """What came of an error before and after its cure, as JSON has it; and what is wrong with that, sentences."""
    error = ERRORS[name]
    parts = {part.name: version(part) for part in stack(name, error).parts}
    before, after = run(name, error), run(name, {**cured(error), "cured": True})
    result = {"parts": parts, "before": excerpt(error, before), "after": {"visitor": after["visitor"][:LINES]}}
    wrong = [*(f"nobody says {text}" for text in unsaid(error["says"], before)),
             *(f"after the cure somebody says {text}" for text in still_said(error["says"], after))]
    if not re.match(r"HTTP/1\.[01] [123]", after["visitor"][0]):
        wrong.append(f"after the cure the visitor gets {after['visitor'][0]}")
    return result, wrong


def excerpt(error, found):
    """What the visitor gets, and of each log the first line with each text that the error is about."""
    says = {who: texts for who, texts in error["says"].items() if who != "visitor"}
    return {who: list(dict.fromkeys(next((line for line in lines if text in line), "") for text in says.get(who, ())))
            if who != "visitor" else lines[:LINES] for who, lines in found.items()}


def record(*names):
    """Write these errors anew, or all; SystemExit where one does not happen, or happens after its cure."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or ERRORS:
        result, wrong = happen(name)
        if wrong:
            raise SystemExit(f"{name}: {'; '.join(wrong)}: {json.dumps(result, indent=1)}")
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path.relative_to(ROOT))


def still_said(says, found):
    """What of {who: [text]} is in {who: [line]}; who is no longer there says nothing."""
    return [text for who, texts in says.items() for text in texts if any(text in line for line in found.get(who, ()))]


if __name__ == "__main__":
    record(*sys.argv[1:])
