"""Bottle: a WSGI program, from a framework of one file."""

from bottle import Bottle, HTTPResponse, request, response, template

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

# --8<-- [start:gateway]
application = Bottle()  # is called with environ and start_response
# --8<-- [end:gateway]
PLAIN = "text/plain; charset=utf-8"


def plain(text, status=200, headers=()):
    return HTTPResponse(text, status, dict(headers), content_type=PLAIN)


def shown(**more):
    about = desk.page("Bottle", "a WSGI callable", request.cookies, **more)
    return template("bottle.tpl", about, template_lookup=[desk.PAGES])


@application.hook("before_request")
def guard():
    try:
        desk.guard(request.method, request.get_header)
    except Refused as error:
        raise plain(desk.refused(error), error.status) from None


@application.get("/")
def page():
    try:
        return shown()
    except Refused as error:
        return plain(desk.refused(error), error.status, error.headers)


@application.get("/hello")
def hello():
    return plain(f"Hello, {request.query.getunicode('name', 'World')}!\n")


@application.post("/entries")
def sign():
    try:
        form = request.forms.decode()
    except (ValueError, LookupError):  # no UTF-8, no known encoding, no type
        return plain(desk.refused(Refused(400, "a field is not UTF-8")), 400)
    try:
        cookies = desk.sign(form, request.cookies)
    except Refused as error:
        if desk.shows(error, request.get_header("Accept")):
            response.status = error.status
            response.headers.update(error.headers)
            return shown(form=form, error=error)
        return plain(desk.refused(error), error.status, error.headers)
    answer = plain("Thank you for signing.\n", 303)
    for name, value in cookies.items():
        answer.set_cookie(name, value, samesite="lax")
    answer.set_header("Location", "./")
    return answer


@application.error(400)
@application.error(404)
@application.error(405)
@application.error(413)
def not_here(error):
    response.content_type = PLAIN
    return desk.refused(error.status_code)
