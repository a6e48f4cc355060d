"""The guestbook with no gateway around it: the whole contract, and every limit of what it reads, in a second."""

import hashlib
import json
import re
import time
from urllib.parse import quote

import h11
import pytest

from exhibits import contract, guestbook, messages
from exhibits.backstage import checking
from exhibits.backstage.visiting import Answer, Place
from exhibits.guestbook import Refused, Request, Wait, respond

FORM = ("content-type", "application/x-www-form-urlencoded")
IN_JSON = ("content-type", "application/json")


@pytest.fixture
def store(tmp_path):
    store = contract.seed(tmp_path / "guestbook.sqlite3")
    yield store
    store.close()


def asked(method, path, *headers, query="", body=b"", pieces=(), **more):
    """A request with its body fed."""
    request = Request(method, path, query, lambda: list(headers), "", "http", **more)
    for piece in (body, *pieces):
        request.feed(piece)
    return request


def said(response):
    """The sentence of a refusal, with its status."""
    return response.status, response.body.decode().partition(": ")[2].removesuffix("\n")


def refusal(store, *args, **more):
    return said(respond(asked(*args, **more), store))


# ---------------------------------------------------------------- the contract


class InProcess(Place):
    """The least of all gateways: bytes in and an Answer out, with what stands in `Request` between them."""

    def visitor(self):
        return self

    def __enter__(self):
        self.store = guestbook.Store(self.guestbook)
        return self

    def __exit__(self, *exception):
        self.store.close()

    def ask(self, sent, then=(), hang_up=False, behind=b""):
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        reader.receive_data(sent + b"".join(then))
        head, answer = reader.next_event(), Answer(complete=True)
        path, _, query = head.target.decode("latin-1").partition("?")
        path = re.sub(r"%(..)", lambda found: chr(int(found[1], 16)), path).encode("latin-1").decode(errors="replace")
        fields = [(name.decode(), value.decode("latin-1")) for name, value in head.headers if b"_" not in name]
        if not path.startswith(self.mount):
            path = self.mount  # OPTIONS *
        request = Request(head.method.decode(), path.removeprefix(self.mount), query, lambda: fields, self.mount,
                          "http", lambda: {
                              "interface": "WSGI", "holds": "a test", "given": [("a", "b")], "connection": {
                                  "client": self.host, "server": "localhost", "port": self.port,
                                  "protocol": "HTTP/1.1", "target": head.target.decode(), "coding": None}})
        answer.informational = [100] * ("100-continue" in dict(fields).values())
        while type(event := reader.next_event()) is h11.Data:
            request.feed(bytes(event.data))
        try:
            response = respond(request, self.store) if type(event) is h11.EndOfMessage else guestbook.cut_off(request)
        except RuntimeError:
            response = guestbook.crashed(request)
        answer.status, answer.headers = response.status, [(name.lower(), value) for name, value in response.headers]
        body = [response.body] if isinstance(response.body, bytes) else response.body
        answer.body = b"".join(step for step in body if not isinstance(step, Wait))
        if head.method == b"HEAD" or response.status in (204, 304):  # what no program has to know
            answer.body = b""
        if response.status == 204:
            answer.headers = [field for field in answer.headers if field[0] != "content-length"]
        return answer


