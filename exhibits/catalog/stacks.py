"""The stacks: each of them one way to reach the guestbook, started by the commands that stand here."""

from dataclasses import dataclass, field

from exhibits.catalog.parts import PARTS

# What is chosen by a word of a command needs parts besides the one that is started.
NEEDED = {
    "--http httptools": ["httptools"],
    "--http zttp": ["zttp"],
    "--loop uvloop": ["uvloop"],
    "--ws websockets": ["websockets"],
    "--ws wsproto": ["wsproto"],
    "--worker-class gevent": ["gevent", "packaging"],
    "mounted_worker.Worker": ["uvicorn-worker", "uvicorn", "websockets"],
    "--http-protocols h2": ["h2"],
    # A certificate is made when the exhibit starts (see `visiting/encrypted.py`): that needs these, and so do visitors.
    "--certfile": ["trustme", "h2", "aioquic"],
}


@dataclass(frozen=True)
class Process:
    """A process of a stack, and how it is started.

    part: the name of the part it is, "Python" for a program of ours.
    command: split into words as by a shell, then {…} is filled in (see `Exhibit.places`). {near} stands
        before the names of files in the run folder, which a program of the visitor's own leaves for its own.
    own: the command for a program of the visitor's own, where it is another one.
    speaks: to whom it speaks what, for people.
    workers: what in it serves requests, for people; drawn for the first stack of a stage.
    copies: how many processes it is.
    files: configuration copied from `exhibits/` into the run folder, host, port and mount put in.
    environ: variables it needs besides those of everybody.
    edits: (old, new) texts to change in the copied files, in this order, each found in one of them at least;
        {…} in new is filled in.
    after: a file in the run folder that has to be there first, a socket of another process.
    """

    part: str
    command: str
    speaks: str
    own: str = ""
    files: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    edits: tuple[tuple[str, str], ...] = ()
    workers: str = ""
    copies: int = 1
    after: str = ""


@dataclass(frozen=True)
class Stack:
    """One cell of the map, served by named servers.

    name: unique, "wsgi-gunicorn"; the part behind the stage's name is what `--server` takes.
    processes: in the order they are started; the last is the one visitors talk to.
    needs: parts that are used without being a process of their own and that no command shows (see `NEEDED`).
    mount_is_stripped: the server expects that somebody in front has taken the mount
        point off the path already, and puts it back itself.
    copies_program: the web server executes the program itself: it gets a copy whose
        first line names a Python, all of it readable by the user the server runs it as.
    drops_root: where root starts the server, it runs the program as nobody.
    copies_package: it needs this one from Python's packages, too.
    fixed_mount: the only mount point it can have.
    encrypted: visitors come over TLS, with this: "HTTP/2" or "HTTP/3".
    hall: one of the many that stand behind the ones every visitor is led to: tested by
        the session `hall`, and asked by `compare` where it is named.
    program_room: the folder of the program it serves, where it is not that of its stage.
    partial: the program is not the whole guestbook: it has a page, says hello, and one can sign.
    """

    name: str
    stage: str
    interface: str
    carrier: str
    processes: tuple[Process, ...]
    needs: tuple[str, ...] = ()
    mount_is_stripped: bool = False
    copies_program: bool = False
    drops_root: bool = False
    copies_package: str = ""
    fixed_mount: str = ""
    encrypted: str = ""
    hall: bool = False
    program_room: str = ""
    partial: bool = False

    @property
    def room(self):
        return self.program_room or self.stage

    @property
    def scheme(self):
        return "https" if self.encrypted else "http"

    @property
    def server(self):
        return self.name.partition("-")[2]

    @property
    def takes(self):
        """What else than the guestbook it can serve (`--app`): an interface; "" where its program is its own."""
        texts = [self.fixed_mount]
        for process in self.processes:
            texts += process.command, *(new for _, new in process.edits)
        if any("{responder}" in text for text in texts):
            return "CGI-shaped function"
        return self.interface if any("{program}" in text for text in texts) else ""

    @property
    def parts(self):
        """All that has to be installed: what is started, what the commands need for it, and the rest."""
        names = [process.part for process in self.processes]
        for words, needed in NEEDED.items():
            if any(words in process.command for process in self.processes):
                names += needed
        names += self.needs
        return [PARTS[name] for name in dict.fromkeys(names) if name in PARTS]

    @property
    def packages(self):
        """The names of what pip installs for it, besides what the museum itself needs."""
        return [part.package for part in self.parts if part.package]


