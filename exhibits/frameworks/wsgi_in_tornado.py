"""Tornado as a WSGI server: `WSGIContainer` calls a WSGI program for each request.

    python -m exhibits.frameworks.wsgi_in_tornado HOST PORT

The call blocks the event loop unless it is given threads. The whole answer is gathered
before it is sent.
"""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from tornado.httpserver import HTTPServer
from tornado.wsgi import WSGIContainer

from exhibits.frameworks.tornado_ending import until_told
from exhibits.wsgi.app import application

MOUNT = os.environ.get("MOUNT", "")
asked = set()  # who is not yet answered


class Container(WSGIContainer):
    def environ(self, request):  # which has no mount point, and the whole path
        environ = super().environ(request)
        path = environ["PATH_INFO"].removeprefix(MOUNT)
        return {**environ, "SCRIPT_NAME": MOUNT, "PATH_INFO": path}

    async def handle_request(self, request):
        asked.add(request)
        try:
            await super().handle_request(request)
        finally:
            asked.discard(request)


async def main(host, port):
    # --8<-- [start:gateway]
    container = Container(application, ThreadPoolExecutor(8))
    server = HTTPServer(container)
    server.listen(int(port), host)
    # --8<-- [end:gateway]
    await until_told(server, asked)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
