"""`list`: the stacks, and which of them can run here."""

import json

from rich.console import Console

from exhibits import catalog
from exhibits.backstage.running import missing, version
from exhibits.backstage.terminal import escape


def describe(stack):
    """A stack as JSON has it."""
    return {
        "stack": stack.name, "stage": stack.stage, "interface": stack.interface, "carrier": stack.carrier,
        "default": stack in catalog.defaults(),
        "parts": [{"name": part.name, "version": version(part)} for part in stack.parts],
        "runs": not missing(stack), "missing": missing(stack),
    }


def show(options):
    """Print the stacks of a stage, or all: short, or with what they are made of, or as JSON; return 0."""
    stages = [door for door in catalog.doors() if options.stage in (None, door.name)]
    stacks = [describe(stack) for stage in stages for stack in catalog.stacks_of(stage.name)]
    if options.json:
        print(json.dumps(stacks, indent=2))
        return 0
    console = Console(highlight=False)
    for stage in stages:
        console.print(f"\n[bold]{stage.title}[/]: {stage.idea}")
        for stack in (stack for stack in stacks if stack["stage"] == stage.name):
            name = f"{stack['stack']:28}"
            name = f"[bold]{name}[/]" if stack["default"] else name
            runs = "" if stack["runs"] else "[yellow]not here[/]"
            console.print(f"  {name} {stack['interface']:19} {stack['carrier']:19} {runs}".rstrip(), soft_wrap=True)
            if options.parts:
                parts = ", ".join(f"{part['name']} {part['version'] or '–'}" for part in stack["parts"])
                console.print(f"    {escape(parts)}", soft_wrap=True)
    print()
    for sentence in dict.fromkeys(sentence for stack in stacks for sentence in stack["missing"]):
        without = [stack["stack"] for stack in stacks if sentence in stack["missing"]]
        console.print(f"[yellow]Not here[/], {', '.join(without)}: {escape(sentence)}")
    if options.stage is None:
        for name, reason in catalog.GLASS.items():
            console.print(f"Not in the museum, [bold]{name}[/]: {reason}")
    console.print("In bold: what [bold]serve STAGE[/] starts. The others: serve STAGE --server NAME.")
    if not options.parts:
        console.print("Their parts, with versions: list --parts")
    return 0
