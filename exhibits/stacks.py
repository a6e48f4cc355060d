"""The stacks: each of them one way to reach the guestbook, started by the commands that stand here."""

from dataclasses import dataclass, field

from exhibits.parts import PARTS


@dataclass(frozen=True)
class Process:
    """A process of a stack, and how it is started.

    part: the name of the part it is, "Python" for a program of ours.
    command: split at spaces first, then {…} is filled in (see `backstage.running.places`).
    speaks: to whom it speaks what, for people.
    workers: what in it serves requests, for people; drawn for the first stack of a stage.
    copies: how many processes it is.
    files: configuration copied from `exhibits/` into the run folder, host, port and mount put in.
    environ: variables it needs besides those of everybody.
    edits: (old, new) texts to change in the copied files; {…} in new is filled in.
    """

    part: str
    command: str
    speaks: str
    files: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    edits: tuple[tuple[str, str], ...] = ()
    workers: str = ""
    copies: int = 1


@dataclass(frozen=True)
class Stack:
    """One cell of the grid, served by named servers.

    name: unique, "wsgi-gunicorn"; the part behind the stage's name is what `--server` takes.
    processes: in the order they are started; the last is the one visitors talk to.
    needs: parts that are used without being a process of their own.
    mount_is_stripped: the server expects that somebody in front has taken the mount
        point off the path already, and puts it back itself.
    copies_program: the web server executes the program itself: it gets a copy whose
        first line names a Python, all of it readable by the user the server runs it as.
    hall: one of the many that stand behind the ones every visitor is led to: tested by
        the session `grid`, and asked by `compare` where it is named.
    program_room: the folder of the program it serves, where it is not that of its stage.
    """

    name: str
    stage: str
    interface: str
    carrier: str
    processes: tuple[Process, ...]
    needs: tuple[str, ...] = ()
    mount_is_stripped: bool = False
    copies_program: bool = False
    hall: bool = False
    program_room: str = ""

    @property
    def room(self):
        return self.program_room or self.stage

    @property
    def server(self):
        return self.name.partition("-")[2]

    @property
    def parts(self):
        names = [process.part for process in self.processes] + list(self.needs)
        return [PARTS[name] for name in dict.fromkeys(names) if name in PARTS]


def nginx(room, carrier, behind, *edits):
    return Process("nginx", "{nginx} -p {run}/ -e stderr -c nginx.conf",
                   f"HTTP with visitors, {carrier} with {behind}", files=(f"{room}/nginx.conf",),
                   edits=edits)  # fmt: skip


def flup(carrier):
    return Process("flup", "{python} -m exhibits.{room}.{program} app.sock",
                   f"{carrier} on a Unix socket, WSGI with the program",
                   workers="a thread for each connection")  # fmt: skip


# No control socket (it would be opened in the home directory) and no trust in
# X-Forwarded-* and Script-Name from whoever connects, loopback included.
GUNICORN = ("{python} -m gunicorn --no-control-socket --forwarded-allow-ips= --worker-tmp-dir {run} "
            "--access-logfile - --graceful-timeout 1 exhibits.{room}.{program}:application ")  # fmt: skip
# SCRIPT_NAME in the environment is how gunicorn is told where it is mounted.
MOUNTED = {"SCRIPT_NAME": "{mount}"}
# One implementation of HTTP and WebSocket, whatever else is installed.
UVICORN = ("{python} -m uvicorn --http h11 --loop asyncio --ws websockets-sansio --no-proxy-headers "
           "--timeout-graceful-shutdown 1 --root-path {mount} exhibits.asgi.{program}:application ")  # fmt: skip

