"""Servers that are a function and not a command: python -m exhibits.backstage.running.starters NAME ARGUMENTS

Each function starts one, as its documentation says, and returns when it ends.
"""

import asyncio
import importlib
import re
import socket
import sys

from exhibits import guestbook
from exhibits.shared import sockets


def werkzeug(host, port, module, mount=""):
    """Werkzeug's development server, below a mount point."""
    from werkzeug import serving
    from werkzeug.exceptions import NotFound
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    application = DispatcherMiddleware(NotFound(), {mount: load(module)}) if mount else load(module)
    serving._log_add_style = False  # it writes colours into whatever reads its log
    serving.run_simple(host, int(port), application, threaded=True)


def cheroot(host, port, module, mount=""):
    """The server of CherryPy; its command knows no mount point."""
    from cheroot.wsgi import PathInfoDispatcher, Server

    Server((host, int(port)), PathInfoDispatcher({mount or "/": load(module)})).start()


def twisted(host, port, module, mount=""):
    """Twisted's web server, a pool of 10 threads beside its event loop; what is logged goes to standard output."""
    from twisted.internet import reactor
    from twisted.python import log
    from twisted.web.resource import Resource
    from twisted.web.server import Site
    from twisted.web.wsgi import WSGIResource

    log.startLogging(sys.stdout)
    resource = WSGIResource(reactor, reactor.getThreadPool(), load(module))
    if mount:
        program, resource = resource, Resource()
        resource.putChild(mount.strip("/").encode(), program)
    reactor.listenTCP(int(port), Site(resource), interface=host)
    reactor.run()


def pywsgi(host, port, module, mount=""):
    """gevent's own server; the standard library has to wait as gevent does: `python -m gevent.monkey`."""
    from gevent.pywsgi import WSGIServer

    WSGIServer((host, int(port)), mounted(load(module), mount)).serve_forever()


def bjoern(host, port, module, mount=""):
    """One thread and libev, in C. It is given its socket: of those it makes itself none is of IPv6."""
    from bjoern import server_run

    with sockets.listener(host, int(port)) as listening:
        listening.setblocking(False)
        server_run(listening, mounted(load(module), mount))


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


def http_server(host, port, path):
    """What `python -m http.server --cgi` does, for the program at this path: no other, and no file."""
    from http.server import CGIHTTPRequestHandler, ThreadingHTTPServer

    folder, _, program = path.rpartition("/")

    class Handler(CGIHTTPRequestHandler):
        cgi_directories = (folder,)

        def is_cgi(self):
            return super().is_cgi() and re.split("[/?]", self.cgi_info[1])[0] == program

        def send_head(self):
            return self.run_cgi() if self.is_cgi() else self.send_error(404)

        def parse_request(self):
            """Turn strangers away here: the program is handed neither Host nor Origin."""
            if not super().parse_request():
                return False
            try:
                guestbook.guard(self.command, lambda name: ", ".join(self.headers.get_all(name, ())))
            except guestbook.Refused as refused:
                response = guestbook.finish(guestbook.Request(self.command, "", "", list, "", "http"),
                                            refused.response())
                self.close_connection = True
                self.send_response(response.status, guestbook.reason(response.status))
                for name, value in response.headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(response.body)
                return False
            return True

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    Server((host, int(port)), Handler).serve_forever()


def mounted(application, mount):
    """The program below a mount point, for servers that know none."""
    def below(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path != mount and not path.startswith(mount + "/"):
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return []
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = mount, path[len(mount):]
        return application(environ, start_response)

    return below if mount else application


def load(module):
    return importlib.import_module(module).application


if __name__ == "__main__":
    START = {each.__name__: each for each in (werkzeug, cheroot, twisted, pywsgi, bjoern, flup, fcgisgi, http_server)}
    START[sys.argv[1]](*sys.argv[2:])
