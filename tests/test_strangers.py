"""The guard of the guestbook: every spelling of a name and an origin, and who else is let in where one says so."""

import socket

import pytest
from conftest import each_stack, require

from exhibits import catalog, guarding
from exhibits.asking import request
from exhibits.backstage.running import Exhibit, addresses, is_free
from exhibits.backstage.verbs import greeting
from exhibits.backstage.verbs.tracing import Traced
from exhibits.backstage.visiting import Visitor
from exhibits.catalog import annexes

pytestmark = pytest.mark.hall

OWN = ("localhost", "LOCALHOST", "localhost.", "localhost:8000", "localhost:", "localhost.:1", "127.0.0.1",
       "127.0.0.1:8000", "[::1]", "[::1]:8000", "")
FOREIGN = (
    "museum.test", "museum.test:8000", "localhost.museum.test", "127.0.0.1.museum.test", "museum.test.localhost",
    "notlocalhost", "localhost..", ".localhost", "localhost@museum.test", "museum.test@localhost",
    "localhost:80@museum.test", "museum.test:80@localhost", "localhost:80:80", "localhost:port", "localhost:８０",
    "localhost, museum.test", "museum.test, localhost", "localhost,localhost", "localhost museum.test",
    "localhost/", "localhost#", "localhost?", "localhost\\museum.test", "http://localhost", "//localhost", ":80", ":",
    ".", "::1", "[::1", "::1]", "[::1].", "[::1]museum.test", "[::1]museum.test:80", "[::1]@museum.test",
    "[::2]", "[::ffff:127.0.0.1]", "[fe80::1%lo]", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "127.0.0.2",
    "local\u0131host", "l\u2070calhost", "\u2139localhost", "localhost\0", "null", "*",
)
HOST = "localhost:8000"
SAME = ("http://localhost:8000", "https://localhost:8000", "HTTP://LocalHost:8000", "")
OTHER = (
    "null", "http://localhost", "http://localhost:80", "http://localhost:8001", "http://localhost.:8000",
    "http://127.0.0.1:8000", "http://[::1]:8000", "http://museum.test", "http://museum.test:8000",
    "http://localhost:8000.museum.test", "http://localhost:8000@museum.test", "http://museum.test@localhost:8000",
    "http://localhost:8000, http://museum.test", "http://localhost:8000 http://museum.test", "http://localhost:8000/",
    "localhost:8000", "//localhost:8000", "://localhost:8000", "file://localhost:8000", "tauri://localhost:8000",
    "chrome-extension://localhost:8000", "http:localhost:8000", "*",
)


def refused(method="GET", hosts=(), **fields):
    """The status with which the guard refuses a request with these header fields, None where it does not."""
    fields = {name.replace("_", "-"): value for name, value in fields.items()}
    try:
        guarding.guard(method, fields.get, hosts)
    except guarding.Refused as error:
        return error.status
    return None


def test_its_own_names_are_served_and_no_other():
    assert [host for host in OWN if refused(host=host)] == []
    assert [host for host in FOREIGN if refused(host=host) != 421] == []
    assert refused() is None  # HTTP/1.0 without Host


def test_names_that_are_given_are_served_at_any_port():
    hosts = ("museum.test", "[2001:db8::1]", "192.0.2.1")
    assert [host for host in OWN if refused(host=host, hosts=hosts)] == []
    for host in hosts:
        assert not refused(host=host, hosts=hosts) and not refused(host=host.upper() + ":80", hosts=hosts)
    for host in ("www.museum.test", "museum.test.", "[2001:db8::2]", "192.0.2.10", "", "*"):
        assert refused(host=host or ":80", hosts=hosts) == 421


@pytest.mark.parametrize("given", ["", ",", " , ,", "*", "."])
def test_an_empty_list_of_names_has_no_name(monkeypatch, given):
    monkeypatch.setenv("GUESTBOOK_HOSTS", given)
    for host in ("museum.test", ":80", ":", " "):
        assert refused(host=host, hosts=None) == 421


