"""What a stranger's page can do to a server on this machine, in Chromium.

Needs Playwright and a Chromium. Nothing leaves the machine: every name that ends in .test
means 127.0.0.1, and Chromium is told to take one port of it for a server on the internet,
and one name for one that has a certificate.
"""

import os
import shutil
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

from exhibits import catalog, contract
from exhibits.backstage.running import Exhibit, free_port

NAMES = "chromium", "chromium-browser", "google-chrome"
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
PAGE = Path(__file__).with_name("page.html").read_bytes()
ATTEMPTS = ("fetch", "json", "read", "events", "websocket")
# Where the page is from; the last has the guestbook's own port, once the stranger is gone.
PLACES = {
    "another port of localhost": ("localhost", "near"),
    "another name, served near by": ("stranger.test", "near"),
    "the internet, by http": ("stranger.test", "far"),
    "the internet, by https": ("https.test", "far"),
    "the same, and allowed": ("https.test", "far"),
    "a name made to mean 127.0.0.1": ("rebound.test", "guestbook"),
}


@contextmanager
def stranger(port):
    """A server with one page, for whoever asks for whatever, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        try:
            yield
        finally:
            server.shutdown()


def guestbook(port, guarded):
    """The guestbook behind our ASGI server, not yet started."""
    stack = catalog.find("asgi-ours")
    (process,) = stack.processes
    if not guarded:
        program = "exhibits.strangers.unguarded"
        command = process.command.replace("exhibits.asgi.{program}", program)
        stack = replace(stack, processes=(replace(process, command=command),))
    return Exhibit(stack, port=port)


@contextmanager
def chromium(far):
    """A Chromium that takes port far for one of a server on the internet."""
    flags = [
        "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, "
        "EXCLUDE 127.0.0.1, EXCLUDE localhost",
        f"--ip-address-space-overrides=127.0.0.1:{far}=public",
        f"--unsafely-treat-insecure-origin-as-secure=http://https.test:{far}",
        # Chromium does not start for root with it.
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


def sign(frame):
    """Sign in a frame, as a visitor does who is led to take it for something else."""
    try:
        frame.locator("[name=message]").fill("I was never here", timeout=1000)
        frame.locator("[name=name]").fill("frame")
        frame.locator("form button").click()
        frame.get_by_text("I was never here").last.wait_for()
    except Error:
        pass  # the guestbook is not in it


def visit(browser, place, ports, guarded):
    """Let a stranger's page try everything; return by what it has signed and read."""
    name, where = PLACES[place]
    permissions = ["local-network-access"] if "allowed" in place else []
    with browser.new_context(permissions=permissions) as context:
        page = context.new_page()
        url = f"http://{name}:{ports[where]}"
        with stranger(ports[where]):
            page.goto(url)
        with guestbook(ports["guestbook"], guarded) as exhibit:
            store = contract.seed(exhibit.guestbook)
            target = url if where == "guestbook" else f"http://localhost:{exhibit.port}"
            attempt = "([kind, target]) => attempt(kind, target)"
            read = [kind for kind in ATTEMPTS if page.evaluate(attempt, [kind, target])]
            page.evaluate("target => frame(target)", target + "/")
            sign(page.frame_locator("iframe"))
            with page.expect_navigation():
                page.evaluate("target => submit(target)", target)
            rows = store.execute("SELECT name FROM entries WHERE id > 1 ORDER BY id")
            store.close()
    return [name for name, in rows], read


def main():
    ports = {name: free_port() for name in ("near", "far", "guestbook")}
    with chromium(ports["far"]) as browser:
        print("Chromium", browser.version)
        for guarded in False, True:
            title = "As it is" if guarded else "Without the guard"
            print(f"\n{title + ', a page from':33}{'signs by':36}reads by")
            for place in PLACES:
                signed, read = visit(browser, place, ports, guarded)
                print(f"  {place:31}{', '.join(signed) or '-':36}{', '.join(read) or '-'}")


if __name__ == "__main__":
    main()
