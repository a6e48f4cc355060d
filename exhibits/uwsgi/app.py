"""The guestbook over the uwsgi protocol: the WSGI program of `exhibits/wsgi`, loaded by uWSGI.

uwsgi (small letters) is the protocol: four bytes, then the CGI variables with
their lengths in binary. uWSGI (capitals) is the server that invented it; it
embeds Python, so there is nothing to write here but which callable to load.
How it runs stands in `uwsgi.ini`.
"""

from exhibits.wsgi.app import application

__all__ = ["application"]
