"""What the checks of the site share: the built site, served as published, and a browser that reaches nothing else.

`nox -s site-check` builds the site first. Its checks need Chromium, so they are no part of the other tests.
"""

import gzip
import mimetypes
import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from exhibits.backstage.site.files import settings

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "site"
ZENSICAL = ROOT / ".cache" / "zensical-site"
TOOLS = Path(__file__).parent / "node_modules"
ADDRESS = settings()["site_url"]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
if os.geteuid() == 0:
    FLAGS.append("--no-sandbox")  # Chromium does not start for root with it

if not CHROMIUM:
    pytest.exit("site-check needs Chromium or Chrome on the PATH (apt install chromium)", returncode=3)
if not (SITE / "index.html").exists() or not TOOLS.exists():
    pytest.exit("start these checks by nox -s site-check, which builds the site first", returncode=3)


def pytest_addoption(parser):
    parser.addoption("--quiet-machine", action="store_true", help="hold Lighthouse's score for performance too")


# Every page by its address below the site's, and for each kind of page (the pages of one folder) the heaviest.
PAGES = {path.relative_to(SITE).as_posix().removesuffix("index.html"): path for path in sorted(SITE.rglob("*.html"))}
KINDS = {}
for address in sorted(PAGES, key=lambda address: PAGES[address].stat().st_size):
    KINDS[address.partition("/")[0]] = address
KINDS = sorted(KINDS.values())


class Published(BaseHTTPRequestHandler):
    """The site as it is published: below the path of its address, compressed, with a page for what is not there."""

    protocol_version = "HTTP/1.1"
    folder = SITE

    def do_GET(self):
        base = urlsplit(ADDRESS).path
        path = unquote(urlsplit(self.path).path)
        file = self.folder / path.removeprefix(base)
        if file.is_dir():
            file /= "index.html"
        found = path.startswith(base) and file.is_file() and ".." not in file.parts
        if not found:
            file = self.folder / "404.html"
        body = gzip.compress(file.read_bytes())
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", mimetypes.guess_type(file)[0] or "application/octet-stream")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class PublishedByZensical(Published):
    folder = ZENSICAL


@pytest.fixture(scope="session")
def served():
    """The address of the site on this machine."""
    yield from serve(Published)


@pytest.fixture(scope="session")
def served_by_zensical():
    """The address of the site as Zensical builds it."""
    yield from serve(PublishedByZensical)


def serve(handler):
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}{urlsplit(ADDRESS).path}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page of its own for a test, as wide as a desktop."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(10_000)
        yield context.new_page()