STACKS = (
    Stack("cgi-ours", "cgi", "CGI program", "process", (
        Process("Python", "{python} -m exhibits.cgi.server --host {host} --port {port} --mount {mount} "
                "--env GUESTBOOK={guestbook} {python} -I -S {root}/exhibits/cgi/{program}.py",
                "HTTP with visitors, CGI/1.1 with a new process for each request",
                workers="a thread for each visitor"),
    ), needs=("h11",)),
    Stack("cgi-apache", "cgi", "CGI program", "process", (
        Process("Apache", "{apache} -d {run} -f {run}/apache.conf -DFOREGROUND",
                "HTTP with visitors, CGI/1.1 with a new process for each request",
                files=("cgi/apache.conf",), environ={"ROOM": "{copies}/cgi"},
                edits=(('"(?s)^', '"(?s)^{mount}'), ("/app.py", "/{program}.py"))),
    ), copies_program=True),
    Stack("cgi-lighttpd", "cgi", "CGI program", "process", (
        Process("lighttpd", "{lighttpd} -D -f lighttpd.conf",
                "HTTP with visitors, CGI/1.1 with a new process for each request",
                files=("cgi/lighttpd.conf",), environ={"ROOM": "{copies}/cgi"},
                edits=(('("" =>', '("{mount}" =>'), ("/app.py", "/{program}.py"),
                       ("server.port = 8000", "server.port = {port}"),
                       ('server.bind = "127.0.0.1"', 'server.bind = "{host}"'))),
    ), copies_program=True),
    Stack("fastcgi-flup", "fastcgi", "WSGI callable", "FastCGI",
          (flup("FastCGI"), nginx("fastcgi", "FastCGI", "flup"))),
    Stack("fastcgi-ours", "fastcgi", "CGI program", "FastCGI", (
        Process("Python", "{python} -m exhibits.fastcgi.server app.sock exhibits.cgi.{responder}",
                "FastCGI on a Unix socket, calls a CGI-shaped program in a thread"),
        nginx("fastcgi", "FastCGI", "our server"))),
    Stack("scgi-flup", "scgi", "WSGI callable", "SCGI",
          (flup("SCGI"), nginx("scgi", "SCGI", "flup"))),
    Stack("scgi-ours", "scgi", "CGI program", "SCGI", (
        Process("Python", "{python} -m exhibits.scgi.server app.sock exhibits.cgi.{responder}",
                "SCGI on a Unix socket, calls a CGI-shaped program in a thread"),
        nginx("scgi", "SCGI", "our server"))),
    Stack("wsgi-gunicorn", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("gunicorn", GUNICORN + "--bind {host}:{port} --workers 4",
                "HTTP with visitors, WSGI with the program, in 4 processes", environ=MOUNTED,
                workers="4 processes of one thread", copies=4),
    )),
    Stack("wsgi-gthread", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("gunicorn", GUNICORN + "--bind {host}:{port} --worker-class gthread --threads 8",
                "HTTP with visitors, WSGI with the program, in 8 threads", environ=MOUNTED),
    )),
    Stack("wsgi-waitress", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("waitress", "{python} -m waitress --host {host} --port {port} --threads 8 --url-prefix={mount} "
                "--no-clear-untrusted-proxy-headers exhibits.wsgi.{program}:application",
                "HTTP with visitors, WSGI with the program, in 8 threads"),
    )),
    Stack("wsgi-wsgiref", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("Python", "{python} -m exhibits.backstage.wsgiref_server {host} {port} exhibits.wsgi.{program} {mount}",
                "HTTP/1.0 with visitors, WSGI with the program, checked by wsgiref.validate"),
    )),
    Stack("wsgi-ours", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("Python", "{python} -m exhibits.wsgi.server --host {host} --port {port} --mount {mount} "
                "exhibits.wsgi.{program}", "HTTP with visitors, WSGI with the program, in threads"),
    ), needs=("h11",)),
    Stack("uwsgi-uwsgi", "uwsgi", "WSGI callable", "uwsgi", (
        Process("uWSGI", "{bin}/uwsgi --ini uwsgi.ini --socket app.sock --module exhibits.uwsgi.{program}",
                "uwsgi on a Unix socket, WSGI with the program", files=("uwsgi/uwsgi.ini",),
                workers="2 processes of 4 threads", copies=2),
        nginx("uwsgi", "uwsgi", "uWSGI"))),
    Stack("uwsgi-gunicorn", "uwsgi", "WSGI callable", "uwsgi", (
        Process("gunicorn", GUNICORN + "--protocol uwsgi --bind unix:app.sock --workers 4",
                "uwsgi on a Unix socket, WSGI with the program", environ=MOUNTED),
        # gunicorn takes no SCRIPT_NAME from the packet: it cuts its own off the whole path.
        nginx("uwsgi", "uwsgi", "gunicorn", ("PATH_INFO $rest", "PATH_INFO $uri")))),
    Stack("uwsgi-ours", "uwsgi", "WSGI callable", "uwsgi", (
        Process("Python", "{python} -m exhibits.uwsgi.server app.sock exhibits.wsgi.{program}",
                "uwsgi on a Unix socket, WSGI with the program, in threads"),
        nginx("uwsgi", "uwsgi", "our server"))),
    Stack("asgi-uvicorn", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("uvicorn", UVICORN + "--host {host} --port {port}",
                "HTTP and WebSocket with visitors, ASGI with the program", workers="one thread, one event loop"),
    ), needs=("websockets",), mount_is_stripped=True),
    Stack("asgi-ours", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("Python", "{python} -m exhibits.asgi.server --host {host} --port {port} --mount {mount} "
                "exhibits.asgi.{program}", "HTTP and WebSocket with visitors, ASGI with the program"),
    ), needs=("h11",)),
    Stack("asgi-hypercorn", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("hypercorn", "{python} -m hypercorn --bind {host}:{port} --root-path {mount} --access-logfile - "
                "--graceful-timeout 1 exhibits.asgi.{program}:application",
                "HTTP and WebSocket with visitors, ASGI with the program"),
    )),
    Stack("asgi-daphne", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("daphne", "{python} -m daphne --bind {host} --port {port} --root-path {mount} "
                "exhibits.asgi.{program}:application",
                "HTTP and WebSocket with visitors, ASGI with the program"),
    )),
    Stack("asgi-nginx", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("uvicorn", UVICORN + "--uds app.sock", "HTTP on a Unix socket, ASGI with the program"),
        nginx("asgi", "HTTP", "uvicorn")), needs=("websockets",)),
)  # fmt: skip
