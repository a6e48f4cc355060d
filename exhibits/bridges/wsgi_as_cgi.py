#!/usr/bin/env -S python3 -I
"""A WSGI program as a CGI program: wsgiref makes the call from environment and pipes.

PEP 3333 borrowed CGI's names, so there is little to convert. Lost is what WSGI came
for: a process that stays. For each request Python starts anew and imports the
program, its frameworks and all.
"""

import os
import sys
from wsgiref.handlers import CGIHandler

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from exhibits.wsgi.app import application

CGIHandler().run(application)
