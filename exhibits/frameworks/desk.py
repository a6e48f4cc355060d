"""The same for every framework here: the guestbook behind the desk, and its sentences."""

import os
from urllib.parse import quote

from exhibits import guestbook

STORE = guestbook.Store(os.environ.get("GUESTBOOK", "guestbook.sqlite3"))
SENTENCES = {404: "there is nothing here", 405: "not with this method"}


def sign(form, cookies):
    """Sign with the fields of a form; return the cookies to set.

    Raises guestbook.Refused. Waits for the disk.
    """
    name, message = guestbook.checked(form)
    STORE.sign(name, message)
    return counted(name, cookies)


def counted(name, cookies):
    """The cookies for who has signed."""
    visits = cookies.get("visits", "0")
    count = int(visits) + 1 if visits.isdecimal() else 1
    return {"name": quote(name, safe=""), "visits": str(count)}


def refused(error):
    """The text for a guestbook.Refused, or for a status the framework found."""
    if not isinstance(error, guestbook.Refused):
        sentence = SENTENCES.get(error, "the framework would not have it")
        error = guestbook.Refused(error, sentence)
    return error.response().body.decode()
