"""One visitor sends User-Role and User_Role; two WSGI servers tell the program."""

from exhibits.confusions import ask, waitress_server, wsgiref_server


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ.get("HTTP_USER_ROLE", "").encode("latin-1")]


if __name__ == "__main__":
    for server in wsgiref_server, waitress_server:
        with server(application) as port:
            said = ask(port, "/", "User-Role: guest", "User_Role: admin")
        print(f"{server.__name__}: HTTP_USER_ROLE is {said!r}")
