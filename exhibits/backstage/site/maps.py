"""The fences `map`, `hall`, `rooms` and `glass`: which stacks there are, and which not."""

import tomllib
from html import escape

from exhibits import catalog
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import fence
from exhibits.backstage.site.html import hyperlink, prose, table, unique


@fence
def main_map(_):
    """The map, for the home page: a row for each carrier, a column for each interface."""
    return map_of(catalog.main_stacks(), "")


@fence
def hall(_):
    """The map of all stacks, for its own page."""
    return map_of(catalog.STACKS, "../")


def map_of(stacks, base):
    """A map of these stacks. base: the address of the home page, from where the map stands."""
    interfaces = unique(stack.interface for stack in stacks)
    carriers = unique(carrier for stack in stacks for carrier in carriers_of(stack))
    rows = [
        ("", [escape(carrier), *(cell(stacks, interface, carrier, base) for interface in interfaces)])
        for carrier in carriers
    ]
    return table("map", ["Carrier ↓ interface →", *map(escape, interfaces)], rows)


def cell(stacks, interface, carrier, base):
    """The stages and stacks of one cell, as links; how many more there are on the full map; or why there are none."""
    there = [s for s in catalog.STACKS if s.interface == interface and carrier in carriers_of(s)]
    here = [stack for stack in there if stack in stacks]
    lines = []
    for name in unique(stack.stage for stack in here):
        names = (hyperlink(f"{base}stages/{name}/#{s.name}", escape(s.server)) for s in here if s.stage == name)
        stage = hyperlink(f"{base}stages/{name}/", escape(catalog.stage(name).title), "stage")
        lines.append(f"{stage}<ul>{''.join(f'<li>{name}</li>' for name in names)}</ul>")
    if more := len(there) - len(here):
        told = f"{more} more" if here else f"{more} on the full map"
        lines.append(f"<small>{hyperlink(f'{base}hall/', told)}</small>")
    reason = nobody().get(carrier, {}).get(interface, "").replace("](", f"]({base}")
    return "".join(lines) or f'<small class="none">{prose(reason)}</small>'


def nobody():
    """What `docs/map.toml` says of the cells without a stack: {carrier: {interface: sentence}}."""
    return tomllib.loads((ROOT / "docs" / "map.toml").read_text(encoding="utf-8"))


def carriers_of(stack):
    return stack.carrier.split(", ")


@fence
def rooms(_):
    """The stages in the order of history, for the home page."""
    items = (
        f'<li><span class="year">{stage.year}</span> {hyperlink(f"stages/{stage.name}/", escape(stage.title))} '
        f"<span>{escape(stage.idea)}</span></li>"
        for stage in catalog.STAGES
    )
    return f'<ol class="rooms">{"".join(items)}</ol>'


@fence
def glass(_):
    """What is not started here, and why."""
    items = (f"<dt>{escape(name)}</dt><dd>{prose(reason)}</dd>" for name, reason in catalog.GLASS.items())
    return f"<dl>{''.join(items)}</dl>"
