"""The entries of the guestbook, in one SQLite file: signed, read, and watched for those to come."""

from exhibits.messages import Refused, Wait

PATIENCE = 3  # seconds a writer waits for others; then it is told to come again
LOOK = 0.05  # seconds between two looks whether somebody has written, while anybody watches
HEARTBEAT = 5  # seconds: only a write finds out that a client has left
PENDING = 1000  # entries kept for a visitor who reads slowly


class Quiet(Wait):
    """A `Wait` for the next entry. Who sleeps asks again soon: it is memory that is asked, not the disk."""

    def __new__(cls, watch):
        self = super().__new__(cls, LOOK)
        self.watch = watch
        return self

    def until(self, call, ring):
        self.watch.bell = call, ring
        if self.watch.entries:  # they came in between
            call(ring)
        return HEARTBEAT


class Watch:
    """The entries after a certain one, for one visitor: an iterator of (id, JSON), and `Quiet` where there is no more.

    No step waits for the disk. It ends where a visitor has fallen too far behind: who
    comes again and names the last entry seen gets the next ones from the file.
    """

    __slots__ = ("entries", "behind", "bell", "__weakref__")

    def __init__(self, entries):
        from collections import deque

        self.entries, self.behind, self.bell = deque(entries), len(entries) > PENDING, None

    def __iter__(self):
        return self

    def __next__(self):
        if self.entries:
            return self.entries.popleft()
        if self.behind:
            raise StopIteration
        return Quiet(self)

    def add(self, entries):
        self.behind = self.behind or len(self.entries) + len(entries) > PENDING
        if not self.behind:
            self.entries.extend(entries)


class Here:
    """What a store has in one process: connections and locks, which must not cross a fork."""

    __slots__ = ("idle", "turn", "stuck", "watches", "watching", "lookout", "seen", "version")

    def __init__(self):
        from _thread import allocate_lock

        self.idle = []  # (file, connection) that nobody uses now
        self.turn, self.stuck = allocate_lock(), False  # of writers; whether the last one waited in vain
        self.watches, self.watching = None, allocate_lock()  # who watches; held by who changes this and what follows
        self.lookout, self.seen, self.version = None, 0, None  # (file, connection), last id, PRAGMA data_version


