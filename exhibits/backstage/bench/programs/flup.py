"""flup with the program of the measurements: `python -m ….flup fastcgi|scgi app.sock`."""

import importlib
import sys

from exhibits.backstage.bench.programs.wsgi import application

carrier = {"fastcgi": "fcgi", "scgi": "scgi"}[sys.argv[1]]
importlib.import_module(f"flup.server.{carrier}").WSGIServer(application, bindAddress=sys.argv[2]).run()
