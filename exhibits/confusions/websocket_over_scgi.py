"""A WebSocket whose program is neither ASGI nor HTTP: nginx in front, SCGI behind."""

import socket
import tempfile
import threading
import time
from pathlib import Path

from websockets.sync.client import connect

from exhibits.asgi import wire as websocket
from exhibits.backstage.running import ROOT, free_port, program
from exhibits.catalog import PARTS
from exhibits.confusions import started
from exhibits.scgi import wire as scgi


def echo(listener):
    """Answer one SCGI request with 101, then send back the first message in capital letters."""
    connection, _ = listener.accept()
    request, *_ = scgi.RequestReader().receive(connection.recv(65536))
    environ = dict(request.variables)
    accept = websocket.accept_key(environ["HTTP_SEC_WEBSOCKET_KEY"].encode()).decode()
    head = ["Status: 101 Switching Protocols", "Upgrade: websocket",
            f"Sec-WebSocket-Accept: {accept}", "", ""]
    connection.sendall("\r\n".join(head).encode())
    frames = websocket.Reader(from_client=True)
    while not (messages := frames.receive(connection.recv(65536))):
        pass
    asked = f"SCGI={environ['SCGI']} and HTTP_UPGRADE={environ['HTTP_UPGRADE']}"
    print("the program was asked with", asked)
    connection.sendall(websocket.build(websocket.Message(messages[0].data.upper())))
    connection.recv(65536)


with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
    listener.bind(f"{folder}/app.sock")
    listener.listen()
    threading.Thread(target=echo, args=[listener], daemon=True).start()
    port = free_port()
    settings = (ROOT / "exhibits/scgi/nginx.conf").read_text()
    settings = settings.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    settings = settings.replace("app.sock", f"{folder}/app.sock")
    Path(folder, "nginx.conf").write_text(settings)
    options = "-p", f"{folder}/", "-e", "stderr", "-c", "nginx.conf"
    with started(program(PARTS["nginx"]), *options):
        while True:
            try:
                visitor = connect(f"ws://127.0.0.1:{port}/", proxy=None)
                break
            except ConnectionRefusedError:  # nginx does not listen yet
                time.sleep(0.01)
        with visitor:
            visitor.send("hello")
            print("the visitor sent hello and got", visitor.recv())
