"""One contract, run against every stack: at the root and under a mount point."""

from conftest import contract_of, hold

from exhibits import catalog, contract
from exhibits.catalog.differences import known_differences, untestables


@contract_of(catalog.STACKS)
def test_contract(run, stack, mount, case):
    hold(case, run(stack, mount))


def test_every_known_difference_names_a_stack_and_cases_that_exist():
    stacks = {stack.name for stack in catalog.EVERYTHING}
    cases = {case.name for case in contract.CASES} | contract.BEHAVIOURS.keys()
    for difference in known_differences():
        assert difference.stack in stacks and set(difference.cases) <= cases, difference
    kept = {case.name for case in contract.CASES if case.kept}
    for entry in untestables():
        assert entry.stack in stacks and set(entry.cases) <= kept, entry


def test_our_own_parts_are_never_excused():
    ours = {stack.name for stack in catalog.STACKS if stack.server == "ours"}
    assert ours and not [each for each in (*known_differences(), *untestables()) if each.stack in ours]
