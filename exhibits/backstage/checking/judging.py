"""The judge of the contract: what is wrong with one answer, in sentences.

It looks at the bytes, with `reading` (h11, which no server here uses) and with what stands here: a fault of our own
HTTP does not look right to it. What came over HTTP/2 or HTTP/3 is judged by its fields and its body.
"""

import re
from datetime import UTC, datetime, timedelta

from exhibits.backstage.checking import reading
from exhibits.contract import ANY_CONNECTION

DATE = "%a, %d %b %Y %H:%M:%S GMT"  # IMF-fixdate (RFC 9110 section 5.6.7)
ALIKE = 30  # bytes that are shown before the place where two bodies part
SLOW_CLOCK = timedelta(minutes=2)
# Fields of several values, which may be spread over lines (RFC 9110 section 5.3); and Set-Cookie (RFC 6265 section 3).
LISTS = {
    "accept-post", "allow", "alt-svc", "cache-control", "connection", "keep-alive", "link", "server-timing",
    "set-cookie", "upgrade", "vary", "via", "x-twice",
}
CONNECTIONS = {"keep-alive", "te", "transfer-encoding", "upgrade"}  # what Connection may name (RFC 9110 section 7.6.1)
ETAG = re.compile(r'(W/)?"[!#-~\x80-\xff]*"')  # RFC 9110 section 8.8.3
# What a server may say with an answer of its own, a refusal: what it is, and what a browser may do with it.
OWN_FIELDS = {
    "content-type", "content-length", "content-language", "cross-origin-opener-policy", "referrer-policy", "vary",
    "x-content-type-options", "x-frame-options",
}


def read(answer, request):
    """The reading.Answer that the bytes of an Answer to this request (bytes) are; None where there are none."""
    if not answer.raw:
        return None
    asked = request.lower()
    found = reading.read(answer.raw, [request.split(b" ")[0]], True, b"\r\nexpect: 100-continue\r\n" in asked)[0][0]
    if is_old(request) and b"keep-alive" not in asked:
        found.closes = True  # whatever the answer says (RFC 9112 section 9.3)
    return found


def is_old(request):
    """Whether the bytes of a request are of HTTP/1.0."""
    return request.partition(b"\r\n")[0].endswith(b"HTTP/1.0")


def manners(answer, found, request):
    """What no answer may be like, whatever was asked, as sentences.

    found: what `read` has made of it. Sentences of the same fault are the same, whenever it is met.
    """
    if found is None:
        return []
    old, faults = is_old(request), list(found.faults)
    if not found.status:
        faults.append("an answer that breaks off in its head")
    *interim, lines = reading.heads(answer.raw)
    if len(interim) > 1:
        faults.append("more than one interim answer")
    if lines and not re.match(rb"HTTP/1\.\d \d\d\d ", lines[0]):
        faults.append("no space behind the status code (RFC 9112 section 4)")
    if lines and lines[0].startswith(b"HTTP/1.0") and not old:
        faults.append("HTTP/1.0 in the status line (RFC 9110 section 6.2)")
    if old and found.values("transfer-encoding"):
        faults.append("chunks for HTTP/1.0 (RFC 9112 section 6.1)")
    faults += [f"{name} is there {len(values)} times (RFC 9110 section 5.3)" for name in dict(found.fields)
               if name not in LISTS and name not in reading.SINGLE and len(values := found.values(name)) > 1]
    names, said = {name for name, _ in found.fields}, found.options
    if not all(re.fullmatch(reading.TOKEN.decode(), each, re.ASCII) for each in said):
        faults.append("Connection holds what is no option (RFC 9110 section 7.6.1)")
    faults += [f"Connection names {name}, which is for everybody (RFC 9110 section 7.6.1)"
               for name in sorted(said & names - CONNECTIONS)]
    if "keep-alive" in names - said:
        faults.append("Keep-Alive is there, and Connection does not name it (RFC 9110 section 7.6.1)")
    if any(not is_now(value) for value in found.values("date")):
        faults.append("Date is not what time it is, as RFC 9110 section 5.6.7 has it written")
    return faults


def judge(step, answer, place, request, found=None):
    """What is wrong with the Answer to a Step's request (bytes, as they were sent) at a Place, as sentences."""
    found = found or read(answer, request)
    return [*problems(step, answer, place, found), *manners(answer, found, request)]


def is_now(value):
    try:
        date = datetime.strptime(value, DATE).replace(tzinfo=UTC)
    except ValueError:
        return False
    # strptime takes any day of the week, and digits without their zero
    return date.strftime(DATE) == value and abs(datetime.now(UTC) - date) < SLOW_CLOCK


def problems(step, answer, place, found=None):
    """How an Answer differs from what a Step demands, as sentences; none: it keeps the contract.

    place: what stands for {mount} and the like (see `Place.fillings`). found: what `read` has made of the answer.
    """
    wrong = problems_of_the_programs(step, answer, place, found)
    return list(problems_of_its_own(answer)) if wrong and answer.status in step.own else wrong