@pytest.mark.parametrize(("mount", "case"), [
    pytest.param(mount, case, id=mount + case.name)
    for mount in ("", "/museum") for case in contract.CASES
    if (mount or not case.mounted) and not case.plain
])
def test_the_contract(mount, case, tmp_path):
    checking.visit(case, InProcess("127.0.0.1", 8000, tmp_path / "guestbook.sqlite3", mount))


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"name": "n" * 80, "message": "m" * 1000}, ""),
    ({"name": "n" * 81, "message": "m"}, "the name is longer than 80 characters"),
    ({"name": "n", "message": "m" * 1001}, "the message is longer than 1000 characters"),
    ({"name": " " * 9 + "n" * 80, "message": "\n" + "m" * 1000 + " "}, ""),  # spaces around it do not count
    ({"message": "m"}, "the name is empty"), ({"name": "n", "message": " \n "}, "the message is empty"),
    ({"name": "n", "message": None}, "the message is not a text"),
    ({"name": ["n"], "message": "m"}, "the name is not a text"),
    ({"name": "n\nm", "message": "m"}, "the name holds a control character"),
    ({"name": "n", "message": "a\tb"}, "the message holds a control character"),
    ({"name": "n", "message": "a\rb"}, "the message holds a control character"),
    ({"name": "n\x1fm", "message": "m"}, "the name holds a control character"),
    ({"name": "n", "message": "a\ud800"}, "the message holds a control character"),
    ({"name": "n", "message": "a\udfff"}, "the message holds a control character"),
    ({"name": "\ue000\ud7ff ~", "message": "a\r\nb\nc"}, ""),
])
def test_what_may_be_signed(fields, sentence):
    try:
        name, message = guestbook.checked(fields)
    except Refused as refused:
        assert (refused.status, refused.sentence) == (422, sentence)
    else:
        assert not sentence
        assert (name, message) == (fields["name"].strip(), fields["message"].strip().replace("\r\n", "\n"))


@pytest.mark.parametrize("path", ["/entries", "/echo"])
def test_a_mebibyte_is_taken_and_not_a_byte_more(store, path):
    body = b"name=a&message=" + b"+" * ((1 << 20) - 16) + b"b"
    for more, refused in ((b"", False), (b"+", True)):
        request = asked("POST", path, FORM, body=body[:1000], pieces=(body[1000:], more, b""))
        assert (respond(request, store).status == 413) == refused
        assert len(request.body) == 1 << 20  # what does not fit is dropped
        assert said(respond(request, store)) == (413, "the body is longer than 1048576 bytes") or not refused


def test_a_digest_has_no_limit_and_keeps_nothing(store):
    request = asked("PUT", "/digest", pieces=[b"x" * 400_000] * 4)
    digest = hashlib.sha256(b"x" * 1_600_000).hexdigest()
    assert json.loads(respond(request, store).body) == {"length": 1_600_000, "sha256": digest}
    assert request.body == b""


@pytest.mark.parametrize(("path", "query", "sentence"), [
    ("/entries", "limit=1000", ""), ("/entries", "limit=0", ""),
    ("/entries", "limit=1001", "limit is a whole number from 0 to 1000"),
    ("/entries", "limit=-1", "limit is a whole number from 0 to 1000"),
    ("/entries", "limit=", "limit is a whole number from 0 to 1000"),
    ("/entries", "limit=%D9%A1", "limit is a whole number from 0 to 1000"),  # a digit of Arabic
    ("/entries", "limit=0000000001", "limit is a whole number from 0 to 1000"),
    ("/entries", "limit=000000001", ""),
    ("/stream", "n=10000", ""), ("/stream", "n=1", ""),
    ("/stream", "n=10001", "n is a whole number from 1 to 10000"),
    ("/stream", "n=0", "n is a whole number from 1 to 10000"),
    ("/stream", "delay=10", ""), ("/stream", "delay=0", ""),
    ("/stream", "delay=10.001", "delay is a number of seconds from 0 to 10"),
    ("/stream", "delay=-0.001", "delay is a number of seconds from 0 to 10"),
    ("/slow", "seconds=nan", "seconds is a number of seconds from 0 to 10"),
    ("/slow", "seconds=inf", "seconds is a number of seconds from 0 to 10"),
    ("/slow", "seconds=soon", "seconds is a number of seconds from 0 to 10"),
    ("/slow", "seconds=10", ""),
    ("/events", "limit=10000", ""), ("/events", "limit=10001", "limit is a whole number from 0 to 10000"),
])
def test_numbers_have_limits(store, path, query, sentence):
    answer = respond(asked("GET", path, query=query), store)
    assert said(answer) == (400, sentence) if sentence else answer.status == 200


