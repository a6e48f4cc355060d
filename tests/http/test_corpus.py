"""The requests that gunicorn is tested with, which are in its source distribution, of the version that is installed."""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace

import pytest

from exhibits.backstage.running import ROOT
from exhibits.http.grammar import BadMessage
from exhibits.http.wire import Body, End, RequestReader

pytestmark = pytest.mark.hall

DECIDED = tomllib.loads((Path(__file__).parent / "corpus.toml").read_text(encoding="utf-8"))["decided"]
CACHE = ROOT / ".cache"


@pytest.fixture(scope="module")
def corpus():
    """What a file holds, by (folder, name): the bytes of the requests, and the Python that says what they are."""
    version = importlib.metadata.version("gunicorn")
    archive = CACHE / f"gunicorn-{version}.tar.gz"
    if not archive.exists():
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        if not importlib.util.find_spec("pip"):
            give_up("pip is not installed")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "gunicorn",
                   "--dest", str(CACHE), f"gunicorn=={version}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode:
            give_up(done.stderr)
    found = {}
    with tarfile.open(archive) as files:
        for member in files:
            if part := re.search(r"/tests/requests/(valid|invalid)/([\w-]+)\.(http|py)$", member.name):
                found.setdefault(part.groups()[:2], {})[part[3]] = files.extractfile(member).read()
    return {name: each for name, each in found.items() if len(each) == 2}


def unescaped(text):
    """gunicorn writes the bytes of requests with escapes, and line ends where a reader needs them."""
    escapes = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0"}
    return re.sub(rb"\\(x[\dA-Fa-f]{2}|[rnt0])",
                  lambda escape: escapes.get(escape[1]) or bytes([int(escape[1][1:], 16)]), text.replace(b"\n", b""))


def text(data):
    return data if isinstance(data, str) else data.decode()


def read(data):
    reader, found = RequestReader(), []
    messages = reader.receive(data)
    while messages and type(messages[-1]) is End:
        body = b"".join(message.data for message in messages if type(message) is Body)
        found.append((messages[0].method.decode(), messages[0].target.decode(), body))
        messages = reader.next()
    reader.close()
    return found


def test_requests_of_gunicorn_are_read_as_it_reads_them(corpus):
    wrong, used = [], set()
    for (folder, name), files in sorted(corpus.items()):
        settings = {}
        scope = {"cfg": SimpleNamespace(set=settings.__setitem__), "uri": text}
        exec(files["py"], scope)
        if settings or (hasattr(scope["cfg"], "settings") and set_by(scope["cfg"])):
            continue  # gunicorn told to be more lenient or stricter than it is by itself
        try:
            ours, said = read(unescaped(files["http"])), ""
        except BadMessage as error:
            ours, said = None, str(error)
        if folder == "valid":
            asked = scope["request"] if isinstance(scope["request"], list) else [scope["request"]]
            theirs = [(each["method"], each["uri"], each["body"]) for each in asked]
        agree = ours == theirs if folder == "valid" else ours is None
        if not agree:
            we = "refuse" if ours is None else "read"
            decided = [number for number, each in enumerate(DECIDED) if each["we"] == we and re.search(
                each.get("says", ""), said) and any(fnmatch(name, pattern) for pattern in each["files"])]
            used.update(decided[:1])
            if not decided:
                wrong.append((folder, name, said or ours))
    assert not wrong
    assert used == set(range(len(DECIDED))), "a decision that nothing needs any more"
    assert len(corpus) > 100


def set_by(config):
    """Whether a gunicorn Config differs from the one without any setting."""
    return any(setting.get() != type(setting)().get() for setting in config.settings.values())
