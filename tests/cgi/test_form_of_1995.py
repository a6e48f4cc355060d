"""The CGI script with the cgi module, on this Python and on Python 2.7 where there is one."""

import os
import shutil
import subprocess
import sys

import pytest

from exhibits.backstage.running import ROOT

SCRIPT = str(ROOT / "exhibits" / "cgi" / "form_of_1995.py")


@pytest.mark.parametrize("python", [sys.executable, "python2.7"])
def test_a_form_is_answered(python):
    path = shutil.which(python)
    if path is None or subprocess.run([path, "-W", "ignore", "-c", "import cgi"], capture_output=True).returncode:
        pytest.skip(f"{python} has no cgi module: for Python 3.13 and later, pip install legacy-cgi")
    body = b"name=Ada+%3CL%3E"
    environ = {**os.environ, "REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/x-www-form-urlencoded",
               "CONTENT_LENGTH": str(len(body)), "PYTHONWARNINGS": "ignore"}
    said = subprocess.run([path, SCRIPT], input=body, env=environ, capture_output=True, timeout=20)
    assert said.stdout.startswith(b"Content-type: text/html\n\n"), said.stderr
    assert b"Thank you, <b>Ada &lt;L></b>, for your visit." in said.stdout
    asked = subprocess.run([path, SCRIPT], env={**environ, "REQUEST_METHOD": "GET", "QUERY_STRING": ""},
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    assert b"Thank you" not in asked.stdout and b'<form method="post">' in asked.stdout
