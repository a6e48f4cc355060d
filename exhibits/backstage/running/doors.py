"""The exhibits that run now, written into the guestbook they share: its page links from each of them to the others.

The guestbook itself reads the table (see `guestbook.doors`). Where it cannot be written, there are no links.
"""

import os
import sqlite3
from contextlib import closing

from exhibits import catalog
from exhibits.guestbook import runs


def enter(exhibit):
    """Write a running exhibit into its guestbook."""
    stages = [door.name for door in catalog.doors()]
    place = (*stages, exhibit.stack.stage).index(exhibit.stack.stage)
    put(exhibit.guestbook, exhibit.address, exhibit.stack.name, place)


def leave(exhibit):
    """Take it out again."""
    take_out(exhibit.guestbook, exhibit.address)


def put(guestbook, url, name, place):
    """Write an address of this process into a guestbook, under a name; the links stand in the order of their places."""

    def write(db):
        db.execute("CREATE TABLE IF NOT EXISTS doors (url TEXT PRIMARY KEY, stack TEXT, place INTEGER, pid INTEGER)")
        gone = [(pid,) for (pid,) in db.execute("SELECT DISTINCT pid FROM doors") if not runs(pid)]
        db.executemany("DELETE FROM doors WHERE pid = ?", gone)
        db.execute("INSERT OR REPLACE INTO doors VALUES (?, ?, ?, ?)",
                   (url, name, place, os.getpid()))

    change(guestbook, write)


def take_out(guestbook, url):
    """The opposite of `put`."""
    if os.path.exists(guestbook):
        change(guestbook, lambda db: db.execute("DELETE FROM doors WHERE url = ? AND pid = ?", (url, os.getpid())))


def change(guestbook, write):
    """Call write with a connection. A guestbook that cannot be written stays as it is: it has no links."""
    try:
        with closing(sqlite3.connect(guestbook, timeout=1, isolation_level=None)) as db:
            write(db)
    except sqlite3.Error:
        pass
