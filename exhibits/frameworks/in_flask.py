"""Flask: a WSGI program."""

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

# --8<-- [start:gateway]
# Is called with environ and start_response.
application = Flask(__name__, template_folder=desk.PAGES)
# --8<-- [end:gateway]


def plain(text, status=200):
    return Response(text, status, mimetype="text/plain")


def shown(**more):
    about = desk.page("Flask", "a WSGI callable", request.cookies, **more)
    return render_template("page.html", **about)


@application.before_request
def guard():
    desk.guard(request.method, request.headers.get)


@application.get("/")
def page():
    return shown()


@application.get("/hello")
def hello():
    return plain(f"Hello, {request.args.get('name', 'World')}!\n")


@application.post("/entries")
def sign():
    answer = plain("Thank you for signing.\n", 303)
    for name, value in desk.sign(request.form, request.cookies).items():
        answer.set_cookie(name, value, path=None, samesite="Lax")
    answer.location = "./"
    return answer


@application.errorhandler(HTTPException)
def not_here(error):
    answer = error.get_response()  # with Allow, where it is 405
    answer.data, answer.mimetype = desk.refused(error.code), "text/plain"
    return answer


@application.errorhandler(UnicodeDecodeError)  # of request.args, where bytes came without %
def not_a_text(error):
    return refused(Refused(400, "the query is not UTF-8"))


@application.errorhandler(Refused)
def refused(error):
    if desk.shows(error, request.headers.get("Accept")):
        return shown(form=request.form, error=error), error.status, dict(error.headers)
    return plain(desk.refused(error), error.status), dict(error.headers)
