"""`grid`: the contract, run against every stack; what came of it is the grid the site shows."""

import json
import os
import platform
import statistics
import sys
import time
from datetime import UTC, datetime

from exhibits import catalog, contract
from exhibits.backstage import checking
from exhibits.backstage.ending import workers
from exhibits.backstage.running import ROOT, CannotStart, Exhibit, version
from exhibits.backstage.visiting import Place
from exhibits.catalog.differences import known_difference, untestable

FILE = ROOT / "docs" / "agreement.json"
MOUNTS = {"root": "", "mounted": "/museum"}
AT_ONCE = 3  # stacks that run at the same time
STARTS = 3
SETTLE = 0.5  # seconds, in which the first worker's brothers have come, too


def agree(chosen=()):
    """Run every case at these stacks, or at all, and write FILE; return 0. Of the others the last run stays.

    A run that differs from what `exhibits/catalog/differences.toml` says is printed and not kept: return 1.
    """
    asked = [stack for stack in catalog.STACKS if not chosen or stack in chosen]
    try:
        # Alone, since it is measured; and where the machine has other things to do, not at all.
        started = {stack.name: None if busy() else start(stack) for stack in asked}
        with workers(AT_ONCE) as pool:
            stacks = dict(pool.map(hold, asked))
    except CannotStart as reason:
        print(f"exhibits: {reason}", file=sys.stderr)
        return 1
    if found := [sentence for name, result in stacks.items() for sentence in unexpected(name, result)]:
        print("not kept, because of\n" + "\n".join(found), file=sys.stderr)
        return 1
    made = {"date": datetime.now(UTC).date().isoformat(), "Python": platform.python_version()}
    known = json.loads(FILE.read_text())["stacks"] if chosen else {}
    known |= {name: {**made, **result, "started": started[name]} for name, result in stacks.items()}
    FILE.write_text(as_text({stack.name: known[stack.name] for stack in catalog.STACKS if stack.name in known}))
    print(f"{FILE.relative_to(ROOT)} is new: {len(stacks)} stacks, {len(contract.CASES)} cases")
    if unmeasured := [name for name, each in started.items() if each is None]:
        print("the machine was busy, so start-up time and memory were not measured of:", ", ".join(unmeasured))
    return 0


def busy():
    """Whether more wants to run than there are processors: what is measured then says nothing."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def start(stack):
    """{"ms", "MiB", "processes"}: to its first answer, and what it is SETTLE later; each the median of STARTS."""
    from exhibits.backstage.running.watching import Watch  # needs psutil, which who only reads a run does not

    seen = []
    for _ in range(STARTS):
        began = time.perf_counter()
        with Exhibit(stack) as exhibit:
            took, watch = time.perf_counter() - began, Watch(exhibit)
            time.sleep(SETTLE)
            seen.append((1000 * took, watch.memory(), watch.processes()))
    return dict(zip(("ms", "MiB", "processes"), (round(statistics.median(each)) for each in zip(*seen, strict=True)),
                    strict=True))


def applies(stack, mount, case):
    """Whether a case makes sense at this stack and mount point."""
    return checking.applies(Place("", 0, None, mount, stack.mount_is_stripped, stack.encrypted, None, stack.interface,
                                  stack.carrier), case)


def mounts_of(stack):
    """Where a stack is held to the contract: {name: mount point}."""
    return {"mounted": stack.fixed_mount.format(program="app")} if stack.fixed_mount else MOUNTS


def hold(stack):
    """(name, {"parts", "kept", "differs", "not testable", "not asked", …}) of one stack, held to the whole contract."""
    seen = {case.name: {} for case in contract.CASES}
    for where, mount in mounts_of(stack).items():
        with Exhibit(stack, mount=mount) as exhibit:
            for outcome in checking.run(exhibit):
                seen[outcome.case.name][where] = outcome
    states = {case: {outcome.state for outcome in outcomes.values()} for case, outcomes in seen.items()}
    differs = {case: {where: outcome.why for where, outcome in outcomes.items() if outcome.state == checking.DIFFERS}
               for case, outcomes in seen.items()}
    return stack.name, {
        "parts": {part.name: version(part) for part in stack.parts},
        "kept": [case for case, found in states.items() if found == {checking.KEPT}],
        "differs": {case: list(wheres) for case, wheres in differs.items() if wheres},
        "not testable": [case for case, found in states.items()
                         if checking.NOT_TESTABLE in found and checking.DIFFERS not in found],
        "not asked": [case for case, found in states.items() if not found],
        "said": differs,
    }


def unexpected(name, result):
    """Where a result is not as `differences.toml` has it, as sentences."""
    stack = catalog.find(name)
    for case in contract.CASES:
        if (case.name in result["not testable"]) != bool(untestable(stack, case.name)):
            yield f"{name}, {case.name}: it can be tested, or cannot, otherwise than said"
        for where, mount in mounts_of(stack).items():
            if applies(stack, mount, case):
                said = result["said"][case.name].get(where, "")
                known = known_difference(stack, case.name, bool(mount))
                if bool(said) != bool(known):
                    yield f"{name}, {where}, {case.name}: {said or 'it keeps what it is said to break'}"


def as_text(stacks):
    """The run as JSON, for people too: one line for each list of cases."""
    blocks = []
    for name, result in stacks.items():
        rows = [f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in result.items() if key != "said"]
        blocks.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n  }")
    return '{\n "stacks": {\n' + ",\n".join(blocks) + "\n }\n}\n"
