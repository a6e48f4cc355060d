"""The guestbook over FastCGI 1.0: the WSGI program of `exhibits/wsgi`, behind flup.

FastCGI carries what CGI put into a process: the variables, standard input,
output and error, as typed records on a socket to a process that stays. flup
unpacks them, calls the WSGI callable in a thread for each request, and packs
its answer as a CGI program would have printed it ("Status: 200 OK").

    python -m exhibits.fastcgi.app SOCKET     the path of the Unix socket to listen on
"""

import sys

from flup.server.fcgi import WSGIServer

from exhibits.wsgi.app import application


# --8<-- [start:concurrency]
def main():
    # A thread for each connection; nginx opens a connection for each request.
    WSGIServer(application, bindAddress=sys.argv[1], umask=0o077).run()
# --8<-- [end:concurrency]


if __name__ == "__main__":
    main()
