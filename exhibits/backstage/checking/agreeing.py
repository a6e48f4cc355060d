"""`grid`: the contract, run against every stack; what came of it is the grid the site shows."""

import json
import platform
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from exhibits import catalog, contract
from exhibits.backstage import checking
from exhibits.backstage.running import ROOT, CannotStart, Exhibit, version

FILE = ROOT / "docs" / "agreement.json"
MOUNTS = {"root": "", "mounted": "/museum"}
AT_ONCE = 3  # stacks that run at the same time
STARTS = 3
SETTLE = 0.5  # seconds, in which the first worker's brothers have come, too


def agree():
    """Run every case at every stack and write FILE; return 0.

    A run that differs from what `exhibits/differences.toml` says is printed and not kept: return 1.
    """
    try:
        started = {stack.name: start(stack) for stack in catalog.STACKS}  # alone, since it is measured
        with ThreadPoolExecutor(AT_ONCE) as pool:
            stacks = dict(pool.map(hold, catalog.STACKS))
    except CannotStart as reason:
        print(f"exhibits: {reason}", file=sys.stderr)
        return 1
    if found := [sentence for name, result in stacks.items() for sentence in unexpected(name, result)]:
        print("not kept, because of\n" + "\n".join(found), file=sys.stderr)
        return 1
    stacks = {name: {**result, "started": started[name]} for name, result in stacks.items()}
    FILE.write_text(as_text(datetime.now(UTC).date().isoformat(), stacks))
    print(f"{FILE.relative_to(ROOT)} is new: {len(stacks)} stacks, {len(contract.CASES)} cases")
    return 0


def start(stack):
    """{"ms", "MiB", "processes"}: to its first answer, and what it is SETTLE later; each the median of STARTS."""
    from exhibits.backstage.bench.watching import Watch  # needs psutil, which who only reads a run does not

    seen = []
    for _ in range(STARTS):
        began = time.perf_counter()
        with Exhibit(stack) as exhibit:
            took, watch = time.perf_counter() - began, Watch(exhibit)
            time.sleep(SETTLE)
            seen.append((1000 * took, watch.memory(), watch.processes()))
    return dict(zip(("ms", "MiB", "processes"), (round(statistics.median(each)) for each in zip(*seen, strict=True)),
                    strict=True))  # fmt: skip


def applies(stack, mount, case):
    """Whether a case makes sense at this stack and mount point."""
    return not case.mounted or (mount and not stack.mount_is_stripped)


def mounts_of(stack):
    """Where a stack is held to the contract: {name: mount point}."""
    return {"mounted": stack.fixed_mount.format(program="app")} if stack.fixed_mount else MOUNTS


def hold(stack):
    """(name, {"parts", "kept", "differs", "not asked"}) of one stack, held to the whole contract."""
    seen = {case.name: {} for case in contract.CASES}
    for where, mount in mounts_of(stack).items():
        with Exhibit(stack, mount=mount) as exhibit:
            for case in contract.CASES:
                if applies(stack, mount, case):
                    try:
                        checking.visit(case, exhibit)
                        seen[case.name][where] = ""
                    except checking.Broken as broken:
                        seen[case.name][where] = str(broken)
    differs = {case: {where: said for where, said in answers.items() if said} for case, answers in seen.items()}
    return stack.name, {
        "parts": {part.name: version(part) for part in stack.parts},
        "kept": [case for case, answers in seen.items() if answers and not differs[case]],
        "differs": {case: list(answers) for case, answers in differs.items() if answers},
        "not asked": [case for case, answers in seen.items() if not answers],
        "said": differs,
    }


def unexpected(name, result):
    """Where a result is not as the known differences have it, as sentences."""
    stack = catalog.find(name)
    for case in contract.CASES:
        for where, mount in mounts_of(stack).items():
            if applies(stack, mount, case):
                said = result["said"][case.name].get(where, "")
                known = checking.known_difference(stack, case.name, bool(mount))
                if bool(said) != bool(known):
                    yield f"{name}, {where}, {case.name}: {said or 'it keeps what it is said to break'}"


def as_text(date, stacks):
    """The run as JSON, for people too: one line for each list of cases."""
    blocks = []
    for name, result in stacks.items():
        rows = [f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in result.items() if key != "said"]
        blocks.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n  }")
    stacks = ",\n".join(blocks)
    return f'{{\n "date": "{date}",\n "Python": "{platform.python_version()}",\n "stacks": {{\n{stacks}\n }}\n}}\n'
