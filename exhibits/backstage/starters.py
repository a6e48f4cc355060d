"""Servers that are a function and not a command: python -m exhibits.backstage.starters NAME ARGUMENTS

Each function starts one, as its documentation says, and returns when it ends.
"""

import asyncio
import importlib
import sys


def werkzeug(host, port, module, mount=""):
    """Werkzeug's development server, below a mount point."""
    from werkzeug.exceptions import NotFound
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.serving import run_simple

    application = DispatcherMiddleware(NotFound(), {mount: load(module)}) if mount else load(module)
    run_simple(host, int(port), application, threaded=True)


def cheroot(host, port, module, mount=""):
    """The server of CherryPy; its command knows no mount point."""
    from cheroot.wsgi import PathInfoDispatcher, Server

    Server((host, int(port)), PathInfoDispatcher({mount or "/": load(module)})).start()


def flup(kind, address, module, mount=None):
    """One of flup's servers: fcgi_single, fcgi_fork, scgi_fork, ajp; address is a socket's path or HOST:PORT.

    mount: for AJP, which carries no mount point.
    """
    host, colon, port = address.rpartition(":")
    server = importlib.import_module(f"flup.server.{kind}").WSGIServer
    mounted = {} if mount is None else {"scriptName": mount}
    server(load(module), bindAddress=(host, int(port)) if colon else address, **mounted).run()


def fcgisgi(kind, address, module):
    """FastCGI in asyncio, for a program that is kind: asgi or wsgi."""
    import fcgisgi

    run = {"asgi": fcgisgi.run_asgi_server, "wsgi": fcgisgi.run_wsgi_server}[kind]
    asyncio.run(run(load(module), bind_address=address))


def http_server(host, port):
    """What `python -m http.server --cgi` does, for the programs in exhibits/cgi below the current folder."""
    from http.server import CGIHTTPRequestHandler, ThreadingHTTPServer

    class Handler(CGIHTTPRequestHandler):
        cgi_directories = ("/exhibits/cgi",)

    ThreadingHTTPServer((host, int(port)), Handler).serve_forever()


def load(module):
    return importlib.import_module(module).application


if __name__ == "__main__":
    START = {each.__name__: each for each in (werkzeug, cheroot, flup, fcgisgi, http_server)}
    START[sys.argv[1]](*sys.argv[2:])
