"""The WSGI room's smallest program, called as a CGI program by the standard library."""

import os
from wsgiref.handlers import CGIHandler

from exhibits.wsgi.hello import application

os.environ.update(REQUEST_METHOD="GET", SERVER_PROTOCOL="HTTP/1.1")
os.environ.update(SERVER_NAME="localhost", SERVER_PORT="80")
CGIHandler().run(application)
