"""What the guestbook's page does with a signature that is refused, no gateway involved."""

import re
from urllib.parse import urlencode

import pytest

from exhibits import guestbook

BROWSER = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html,*/*;q=0.8")]


def signed(store, body, *headers):
    request = guestbook.Request("POST", "/entries", "", lambda: [*BROWSER, *headers], "", "http")
    request.feed(body)
    return guestbook.respond(request, store)


def values(response):
    html = response.body.decode()
    return (re.search(r'<input name="name" value="(.*?)" ', html)[1],
            re.search(r"(?s)<textarea .*?>\n(.*?)</textarea>", html)[1],
            re.search(r'role="alert">(.*?)</p>', html)[1])


@pytest.fixture
def store(tmp_path):
    store = guestbook.Store(tmp_path / "guestbook.sqlite3")
    yield store
    store.close()


@pytest.mark.parametrize("typed", [
    '"><script>alert(1)</script>', "<!-- entries -->", ' value=""', "></textarea>", ' role="alert">', "'&amp;",
])
def test_what_was_typed_comes_back_as_text(store, typed):
    store.sign(typed, typed)
    answer = signed(store, urlencode({"name": " ", "message": typed}).encode())
    assert answer.status == 422
    assert values(answer) == (" ", guestbook.escape(typed), "the name is empty")
    assert answer.body.decode().count(guestbook.escape(typed)) == 3


def test_a_guestbook_that_cannot_be_written_loses_no_word(tmp_path):
    answer = signed(guestbook.Store(tmp_path / "no/such/folder/guestbook.sqlite3"), b"name=Ada&message=Long+thought")
    assert answer.status >= 500
    name, message, refused = values(answer)
    assert (name, message) == ("Ada", "Long thought") and refused


def test_a_page_from_elsewhere_fills_in_nothing(store):
    answer = signed(store, b"name=Eve&message=Buy", ("host", "localhost"), ("origin", "http://evil.test"))
    assert answer.status == 403 and b"Eve" not in answer.body


def test_the_page_itself_is_the_same_for_everybody(store):
    def asked(*headers):
        request = guestbook.Request("GET", "/", "", lambda: list(headers), "", "http", lambda: {"interface": "any"})
        return guestbook.respond(request, store)

    one, other = asked(), asked(("cookie", "name=Ada"), ("accept", "text/html"))
    assert one.body == other.body and dict(one.headers)["ETag"] == dict(other.headers)["ETag"]
    assert values(one) == ("", "", "")