class Store:
    """The entries, in one SQLite file that all stages share: threads, processes, and who comes after a `kill -9`.

    Nothing is opened until it is needed, so a server may load the program first and fork
    afterwards. What is wrong with the file is raised as `Refused`; the next call tries again.
    """

    VERSION = 1  # of the schema, in `PRAGMA user_version`; a file of an older one gets all of this
    SCHEMA = (
        # AUTOINCREMENT: an id is never used again, not even after a deletion.
        "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY AUTOINCREMENT, "
        "at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), "
        "name TEXT NOT NULL, message TEXT NOT NULL)",
    )
    # Finds what no guestbook of ours has: other tables, views and triggers, other columns.
    OTHERS = (
        "SELECT 1 FROM sqlite_master WHERE type IN ('view', 'trigger') "
        "OR tbl_name NOT IN ('entries', 'sqlite_sequence', 'doors') "
        "UNION SELECT 1 FROM (SELECT group_concat(name) AS columns FROM pragma_table_info('entries')) "
        "WHERE columns <> 'id,at,name,message'"
    )

    def __init__(self, path):
        self.path, self.real, self.processes = path, path, {}  # real: without symbolic links

    @property
    def here(self):
        from os import getpid

        # Those of a parent stay as they are: SQLite forbids a child even to close them.
        return self.processes.get(getpid()) or self.processes.setdefault(getpid(), Here())

    # ------------------------------------------------ statements

    def execute(self, sql, *values):
        """Run one statement as one transaction; return its rows. What it wrote is in the file."""
        return self.run(sql, values)[0]

    def write(self, sql, *values):
        """As `execute`, for a statement that writes: one thread of a process after the other.

        503 after PATIENCE seconds in which others held the file. From then on one writer
        waits for it, and the rest, who would take the threads of readers, are told at once.
        """
        here = self.here
        was_stuck = here.stuck
        if not here.turn.acquire(timeout=0 if was_stuck else PATIENCE):
            raise busy()
        try:
            if here.stuck and not was_stuck:  # the one before has waited for both
                raise busy()
            rows, file = self.run(sql, values)
            here.stuck = False
        except Refused as refused:
            here.stuck = refused.status == 503
            raise
        finally:
            here.turn.release()
        if file != self.file():  # it was deleted while it was written
            raise gone()
        return rows

    def run(self, sql, values):
        """(rows, file) of one statement, which has a connection to itself.

        Were it shared, the steps of two threads would mix, and an INSERT could return
        that is committed only when the other's statement ends.
        """
        from sqlite3 import Error

        idle = self.here.idle
        try:
            file, connection = self.take(idle)
            try:
                rows = connection.execute(sql, values).fetchall()
            except BaseException:
                connection.close()
                raise
        except Error as error:
            raise refusal(error, self.path) from None
        if len(idle) < 8:
            idle.append((file, connection))
        else:
            connection.close()
        return rows, file

    def file(self):
        """Which files they are that have the path now, and its write-ahead log: None where there is none.

        What is written into a log that somebody has deleted is in no file, and SQLite does not notice.
        """
        from os import stat

        found = []
        for path in self.path, f"{self.real}-wal", f"{self.real}-shm":
            try:
                status = stat(path)
                found.append((status.st_dev, status.st_ino))
            except OSError:
                found.append(None)
        return found if found[0] else None

    def take(self, idle):
        """A connection that is the caller's alone, and the file it is to."""
        file = self.file()
        while idle:
            try:
                taken = idle.pop()
            except IndexError:  # another thread was faster
                break
            if taken[0] == file:
                return taken
            taken[1].close()  # the file was deleted, or there is another in its place
        return self.connect()

    def connect(self):
        from os.path import exists, isfile, realpath

        path = self.real = realpath(self.path)
        if exists(path) and not isfile(path):
            raise Refused(500, "the guestbook is not a file")
        connection = opened(path) if exists(path) else self.set_up(path)
        try:
            outdated = version(connection) < self.VERSION
        except BaseException:
            connection.close()
            raise
        if outdated:
            connection.close()
            connection = self.set_up(path)
        file = self.file()
        if file is None:
            connection.close()
            raise gone()
        return file, connection

    def set_up(self, path):
        """Make the file, or what an older one lacks; return a connection to it."""
        from os import O_DIRECTORY, O_RDONLY, close, open, unlink
        from os.path import dirname, exists

        try:
            folder = open(dirname(path) or ".", O_RDONLY | O_DIRECTORY)  # a pipe would be waited for
        except OSError:
            raise obstacle(path) from None
        try:
            lock(folder)  # one process at a time
            if not exists(path):
                # What is left of a deleted file would be taken for a part of the new one.
                for name in (path + "-wal", path + "-shm", path + "-journal"):
                    if exists(name):
                        unlink(name)
            connection = opened(path)
            try:
                if version(connection) < self.VERSION:
                    if version(connection) == 0 and connection.execute(self.OTHERS).fetchone():
                        raise foreign()
                    connection.execute("PRAGMA journal_mode = WAL")  # readers never block the writer
                    connection.execute("BEGIN IMMEDIATE")
                    for statement in self.SCHEMA:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {self.VERSION}")
                    connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
            return connection
        except OSError:
            raise obstacle(path) from None
        finally:
            close(folder)

    def check(self):
        """Make the file where there is none. Raises Refused where it cannot be used until somebody puts it right."""
        try:
            self.newest(0)
            self.write("UPDATE entries SET id = id WHERE id = 0")
        except Refused as refused:
            if refused.status != 503:
                raise

    def close(self):
        """Close what nobody uses now; it is opened again where it is needed."""
        here = self.here
        while here.idle:
            here.idle.pop()[1].close()
        with here.watching:
            if here.lookout:
                here.lookout[1].close()
                here.lookout = None

    # ------------------------------------------------ entries

    def sign(self, name, message):
        """Add an entry; return its id. It outlives the process, and all others see it."""
        return self.write("INSERT INTO entries (name, message) VALUES (?, ?) RETURNING id", name, message)[0][0]

    def latest(self):
        """The id that was given last, 0 where there was none."""
        rows = self.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'")
        return rows[0][0] if rows else 0

    def newest(self, limit):
        """(id, at, name, message) of the newest entries, newest first."""
        return self.execute("SELECT id, at, name, message FROM entries ORDER BY id DESC LIMIT ?", limit)

    # SQLite writes the JSON: importing json would cost the CGI stage more than the query does.
    JSON = "json_object('id', id, 'at', at, 'name', name, 'message', message)"

    def newest_json(self, limit):
        """The newest entries, newest first, as one JSON array."""
        rows = self.execute(f"SELECT {self.JSON} FROM entries ORDER BY id DESC LIMIT ?", limit)
        return "[" + ",".join(row[0] for row in rows) + "]"

    def one_json(self, id):
        """One entry as JSON, or None."""
        rows = self.execute(f"SELECT {self.JSON} FROM entries WHERE id = ?", id)
        return rows[0][0] if rows else None

    def after(self, id):
        """(id, JSON) of the entries after this one, oldest first, not more than a `Watch` can keep, and one."""
        return self.execute(f"SELECT id, {self.JSON} FROM entries WHERE id > ? ORDER BY id LIMIT {PENDING + 1}", id)

    # ------------------------------------------------ watching

    def watch(self, after=None):
        """A `Watch` of the entries after the one with this id; None: of those to come.

        One thread in a process asks the file for all who watch: a CGI process of 1993
        and a WebSocket share nothing else.
        """
        from _thread import start_new_thread
        from weakref import WeakSet

        here = self.here
        with here.watching:
            self.look(here)
            missed = [] if after is None else [entry for entry in self.after(after) if entry[0] <= here.seen]
            watch = Watch(missed)
            if here.watches is None:
                start_new_thread(self.look_out, (here,))  # first: where there can be none, the next one tries again
                here.watches = WeakSet()
            here.watches.add(watch)
        return watch

    def look_out(self, here):
        """Look again and again, as long as anybody watches."""
        from time import sleep

        while True:
            sleep(LOOK)
            with here.watching:
                if not here.watches:
                    here.watches = None
                    self.look_away(here)
                    return
                try:
                    self.look(here)
                except Exception:  # the file is not there, or no memory: they hear of the next one, and by nobody else
                    pass

    def look(self, here):
        """Give to all who watch what was written since the last look."""
        from sqlite3 import Error

        try:
            if here.lookout is None or here.lookout[0] != self.file():
                self.look_away(here)
                here.lookout = self.connect()
            # It changes when another connection has written, in whatever process: cheaper than to ask for entries.
            version = here.lookout[1].execute("PRAGMA data_version").fetchone()
        except Error as error:
            self.look_away(here)
            raise refusal(error, self.path) from None
        if version == here.version:
            return
        latest = self.latest()
        if here.watches is None:
            here.seen = latest
        if latest < here.seen:  # it is another file
            here.seen = 0
        if latest > here.seen:
            entries = self.after(here.seen)
            here.seen = max(latest, entries[-1][0]) if entries else latest
            bells = {}
            for watch in here.watches:
                watch.add(entries)
                if watch.bell:
                    bells.setdefault(watch.bell[0], []).append(watch.bell[1])
                    watch.bell = None
            for call, rings in bells.items():
                try:
                    call(ring_all, rings)
                except RuntimeError:  # their event loop is closed
                    pass
        here.version = version

    def look_away(self, here):
        if here.lookout:
            here.lookout[1].close()
        here.lookout = here.version = None


