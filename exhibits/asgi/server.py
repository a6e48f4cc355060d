"""An ASGI server (ASGI 3.0): a task for each request, all of them in one thread.

    python -m exhibits.asgi.server [--host 127.0.0.1] [--port 8000] [--mount /museum] MODULE

MODULE has an `application`. Here is how it begins and ends; `lifespan.py` is what the program hears of that,
`connection.py` what a visitor does to us, `exchange.py` and `conversation.py` what the program may do over HTTP
and over WebSocket.

Left out: TLS, HTTP/2, processes, trust in proxies, extensions, limits on visitors and on the time a
request takes. Other servers often have a parser in C, and what years of other people's clients taught them.
"""

import asyncio
import contextlib
import os
import sys

from exhibits.asgi.connection import PIECE, Connection
from exhibits.asgi.lifespan import Lifespan
from exhibits.shared import command_line
from exhibits.shared.ends import ENDS
from exhibits.shared.log import Complaints, log, log_exception

GRACE = 0.5  # seconds for answers to be finished at the end
CLEANUP = 10  # seconds for the program to end after that
TICK = 0.25  # seconds between two looks at who takes too long


class Server:
    """The program, the connections there are, and the tasks that answer.

    stopping: set when the end has begun; cancels: whether what still runs is being cancelled.
    """

    def __init__(self, application, mount, access_log):
        self.application, self.mount, self.access_log = application, mount, access_log
        self.connections, self.tasks, self.piece = set(), set(), memoryview(bytearray(PIECE))
        self.stopping, self.cancels = asyncio.Event(), False

    async def main(self, host, port):
        """Serve until a signal comes; return the exit code."""
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time
        self.loop.set_exception_handler(Complaints(Connection))
        for number in ENDS:
            self.loop.add_signal_handler(number, self.stop)
        stopped, self.lifespan = self.loop.create_task(self.stopping.wait()), Lifespan(self.application)
        if await self.lifespan.tell("lifespan.startup", stopped) == "lifespan.startup.failed":
            return 3
        code, watch = 0, self.loop.create_task(self.watch())
        try:
            listening = await self.loop.create_server(lambda: Connection(self), host, port, backlog=1024)
            log(f"listening on {host} port {listening.sockets[0].getsockname()[1]}")
            await stopped
            listening.close()
        except (OSError, OverflowError, UnicodeError) as error:
            log(f"cannot listen on {host} port {port}: {error}")
            code = 2
        await self.end_calls()
        late = self.loop.create_task(asyncio.sleep(CLEANUP))
        await self.lifespan.tell("lifespan.shutdown", late)
        if late.done():
            log(f"the program has not ended within {CLEANUP} s: it is cut off")
        watch.cancel()
        return code

    async def end_calls(self):
        """Let what runs come to an end, for a moment."""
        for connection in list(self.connections):
            connection.stop()
        end = self.now() + GRACE
        while self.tasks and self.now() < end:
            await asyncio.wait(self.tasks, timeout=end - self.now(), return_when=asyncio.FIRST_COMPLETED)
        if self.tasks:
            log(f"{len(self.tasks)} calls of the program are cut off")
            self.cancels = True
            for task in self.tasks:
                task.cancel()
            await asyncio.wait(self.tasks, timeout=GRACE)
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0)

    def stop(self):
        if self.stopping.is_set():
            os._exit(1)  # asked twice: at once
        self.stopping.set()

    def start(self, call):
        """Run a call of the program. The loop may forget a task that waits: it is held here until it ends.

        No factory makes it: one that the program has set may run a task before anybody else has a turn.
        """
        call.task = asyncio.Task(call.run(), loop=self.loop)
        self.tasks.add(call.task)

    async def watch(self):
        """Look after the visitors' time: one clock for all is cheaper than an alarm for each."""
        while True:
            await asyncio.sleep(TICK)
            now = self.now()
            for connection in list(self.connections):
                connection.overdue(now)


async def serve(options):
    application = command_line.load(options.module, "application")
    server = Server(application, options.mount, options.access_log)
    return await server.main(options.host, options.port)


def main():
    parser = command_line.parser("Serve an ASGI program over HTTP/1.1 and WebSocket.")
    parser.add_argument("module", help="where the application is, for example exhibits.asgi.app")
    options, loop = parser.parse_args(), asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    serving = loop.create_task(serve(options))
    while not serving.done():
        try:
            loop.run_until_complete(serving)
        except BaseException:  # a SystemExit in a task of the program ends the loop, and would end the server
            if not serving.done():
                log_exception()
    code = serving.result()
    with contextlib.suppress(OSError, AttributeError):  # nobody reads what it has printed, or there is no output at all
        sys.stdout.flush()
    os._exit(code)  # threads of the program that still wait would hold us up


if __name__ == "__main__":
    main()
