"""The smallest ASGI server: HTTP comes in, and a coroutine gets scope, receive and send.

    python smallest.py 8000

What it lacks:
- WebSocket and lifespan are not known.
- Each connection is closed behind its answer, as it was in HTTP/1.0.
- A body in chunks is not understood.
- A request that is wrong is not refused.
- The program does not hear that a client has left.
- A program that raises gets its traceback, and the visitor no answer, or half of one.
- There are no bounds: of waiting, of sizes, of numbers.
"""

import asyncio
import sys
from urllib.parse import unquote

from hello import application


async def visitor(reader, writer):
    """A connection, in a task: request line, header fields, an empty line, the body."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
    method, target, protocol = first.decode("latin-1").split()
    path, _, query = target.partition("?")
    fields = [line.split(b":", 1) for line in lines]
    headers = [(name.lower(), value.strip()) for name, value in fields]
    body = await reader.readexactly(int(dict(headers).get(b"content-length", 0)))
    events = [{"type": "http.request", "body": body}]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": protocol[5:],
        "method": method, "scheme": "http", "root_path": "", "path": unquote(path),
        "query_string": query.encode("latin-1"), "headers": headers,
        "client": writer.get_extra_info("peername"),
        "server": writer.get_extra_info("sockname"),
    }

    async def receive():
        return events.pop() if events else await asyncio.Future()

    async def send(event):
        if event["type"] == "http.response.start":
            fields = [b"%b: %b\r\n" % field for field in event.get("headers", ())]
            writer.write(b"HTTP/1.0 %d \r\n%b\r\n" % (event["status"], b"".join(fields)))
        elif method != "HEAD":
            writer.write(event.get("body", b""))
        await writer.drain()

    try:
        await application(scope, receive, send)
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(visitor, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