@pytest.mark.parametrize(("path", "found"), [
    ("/entries/1", True), ("/entries/01", True), ("/entries/2", False), ("/entries/", False), ("/entries/-1", False),
    ("/entries/1/", False), ("/entries/\u0661", False), ("/entries/" + "9" * 18, False),
    ("/entries/" + "9" * 19, False), ("/entries/" + "9" * 30, False),  # more than SQLite can count
])
def test_one_entry(store, path, found):
    answer = respond(asked("GET", path), store)
    if found:
        assert answer.body.decode() == contract.SEED_JSON
    else:
        assert said(answer) == (404, "no such entry")


@pytest.mark.parametrize(("code", "status"), [
    ("200", 200), ("599", 599), ("226", 226), ("199", 404), ("600", 404), ("99", 404), ("2000", 404), ("20x", 404),
    ("\u0662\u0660\u0660", 404), ("", 404), ("2.5", 404),
])
def test_statuses_have_three_digits_and_are_final(store, code, status):
    answer = respond(asked("GET", f"/status/{code}"), store)
    assert answer.status == status
    assert answer.body.startswith(b"%d " % status)


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_neither_body_nor_what_describes_one(store, status):
    answer = respond(asked("GET", f"/status/{status}"), store)
    assert (answer.headers, answer.body) == ([], b"")


def test_a_205_is_empty_and_says_so(store):
    answer = respond(asked("GET", "/status/205"), store)
    assert (answer.headers[-1], answer.body) == (("Content-Length", "0"), b"")


def test_a_line_break_never_becomes_a_header_field():
    for value in ("a\nb", "a\rb", "a\0b"):
        with pytest.raises(ValueError, match="a line break in the header field X-A"):
            guestbook.finish(asked("GET", "/"), messages.Response(200, [("X-A", value)]))


# ---------------------------------------------------------------- the page


def tagged(store, *tags):
    return respond(asked("GET", "/", *(("if-none-match", tag) for tag in tags)), store)


def test_the_page_is_sent_again_only_where_it_has_changed(store):
    page = tagged(store)
    etag = dict(page.headers)["ETag"]
    assert etag == f'"{hashlib.sha256(page.body).hexdigest()[:32]}"'
    assert dict(page.headers)["Cache-Control"] == "no-cache"
    for tags in ([etag], [f"W/{etag}"], ['"other"', etag], [f'"other",{etag}'], ["*"]):
        known = tagged(store, *tags)
        assert (known.status, known.headers) == (304, [("ETag", etag), ("Cache-Control", "no-cache")]), tags
    for tags in (['"other"'], [etag.strip('"')], [f"*, {etag[:-2]}\""], [""]):
        assert tagged(store, *tags).status == 200, tags
    store.sign("Bob", "new")
    assert tagged(store, etag).status == 200


def test_the_page_shows_the_newest_fifty_the_last_one_first(store):
    for number in range(2, 60):
        store.sign(f"visitor {number}", f"<b>&\"' {number}")
    html = tagged(store).body.decode()
    assert re.findall(r'<li id="entry-(\d+)">', html) == [str(number) for number in range(59, 9, -1)]
    assert html.count("<p>&lt;b&gt;&amp;&quot;&#39; 59</p><footer>visitor 59, ") == 1
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 1))
    assert re.search(r'<time datetime="(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)">(\d{4}-\d\d-\d\d)</time>', html)[2] >= day


def test_who_signs_in_a_browser_keeps_what_was_typed_others_get_the_sentence(store):
    body, browser = b"name=&message=%3Clong%3E", ("accept", "text/html")
    page = respond(asked("POST", "/entries", FORM, browser, body=body), store)
    assert page.status == 422 and b"&lt;long&gt;</textarea>" in page.body and b"the name is empty" in page.body
    assert ("Content-Type", "text/html; charset=utf-8") in page.headers
    assert refusal(store, "POST", "/entries", FORM, body=body) == (422, "the name is empty")


