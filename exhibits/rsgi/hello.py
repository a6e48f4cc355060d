"""The smallest RSGI program: one call, because nothing else has to be said."""


class Application:
    async def __rsgi__(self, scope, protocol):
        protocol.response_str(200, [("content-type", "text/plain; charset=utf-8")], "Hello, World!\n")


application = Application()