def problems_of_the_programs(step, answer, place, found):
    if answer.status != step.status:
        return [f"status {answer.status or 'none'}, not {step.status}"]
    if not step.status:
        return []
    wrong = [] if answer.complete else ["the answer was cut off"]
    if step.continued and 100 not in answer.informational:
        wrong.append('no "100 Continue" came')
    # Any answer may bring an ETag.
    expected = {"etag": lambda got: got is None or ETAG.fullmatch(got), **filled(step.headers, place.fillings)}
    body = filled(step.body, place.fillings)
    got = answer.compared()
    wrong += length_problems(step, expected.pop("content-length", None), got.pop("content-length", None), body, answer)
    for name in sorted(expected.keys() | got.keys()):
        if not matches(spelled(name, expected.get(name)), got.get(name), spelled(name, got.get(name))):
            wrong.append(f"{name}: {got.get(name)!r}, not {expected.get(name)!r}")
    if not matches(body, answer.body, answer.body):
        wrong.append("body {}, not {}".format(*map(shortened, parted(answer.body, body))))
    if found and step.reason:
        said = reading.heads(answer.raw)[-1][0].decode("latin-1").split(" ", 2)[2:]
        if said != [step.reason]:
            wrong.append(f"reason {' '.join(said)!r}, not {step.reason!r}")
    if found and step.upgrade_option and "upgrade" not in found.options:
        wrong.append("Connection does not name Upgrade (RFC 9110 section 7.8)")
    return wrong


def problems_of_its_own(answer):
    """What is wrong with an answer by which the server refuses a request itself: another one than the program's."""
    if not answer.status:
        return
    if not answer.complete:
        yield "the answer was cut off"
    if more := sorted({name for name, _ in answer.headers} - OWN_FIELDS - reading.HOP_BY_HOP):
        yield f"an answer of the server's own, with {', '.join(more)}"
    if b"First!" in answer.body:  # the entry that is in the guestbook
        yield "the server refused, and the guestbook shows"


def length_problems(step, announced, got, body, answer):
    """What is wrong with Content-Length, by the method and the status (RFC 9110 section 8.6).

    A server may mark the end of the body in another way (RFC 9112 section 6.3), and leave the length out with HEAD
    (RFC 9110 section 9.3.2): who does so does not keep the behaviour "length".
    """
    if got is None:
        return []
    if step.status == 204:
        return ["Content-Length with 204 (RFC 9110 section 8.6)"]
    of_get = step.status == 304 or step.request.startswith(b"HEAD ")
    right = announced if of_get else str(len(answer.body))
    return [] if (got.lstrip("0") or got) == right else [f"content-length: {got!r}, not {right!r}"]


def matches(expected, got, meant):
    """Whether a value will do. meant: what `got` means, and what texts are compared with; patterns look at got."""
    if callable(expected):
        return expected(got)
    if isinstance(expected, re.Pattern):
        return got is not None and expected.fullmatch(got) is not None
    return expected == meant


def spelled(name, value):
    """What a text, or each of a list, means as the value of this field; anything else stays as it is.

    White space around the commas of a list says nothing (RFC 9110 section 5.6.1). Content-Type may be spelled in
    several ways (section 8.3.1 lists four). The attributes of a cookie have
    no order, and their names no case (RFC 6265 section 5.2.6, for one of them); nor has the word of SameSite.
    """
    if isinstance(value, list):
        return [spelled(name, each) for each in value]
    if name in LISTS - {"set-cookie"} and isinstance(value, str):
        return re.split(r"[ \t]*,[ \t]*", value)
    if name not in ("content-type", "set-cookie") or not isinstance(value, str):
        return value
    first, *rest = re.split(r"[ \t]*;[ \t]*", value)
    pairs = []
    for key, _, text in (each.partition("=") for each in rest):
        key = key.lower()
        if key == "charset":  # in a cookie, quotes are a part of the value
            text = re.sub(r'\A"([^"\\]*)"\Z', r"\1", text)
        pairs.append((key, text.lower() if key in ("charset", "samesite") else text))
    return (first, *sorted(pairs)) if name == "set-cookie" else (first.lower(), *pairs)


def filled(value, fillings):
    """The value with what {…} stands for put in; in a pattern it is a pattern, too."""
    if isinstance(value, dict):
        return {key: filled(each, fillings) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, fillings) for each in value]
    if callable(value):
        return value
    if isinstance(value, re.Pattern):
        escaped = {name: re.escape(each) for name, each in fillings.items()}
        return re.compile(filled(value.pattern, escaped), value.flags & ~re.UNICODE)
    for name, each in fillings.items():
        place = f"{{{name}}}"
        value = value.replace(place, each) if isinstance(value, str) else value.replace(place.encode(), each.encode())
    return value


def parted(body, right):
    """A body and the right one, as bytes: of what they begin with alike the end only. A pattern is read as text."""
    if isinstance(right, re.Pattern):
        right = re.sub(rb"\\(.)", rb"\1", right.pattern.replace(ANY_CONNECTION, b"{...}"))
    alike = next((i for i, (one, other) in enumerate(zip(body, right, strict=False)) if one != other),
                 min(len(body), len(right)))
    left_out = max(0, alike - ALIKE)
    return [(b"..." if left_out else b"") + each[left_out:] for each in (body, right)]


def shortened(body):
    text = repr(body)
    return text if len(text) < 300 else f"{text[:150]} … {text[-100:]} ({len(text)} characters)"
