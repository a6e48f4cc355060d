"""A file and `write()` at four WSGI servers: who reads the file, and who closes it.

Who sends a file that nobody has read leaves it to the system: sendfile.
"""

import io
import sys
import tempfile
import time
from pathlib import Path

from exhibits.confusions import ask, python, started, waitress_server, wsgiref_server

told = []


class Watched(io.FileIO):
    """A file that tells, when it is closed, whether it was read."""

    was_read = False

    def read(self, size=-1):
        self.was_read = True
        return super().read(size)

    def close(self):
        if not self.closed:
            told.append("read and closed" if self.was_read else "closed, not read")
        super().close()


def application(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    path = environ.get("PATH_INFO")
    if path == "/told":
        return [text.encode() for text in told]
    if path == "/write":
        write(b"written, then ")
        return [b"returned"]
    file = Watched(__file__)
    wrapper = environ.get("wsgi.file_wrapper")  # it may be missing
    return wrapper(file, 65536) if wrapper else iter(lambda: file.read(65536), b"")


def tell(title, address):
    """What comes of it at a server."""
    whole = ask(address, "/file") == Path(__file__).read_text()
    deadline = time.monotonic() + 5
    while not (file := ask(address, "/told")) and time.monotonic() < deadline:
        time.sleep(0.01)
    written = ask(address, "/write")
    print(f"{title:10}{'whole' if whole else 'not whole'}, {file or 'never closed':18} "
          f"write(): {written}")
    told.clear()


if __name__ == "__main__":
    program = "exhibits.confusions.file_wrapper:application"
    uwsgi = Path(sys.executable).with_name("uwsgi")
    for title, *command in (
        ("gunicorn", *python(
            "gunicorn", "--no-control-socket", "--graceful-timeout", "1", program, "-b")),
        ("uWSGI", uwsgi, "--master", "--die-on-term", "--module", program, "--http-socket"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/app.sock"
            with started(*command, f"unix:{path}" if "-b" in command else path):
                tell(title, path)
    for title, server in (("waitress", waitress_server), ("wsgiref", wsgiref_server)):
        with server(application) as port:
            tell(title, port)
