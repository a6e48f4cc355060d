"""`list`: the grid, and what of it can run here."""

import json

from rich import box
from rich.console import Console
from rich.table import Table

from exhibits import catalog
from exhibits.backstage.running import missing, version


def describe(stack):
    """A stack as JSON has it."""
    return {
        "stack": stack.name, "stage": stack.stage, "interface": stack.interface, "carrier": stack.carrier,
        "default": stack in catalog.defaults(),
        "parts": [{"name": part.name, "version": version(part)} for part in stack.parts],
        "runs": not missing(stack), "missing": missing(stack),
    }  # fmt: skip


def show(as_json):
    stacks = [describe(stack) for stack in catalog.EVERYTHING]
    if as_json:
        print(json.dumps(stacks, indent=2))
        return 0
    table = Table("stack", "interface", "carrier", "parts", "runs here", box=box.SIMPLE_HEAD)
    table.columns[0].no_wrap = True  # who wants to start it needs the whole name
    for stage in catalog.doors():
        for stack in (stack for stack in stacks if stack["stage"] == stage.name):
            parts = ", ".join(f"{part['name']} {part['version'] or '–'}" for part in stack["parts"])
            runs = "[green]yes[/]" if stack["runs"] else f"[yellow]no: {'; '.join(stack['missing'])}[/]"
            name = f"[bold]{stack['stack']}[/]" if stack["default"] else stack["stack"]
            table.add_row(name, stack["interface"], stack["carrier"], parts, runs)
        table.add_section()
    Console().print(table)
    for name, reason in catalog.GLASS.items():
        Console(highlight=False).print(f"Behind glass, [bold]{name}[/]: {reason}")
    Console(highlight=False).print("In bold: what [bold]serve STAGE[/] starts. The others: serve STAGE --server NAME.")
    return 0
