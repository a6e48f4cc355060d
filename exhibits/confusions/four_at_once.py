"""Four WSGI calls that each wait until all four are under way.

One at a time they would wait for ever.
"""

import threading

from exhibits.confusions import ask, waitress_server

all_four = threading.Barrier(4, timeout=10)


def application(environ, start_response):
    all_four.wait()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"one of four at once, multithread {environ['wsgi.multithread']}\n".encode()]


if __name__ == "__main__":
    with waitress_server(application, threads=4) as port:
        visitors = [threading.Thread(target=lambda: print(ask(port), end="")) for _ in range(4)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
