"""An MCP server, mounted in Starlette: tools for models, beside the pages for people."""

from contextlib import asynccontextmanager

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Mount

from exhibits.frameworks import desk, in_starlette
from exhibits.guarding import OWN_NAMES, allowed_hosts
from exhibits.guestbook import Refused, checked

server = MCPServer("guestbook")


@server.tool()
def newest() -> list[dict[str, str | int]]:
    """The newest entries of the guestbook."""
    return desk.newest()


@server.tool()
def sign(name: str, message: str) -> str:
    """Sign the guestbook with a name of up to 80 and a message of up to 1,000 characters."""
    try:
        desk.STORE.sign(*checked({"name": name, "message": message}))
    except Refused as error:
        raise ToolError(error.sentence) from None
    return "Thank you for signing."


# --8<-- [start:gateway]
names = [*OWN_NAMES, *allowed_hosts()]
security = TransportSecuritySettings(  # any page in a browser may ask this machine, too
    allowed_hosts=[*names, *(f"{name}:*" for name in names)],
    allowed_origins=[f"http://{name}:*" for name in names])
# Without sessions any process may answer any request.
tools = server.streamable_http_app(
    streamable_http_path="/", stateless_http=True, json_response=True,
    transport_security=security)


@asynccontextmanager
async def lifespan(app):
    """The server sends its lifespan to the outermost program, and a Mount passes none on."""
    async with tools.router.lifespan_context(tools):  # else: "Task group is not initialized"
        yield


application = Starlette(
    routes=[*in_starlette.routes, Mount("/mcp", tools)], lifespan=lifespan,
    exception_handlers=in_starlette.handlers, middleware=in_starlette.guarded)
# --8<-- [end:gateway]
