"""A form in Quart: ASGI."""

from quart import Quart, render_template_string, request

application = Quart(__name__)
PAGE = """<form method="post">Hello, {{ name }}! <input name="name"></form>"""


@application.get("/")
async def form():
    return await render_template_string(PAGE, name=request.args.get("name", "World"))


@application.post("/")
async def greeted():
    name = (await request.form).get("name", "")
    return (f"Hello, {name}!\n", 200) if name else ("Who are you?\n", 422)
