"""What `serve` says once an exhibit runs: where one is, what can be tried, and where to go from here."""

import re
import sys

from exhibits import catalog
from exhibits.backstage import running
from exhibits.backstage.running.addresses import EVERYWHERE, is_loopback
from exhibits.backstage.terminal import escape
from exhibits.backstage.verbs import pasting

SITE = "https://python-web-gateways.github.io/museum/"


def introduce(exhibit, console, colours):
    """Print it, in the colours (part: colour) that the log has."""

    def say(line=""):
        console.print(line, soft_wrap=True)

    stack = exhibit.stack
    say(f"[bold]{title(stack)}[/]: {catalog.stage(stack.stage).idea}\n\n  [bold underline]{exhibit.base}/[/]\n")
    for process, popen, _ in exhibit.processes:
        part = catalog.PARTS.get(process.part)
        number = running.version(part) if part else ".".join(map(str, sys.version_info[:3]))
        say(f"  [{colours[process.part]}]{process.part}[/] {number}, pid {popen.pid}: {process.speaks}")
    for sentence in (*about(exhibit), *visitors(exhibit)):
        say(f"  {escape(sentence)}")
    say("\nTry, in another terminal:")
    for command in commands(exhibit):
        say(f"  {escape(command)}")
    say("\nAnd then:")
    for what, where in further(exhibit):
        say(f"  {what:11} {escape(where)}")
    say("\nCtrl-C stops everything.\n")


def title(stack):
    """The name of what is shown: of the stage, or of the framework or bridge with its server."""
    if stack.stage in {stage.name for stage in catalog.STAGES}:
        return catalog.stage(stack.stage).title
    server = stack.processes[0].part
    name = stack.needs[0] if stack.needs else server
    kind = stack.interface.split()[0]
    if stack.partial:
        name = name if name == server else f"{name}, a framework for {kind},"
        return f"{name} behind {'its own server' if name == server else server}"
    return f"{stack.server} behind {'our CGI server' if server == 'Python' else server}"


def about(exhibit):
    """Sentences on the program and what it keeps."""
    yield f"The program is {exhibit.app or pasting.near(source(exhibit))}"
    if exhibit.is_guestbook:
        if exhibit.guestbook.is_relative_to(exhibit.run):
            yield (f"The entries are gone at the end: root's {exhibit.stack.processes[-1].part} runs the program as "
                   f"the user nobody, who cannot write {running.GUESTBOOK}.")
        else:
            yield f"The entries are in {pasting.near(exhibit.guestbook)}; every stage shows the same ones."
    if exhibit.mount and exhibit.stack.mount_is_stripped:
        yield f"It is told that it is below {exhibit.mount}, which a proxy in front would have cut off."


def source(exhibit):
    """The file of the program: the last of ours that the commands name and that is no server."""
    named = [f"exhibits/{exhibit.stack.room}/{exhibit.program}.py"]
    for process in exhibit.stack.processes:
        words = exhibit.command(process)
        for found in re.findall(r"exhibits[./][\w./]+", " ".join(words).format(**exhibit.places())):
            path = found if found.endswith(".py") else found.replace(".", "/") + ".py"
            named.append(path)
    files = [running.ROOT / path for path in named if not path.startswith("exhibits/backstage/")]
    return [file for file in files if file.name != "server.py" and file.is_file()][-1]


def visitors(exhibit):
    """Sentences on who can come in besides the people at this machine, and under which names it is served."""
    found = []
    if not is_loopback(exhibit.host):
        where = "this machine" if exhibit.host in EVERYWHERE else exhibit.host
        allowed = "come in now, read and sign" if exhibit.is_guestbook else "come in now"
        found.append(f"Everybody who can reach {where} over a network can {allowed}.")
    # Browsers take no link-local address of IPv6: it needs the name of an interface.
    if names := [name for name in exhibit.hosts if not name.startswith("[fe80:")]:
        urls = (f"{exhibit.stack.scheme}://{name}:{exhibit.port}/" for name in names)
        found.append("It is also served as " + ", ".join(urls))
    return found


def commands(exhibit):
    """Commands that show what the stage can do."""
    curl = f"curl --cacert {exhibit.run}/ca.pem" if exhibit.stack.encrypted else "curl"
    if exhibit.hello or exhibit.app:
        return [f"{curl} -i{more} {exhibit.base}/" for more in ("", " -X POST -d data", " --head")]
    live = "WebSocket" in exhibit.stack.carrier
    commands = [
        f"{curl} '{exhibit.base}/hello?name=Ada'",
        f"{curl} -i -d name=Ada -d message=Hello {exhibit.base}/entries",
        # It goes on until Ctrl-C: where that holds a thread or a process, something that ends is shown.
        f"{curl} -N {exhibit.base}/events" if live else f"{curl} -N '{exhibit.base}/stream?n=5&delay=1'",
    ]
    return commands[:2] if exhibit.stack.partial else commands


def further(exhibit):
    """(What, where): the bytes, other servers of the stage, the next stage, the page of the site."""
    stack, names = exhibit.stack, [stage.name for stage in catalog.STAGES]
    others = [each for each in catalog.stacks_of(stack.stage) if each is not stack]
    likely = [each for each in others if not each.hall] or others
    if exhibit.app:
        likely = [each for each in likely if each.takes == stack.takes]
    elif not stack.hall:
        yield "its bytes", pasting.verb("wire", stack.name)
    if likely:
        yield "others", pasting.serve(likely[0], exhibit.app)
    if likely[1:]:
        yield "", "or " + ", ".join(each.server for each in likely[1:5]) + (" …" if likely[5:] else "")
    if stack.stage in names[:-1] and not exhibit.app:
        yield "next stage", pasting.serve(catalog.find(names[names.index(stack.stage) + 1]))
    page = f"stages/{stack.stage}/" if stack.stage in names else f"{stack.stage}s/"
    yield "to read", SITE + page
