"""The fences `clone` and `run`: what a visitor types."""

from exhibits import catalog
from exhibits.backstage.site import fence
from exhibits.backstage.site.files import settings
from exhibits.backstage.site.html import shell

NOX = ".venv/bin/nox"  # as the first page has it installed


@fence
def clone(commands):
    """The commands, after the ones that fetch the project."""
    url = settings()["repo_url"]
    return shell([f"git clone {url}", f"cd {url.rpartition('/')[2]}", *commands.splitlines()])


@fence
def run(stage_name):
    """Every way to start a stage. What keeps the terminal is copied alone."""
    start = f"{NOX} -s exhibit-{catalog.stage(stage_name).name}"
    servers = [stack.server for stack in catalog.stacks_of(stage_name)[1:]]
    names = ", ".join(f"<code>{server}</code>" for server in servers)
    return "\n".join([
        '<p>In a <a href="../../#run">copy of the museum</a>:</p>', shell([start]),
        f"<p>Behind another server, one of {names}:</p>", shell([f"{start} -- --server {servers[0]}"]),
        "<p>The smallest program of the stage:</p>", shell([f"{start} -- --hello"]),
    ])
