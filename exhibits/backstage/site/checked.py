"""The fences of "Hold your server to it": `installs` and `recipes`, what one types, and `tried`, what came of some."""

import tomllib
from datetime import date
from html import escape

from exhibits.backstage.checking import tried as trials
from exhibits.backstage.site import fence
from exhibits.backstage.site.files import on_the_web, settings
from exhibits.backstage.site.html import hyperlink, prose, shell, table

PARTS = {"contract": "Contract", "rude": "Rude programs", "hard": "Hard requests"}


@fence
def installs(lines):
    """What one types, with MUSEUM for what pip installs it from: a fork names itself."""
    return shell(lines.replace("MUSEUM", f"git+{settings()['repo_url']}").splitlines())


@fence
def recipes(interface):
    """The recipes of one interface, or of all that no front needs, with the command that is tested."""
    chosen = [each for each in tomllib.loads((trials.FOLDER / "recipes.toml").read_text(encoding="utf-8"))["recipe"]
              if interface == (each["interface"] if "carrier" not in each else "front")]
    return "".join(map(recipe, chosen))


def recipe(each):
    carrier = f" --carrier {each['carrier']}" if "carrier" in each else ""
    lines = [f"python -m exhibits check --interface {each['interface']}{carrier} -- \\", f"    {each['command']}"]
    brought = f" <code>pip install {escape(' '.join(each['packages']))}</code>" if "packages" in each else ""
    says = f"<p>{prose(each['says'])}</p>" if "says" in each else ""
    file = f"<p><code>{escape(each['file'])}</code>:</p>" if "file" in each else ""
    file += shell(each["text"].strip().splitlines()) if file else ""
    return f"<p><b>{escape(each['name'])}</b>{brought}</p>{shell(lines)}{says}{file}"


@fence
def tried(_):
    """What came of the servers in docs/check/tried.json."""
    results, homes = trials.results(), {server["name"]: server for server in trials.servers()}
    rows = [("", [f"{hyperlink(homes[name]['home'], escape(name))}<small>{versions(result)}</small>",
                  *(counts(result["counts"].get(part, {})) for part in PARTS)]) for name, result in results.items()]
    days = sorted({result["date"] for result in results.values()})
    when = " to ".join(f"{day.day} {day:%B %Y}" for day in map(date.fromisoformat, dict.fromkeys((days[0], days[-1]))))
    made = hyperlink(on_the_web("docs/check/tried.json"), "all findings")
    how = hyperlink(on_the_web("docs/check/tried.toml"), "how each was started")
    found = "".join(differing(name, result) for name, result in results.items())
    return (table("differences", ["Server", *PARTS.values()], rows)
            + f'<p class="note">Run on {when}: {made}, {how}.</p>{found}')


def versions(result):
    return escape(", ".join(f"{name} {number}" for name, number in result["versions"].items()))


def counts(counted):
    return "<br>".join(f"{number} {escape(verdict.removesuffix(' the next request'))}"
                       for verdict, number in counted.items())


def differing(name, result):
    """Where a server does not keep the contract, folded."""
    rows = "".join(f"<li><code>{escape(case)}</code>: {escape(why)}</li>" for case, why in result["contract"].items())
    summary = f"<summary>{escape(name)}: the contract</summary>"
    return f"<details>{summary}<ul>{rows}</ul></details>" if rows else ""