# ---------------------------------------------------------------- forms, cookies, header fields


@pytest.mark.parametrize(("text", "found"), [
    ("", {}), ("a", {"a": ""}), ("a=1&a=2", {"a": "1"}), ("a=b=c", {"a": "b=c"}), ("a+b=c+d", {"a b": "c d"}),
    ("%61=%C3%BC", {"a": "ü"}), ("a=%2B%26%3D", {"a": "+&="}), ("a=\xc3\xbc", {"a": "ü"}), ("a=%zz", {"a": "%zz"}),
    ("=x&&b=1", {"": "x", "b": "1"}),
])
def test_fields_of_a_form(text, found):
    assert guestbook.pairs(text) == found


def test_fields_that_are_not_utf_8_are_refused():
    for text in ("a=%FF", "%FF=a", "a=\xff"):
        with pytest.raises(Refused, match="400"):
            guestbook.pairs(text)


@pytest.mark.parametrize(("fields", "found"), [
    (["a=1; b=%C3%BC"], {"a": "1", "b": "ü"}), (["a=1", "a=2"], {"a": "1"}), (["a=1,b=2"], {"a": "1", "b": "2"}),
    (["a; b=2;; =3"], {"b": "2", "": "3"}), (["a=b=c"], {"a": "b=c"}), (["a=1;b=2 "], {"a": "1", "b": "2"}),
])
def test_cookies(store, fields, found):
    answer = respond(asked("GET", "/cookies", *(("cookie", field) for field in fields)), store)
    assert json.loads(answer.body) == found


@pytest.mark.parametrize(("visits", "now"), [
    ("", 1), ("1", 2), ("41", 42), ("999999999", 1_000_000_000), ("1000000000", 1), ("-1", 1), ("x", 1),
    ("\u0661", 1),
])
def test_visits_are_counted(store, visits, now):
    cookie = ("cookie", f"visits={quote(visits)}")
    signed = respond(asked("POST", "/entries", FORM, cookie, body="name=Ada+B;&message=ü".encode()), store)
    cookies = [value for name, value in signed.headers if name == "Set-Cookie"]
    assert cookies == ["name=Ada%20B%3B; SameSite=Lax", f"visits={now}; SameSite=Lax"]
    assert (signed.status, dict(signed.headers)["Location"]) == (303, "./")


@pytest.mark.parametrize("kind", [
    "application/x-www-form-urlencoded", "APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8", "application/json ;x",
])
def test_the_type_of_a_body_may_have_parameters(store, kind):
    body = b'{"name": "Ada", "message": "Hi"}' if "json" in kind else b"name=Ada&message=Hi"
    assert respond(asked("POST", "/entries", ("content-type", kind), body=body), store).status in (201, 303)


@pytest.mark.parametrize(("body", "refused"), [
    (b"[]", (422, "the JSON is not an object")), (b"", (400, "the body is not JSON")),
    (b"\xff", (400, "the body is not JSON")), pytest.param(b"[" * 100_000, (400, "the body is not JSON"), id="deep"),
    (b'{"name": "a"}', (422, "the message is empty")),
])
def test_json_that_is_no_entry(store, body, refused):
    assert refusal(store, "POST", "/entries", IN_JSON, body=body) == refused
    assert store.newest_json(9) == f"[{contract.SEED_JSON}]"


def test_a_json_entry_is_where_it_is_said_to_be(store):
    answer = respond(asked("POST", "/entries", IN_JSON, body=b'{"name": "Ada", "message": "Hi"}'), store)
    assert (answer.status, answer.body, dict(answer.headers)["Location"]) == (201, b'{"id":2}', "entries/2")
    assert json.loads(respond(asked("GET", "/entries/2"), store).body)["message"] == "Hi"