def ring_all(rings):
    for ring in rings:
        ring()


def opened(path):
    from sqlite3 import connect

    return connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


def lock(folder):
    """Lock it until it is closed. Anybody who can read a folder can hold its lock: nobody waits for ever."""
    from fcntl import LOCK_EX, LOCK_NB, flock
    from time import monotonic, sleep

    end = monotonic() + PATIENCE
    while True:
        try:
            return flock(folder, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            if monotonic() > end:
                raise busy() from None
        sleep(LOOK)


def version(connection):
    return connection.execute("PRAGMA user_version").fetchone()[0]


# What may be wrong with the file. 503 where it passes by itself (RFC 9110 section 15.6.4), 507 where
# there is no room for what was sent (RFC 4918 section 11.5), 500 where somebody has to put it right.

RETRY = ("Retry-After", str(PATIENCE))


def busy():
    return Refused(503, f"others have held the guestbook for {PATIENCE} seconds, please try again", RETRY)


def gone():
    return Refused(503, "the guestbook's file was taken away just now, please try again", RETRY)


def foreign():
    return Refused(500, "the guestbook's file is the database of another program")


def obstacle(path):
    """Why a file cannot be opened."""
    from errno import EDQUOT, ENOSPC
    from os import O_CREAT, O_RDWR, R_OK, W_OK, access, close, open
    from os.path import dirname, exists, isdir

    folder = dirname(path) or "."
    if not isdir(folder):
        return Refused(500, "the folder of the guestbook is not there")
    if not access(path if exists(path) else folder, R_OK | W_OK) or not access(folder, W_OK):
        return Refused(500, "the guestbook may not be read and written here")
    try:
        close(open(path, O_RDWR | O_CREAT, 0o644))
    except OSError as error:  # the system says more than SQLite does
        if error.errno in (ENOSPC, EDQUOT):
            return no_room()
        if error.errno not in passing():
            return Refused(500, f"the guestbook cannot be opened here: {error.strerror.lower()}")
    return Refused(503, "the guestbook cannot be opened now, please try again", RETRY)


def passing():
    """The errors of a system that lacks something for a while."""
    from errno import EAGAIN, EINTR, EIO, EMFILE, ENFILE, ENOMEM

    return EAGAIN, EINTR, EIO, EMFILE, ENFILE, ENOMEM


def no_room():
    return Refused(507, "the disk is full, nothing was written")


def refusal(error, path):
    """What a visitor is told of an sqlite3.Error; itself where it is a mistake of the program."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the kind, of an extended code (sqlite.org/rescode.html)
    if code in (5, 6, 15, 17):  # BUSY, LOCKED, PROTOCOL, SCHEMA
        return busy()
    if code == 8:  # READONLY
        return Refused(500, "the guestbook is read-only here")
    if code == 13 or (code == 10 and full(path)):  # FULL, IOERR
        return no_room()
    if code == 10:
        return Refused(503, "the disk does not read or write, please try again", RETRY)
    if code == 11:  # CORRUPT
        return Refused(500, "the guestbook's file is damaged")
    if code == 14:  # CANTOPEN
        return obstacle(path)
    if code == 26:  # NOTADB
        return Refused(500, "the guestbook's file is not a database")
    if code in (1, 19, 20) and "syntax error" not in str(error):  # ERROR, CONSTRAINT, MISMATCH: tables unlike ours
        return foreign()
    return error


def full(path):
    from os import statvfs
    from os.path import dirname

    try:
        return statvfs(dirname(path) or ".").f_bavail == 0
    except OSError:
        return False
