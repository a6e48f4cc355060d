"""The same for every framework here: the guestbook behind the desk, and its sentences."""

import os
from urllib.parse import quote, unquote

from exhibits import guestbook, store

STORE = guestbook.Store(os.environ.get("GUESTBOOK", "guestbook.sqlite3"))
PAGES = os.path.join(os.path.dirname(__file__), "pages")  # one for each language of templates
SENTENCES = {404: "there is nothing here", 405: "not with this method"}
NEWEST = 20  # entries on the page
guard = guestbook.guard  # who may ask: called before anything else


def page(framework, interface, cookies=None, form=None, error=None, entries=None):
    """What the template is filled with: the entries, what the program is, and what serves it.

    cookies: of the visitor, who may have signed before. form, error: what was typed and the
    guestbook.Refused, where it was not accepted. entries: where the framework has read them
    itself. Waits for the disk.
    """
    # Bytes that are not UTF-8 come as surrogates, here and there: no page can hold these.
    known = (cookies or {}).get("name", "").encode(errors="replace").decode()
    typed = {"name": unquote(known)} if form is None else form
    texts = {name: typed.get(name, "") for name in ("name", "message")}
    if entries is None:
        entries = newest(error)
    server = os.environ.get("GUESTBOOK_STACK", "").partition(": ")[2]
    return {
        "framework": framework, "interface": interface, "entries": entries,
        "server": server or "a server that gives no name",
        "refused": error.sentence if error else "",
        **{name: text if isinstance(text, str) else "" for name, text in texts.items()},
    }


def newest(error=None):
    """The newest entries; none where they cannot be read and an error is shown already."""
    try:
        fields = "id", "at", "name", "message"
        return [dict(zip(fields, row, strict=True)) for row in STORE.newest(NEWEST)]
    except guestbook.Refused:
        if error is None:
            raise
        return []


def shows(error, accept):
    """Whether a guestbook.Refused is answered with the page: a browser's form, to be mended.

    A request the guard has refused is none of these.
    """
    return (error.status == 422 or error.status >= 500) and "text/html" in (accept or "")


def sign(form, cookies):
    """Sign with the fields of a form; return the cookies to set.

    Raises guestbook.Refused. Waits for the disk.
    """
    name, message = guestbook.checked(form)
    STORE.sign(name, message)
    return counted(name, cookies)


def counted(name, cookies):
    """The cookies for who has signed."""
    visits = guestbook.one_more(cookies.get("visits", ""))
    return {"name": quote(name, safe=""), "visits": str(visits)}


def refusal(error):
    """The guestbook.Refused for an error of a framework's database; raises any other."""
    if not isinstance(error, guestbook.Refused):
        error = store.refusal(error.__cause__, STORE.path)
    if not isinstance(error, guestbook.Refused):
        raise error
    return error


def refused(error):
    """The text for a guestbook.Refused, or for a status the framework found."""
    if not isinstance(error, guestbook.Refused):
        sentence = SENTENCES.get(error, "the framework would not have it")
        error = guestbook.Refused(error, sentence)
    return error.response().body.decode()