def test_every_field_that_is_a_gateways_own_affair_or_secret_stays_out():
    """Written down apart from the program: what it leaves out, and what it must not."""
    left_out = [
        "authorization", "connection", "content-length", "cookie", "expect", "forwarded", "keep-alive", "proxy",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-forwarded-for",
        "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-forwarded-protocol", "x-forwarded-ssl",
    ]
    headers = [(name, "secret") for name in left_out] + [("x-b", "1,2"), ("accept", "x"), ("x-b", " 3 ")]
    body = json.loads(respond(asked("GET", "/request/a", *headers, query="q=%20"), None).body)
    assert body == {"method": "GET", "path": "/request/a", "query": "q=%20", "mount": "", "scheme": "http",
                    "headers": {"accept": "x", "x-b": "1, 2, 3"}, "connection": {}}
    assert list(body["headers"]) == ["accept", "x-b"]


# ---------------------------------------------------------------- the gateway


@pytest.mark.parametrize(("name", "value", "shown"), [
    ("HTTP_AUTHORIZATION", "Basic x", "(not shown)"), ("headers: authorization", "x", "(not shown)"),
    ("headers: cookie", "x", "(not shown)"), ("HTTP_COOKIE", "x", "(not shown)"),
    ("HTTP_PROXY_AUTHORIZATION", "x", "(not shown)"), ("Proxy", "x", "(not shown)"), ("HTTP_PROXY", "x", "(not shown)"),
    ("http_proxy", "x", "(not shown)"), ("HTTP_X", "a" * 300, "a" * 300), ("HTTP_X", "a" * 301, "a" * 300 + "…"),
    ("wsgi.version", (1, 0), "(1, 0)"), ("HTTP_ACCEPT", "x", "x"),
])
def test_no_secret_is_told(store, monkeypatch, name, value, shown):
    monkeypatch.setenv("GUESTBOOK_STACK", "wsgi-x: server 1.0")
    room = {"interface": "WSGI", "live": "events", "holds": "a thread", "given": [(name, value)]}
    told = json.loads(respond(asked("GET", "/gateway", gateway=lambda: room), store).body)
    assert told["given"] == [[name, shown]]
    assert [told[key] for key in ("stack", "server", "interface", "live", "holds")] == [
        "wsgi-x", "server 1.0", "WSGI", "events", "a thread",
    ]


def test_a_server_that_names_itself_need_not_be_named(store, monkeypatch):
    monkeypatch.delenv("GUESTBOOK_STACK", raising=False)
    told = json.loads(respond(asked("GET", "/gateway", gateway=lambda: {"given": [("SERVER_SOFTWARE", "x/1")]}),
                              store).body)
    assert (told["server"], told["live"], told["stack"]) == ("x/1", "entries", "")


@pytest.mark.parametrize(("method", "path", "blocks", "writes"), [
    ("GET", "/", True, False), ("GET", "/entries", True, False), ("POST", "/entries", True, True),
    ("GET", "/entries/1", True, False), ("GET", "/events", True, False), ("GET", "/gateway", True, False),
    ("GET", "/hello", False, False), ("POST", "/echo", False, False), ("GET", "/entriesx", False, False),
    ("GET", "/slow", False, False),
])
def test_who_waits_for_the_disk(method, path, blocks, writes):
    request = asked(method, path)
    assert (guestbook.blocks(request), guestbook.writes(request)) == (blocks, writes)


# ---------------------------------------------------------------- answers in steps


def test_a_stream_waits_between_its_lines_and_nowhere_else(store):
    steps = list(respond(asked("GET", "/stream", query="n=3&delay=0.5"), store).body)
    assert steps == [b"line 1 of 3\n", 0.5, b"line 2 of 3\n", 0.5, b"line 3 of 3\n"]
    assert [type(step) for step in steps] == [bytes, Wait, bytes, Wait, bytes]
    usual = list(respond(asked("GET", "/stream"), store).body)
    assert usual[0] == b"line 1 of 3\n" and usual[1] == 0.1 and len(usual) == 5
    assert list(respond(asked("GET", "/slow"), store).body) == [1.0, b"waited 1 s\n"]