def test_names_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("GUESTBOOK_HOSTS", "Museum.test, [::2]")
    assert not any(refused(host=host, hosts=None) for host in ("museum.test:1", "[::2]:1", "localhost"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW", "get", "WEBSOCKET"])
def test_who_changes_something_is_a_page_of_this_origin_or_no_page(method):
    assert [origin for origin in SAME if refused(method, host=HOST, origin=origin)] == []
    assert [origin for origin in OTHER if refused(method, host=HOST, origin=origin) != 403] == []
    assert [site for site in ("", "none", "same-origin", "Same-Origin") if refused(method, sec_fetch_site=site)] == []
    for site in ("cross-site", "same-site", "same-origin, cross-site", "whatever"):
        assert refused(method, host=HOST, sec_fetch_site=site, origin=SAME[0]) == 403
    assert refused(method, origin="http://localhost") == 403  # with no Host there is nothing it is the same as


def test_default_ports_may_be_left_out_or_not():
    for scheme, port in (("http", 80), ("https", 443)):
        for host in ("localhost", f"localhost:{port}"):
            for origin in (f"{scheme}://localhost", f"{scheme}://localhost:{port}"):
                assert refused("POST", host=host, origin=origin) is None
    assert refused("POST", host="localhost:443", origin="http://localhost") == 403
    assert refused("POST", host="localhost", origin="http://localhost:443") == 403


@pytest.mark.parametrize("method", guarding.SAFE)
def test_from_elsewhere_one_may_follow_a_link_and_no_more(method):
    assert refused(method, host=HOST, origin="http://museum.test", sec_fetch_site="cross-site") is None
    for site in ("cross-site", "same-site"):
        assert refused(method, host=HOST, sec_fetch_site=site, sec_fetch_dest="document") is None
        for destination in ("iframe", "frame", "embed", "object", "fencedframe", "empty", "script", "image", "whatever",
                            "document, iframe"):
            assert refused(method, host=HOST, sec_fetch_site=site, sec_fetch_dest=destination) == 403
    for site in ("same-origin", "none", ""):
        assert refused(method, host=HOST, sec_fetch_site=site, sec_fetch_dest="iframe") is None


# ---------------------------------------------------------------- names one gives


@pytest.mark.parametrize(("text", "name"), [
    ("Museum.Example", "museum.example"), ("museum.example.", "museum.example"), ("my_box", "my_box"),
    ("192.0.2.1", "192.0.2.1"), ("::1", "[::1]"), ("[2001:DB8:0::1]", "[2001:db8::1]"), ("fe80::1%eth0", "[fe80::1]"),
    ("münchen.example", "xn--mnchen-3ya.example"),
])
def test_a_name_is_taken_as_a_browser_sends_it(text, name):
    assert addresses.as_name(text) == name


@pytest.mark.parametrize("text", ["", ".", "*", "*.museum.example", "museum.example:80", "http://museum.example",
                                  "a/b", "a b", "a,b", "a\0b", "a..b", "[::1]:80", "[x]", "日" * 100, "\ud800"])
def test_what_is_no_name_gets_a_sentence(text):
    with pytest.raises(ValueError, match=r"name|stranger"):
        addresses.as_name(text)


def test_the_addresses_of_this_machine_are_found_without_asking_anybody():
    found = addresses.machine()
    assert "127.0.0.1" in map(str, found)
    for address in found:
        if not address.is_link_local:  # that needs the name of an interface
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            with socket.socket(family) as probe:
                probe.bind((str(address), 0))  # somebody else's address cannot be had
    assert addresses.own_names("127.0.0.1") == addresses.own_names("localhost") == addresses.own_names("::1") == []
    assert addresses.own_names("Museum.Example") == ["museum.example"] and addresses.own_names("a b") == []
    every = [addresses.as_name(str(address)) for address in found if not address.is_loopback]
    assert addresses.own_names("::") == every
    assert addresses.own_names("0.0.0.0") == [name for name in every if not name.startswith("[")]


@each_stack(stacks=(*catalog.STACKS, *annexes.BRIDGES))
def test_the_names_reach_the_program(stack, mount):
    require(stack)
    with Exhibit(stack, allow=["museum.test", "[2001:db8::1]"]) as exhibit:
        for host, status in (("museum.test:80", 200), ("[2001:DB8::1]", 200), ("localhost", 200), ("other.test", 421)):
            with exhibit.visitor() as visitor:
                assert visitor.ask(request("GET", f"{exhibit.mount}/hello", host=host)).status == status, host


@pytest.mark.skipif(not is_free("127.0.0.2", 0), reason="this system has one address for itself")
def test_who_names_a_machine_is_served_at_the_address_that_it_has():
    stack = catalog.find("asgi-ours")
    for exhibit in Exhibit(stack, host="127.2"), Traced(stack, host="127.2", print=lambda *_: None):
        with exhibit, Visitor("127.0.0.2", exhibit.port) as visitor:
            assert exhibit.base == f"http://127.0.0.2:{exhibit.port}"
            assert visitor.ask(request("GET", "/hello", host=f"127.0.0.2:{exhibit.port}")).status == 200


def test_who_serves_a_network_is_told_so():
    with Exhibit(catalog.find("asgi-ours"), host="0.0.0.0", allow=["museum.test"]) as exhibit:
        everybody, served = greeting.visitors(exhibit)
        assert everybody.startswith("Everybody who can reach this machine")
        assert f"http://museum.test:{exhibit.port}/" in served
        for name in exhibit.hosts:
            assert f"http://{name}:{exhibit.port}/" in served
            with Visitor("127.0.0.1", exhibit.port) as visitor:
                assert visitor.ask(request("GET", "/hello", host=name)).status == 200
    assert greeting.visitors(Exhibit(catalog.find("asgi-ours"))) == []
