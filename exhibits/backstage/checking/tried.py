"""Hold servers that the museum does not have to its checks, for the page "Hold your server to it".

    python -m exhibits.backstage.checking.tried [NAME …]

runs what `docs/check/tried.toml` names, those that are installed where PATH leads, and writes what came of them into
`docs/check/tried.json`. Those that are not asked stay as they were.
"""

import json
import shlex
import subprocess
import sys
import tomllib

from exhibits.backstage.checking.holding import PARTS, POISONS, WRONG
from exhibits.backstage.running import ROOT

FOLDER = ROOT / "docs" / "check"
LONGEST = 200  # characters of a sentence that are kept
BEGIN = """import sys
from importlib import import_module
host, port = sys.argv[1], int(sys.argv[2])
module, _, name = sys.argv[3].partition(":")
program = getattr(import_module(module), name)
"""


def servers():
    return tomllib.loads((FOLDER / "tried.toml").read_text(encoding="utf-8"))["server"]


def words(server):
    """The words of the command."""
    if "command" in server:
        return shlex.split(server["command"])
    return ["python", "-c", BEGIN + server["code"].lstrip(), "{host}", "{port}", "{app}"]


def results():
    """{name of a server: what came of it}, as the file has it."""
    return json.loads((FOLDER / "tried.json").read_text(encoding="utf-8"))


def ask(server):
    """What `check` says of a server; None where it cannot be started.

    {"contract": {name of a case that is not kept: why}, "rude" and "hard": {verdict: [names]}, and of the whole report
    "date", "versions", "seconds", "counts"}
    """
    command = [sys.executable, "-m", "exhibits", "check", "--json", "--interface", server["interface"], "--",
               *words(server)]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode not in (0, 1):
        print(f"{server['name']}: {ended.stderr}", file=sys.stderr)
        return None
    report = json.loads(ended.stdout)
    kept = {key: report[key] for key in ("date", "versions", "seconds", "counts")}
    return {**kept, **reduced((name, each["verdict"], each["why"]) for name, each in report["findings"].items()
                              if each["verdict"] in (WRONG, POISONS))}


def reduced(findings):
    """The three parts of a result, of (name, verdict, why) of what is not kept."""
    parts = {"contract": {}, "rude": {}, "hard": {}}
    for name, verdict, why in findings:
        part, _, short = name.partition("/")
        if part == "contract":
            parts[part][short] = shortened(why)
        else:
            parts[part].setdefault(verdict, []).append(short)
    return parts


def shortened(text):
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[:LONGEST - 1] + "…"


def as_text(results):
    """JSON, a line for each case and for each list of names."""
    blocks = []
    for name, result in results.items():
        rows = [f"  {dump(key)}: {dump(value)}" for key, value in result.items() if key not in PARTS]
        for part in PARTS:
            lines = ",\n".join(f"   {dump(each)}: {dump(value)}" for each, value in result[part].items())
            rows.append(f"  {dump(part)}: {{\n{lines}\n  }}" if lines else f"  {dump(part)}: {{}}")
        blocks.append(f" {dump(name)}: {{\n" + ",\n".join(rows) + "\n }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def dump(value):
    return json.dumps(value, ensure_ascii=False)


def main():
    known = results() if (FOLDER / "tried.json").exists() else {}
    for server in servers():
        if (not sys.argv[1:] or server["name"] in sys.argv[1:]) and (result := ask(server)):
            known[server["name"]] = result
            print(server["name"], result["versions"], result["counts"], result["seconds"], flush=True)
            ordered = {each["name"]: known[each["name"]] for each in servers() if each["name"] in known}
            (FOLDER / "tried.json").write_text(as_text(ordered), encoding="utf-8")


if __name__ == "__main__":
    main()
