"""X-Forwarded-For and X-Forwarded-Proto, sent by anybody on this machine: who believes them?"""

import flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from werkzeug.middleware.proxy_fix import ProxyFix

from exhibits.meetings import GUNICORN, UVICORN, ask, served

plain = flask.Flask(__name__)


@plain.get("/")
def seen():
    return f"{flask.request.scheme} from {flask.request.remote_addr}"


# --8<-- [start:cure]
fixed = ProxyFix(plain, x_for=1, x_proto=1)  # one proxy, which sets both fields itself
# --8<-- [end:cure]


async def seen_by_starlette(request):
    return PlainTextResponse(f"{request.url.scheme} from {request.client.host}")


asgi = Starlette(routes=[Route("/", seen_by_starlette)])
WAITRESS = "waitress --trusted-proxy 127.0.0.1 --trusted-proxy-headers"
FIELDS = "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"
TRIED = {
    "gunicorn": f"{GUNICORN} {{app}}:plain",
    "gunicorn --forwarded-allow-ips=": f"{GUNICORN} --forwarded-allow-ips= {{app}}:plain",
    "gunicorn, ProxyFix": f"{GUNICORN} {{app}}:fixed",
    "waitress": "python -m waitress --listen=127.0.0.1:{port} {app}:plain",
    f"{WAITRESS} …": f"python -m {WAITRESS} 'x-forwarded-for x-forwarded-proto' "
                     "--listen=127.0.0.1:{port} {app}:plain",
    "uvicorn": f"{UVICORN} {{app}}:asgi",
    "uvicorn --forwarded-allow-ips 10.0.0.1":
        f"{UVICORN} --forwarded-allow-ips 10.0.0.1 {{app}}:asgi",
    "uvicorn --no-proxy-headers": f"{UVICORN} --no-proxy-headers {{app}}:asgi",
}

if __name__ == "__main__":
    for name, command in TRIED.items():
        with served(command.replace("{app}", "exhibits.meetings.proxy_trust")) as port:
            status, said = ask(port, "/", *FIELDS)
        print(f"{name:70}{said if status == 200 else status}")
