"""A folder, served over WebDAV by WsgiDAV to whoever comes; `respond` is the same as a CGI-shaped program."""

from pathlib import Path
from wsgiref.handlers import BaseCGIHandler

from wsgidav.wsgidav_app import WsgiDAVApp

FOLDER = Path("dav").absolute()
FOLDER.mkdir(exist_ok=True)
application = WsgiDAVApp({
    "provider_mapping": {"/": str(FOLDER)},
    "simple_dc": {"user_mapping": {"*": True}},
    "lock_storage": True,
    "property_manager": True,
    "logging": {"enable": False},
    "verbose": 0,
})


def respond(environ, stdin, stdout, stderr):
    BaseCGIHandler(stdin, stdout, stderr, environ, multithread=True, multiprocess=False).run(application)
