"""Flask: a WSGI program."""

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

# --8<-- [start:gateway]
application = Flask(__name__)  # is called with environ and start_response
# --8<-- [end:gateway]


def plain(text, status=200):
    return Response(text, status, mimetype="text/plain")


@application.get("/hello")
def hello():
    return plain(f"Hello, {request.args.get('name', 'World')}!\n")


@application.post("/entries")
def sign():
    answer = plain("Thank you for signing.\n", 303)
    answer.location = request.script_root + "/"
    for name, value in desk.sign(request.form, request.cookies).items():
        answer.set_cookie(name, value, path=request.script_root or "/", samesite="Lax")
    return answer


@application.errorhandler(HTTPException)
def not_here(error):
    answer = error.get_response()  # with Allow, where it is 405
    answer.data, answer.mimetype = desk.refused(error.code), "text/plain"
    return answer


@application.errorhandler(Refused)
def refused(error):
    return plain(desk.refused(error), error.status)
