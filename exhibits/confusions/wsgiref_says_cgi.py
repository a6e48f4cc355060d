"""What wsgiref's server tells a program, and how many processes answer."""

import os

from exhibits.confusions import ask, wsgiref_server

processes = set()


def application(environ, start_response):
    processes.add(os.getpid())
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = "GATEWAY_INTERFACE", "wsgi.version", "wsgi.run_once"
    return ["\n".join(f"{name}: {environ.get(name)}" for name in names).encode()]


if __name__ == "__main__":
    with wsgiref_server(application) as port:
        ask(port)
        print(ask(port))
    print("processes for two requests:", len(processes))
