"""The fences `differences` and `not_testable`: where others break the contract, and where that cannot be seen."""

from dataclasses import replace
from html import escape

from exhibits import catalog
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import prose, table
from exhibits.catalog.differences import known_differences, untestables


@fence
def differences(stage_name):
    """The known differences of a stage, or of every stage where the fence says "all"."""
    stacks = catalog.EVERYTHING if stage_name == "all" else catalog.stacks_of(catalog.stage(stage_name).name)
    names = {stack.name for stack in stacks}
    entries = [entry for entry in known_differences() if entry.stack in names]
    if not entries:
        return "<p>None are known.</p>"
    alike = {}  # what several stacks have in common is one row
    for entry in entries:
        alike.setdefault(replace(entry, stack=""), []).append(entry.stack)
    columns = ["Stack and cases", "What happens", "Why"]
    return table("differences", columns, [
        (difference_id(stacks[0], entry.cases), cells(entry, stacks)) for entry, stacks in alike.items()])


@fence
def not_testable(_):
    """Where cases cannot be tested, and why."""
    alike = {}  # what several stacks have in common is one row
    for entry in untestables():
        alike.setdefault(replace(entry, stack=""), []).append(entry.stack)
    rows = [("", ["<br>".join(f"<code>{escape(stack)}</code>" for stack in stacks), escape(", ".join(entry.cases)),
                  prose(entry.why) + f"<small>Source: {prose(entry.source)}</small>"])
            for entry, stacks in alike.items()]
    return table("differences", ["Stack", "Cases", "Why"], rows)


def difference_id(stack, cases):
    """What a link to a known difference names."""
    return f"known-{stack}-{cases[0]}"


def cells(entry, stacks):
    """The cells of one known difference of these stacks."""
    names = "<br>".join(f'<code id="{difference_id(stack, entry.cases)}">{escape(stack)}</code>' if number
                        else f"<code>{escape(stack)}</code>" for number, stack in enumerate(stacks))
    cases = "".join(f"<li>{escape(case)}</li>" for case in entry.cases)
    mounted = "<small>under a mount point</small>" if entry.mounted else ""
    source = f"<small>Source: {prose(entry.source)}</small>"
    return [f"{names}<ul>{cases}</ul>{mounted}", prose(entry.happens), prose(entry.why) + source]
