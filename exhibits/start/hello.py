"""A page that says hello, in Flask."""

from flask import Flask, request

app = Flask(__name__)


@app.get("/hello")
def hello():
    return f"Hello, {request.args.get('name', 'World')}!\n", {"Content-Type": "text/plain"}
