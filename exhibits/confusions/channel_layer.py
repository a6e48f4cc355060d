"""ASGI 1, before any coroutine: server and program are processes that send each other messages.

Between them is a channel layer: queues with names. Mostly that was Redis; here it is a process
of Python's.
"""

import multiprocessing
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.managers import BaseManager
from queue import Queue
from secrets import token_hex

from exhibits.confusions import ask


class Layer:
    """The three functions that the draft asks for; receive() takes several channels there."""

    def __init__(self):
        self.queues = {}

    def new_channel(self, pattern):
        return pattern + token_hex(4)

    def send(self, channel, message):
        self.queues.setdefault(channel, Queue()).put(message)

    def receive(self, channel):
        return self.queues.setdefault(channel, Queue()).get(timeout=20)


class Broker(BaseManager):
    pass


Broker.register("Layer", Layer)


def work(layer):
    """The program: it never sees a socket. A channel's name says which visitor it answers."""
    message = layer.receive("http.request")
    print("the program received on http.request:", shown(message), flush=True)
    headers = [(b"Content-Type", b"text/plain")]
    answer = {"status": 200, "headers": headers, "content": b"Hello, World!"}
    layer.send(message["reply_channel"], answer)


def shown(message):
    return {**message, "reply_channel": message["reply_channel"].partition("!")[0] + "!…"}


class Server(BaseHTTPRequestHandler):
    """The protocol server: the visitor's socket is here."""

    def do_GET(self):
        reply = layer.new_channel("http.response!")
        layer.send("http.request", {
            "reply_channel": reply, "http_version": self.request_version[5:],
            "method": "GET", "path": self.path, "query_string": b""})
        message = layer.receive(reply)
        print("the server received on http.response!…:", message)
        self.send_response(message["status"])
        for name, value in message["headers"]:
            self.send_header(name.decode("latin-1"), value.decode("latin-1"))
        self.end_headers()
        self.wfile.write(message["content"])

    def log_request(self, *_):
        pass


if __name__ == "__main__":
    with Broker() as broker, HTTPServer(("127.0.0.1", 0), Server) as server:
        layer = broker.Layer()
        worker = multiprocessing.Process(target=work, args=[layer])
        worker.start()
        threading.Thread(target=server.handle_request).start()
        print("the visitor got", ask(server.server_port, "/hello"))
        worker.join()
