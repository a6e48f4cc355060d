"""A form in Flask: WSGI."""

from flask import Flask, render_template_string, request

application = Flask(__name__)
PAGE = """<form method="post">Hello, {{ name }}! <input name="name"></form>"""


@application.get("/")
def form():
    return render_template_string(PAGE, name=request.args.get("name", "World"))


@application.post("/")
def greeted():
    name = request.form.get("name", "")
    return (f"Hello, {name}!\n", 200) if name else ("Who are you?\n", 422)
