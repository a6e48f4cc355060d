"""Who may ask the guestbook: not the pages of strangers that a visitor has open beside it."""

from exhibits.messages import Refused

# --8<-- [start:guard]
# What a server on the visitor's own machine is called, at any port. "localhost." is the
# same name, spelled to the root of all names, and nobody else's (RFC 6761 section 6.3).
OWN_NAMES = ("localhost", "localhost.", "127.0.0.1", "[::1]")
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")  # they change nothing (RFC 9110 section 9.2.1)
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def guard(method, header, hosts=None):
    """Return where the request may be served; raise Refused where a stranger's page sent it.

    Every page that is open in a browser can send requests to the servers of that machine,
    and a page whose name is made to mean 127.0.0.1 (DNS rebinding) can read the answers,
    too. The browser tells on them: Host has the name that the page used, Origin and
    Sec-Fetch-Site say where the page is from. Whoever is no browser sends neither of these
    two, and is served.

    method: the request's; "WEBSOCKET" for a handshake: one signs through what it opens.
    header: a function from a name in lower case to the value of that header field, "" or
        None where there is none.
    hosts: the names that are served besides OWN_NAMES, in lower case; None: the ones that
        the variable GUESTBOOK_HOSTS lists, with commas.
    """
    host = (header("host") or "").lower()  # HTTP/1.0 may come without
    if host:
        served = (*OWN_NAMES, *(allowed_hosts() if hosts is None else hosts))
        if name_in(host) not in served:  # RFC 9110 section 15.5.20
            raise Refused(421, "this name is not served here; to allow it, "
                          "start the exhibit with --allow-host NAME")
    # "same-site" is foreign, too: so are two ports of localhost. "none": nobody's page.
    foreign = (header("sec-fetch-site") or "").lower() not in ("", "same-origin", "none")
    if method in SAFE:
        # From elsewhere one follows a link, and gets a document. A frame would show the
        # guestbook inside the stranger's page, which could lead the visitor's clicks.
        refused = foreign and (header("sec-fetch-dest") or "document").lower() != "document"
    else:
        origin = (header("origin") or "").lower()
        refused = foreign or (origin and not is_origin(origin, host))
    if refused:
        raise Refused(403, "a page from elsewhere sent this, "
                      "and only the exhibit's own pages may")


def allowed_hosts():
    import os

    names = os.environ.get("GUESTBOOK_HOSTS", "").lower().split(",")
    return [name.strip() for name in names if name.strip()]


def name_in(host):
    """The name in the value of a Host field: "localhost" of "localhost:8000".

    What is not a name and a port (RFC 9110 section 7.2) stays as it is: no list has it.
    """
    name, colon, port = host.rpartition(":")
    is_port = port == "" or (port.isascii() and port.isdecimal())
    return name if colon and is_port else host


def is_origin(origin, host):
    """Whether a page of this origin ("http://localhost:8000") came from this host.

    The scheme stays open: a server behind a proxy does not know what the visitor sees.
    """
    scheme, _, authority = origin.partition("://")
    port = DEFAULT_PORTS.get(scheme)
    return port is not None and authority.removesuffix(port) == host.removesuffix(port)
# --8<-- [end:guard]