def test_a_head_has_the_fields_of_the_get_and_waits_for_nothing(store):
    for path in ("/hello", "/stream", "/entries", "/nowhere"):
        head, get = (respond(asked(method, path), store) for method in ("HEAD", "GET"))
        assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


def test_events_come_after_the_last_one_seen(store):
    for number in (2, 3):
        store.sign("Ada", str(number))

    def events(*seen, limit):
        answer = respond(asked("GET", "/events", *(("last-event-id", each) for each in seen),
                               query=f"limit={limit}"), store)
        return b"".join(step for step in answer.body if isinstance(step, bytes))

    assert re.findall(rb"(?m)^id: (\d+)$", events("1", limit=2)) == [b"2", b"3"]
    assert re.findall(rb"(?m)^id: (\d+)$", events("0", limit=1)) == [b"1"]
    assert re.fullmatch(rb': the guestbook\n\nid: 3\ndata: \{"id":3,.*"message":"3"\}\n\n', events("2", limit=1))


@pytest.mark.parametrize("seen", ["", "x", "-1", "\u0661", "9" * 19])
def test_who_names_no_last_event_hears_of_new_ones_only(store, seen):
    body = respond(asked("GET", "/events", ("last-event-id", seen), query="limit=1"), store).body
    assert next(body) == b": the guestbook\n\n"
    assert isinstance(next(body), Wait)
    store.sign("Ada", "new")
    steps = []
    while not steps or isinstance(steps[-1], Wait):
        steps.append(next(body))
        time.sleep(0.001)
    assert steps[-1].startswith(b"id: 2\n") and list(body) == []


def test_a_silent_stream_is_heard_from_after_a_while(store, monkeypatch):
    monkeypatch.setattr(guestbook, "HEARTBEAT", 0.02)
    body = guestbook.event_stream(iter([Wait(0)] * 3), 0)
    assert [next(body), next(body)] == [b": the guestbook\n\n", 0]
    time.sleep(0.03)
    assert [next(body), next(body), next(body)] == [b":\n\n", 0, 0]


# ---------------------------------------------------------------- routes


@pytest.mark.parametrize(("method", "path", "status", "allow"), [
    ("DELETE", "/hello", 405, "GET, HEAD, OPTIONS"), ("GET", "/echo", 405, "OPTIONS, POST, PUT"),
    ("HEAD", "/digest", 405, "OPTIONS, POST, PUT"), ("OPTIONS", "/request/x/y", 204, "GET, HEAD, OPTIONS, POST"),
    ("get", "/hello", 405, "GET, HEAD, OPTIONS"),
])
def test_what_a_resource_can(store, method, path, status, allow):
    answer = respond(asked(method, path), store)
    assert (answer.status, dict(answer.headers)["Allow"]) == (status, allow)


@pytest.mark.parametrize("path", ["/hello/", "/hello/x", "/crash/x", "//", "/nowhere/x", "hello"])
def test_there_is_nothing_else(store, path):
    assert refusal(store, "GET", path) == (404, "there is nothing here")


def test_the_guard_comes_before_everything(store):
    for path in ("/hello", "/nowhere", "/crash"):
        assert respond(asked("GET", path, ("host", "museum.test")), store).status == 421
    assert respond(asked("POST", "/entries", FORM, ("origin", "null"), body=b"name=a&message=b"), store).status == 403
    assert store.newest_json(9) == f"[{contract.SEED_JSON}]"


def test_a_header_is_all_its_values():
    request = asked("GET", "/", ("a", "1"), ("b", "2"), ("a", "3"))
    assert [request.header(name) for name in ("a", "b", "c")] == ["1, 3", "2", ""]


def test_reasons():
    assert [messages.reason(status) for status in (200, 422, 421, 418, 599)] == [
        "OK", "Unprocessable Content", "Misdirected Request", "I'm a Teapot", "Unknown",
    ]
