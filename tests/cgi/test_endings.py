"""How a script may end, at our server, Apache and lighttpd: the table on CGI's page says what happens."""

import http.client
import os
import tempfile
import time
from pathlib import Path

import pytest
from conftest import require

from exhibits import catalog
from exhibits.backstage.own import target
from exhibits.backstage.running import Exhibit

pytestmark = pytest.mark.hall

SCRIPT = r"""#!/bin/sh
printf 'Content-Type: text/plain\n\nhello\n'
case $PATH_INFO in
/code) exit 3;;
/signal) kill -9 $$;;
/behind) (sleep 2.5; echo late) & ;;
esac
"""
STACKS = "cgi-ours", "cgi-apache", "cgi-lighttpd"


@pytest.fixture(scope="module", params=STACKS)
def exhibit(request):
    stack = catalog.find(request.param)
    require(stack)
    with tempfile.TemporaryDirectory(prefix="museum-test-") as folder:
        os.chmod(folder, 0o755)  # as root Apache runs programs as nobody
        script = Path(folder, "script.sh")
        script.write_text(SCRIPT)
        script.chmod(0o755)
        with Exhibit(stack, app=target.find(str(script), stack, folder)) as exhibit:
            yield exhibit


def ask(exhibit, path):
    """(the body, whether it is whole, after how many seconds)"""
    connection, start = http.client.HTTPConnection(exhibit.host, exhibit.port, timeout=10), time.monotonic()
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.status == 200
    try:
        return response.read(), True, time.monotonic() - start
    except http.client.IncompleteRead as error:
        return error.partial, False, time.monotonic() - start
    finally:
        connection.close()


def test_an_exit_code_changes_nothing(exhibit):
    assert ask(exhibit, "/code")[:2] == (b"hello\n", True)


def test_ours_alone_cuts_off_what_a_signal_has_ended(exhibit):
    assert ask(exhibit, "/signal")[:2] == (b"hello\n", exhibit.stack.server != "ours")


def test_ours_alone_does_not_wait_for_what_was_left_running(exhibit):
    body, whole, seconds = ask(exhibit, "/behind")
    ours = exhibit.stack.server == "ours"
    assert (body, whole, seconds < 2.4) == (b"hello\n" if ours else b"hello\nlate\n", True, ours)
