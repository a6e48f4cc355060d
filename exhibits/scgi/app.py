"""The guestbook over SCGI: the WSGI program of `exhibits/wsgi`, behind flup.

SCGI is "similar to FastCGI but is designed to be easier to implement": all variables
in one netstring, then the body. The form of the answer is left open, and here it is that
of a CGI program. One connection, one request. flup reads it and calls the WSGI callable.

    python -m exhibits.scgi.app SOCKET     the path of the Unix socket to listen on
"""

import sys

from flup.server.scgi import WSGIServer

from exhibits.wsgi.app import application


# --8<-- [start:concurrency]
def main():
    # A thread for each connection, and a connection for each request.
    WSGIServer(application, bindAddress=sys.argv[1], umask=0o077).run()
# --8<-- [end:concurrency]


if __name__ == "__main__":
    main()
