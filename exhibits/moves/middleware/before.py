"""Middleware for WSGI: one more header field in every response."""

from exhibits.wsgi.hello import application as hello


# --8<-- [start:middleware]
def unstored(application):
    def middleware(environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, ("Cache-Control", "no-store")], exc_info)

        return application(environ, start)

    return middleware
# --8<-- [end:middleware]


application = unstored(hello)
