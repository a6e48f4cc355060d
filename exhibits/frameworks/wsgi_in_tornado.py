"""Tornado as a WSGI server: `WSGIContainer` calls a WSGI program for each request.

    python -m exhibits.frameworks.tornado_wsgi HOST PORT

The call blocks the event loop unless it is given threads. The whole answer is gathered
before it is sent.
"""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from tornado.httpserver import HTTPServer
from tornado.wsgi import WSGIContainer

from exhibits.wsgi.app import application

MOUNT = os.environ.get("MOUNT", "")


class Container(WSGIContainer):
    def environ(self, request):  # which has no mount point, and the whole path
        environ = super().environ(request)
        path = environ["PATH_INFO"].removeprefix(MOUNT)
        return {**environ, "SCRIPT_NAME": MOUNT, "PATH_INFO": path}


async def main(host, port):
    # --8<-- [start:gateway]
    container = Container(application, ThreadPoolExecutor(8))
    HTTPServer(container).listen(int(port), host)
    # --8<-- [end:gateway]
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
