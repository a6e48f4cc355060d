"""The fences `clone` and `run`: what a visitor types."""

from exhibits import catalog
from exhibits.backstage.site import fence
from exhibits.backstage.site.files import settings
from exhibits.backstage.site.html import shell


@fence
def clone(commands):
    """The commands, after the ones that fetch the project."""
    url = settings()["repo_url"]
    return shell([f"git clone {url}", f"cd {url.rpartition('/')[2]}", *commands.splitlines()])


@fence
def run(stage_name):
    """Every way to start a stage."""
    start = f"nox -s exhibit-{catalog.stage(stage_name).name}"
    others = [f"{start} -- --server {stack.server}" for stack in catalog.stacks_of(stage_name)[1:]]
    return shell([start, *others, f"{start} -- --hello"])
