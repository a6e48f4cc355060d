#!/usr/bin/env python3
"""The guestbook as Apache's mod_fcgid starts it: the socket to listen on is standard input (FastCGI section 2.2).

PROGRAM names the program of `exhibits/wsgi`; flup has to be importable.
"""

import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from flup.server.fcgi import WSGIServer

if __name__ == "__main__":
    WSGIServer(importlib.import_module("exhibits.wsgi." + os.environ.get("PROGRAM", "app")).application).run()
