"""The form on the page "Which server": what it answers, by mouse and keyboard, and what its address says."""

import random

import pytest
from playwright.sync_api import expect

from exhibits.backstage.site import which

CASES = which.book()["case"]
FIRST = CASES[0]["example"]


@pytest.fixture
def form(page, served):
    page.goto(f"{served}which-server/", wait_until="networkidle")
    return page.locator("form.which")


def address(served, **asked):
    return f"{served}which-server/#" + "&".join(f"{name}={value}" for name, value in asked.items())


def answered(page):
    return page.locator(".which-answer pre").inner_text()


def asked_at_random():
    lot = random.Random(1993)
    for _ in range(30):
        yield {"does": lot.choice([*which.DOES]), "call": lot.choice([*which.CALL]),
               "rate": lot.choice([0.1, 7, 40, 900]), "seconds": lot.choice([0.005, 0.5, 3, 600]),
               "cores": lot.choice([1, 2, 8, 64]), "memory": lot.choice([50, 512, 4096]),
               "worker": lot.choice([30, 100, 333])}


def test_it_answers_what_the_tests_have_tested(form, page, served):
    """The same command as in Python, whatever is asked."""
    for asked in asked_at_random():
        page.goto(address(served, **asked))
        numbers = {name: asked[name] for name in which.NUMBERS}
        case = which.chosen(asked["does"], asked["call"], **numbers)
        expect(page.locator(".which-answer pre")).to_have_text(which.command(case, **numbers))
        assert page.locator(".which-why > p a").get_attribute("href") == f"#{case['name']}"


def test_it_begins_with_the_example_of_the_first_case(form, page):
    assert answered(page) == which.command(CASES[0], **FIRST)
    said = page.get_by_role("status").filter(has_text="40 requests in a second × 0.5 s are 20 at once.")
    expect(said).to_be_visible()


def test_by_keyboard_and_the_address_follows_and_back_leads_back(form, page):
    page.get_by_role("radio", name="waits").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="computes", exact=True)).to_be_checked()
    assert answered(page).startswith("gunicorn --bind 127.0.0.1:8000 --workers 2 hello:app")
    assert "does=compute" in page.url
    for _ in range(2):
        page.keyboard.press("Tab")  # to the program, then to the first number
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("1000")
    expect(page.get_by_role("status").filter(has_text="That is work for 500 cores, and there are 2")).to_be_visible()
    page.keyboard.press("Tab")
    assert "rate=1000" in page.url
    page.go_back()
    expect(page.get_by_label("Requests per second")).to_have_value("40")
    page.go_back()
    expect(page.get_by_role("radio", name="waits")).to_be_checked()
    assert answered(page) == which.command(CASES[0], **FIRST)


def test_what_is_no_number_gets_a_sentence_and_a_link_to_a_section_changes_nothing(form, page, served):
    page.get_by_label("Requests per second").fill("")
    expect(page.get_by_role("status").filter(has_text="a number above zero")).to_be_visible()
    page.goto(address(served, does="websocket", rate="x", nobody="1", length="2"))
    expect(page.get_by_role("status").filter(has_text="a number above zero")).to_be_visible()
    page.goto(address(served, does="websocket", rate="5"))
    before = answered(page)
    page.locator(".which-why > p a").click()
    assert page.url.endswith("#websockets") and answered(page) == before


def test_little_memory_and_many_files_are_said(form, page, served):
    page.goto(address(served, does="wait", call="async", rate=9000, seconds=1, cores=8, memory=250, worker=100))
    said = page.get_by_role("status").filter(has_text="at once").inner_text()
    assert "The memory has room for 2 workers." in said and "ulimit -n has to be more than 4,635" in said
    page.goto(address(served, does="compute", memory="50"))
    expect(page.get_by_role("status").filter(has_text="does not fit into the memory")).to_be_visible()


def test_without_a_script_there_is_the_table(browser, served):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{served}which-server/")
        expect(page.locator("form.which")).to_be_hidden()
        expect(page.locator(".which-answer")).to_be_hidden()
        for case in CASES:
            row = page.locator("table.which tr").filter(has=page.locator(f"a[href='#{case['name']}']"))
            expect(row.get_by_text(which.command(case, **case["example"]), exact=True)).to_be_visible()
