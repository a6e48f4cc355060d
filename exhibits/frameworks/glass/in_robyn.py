"""Robyn 0.88.0 behind glass: it wants older packages than the museum has.

    python3 -m venv .robyn
    .robyn/bin/pip install robyn==0.88.0
    .robyn/bin/python exhibits/frameworks/glass/in_robyn.py 8000
"""

import sys

from robyn import Request, Robyn

application = Robyn(__file__)


@application.get("/hello")
async def hello(request: Request):
    return f"Hello, {request.query_params.get('name', 'World')}!\n"


if __name__ == "__main__":
    application.start("127.0.0.1", int(sys.argv[1]))
