"""Programs behind a proxy, before and after a cure: set-ups as those of the errors, asked and shown side by side.

Each file of `exhibits/proxied` is one trouble. `record` runs all of them and writes what came into
docs/recordings/proxied; the site's page "Behind a proxy" shows it, and a test asks again and compares.

What a file says:

files: what each of its set-ups has, besides its own; see `errors`.
way: a list of set-ups that have this trouble, each with title, commands, files and cure; the first is shown openly.
ask: a list of requests, see `errors` for request, headers, body, at_once, piecewise, comes_from, by and stays, and
    says: what is asked, for people. to: the port it is sent to, where that is not the front's.
    before: what a visitor gets before the cure, and nobody after it. after: what everybody gets then. Both are
    parts of what is shown; or both are lists of all that is shown.
    fields: of the response that are shown. A way may have requests of its own.
"""

import json
import re
import sys
import tomllib

from exhibits.backstage.recording.errors import FRONT, Happening, answers, cured, stack
from exhibits.backstage.running import ROOT, version

FOLDER = ROOT / "docs" / "recordings" / "proxied"
HERE = ROOT / "exhibits" / "proxied"
TROUBLES = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(HERE.glob("*.toml"))}


def ways(trouble):
    """The set-ups of a trouble, as errors have them."""
    shared = {key: value for key, value in trouble.items() if key != "way"}
    return [{**shared, **way, "files": {**trouble.get("files", {}), **way.get("files", {})}} for way in trouble["way"]]


def came(name, way):
    """What a set-up gives: for each of its requests the gists of the answers."""
    with Happening(name, way) as happening:
        return [several(happening, {**way, **each}) for each in way["ask"]]


def several(happening, question):
    """The gists of what visitors get who ask at the same time, each once."""
    said = answers(question, happening, question.get("to", FRONT))
    return sorted({gist(happening.shown(answer), question.get("fields", ())) for answer in said})


def gist(answer, fields):
    """Of what a visitor gets: the status line, these fields, the first line of a text, how it came. Or the sentence."""
    head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
    first, *others = head.splitlines()
    status = re.sub(r"^HTTP/\S+ ", "", first)
    found = [line for line in others if line.partition(":")[0].lower() in [field.lower() for field in fields]]
    lines = [line for line in body.splitlines() if line.strip()]
    notes = [line for line in lines if re.fullmatch(r"\(.*\)", line)]
    is_text = "".join(lines).isprintable() and not body.lstrip().startswith(("<!", "<html"))
    text = [line for line in lines if line not in notes and is_text]
    notes = [re.sub(r"in \d+ parts", "in parts", note) for note in notes]  # how many, a busy machine decides
    return " · ".join([status.strip(), *found, *text[:1], *notes])


def happen(name, number):
    """What comes before and after the cure in one way of a trouble, as JSON has it; and what is wrong, sentences."""
    way = ways(TROUBLES[name])[number]
    parts = {part.name: version(part) for part in stack(name, way).parts}
    before, after = came(name, way), came(name, cured(way))
    asked = zip(way["ask"], before, after, strict=True)
    wrong = [sentence for each, *both in asked for sentence in faults(each, *both)]
    return {"parts": parts, "before": before, "after": after}, wrong


def faults(question, before, after):
    """What is not as the question says: sentences. before, after: the gists of its answers."""
    first, then = question["before"], question["after"]
    if isinstance(first, list):
        return [] if [before, after] == [first, then] else [f"{before} and {after} are not {first} and {then}"]
    return [*([] if any(first in gist for gist in before) else [f"{first!r} is not in {before}"]),
            *(f"after the cure, {first!r} is in {gist!r}" for gist in after if first in gist),
            *(f"after the cure, {then!r} is not in {gist!r}" for gist in after if then not in gist)]


def recorded(name):
    """What was recorded of a trouble: a list with what came in each way."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def record(*names):
    """Write these anew, or all; SystemExit where something is not as it says."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or TROUBLES:
        made = [happen(name, number) for number in range(len(TROUBLES[name]["way"]))]
        if wrong := [f"{way['title']}: {each}" for way, (_, faulty) in zip(TROUBLES[name]["way"], made, strict=True)
                     for each in faulty]:
            raise SystemExit(f"{name}: " + "\n".join(wrong))
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps([result for result, _ in made], indent=1, ensure_ascii=False) + "\n",
                        encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    record(*sys.argv[1:])
