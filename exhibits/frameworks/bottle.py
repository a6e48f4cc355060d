"""Bottle: a WSGI program, from a framework of one file."""

from bottle import Bottle, request, response

from exhibits.frameworks import desk
from exhibits.guestbook import Refused

# --8<-- [start:gateway]
application = Bottle()  # is called with environ and start_response
# --8<-- [end:gateway]


def plain(text, status=200):
    response.status, response.content_type = status, "text/plain; charset=utf-8"
    return text


@application.get("/hello")
def hello():
    return plain(f"Hello, {request.query.getunicode('name', 'World')}!\n")


@application.post("/entries")
def sign():
    try:
        cookies = desk.sign(request.forms.decode(), request.cookies)
    except Refused as error:
        return plain(desk.refused(error), error.status)
    where = f"; Path={request.script_name.rstrip('/') or '/'}; SameSite=Lax"
    for name, value in cookies.items():  # set_cookie() would write "lax"
        response.add_header("Set-Cookie", f"{name}={value}{where}")
    response.set_header("Location", request.script_name)
    return plain("Thank you for signing.\n", 303)


@application.error(404)
@application.error(405)
def not_here(error):
    return plain(desk.refused(error.status_code), error.status_code)