def edited(command, *words):
    """The command with words exchanged: old, new, old, new …; ValueError where one is not there."""
    for old, new in zip(words[::2], words[1::2], strict=True):
        if old not in command:
            raise ValueError(f"{old!r} is not in {command!r}")
        command = command.replace(old, new, 1)
    return command


ADDRESS = ("127.0.0.1:8000", "{address}")
MODULES = ("Define MODULES /usr/lib/apache2/modules", "Define MODULES {modules}")  # Debian's; others have another
# In nginx.conf: an empty mount point becomes this one, and the path behind it may now be empty.
MOUNT = ("(?<mount>)(?<rest>/.*)", "(?<mount>{mount_pattern})(?<rest>/.*|)")


def nginx(room, carrier, behind, *edits):
    return Process("nginx", "{nginx} -p {run}/ -e stderr -c nginx.conf",
                   f"HTTP with visitors, {carrier} with {behind}", files=(f"{room}/nginx.conf",),
                   edits=(ADDRESS, MOUNT, *edits))


LIGHTTPD = (("server.port = 8000", "server.port = {port}"),
            ('server.bind = "127.0.0.1"', 'server.bind = "{bracketed}"'),
            ('["url"] == ""', '["url"] == "{mount}"'), ('=^ "/"', '=^ "{mount}/"'))


def lighttpd(room, carrier, behind):
    return Process("lighttpd", "{lighttpd} -D -f lighttpd.conf",
                   f"HTTP with visitors, {carrier} with {behind}", files=(f"{room}/lighttpd.conf",),
                   edits=(*LIGHTTPD, ('("/" =>', '("{prefix}" =>')),
                   after="app.sock")  # a program that is not there yet is asked again after seconds only


def apache(room, carrier, behind, *edits):
    """edits: what becomes of ProxyPass's "/", and more."""
    return Process("Apache", APACHE,
                   f"HTTP with visitors, {carrier} with {behind}", files=(f"{room}/apache.conf",),
                   edits=(ADDRESS, MODULES, *edits, ("127.0.0.1:9000", "127.0.0.1:{inner}")))


def flup(carrier):
    return Process("flup", "{python} -m exhibits.{room}.{program} {near}app.sock",
                   f"{carrier} on a Unix socket, WSGI with the program",
                   workers="a thread for each connection")


# No control socket (it would be opened in the home directory) and no trust in
# X-Forwarded-* and Script-Name from whoever connects, loopback included.
GUNICORN = ("{python} -m gunicorn --no-control-socket --forwarded-allow-ips= --worker-tmp-dir {run} "
            "--access-logfile - --graceful-timeout 1 exhibits.{room}.{program}:application ")
# SCRIPT_NAME in the environment is how gunicorn is told where it is mounted.
MOUNTED = {"SCRIPT_NAME": "{mount}"}
# To RFC 3875 an empty variable is no variable; some ASGI servers make an empty header field of it.
TYPE_IF_NOT_EMPTY = ("$content_type;", "$content_type if_not_empty;")
IF_NOT_EMPTY = (TYPE_IF_NOT_EMPTY, ("$content_length;", "$content_length if_not_empty;"))

WAITRESS = ("{python} -m waitress --threads 8 --server-name localhost --url-prefix={mount} "
            "--no-clear-untrusted-proxy-headers ")
# On a Unix socket, where only nginx is, who says all of this itself: waitress calls such a peer localhost.
WAITRESS_BEHIND_NGINX = edited(
    WAITRESS, "--no-clear-untrusted-proxy-headers", "--clear-untrusted-proxy-headers --trusted-proxy localhost "
    "--trusted-proxy-headers 'x-forwarded-for x-forwarded-port x-forwarded-proto'")
HYPERCORN = ("{python} -m hypercorn --root-path {mount} --access-logfile - --graceful-timeout 1 "
             "exhibits.asgi.{program}:application ")
