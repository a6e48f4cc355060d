"""An ASGI server (ASGI 3.0): a coroutine for each visitor, all of them in one thread.

    python -m exhibits.asgi.server [--host 127.0.0.1] [--port 8000] [--mount /museum] MODULE

MODULE has an `application`. Here is how it begins and ends; `connection.py` is what a visitor does to us,
`exchange.py` and `conversation.py` what the program may do over HTTP and over WebSocket.

Left out: TLS, HTTP/2, processes, trust in proxies, extensions, limits on visitors and on the time a
request takes. A real server also has a parser in C, and what ten years of other people's clients taught it.
"""

import asyncio
import importlib
import os
import signal
import sys

from exhibits import command_line
from exhibits.asgi.connection import Connection
from exhibits.asgi.exchange import VERSIONS

GRACE = 0.5  # seconds to finish at the end


class Server:
    """The program with its lifespan, and the connections there are."""

    def __init__(self, application, mount, access_log):
        self.application, self.mount, self.access_log, self.tasks, self.state = application, mount, access_log, {}, {}
        self.events, self.stopping = asyncio.Queue(), asyncio.Event()

    async def main(self, host, port):
        """Serve until a signal comes; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in signal.SIGINT, signal.SIGTERM:
            loop.add_signal_handler(number, self.stopping.set)
        stop, self.program = asyncio.create_task(self.stopping.wait()), asyncio.create_task(self.live())
        answer = await self.tell("lifespan.startup", stop)
        if answer["type"] == "lifespan.startup.failed":
            log(f"the program did not start: {answer.get('message', '')}")
            return 3
        code = 0
        try:
            listening = await loop.create_server(lambda: Connection(self), host, port, backlog=1024)
            log(f"listening on {host} port {port}")
            await stop
            listening.close()
        except (OSError, OverflowError) as error:
            log(f"cannot listen on {host} port {port}: {error}")
            code = 2
        for visitor in list(self.tasks):
            (visitor.call.stop if visitor.call else visitor.transport.close)()
        if self.tasks:
            await asyncio.wait(self.tasks.values(), timeout=GRACE)
        for task in self.tasks.values():
            task.cancel()
        await self.tell("lifespan.shutdown", asyncio.create_task(asyncio.sleep(0.3)))
        return code

    async def tell(self, event, otherwise):
        """Tell the program of its start or end; return its answer, if one comes before it ends or `otherwise` does."""
        self.answer = asyncio.get_running_loop().create_future()
        self.events.put_nowait({"type": event})
        await asyncio.wait([self.answer, self.program, otherwise], return_when=asyncio.FIRST_COMPLETED)
        return self.answer.result() if self.answer.done() else {"type": "none"}

    async def live(self):
        async def send(event):
            self.answer.set_result(event)

        scope = {"type": "lifespan", "asgi": {**VERSIONS, "spec_version": "2.0"}, "state": self.state}
        try:
            await self.application(scope, self.events.get, send)
        except Exception as error:  # ASGI: "the server must continue": a program need not have a lifespan
            log(f"the program has no lifespan: {error!r}")


def log(line):
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def main():
    parser = command_line.parser("Serve an ASGI program over HTTP/1.1 and WebSocket.")
    parser.add_argument("module", help="where the application is, for example exhibits.asgi.app")
    options = parser.parse_args()
    application = importlib.import_module(options.module).application
    server = Server(application, options.mount.rstrip("/"), options.access_log)
    code = await server.main(options.host, options.port)
    sys.stdout.flush()
    os._exit(code)  # threads of the program that still wait would hold us up


if __name__ == "__main__":
    asyncio.run(main())
