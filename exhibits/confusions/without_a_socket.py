"""WSGI and ASGI without a socket: an event comes in as a dict, and the answer leaves as one.

The dicts are those of AWS Lambda behind an HTTP API (payload version 2.0). This is the server.
"""

import asyncio
import base64
import io
import sys
from urllib.parse import unquote

from exhibits.asgi.hello import application as asgi
from exhibits.wsgi.hello import application as wsgi


def fields_of(event):
    fields = dict(event["headers"])
    if event.get("cookies"):  # they come apart from the other fields
        fields["cookie"] = "; ".join(event["cookies"])
    return fields


def body_of(event):
    body = event.get("body", "").encode()
    return base64.b64decode(body) if event.get("isBase64Encoded") else body


def answer(status, headers, body):
    plain = {name: value for name, value in headers if name.lower() != "set-cookie"}
    cookies = [value for name, value in headers if name.lower() == "set-cookie"]
    return {"statusCode": status, "headers": plain, "cookies": cookies, "isBase64Encoded": True,
            "body": base64.b64encode(body).decode()}


def wsgi_handler(event, context):
    http, fields, body = event["requestContext"]["http"], fields_of(event), body_of(event)
    environ = {
        "REQUEST_METHOD": http["method"],
        "SCRIPT_NAME": "", "PATH_INFO": unquote(event["rawPath"], "latin-1"),
        "QUERY_STRING": event["rawQueryString"], "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": fields.pop("content-type", ""),
        "SERVER_NAME": fields["host"], "SERVER_PORT": "443",
        "SERVER_PROTOCOL": http["protocol"], "REMOTE_ADDR": http["sourceIp"],
        "wsgi.version": (1, 0), "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }
    fields.pop("content-length", None)
    for name, value in fields.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    head, pieces = [], []

    def start_response(status, headers, exc_info=None):
        head[:] = int(status[:3]), headers
        return pieces.append

    returned = wsgi(environ, start_response)
    try:
        pieces.extend(returned)
    finally:
        if hasattr(returned, "close"):
            returned.close()
    return answer(*head, b"".join(pieces))


def asgi_handler(event, context):
    return asyncio.run(called(event))


async def called(event):
    http, fields = event["requestContext"]["http"], fields_of(event)
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": http["protocol"][5:], "method": http["method"], "scheme": "https",
        "path": unquote(event["rawPath"]), "root_path": "",
        "query_string": event["rawQueryString"].encode(), "client": (http["sourceIp"], 0),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields.items()],
    }
    events = [{"type": "http.request", "body": body_of(event)}]
    sent, ended = [], asyncio.Event()

    async def receive():
        if events:
            return events.pop()
        await ended.wait()  # who listens for a visitor who leaves shall not be told so before
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if not message.get("more_body", message["type"] == "http.response.start"):
            ended.set()

    await asgi(scope, receive, send)
    start, *bodies = sent
    headers = [(name.decode(), value.decode("latin-1"))
               for name, value in start.get("headers", ())]
    body = b"".join(message.get("body", b"") for message in bodies)
    return answer(start["status"], headers, body)


if __name__ == "__main__":
    event = {
        "version": "2.0", "rawPath": "/hello", "rawQueryString": "", "isBase64Encoded": False,
        "headers": {"host": "abc.example", "accept": "*/*"},
        "requestContext": {
            "http": {"method": "GET", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}},
    }
    for handler in wsgi_handler, asgi_handler:
        said = handler(event, None)
        body = base64.b64decode(said["body"])
        print(f"{handler.__name__}:", said["statusCode"], said["headers"], body)