TLS = "--bind {address} --certfile {near}cert.pem --keyfile {near}key.pem "
# nginx speaks HTTP/2 with what is behind it since 1.29.4.
HTTP2 = (("proxy_http_version 1.1;", "proxy_http_version 2;"),
         ("proxy_set_header Upgrade $http_upgrade;", ""), ("proxy_set_header Connection $connection_header;", ""))
KEEP_MOUNT = ("rewrite ^ $rest break;", "")
APACHE = "{apache} -d {run} -f {run}/apache.conf -DFOREGROUND"
# In the configuration of who starts the program by itself.
PROGRAM = (("/app.py", "/{program}.py"), ('"app.py"', '"{program}.py"'))
MOD_WSGI = (ADDRESS, MODULES, (' "/" ', ' "{prefix}" '), *PROGRAM)
RUNNING = "{python} -P -m exhibits.backstage.running."
START = RUNNING + "starters "
GRANIAN = "{python} -m granian --host {host} --port {port} --http 1 --url-path-prefix {mount} --access-log "
# One implementation of HTTP and WebSocket, whatever else is installed.
UVICORN = ("{python} -m uvicorn --http h11 --loop asyncio --ws websockets-sansio --no-proxy-headers "
           "--timeout-graceful-shutdown 1 --root-path {mount} exhibits.asgi.{program}:application ")

CGI_SERVER = "{python} -m exhibits.cgi.server --host {host} --port {port} --mount {mount} "

