"""One contract, run against every stack: at the root and under a mount point."""

from conftest import contract_of

from exhibits import catalog, contract
from exhibits.backstage import checking


@contract_of(catalog.STACKS)
def test_contract(run, stack, mount, case):
    checking.visit(case, run(stack, mount))


def test_every_known_difference_names_a_stack_and_cases_that_exist():
    stacks = {stack.name for stack in catalog.EVERYTHING}
    cases = {case.name for case in contract.CASES} | contract.BEHAVIOURS.keys()
    for difference in checking.differences():
        assert difference.stack in stacks and set(difference.cases) <= cases, difference


def test_our_own_parts_are_never_excused():
    ours = {stack.name for stack in catalog.STACKS if stack.server == "ours"}
    assert ours and not [d for d in checking.differences() if d.stack in ours]
