"""The program of the measurements that the guestbook cannot make, as a WSGI callable."""

from exhibits.backstage.bench.programs import work


def application(environ, start_response):
    headers, body = ROUTES[environ["PATH_INFO"]](environ)
    start_response("200 OK", [("Content-Type", "text/plain"), *headers])
    return body


def hello(environ):
    return whole(b"Hello, World!\n")


def cpu(environ):
    return whole(b"%d\n" % work.compute())


def file(environ):
    wrap = environ.get("wsgi.file_wrapper", lambda opened, size: iter(lambda: opened.read(size), b""))
    return [("Content-Length", str(work.FILE.stat().st_size))], wrap(work.FILE.open("rb"), 65536)


def crash(environ):
    raise RuntimeError("as asked")


def large(environ):
    count = work.pieces(environ["QUERY_STRING"])
    return [("Content-Length", str(count * len(work.PIECE)))], (work.PIECE for _ in range(count))


def upload(environ):
    remaining = length = int(environ["CONTENT_LENGTH"])
    while remaining and (piece := environ["wsgi.input"].read(min(remaining, 65536))):
        remaining -= len(piece)
    return whole(b"%d\n" % (length - remaining))


def whole(body):
    return [("Content-Length", str(len(body)))], [body]


ROUTES = {"/hello": hello, "/cpu": cpu, "/file": file, "/crash": crash, "/large": large, "/upload": upload}