STACKS = (
    Stack("cgi-ours", "cgi", "CGI program", "process", (
        Process("Python", CGI_SERVER +
                "--env GUESTBOOK={guestbook} --env GUESTBOOK_HOSTS={hosts} --env GUESTBOOK_STACK={stack} "
                "{python} -I -S {root}/exhibits/cgi/{program}.py",
                "HTTP with visitors, CGI/1.1 with a new process for each request",
                own=CGI_SERVER + "{root}/exhibits/cgi/app.py",
                workers="a thread for each visitor"),
    )),
    Stack("cgi-apache", "cgi", "CGI program", "process", (
        Process("Apache", APACHE,
                "HTTP with visitors, CGI/1.1 with a new process for each request",
                files=("cgi/apache.conf",), environ={"ROOM": "{copies}/cgi"},
                edits=(ADDRESS, MODULES, ('"(?s)^', '"(?s)^{mount_pattern}'), *PROGRAM,
                       ("PassEnv GUESTBOOK\n", 'PassEnv GUESTBOOK\nSetEnv GUESTBOOK_STACK "{stack}"\n'))),
    ), copies_program=True, drops_root=True),
    Stack("cgi-lighttpd", "cgi", "CGI program", "process", (
        Process("lighttpd", "{lighttpd} -D -f lighttpd.conf",
                "HTTP with visitors, CGI/1.1 with a new process for each request",
                files=("cgi/lighttpd.conf",), environ={"ROOM": "{copies}/cgi"},
                edits=(*LIGHTTPD, ('("" =>', '("{mount}" =>'), ("/app.py", "/{program}.py"),
                       ('("GUESTBOOK"', '("GUESTBOOK_STACK" => "{stack}", "GUESTBOOK"'))),
    ), copies_program=True),
    Stack("cgi-http.server", "cgi", "CGI program", "process", (
        Process("http.server --cgi", START + "http_server {host} {port} /exhibits/cgi/{program}.py",
                "HTTP/1.0 with visitors, something like CGI/1.1 with a new process for each request"),
    ), copies_program=True, drops_root=True, fixed_mount="/exhibits/cgi/{program}.py", hall=True),
    Stack("fastcgi-flup", "fastcgi", "WSGI callable", "FastCGI",
          (flup("FastCGI"), nginx("fastcgi", "FastCGI", "flup"))),
    Stack("fastcgi-flup-single", "fastcgi", "WSGI callable", "FastCGI", (
        Process("flup", START + "flup fcgi_single {near}app.sock exhibits.wsgi.{program}",
                "FastCGI on a Unix socket, WSGI with the program, one request after the other"),
        nginx("fastcgi", "FastCGI", "flup")), hall=True),
    Stack("fastcgi-flup-fork", "fastcgi", "WSGI callable", "FastCGI", (
        Process("flup", START + "flup fcgi_fork {near}app.sock exhibits.wsgi.{program}",
                "FastCGI on a Unix socket, WSGI with the program, in 5 processes"),
        nginx("fastcgi", "FastCGI", "flup")), hall=True),
    Stack("fastcgi-uwsgi", "fastcgi", "WSGI callable", "FastCGI", (
        Process("uWSGI", "{bin}/uwsgi --ini uwsgi.ini --fastcgi-socket {near}app.sock --module exhibits.wsgi.{program}",
                "FastCGI on a Unix socket, WSGI with the program", files=("uwsgi/uwsgi.ini",)),
        nginx("fastcgi", "FastCGI", "uWSGI")), hall=True),
    Stack("fastcgi-fcgisgi", "fastcgi", "ASGI coroutine", "FastCGI", (
        Process("fcgisgi", START + "fcgisgi asgi {near}app.sock exhibits.asgi.{program}",
                "FastCGI on a Unix socket, ASGI with the program"),
        nginx("fastcgi", "FastCGI", "fcgisgi", *IF_NOT_EMPTY)), program_room="asgi", hall=True),
    Stack("fastcgi-fcgisgi-wsgi", "fastcgi", "WSGI callable", "FastCGI", (
        Process("fcgisgi", START + "fcgisgi wsgi {near}app.sock exhibits.wsgi.{program}",
                "FastCGI on a Unix socket, WSGI with the program"),
        nginx("fastcgi", "FastCGI", "fcgisgi")), hall=True),
    Stack("fastcgi-fcgiwrap", "fastcgi", "CGI program", "FastCGI", (
        Process("fcgiwrap", "{fcgiwrap} -c 4 -s unix:{run}/app.sock",
                "FastCGI on a Unix socket, CGI/1.1 with a new process for each request"),
        nginx("fastcgi", "FastCGI", "fcgiwrap",
              # NO_BUFFERING: hand on what the program prints when it does.
              ("fastcgi_param SCRIPT_NAME", "fastcgi_param SCRIPT_FILENAME \"{copies}/cgi/{program}.py\";\n"
               "            fastcgi_param NO_BUFFERING 1;\n            fastcgi_param SCRIPT_NAME"))),
        copies_program=True, program_room="cgi", hall=True),
    Stack("fastcgi-lighttpd", "fastcgi", "WSGI callable", "FastCGI",
          (flup("FastCGI"), lighttpd("fastcgi", "FastCGI", "flup")), hall=True),
    Stack("fastcgi-apache", "fastcgi", "WSGI callable", "FastCGI", (
        Process("flup", START + "flup fcgi 127.0.0.1:{inner} exhibits.wsgi.{program}",
                "FastCGI on a port, WSGI with the program"),
        apache("fastcgi", "FastCGI", "flup", (' "/" ', ' "{prefix}" '), (':9000/"', ':9000{prefix}"'),
               ("m#^", "m#^{mount_pattern}"), ('SCRIPT_NAME ""', 'SCRIPT_NAME "{mount}"'))), hall=True),
    Stack("fastcgi-fcgid", "fastcgi", "WSGI callable", "FastCGI", (
        Process("Apache", edited(APACHE, "apache.conf", "fcgid.conf"),
                "HTTP with visitors; starts flup as often as it needs it and speaks FastCGI with it",
                files=("fastcgi/fcgid.conf",), environ={"ROOM": "{copies}/fastcgi"},
                edits=(ADDRESS, MODULES, ('"(?s)^', '"(?s)^{mount_pattern}'),
                       ("PROGRAM app", 'PROGRAM {program}\nFcgidInitialEnv GUESTBOOK_STACK "{stack}"'))),
    ), needs=("mod_fcgid", "flup"), copies_program=True, drops_root=True, copies_package="flup", hall=True),
    Stack("fastcgi-ajp", "fastcgi", "WSGI callable", "AJP", (
        Process("flup", START + "flup ajp 127.0.0.1:{inner} exhibits.wsgi.{program} {mount}",
                "AJP on a port, WSGI with the program"),
        apache("uwsgi", "AJP", "flup", ("proxy_uwsgi", "proxy_ajp"), ("uwsgi://", "ajp://"),
               (' "/" ', ' "{prefix}" '), (':9000/"', ':9000{prefix}" flushpackets=on'))), hall=True),
    Stack("fastcgi-ours", "fastcgi", "CGI program", "FastCGI", (
        Process("Python", "{python} -m exhibits.fastcgi.server {near}app.sock exhibits.cgi.{responder}",
                "FastCGI on a Unix socket, calls a CGI-shaped program in a thread"),
        nginx("fastcgi", "FastCGI", "our server"))),
    Stack("scgi-flup", "scgi", "WSGI callable", "SCGI",
          (flup("SCGI"), nginx("scgi", "SCGI", "flup"))),
    Stack("scgi-flup-fork", "scgi", "WSGI callable", "SCGI", (
        Process("flup", START + "flup scgi_fork {near}app.sock exhibits.wsgi.{program}",
                "SCGI on a Unix socket, WSGI with the program, in 5 processes"),
        nginx("scgi", "SCGI", "flup")), hall=True),
    Stack("scgi-uwsgi", "scgi", "WSGI callable", "SCGI", (
        Process("uWSGI", "{bin}/uwsgi --ini uwsgi.ini --scgi-socket {near}app.sock --module exhibits.wsgi.{program}",
                "SCGI on a Unix socket, WSGI with the program", files=("uwsgi/uwsgi.ini",)),
        nginx("scgi", "SCGI", "uWSGI")), hall=True),
    Stack("scgi-aioscgi", "scgi", "ASGI coroutine", "SCGI", (
        Process("aioscgi", "{bin}/aioscgi --unix-socket {near}app.sock exhibits.asgi.{program}:application",
                "SCGI on a Unix socket, ASGI with the program"),
        nginx("scgi", "SCGI", "aioscgi", TYPE_IF_NOT_EMPTY)), program_room="asgi", hall=True),
    Stack("scgi-lighttpd", "scgi", "WSGI callable", "SCGI",
          (flup("SCGI"), lighttpd("scgi", "SCGI", "flup")), hall=True),
    Stack("scgi-apache", "scgi", "WSGI callable", "SCGI", (
        Process("flup", START + "flup scgi 127.0.0.1:{inner} exhibits.wsgi.{program}",
                "SCGI on a port, WSGI with the program"),
        apache("scgi", "SCGI", "flup", (' "/" ', ' "{mount}/" '))), hall=True),
    Stack("scgi-ours", "scgi", "CGI program", "SCGI", (
        Process("Python", "{python} -m exhibits.scgi.server {near}app.sock exhibits.cgi.{responder}",
                "SCGI on a Unix socket, calls a CGI-shaped program in a thread"),
        nginx("scgi", "SCGI", "our server"))),
    Stack("wsgi-gunicorn", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("gunicorn", GUNICORN + "--bind {address} --workers 4",
                "HTTP with visitors, WSGI with the program, in 4 processes", environ=MOUNTED,
                workers="4 processes of one thread", copies=4),
    )),
    Stack("wsgi-gthread", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("gunicorn", GUNICORN + "--bind {address} --worker-class gthread --threads 8",
                "HTTP with visitors, WSGI with the program, in 8 threads", environ=MOUNTED),
    )),
    Stack("wsgi-waitress", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("waitress", WAITRESS + "--host {host} --port {port} exhibits.wsgi.{program}:application",
                "HTTP with visitors, WSGI with the program, in 8 threads"),
    )),
    Stack("wsgi-wsgiref", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("Python", RUNNING + "wsgiref_server {host} {port} exhibits.wsgi.{program} {mount}",
                "HTTP/1.0 with visitors, WSGI with the program, checked by wsgiref.validate"),
    )),
    Stack("wsgi-gevent", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("gunicorn", GUNICORN + "--bind {address} --worker-class gevent",
                "HTTP with visitors, WSGI with the program, in one thread that changes greenlets where it waits",
                environ=MOUNTED),
    ), hall=True),
    Stack("wsgi-werkzeug", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("Werkzeug", START + "werkzeug {host} {port} exhibits.wsgi.{program} {mount}",
                "HTTP with visitors, WSGI with the program, in threads"),
    ), hall=True),
    Stack("wsgi-cheroot", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("cheroot", START + "cheroot {host} {port} exhibits.wsgi.{program} {mount}",
                "HTTP with visitors, WSGI with the program, in 10 threads"),
    ), hall=True),
    Stack("wsgi-twisted", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("Twisted", START + "twisted {host} {port} exhibits.wsgi.{program} {mount}",
                "HTTP with visitors, WSGI with the program, in 10 threads beside one event loop"),
    ), hall=True),
    Stack("wsgi-pywsgi", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("gevent", "{python} -P -m gevent.monkey --module exhibits.backstage.running.starters "
                "pywsgi {host} {port} exhibits.wsgi.{program} {mount}",
                "HTTP with visitors, WSGI with the program, in one thread that changes greenlets where it waits"),
    ), hall=True),
    Stack("wsgi-bjoern", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("bjoern", START + "bjoern {host} {port} exhibits.wsgi.{program} {mount}",
                "HTTP with visitors, WSGI with the program, one request after the other; all of the server in C"),
    ), hall=True),
    Stack("wsgi-uwsgi", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("uWSGI", "{bin}/uwsgi --ini uwsgi.ini --http-socket {address} --add-header Connection:close "
                "--manage-script-name --mount {mount}=exhibits.uwsgi.{program}:application",
                "HTTP with visitors, WSGI with the program", files=("uwsgi/uwsgi.ini",)),
    ), hall=True),
    Stack("wsgi-granian", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("Granian", GRANIAN + "--interface wsgi --blocking-threads 8 exhibits.wsgi.{program}:application",
                "HTTP with visitors, WSGI with the program, in 8 threads"),
    ), hall=True),
    Stack("wsgi-gunicorn-h2", "wsgi", "WSGI callable", "HTTP/2", (
        Process("gunicorn", GUNICORN + "--bind unix:{near}app.sock --worker-class gthread --threads 8 "
                "--http-protocols h2,h1 --http2-cleartext both",
                "HTTP/2 on a Unix socket, WSGI with the program, in 8 threads", environ=MOUNTED),
        nginx("asgi", "HTTP/2", "gunicorn", *HTTP2, KEEP_MOUNT)), hall=True),
    Stack("wsgi-gunicorn-tls", "wsgi", "WSGI callable", "HTTP/2", (
        Process("gunicorn", GUNICORN + "--bind {address} --worker-class gthread --threads 8 "
                "--http-protocols h2,h1 --certfile {near}cert.pem --keyfile {near}key.pem",
                "TLS and HTTP/2 with visitors, WSGI with the program, in 8 threads", environ=MOUNTED),
    ), encrypted="HTTP/2", hall=True),
    Stack("wsgi-nginx", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("waitress", WAITRESS_BEHIND_NGINX + "--unix-socket={near}one.sock exhibits.wsgi.{program}:application",
                "HTTP on a Unix socket, WSGI with the program, in 8 threads"),
        Process("waitress", WAITRESS_BEHIND_NGINX + "--unix-socket={near}two.sock exhibits.wsgi.{program}:application",
                "the same, once more"),
        Process("nginx", "{nginx} -p {run}/ -e stderr -c nginx.conf",
                "HTTP with visitors: files by itself, the rest from one waitress or the other",
                files=("wsgi/nginx.conf",), edits=(ADDRESS, MOUNT, ("location = /files", "location = {mount}/files"))),
    ), hall=True),
    Stack("wsgi-apache", "wsgi", "WSGI callable", "inside Apache", (
        Process("Apache", APACHE, "HTTP with visitors, WSGI with the program inside its own processes",
                files=("wsgi/apache.conf",), environ={"ROOM": "{copies}/wsgi"}, edits=MOD_WSGI),
    ), needs=("mod_wsgi",), copies_program=True, drops_root=True, hall=True),
    Stack("wsgi-apache-daemon", "wsgi", "WSGI callable", "inside Apache", (
        Process("Apache", APACHE + " -DDAEMON", "HTTP with visitors, WSGI with the program, in 2 processes beside it",
                files=("wsgi/apache.conf",), environ={"ROOM": "{copies}/wsgi"}, edits=MOD_WSGI),
    ), needs=("mod_wsgi",), copies_program=True, drops_root=True, hall=True),
    Stack("wsgi-ours", "wsgi", "WSGI callable", "HTTP/1.1", (
        Process("Python", "{python} -m exhibits.wsgi.server --host {host} --port {port} --mount {mount} "
                "exhibits.wsgi.{program}", "HTTP with visitors, WSGI with the program, in threads"),
    )),
    Stack("uwsgi-uwsgi", "uwsgi", "WSGI callable", "uwsgi", (
        Process("uWSGI", "{bin}/uwsgi --ini uwsgi.ini --socket {near}app.sock --module exhibits.uwsgi.{program}",
                "uwsgi on a Unix socket, WSGI with the program", files=("uwsgi/uwsgi.ini",),
                workers="2 processes of 4 threads", copies=2),
        nginx("uwsgi", "uwsgi", "uWSGI"))),
    Stack("uwsgi-gunicorn", "uwsgi", "WSGI callable", "uwsgi", (
        Process("gunicorn", GUNICORN + "--protocol uwsgi --bind unix:{near}app.sock --workers 4",
                "uwsgi on a Unix socket, WSGI with the program", environ=MOUNTED),
        # gunicorn takes no SCRIPT_NAME from the packet: it cuts its own off the whole path.
        nginx("uwsgi", "uwsgi", "gunicorn", ("PATH_INFO $rest", "PATH_INFO $uri")))),
    Stack("uwsgi-gunicorn-asgi", "uwsgi", "ASGI coroutine", "uwsgi, WebSocket", (
        Process("gunicorn", GUNICORN + "--protocol uwsgi --bind unix:{near}app.sock --worker-class asgi "
                "--root-path={mount}",
                "uwsgi on a Unix socket, ASGI with the program"),
        nginx("uwsgi", "uwsgi", "gunicorn", *IF_NOT_EMPTY)), program_room="asgi", hall=True),
    Stack("uwsgi-apache", "uwsgi", "WSGI callable", "uwsgi", (
        Process("uWSGI", "{bin}/uwsgi --ini uwsgi.ini --socket 127.0.0.1:{inner} --module exhibits.uwsgi.{program}",
                "uwsgi on a port, WSGI with the program", files=("uwsgi/uwsgi.ini",)),
        apache("uwsgi", "uwsgi", "uWSGI", (' "/" ', ' "{mount}/" '))), hall=True),
    Stack("uwsgi-ours", "uwsgi", "WSGI callable", "uwsgi", (
        Process("Python", "{python} -m exhibits.uwsgi.server {near}app.sock exhibits.wsgi.{program}",
                "uwsgi on a Unix socket, WSGI with the program, in threads"),
        nginx("uwsgi", "uwsgi", "our server"))),
    Stack("asgi-uvicorn", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("uvicorn", UVICORN + "--host {host} --port {port}",
                "HTTP and WebSocket with visitors, ASGI with the program", workers="one thread, one event loop"),
    ), mount_is_stripped=True),
    Stack("asgi-ours", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("Python", "{python} -m exhibits.asgi.server --host {host} --port {port} --mount {mount} "
                "exhibits.asgi.{program}", "HTTP and WebSocket with visitors, ASGI with the program"),
    )),
    Stack("asgi-hypercorn", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("hypercorn", HYPERCORN + "--bind {address}",
                "HTTP and WebSocket with visitors, ASGI with the program"),
    )),
    Stack("asgi-daphne", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("daphne", "{python} -m daphne --bind {host} --port {port} --root-path {mount} "
                "exhibits.asgi.{program}:application",
                "HTTP and WebSocket with visitors, ASGI with the program"),
    )),
    Stack("asgi-httptools", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("uvicorn", edited(UVICORN, "h11", "httptools", "asyncio", "uvloop") + "--host {host} --port {port}",
                "HTTP and WebSocket with visitors, ASGI with the program; parser and event loop in C"),
    ), mount_is_stripped=True, hall=True),
    Stack("asgi-wsproto", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("uvicorn", edited(UVICORN, "websockets-sansio", "wsproto") + "--host {host} --port {port}",
                "HTTP and WebSocket with visitors, ASGI with the program"),
    ), mount_is_stripped=True, hall=True),
    Stack("asgi-websockets", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("uvicorn", edited(UVICORN, "websockets-sansio", "websockets") + "--host {host} --port {port}",
                "HTTP and WebSocket with visitors, ASGI with the program"),
    ), mount_is_stripped=True, hall=True),
    Stack("asgi-workers", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("uvicorn", UVICORN + "--host {host} --port {port} --workers 2",
                "HTTP and WebSocket with visitors, ASGI with the program, in 2 processes"),
    ), mount_is_stripped=True, hall=True),
    Stack("asgi-zttp", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("uvicorn", edited(UVICORN, "h11", "zttp") + "--host {host} --port {port}",
                "HTTP and WebSocket with visitors, ASGI with the program; a parser in Zig, still experimental"),
    ), mount_is_stripped=True, hall=True),
    Stack("asgi-granian", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("Granian", GRANIAN + "--interface asgi exhibits.asgi.{program}:application",
                "HTTP and WebSocket with visitors, ASGI with the program"),
    ), hall=True),
    Stack("asgi-anycorn", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("Anycorn", edited(HYPERCORN, "hypercorn", "anycorn") + "--bind {address}",
                "HTTP and WebSocket with visitors, ASGI with the program; Hypercorn on AnyIO"),
    ), hall=True),
    Stack("asgi-rsgi", "asgi", "RSGI application", "HTTP/1.1, WebSocket", (
        Process("Granian", edited(GRANIAN, "--url-path-prefix {mount} ", "") + "--interface rsgi "
                "exhibits.rsgi.{program}:application",
                "HTTP and WebSocket with visitors, RSGI with the program", environ={"MOUNT": "{mount}"}),
    ), program_room="rsgi", hall=True),
    Stack("asgi-gunicorn", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("gunicorn", GUNICORN + "--bind {address} --worker-class asgi --root-path={mount}",
                "HTTP and WebSocket with visitors, ASGI with the program"),
    ), hall=True),
    Stack("asgi-uvicorn-worker", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("gunicorn", GUNICORN + "--bind {address} "
                "--worker-class exhibits.backstage.running.mounted_worker.Worker",
                "HTTP and WebSocket with visitors, ASGI with the program: it watches over Uvicorn, which does both",
                environ=MOUNTED),
    ), mount_is_stripped=True, hall=True),
    Stack("asgi-hypercorn-h2", "asgi", "ASGI coroutine", "HTTP/2", (
        Process("hypercorn", HYPERCORN + "--bind unix:{near}app.sock",
                "HTTP/2 on a Unix socket, ASGI with the program"),
        nginx("asgi", "HTTP/2", "hypercorn", *HTTP2, KEEP_MOUNT)), hall=True),
    Stack("asgi-hypercorn-tls", "asgi", "ASGI coroutine", "HTTP/2", (
        Process("hypercorn", HYPERCORN + TLS, "TLS and HTTP/2 with visitors, ASGI with the program"),
    ), encrypted="HTTP/2", hall=True),
    Stack("asgi-hypercorn-h3", "asgi", "ASGI coroutine", "HTTP/3", (
        Process("hypercorn", HYPERCORN + TLS + "--quic-bind {address}",
                "HTTP/3 over QUIC with visitors who ask for it, HTTP/2 with the others; ASGI with the program"),
    ), encrypted="HTTP/3", hall=True),
    Stack("asgi-granian-h2", "asgi", "ASGI coroutine", "HTTP/2", (
        Process("Granian", "{python} -m granian --uds {near}app.sock --http 2 --url-path-prefix {mount} "
                "--interface asgi exhibits.asgi.{program}:application",
                "HTTP/2 on a Unix socket, ASGI with the program"),
        nginx("asgi", "HTTP/2", "Granian", *HTTP2, KEEP_MOUNT)), hall=True),
    Stack("asgi-nginx", "asgi", "ASGI coroutine", "HTTP/1.1, WebSocket", (
        Process("uvicorn", edited(UVICORN, "--no-proxy-headers", "--forwarded-allow-ips *") + "--uds {near}app.sock",
                "HTTP on a Unix socket, ASGI with the program"),
        nginx("asgi", "HTTP", "uvicorn"))),
)
