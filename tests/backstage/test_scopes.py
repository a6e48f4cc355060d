"""What ASGI servers offer in their scopes is what the site says they offer."""

import pytest
from conftest import marks_of, require

from exhibits.backstage.checking import scopes
from exhibits.backstage.site import scopes as site_scopes

RUN = scopes.read()


def test_the_table_has_every_asgi_stack_and_each_once():
    assert list(RUN) == [stack.name for stack in scopes.stacks()], "run: python -m exhibits.backstage.checking.scopes"
    html = site_scopes.scopes("", "scopes", "scopes", {}, None)
    assert all(html.count(f'#{name}"') == 1 for name in RUN)
    assert "http.response.pathsend" in html


@pytest.mark.parametrize("stack", [pytest.param(stack, id=stack.name, marks=marks_of(stack))
                                   for stack in scopes.stacks()])
def test_a_server_still_offers_what_the_table_says(stack):
    require(stack)
    found = scopes.ask(stack)
    assert found == {key: RUN[stack.name][key] for key in found}, "run: python -m exhibits.backstage.checking.scopes"
