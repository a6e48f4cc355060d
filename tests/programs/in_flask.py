"""What web programs do and the guestbook does not, in Flask."""

import hashlib
import tempfile
import threading
import time
from wsgiref.validate import validator

from flask import Flask, Response, redirect, request, send_file, session, url_for

flask = Flask(__name__)
flask.secret_key = "not a secret"
go, ended = threading.Event(), []
FILE = tempfile.NamedTemporaryFile(suffix=".txt")
FILE.write(b"0123456789" * 100_000)
FILE.flush()


@flask.post("/upload")
def upload():
    file = request.files["file"]
    content = file.read()
    return {"note": request.form["note"], "name": file.filename, "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest()}


@flask.get("/stream")
def stream():
    go.clear()

    def lines():
        yield b"first\n"
        go.wait(10)
        yield b"last\n"

    return Response(lines(), mimetype="text/plain")


@flask.get("/endless")
def endless():
    def lines():
        try:
            while True:
                yield b"and so on\n" * 1000
                time.sleep(0.001)
        finally:
            ended.append("endless")

    return Response(lines(), mimetype="text/plain")


@flask.get("/later")
def later():
    go.clear()
    answer = Response(iter(["accepted"]) if "streamed" in request.args else "accepted", 202)
    answer.call_on_close(lambda: go.wait(10) and ended.append("later"))
    return answer


@flask.get("/go")
def start():
    go.set()
    return "gone"


@flask.get("/ended")
def what_has_ended():
    return {"ended": ended}


@flask.get("/login")
def login():
    session["name"] = request.args["name"]
    answer = redirect(url_for("me"))
    answer.set_cookie("theme", "dark")
    answer.set_cookie("size", "large", max_age=60)
    return answer


@flask.get("/me")
def me():
    return {"name": session.get("name"), "cookies": sorted(request.cookies), "url": request.base_url}


@flask.get("/file")
def file():
    return send_file(FILE.name, conditional=True)


@flask.get("/large")
def large():
    fields = {name: value for name, value in request.headers if name.startswith("X-Large")}
    return Response(str(sum(map(len, fields.values()))), headers=fields)


@flask.get("/raise")
def fail():
    raise RuntimeError("raised by the program")


@flask.get("/raise-late")
def fail_late():
    def lines():
        yield b"some\n"
        raise RuntimeError("raised by the program")

    return Response(lines(), mimetype="text/plain")


application = validator(flask)
