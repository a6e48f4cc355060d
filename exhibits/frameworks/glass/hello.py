"""Vibora 0.0.6 behind glass: it needs Python 3.6, and pins of that time.

    python3.6 -m venv .vibora
    .vibora/bin/pip install pip==21.3.1 setuptools==57.5.0
    .vibora/bin/pip install --only-binary uvloop 'uvloop<0.15'
    .vibora/bin/pip install vibora==0.0.6
    .vibora/bin/python exhibits/frameworks/glass/hello.py 8000
"""

import sys

from vibora import Response, Vibora

application = Vibora()


@application.route("/hello")
async def hello():
    return Response(b"Hello, World!\n", headers={"Content-Type": "text/plain; charset=utf-8"})


if __name__ == "__main__":
    application.run(host="127.0.0.1", port=int(sys.argv[1]), workers=1)
