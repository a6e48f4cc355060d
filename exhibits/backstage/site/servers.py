"""The fence `servers`: the stacks of a stage."""

from html import escape

from exhibits import catalog
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import hyperlink, prose, table, unique


@fence
def servers(stage_name):
    """The stacks of a stage: parts, interface, carrier, who speaks what to whom."""
    stage = catalog.stage(stage_name)
    columns = ["Stack", "Parts", "Interface", "Carrier", "What each part speaks, from the client inwards"]
    return table("servers", columns, [
        (stack.name, [name_of(stack), parts(stack), escape(stack.interface), escape(stack.carrier), speakers(stack)])
        for stack in catalog.stacks_of(stage.name)
    ]) + today(catalog.stacks_of(stage.name))


def today(stacks):
    """When one would still choose each of the parts of these stacks."""
    known = unique(part for stack in stacks for part in stack.parts if part.today)
    items = (f"<li>{hyperlink(part.home, escape(part.name))}: {prose(part.today)}</li>" for part in known)
    return f'<p>When to choose them today:</p><ul class="today">{"".join(items)}</ul>' if known else ""


def name_of(stack):
    """The stack's name; the first of its stage is the default."""
    default = stack == catalog.stacks_of(stack.stage)[0]
    return f"<code>{escape(stack.name)}</code>" + (" <small>default</small>" if default else "")


def parts(stack):
    """What the stack is made of, each part linked to its home."""
    names = unique([process.part for process in stack.processes] + [part.name for part in stack.parts])
    known = catalog.PARTS
    return ", ".join(hyperlink(known[name].home, escape(name)) if name in known else escape(name) for name in names)


def speakers(stack):
    items = (f"<li><b>{escape(p.part)}</b>: {escape(p.speaks)}</li>" for p in reversed(stack.processes))
    return f"<ol>{''.join(items)}</ol>"
