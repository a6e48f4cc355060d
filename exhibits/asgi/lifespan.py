"""The life of a program, from the server's side: it is told of its start and of its end (ASGI, "Lifespan")."""

import asyncio

from exhibits.asgi.exchange import VERSIONS
from exhibits.shared.log import log, log_exception


class Lifespan:
    """program: the task of the call. state: what the program wants every request to bring with it."""

    def __init__(self, application):
        self.application, self.state, self.events = application, {}, asyncio.Queue()
        self.program = asyncio.create_task(self.run())

    async def tell(self, event, otherwise):
        """Tell the program of its start or end; return its answer, None where it ends without or `otherwise` does."""
        self.answer = asyncio.get_running_loop().create_future()
        self.events.put_nowait({"type": event})
        await asyncio.wait([self.answer, self.program, otherwise], return_when=asyncio.FIRST_COMPLETED)
        return self.answer.result() if self.answer.done() else None

    async def run(self):
        scope = {"type": "lifespan", "asgi": {**VERSIONS, "spec_version": "2.0"}, "state": self.state}
        began = False

        async def send(event):
            nonlocal began
            began = began or event["type"] == "lifespan.startup.complete"
            if event["type"].endswith(".failed"):
                what = "start" if "startup" in event["type"] else "end well"
                log(f"the program did not {what}: {event.get('message', '')}")
            if not self.answer.done():
                self.answer.set_result(event["type"])

        try:
            await self.application(scope, self.events.get, send)
        except BaseException as error:  # ASGI: "the server must continue": a program need not have a lifespan
            if began:
                log_exception()
            else:
                log(f"the program has no lifespan: {error!r}")
