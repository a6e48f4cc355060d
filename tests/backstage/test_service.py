"""What the page "In service" shows comes from the servers of today."""

import json
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from conftest import needed, require

from exhibits.backstage.recording import aged, errors, service
from exhibits.backstage.running import ROOT, version

pytestmark = pytest.mark.hall

PAGE = (ROOT / "docs" / "in-service.md").read_text(encoding="utf-8")
TRIES = 3  # a busy machine delays a signal, too
ROWS = [pytest.param(trial, number, id=f"{trial}-{number}")
        for trial, rows in service.ROWS.items() for number in range(len(rows))]


@pytest.mark.parametrize(("trial", "number"), ROWS)
def test_a_server_does_what_the_page_says(trial, number):
    if trial == "first" and not service.has_rooms():
        pytest.skip("there are no process numbers of one's own here")
    row = service.ROWS[trial][number]
    parts = service.parts_of(row)
    require(errors.stack("service", {"files": {}, "commands": "\n".join(part.name.lower() for part in parts)}))
    kept = service.recorded(trial)[number]
    for _ in range(TRIES):
        if (made := service.tried(trial, number)) == kept:
            return
    if age := aged(kept["parts"], {part.name: version(part) for part in parts}):
        warnings.warn(f"{row['run']}: {age}: nox -s record", stacklevel=1)
    else:
        assert made == kept, "stale: nox -s record"


def test_every_trial_is_recorded_and_shown():
    assert set(service.ROWS) == set(service.TRIALS) == {path.stem for path in service.FOLDER.glob("*.json")}
    assert sorted(re.findall(r"```service\n(.+)\n```", PAGE)) == sorted(service.TRIALS)
    for trial, rows in service.ROWS.items():
        assert len(service.recorded(trial)) == len(rows)


def test_every_file_that_is_run_or_shown_is_on_the_page():
    for path in service.HERE.iterdir():
        assert path.suffix == ".toml" or path.is_dir() or f'--8<-- "exhibits/service/{path.name}' in PAGE, path


def test_systemd_finds_nothing_to_complain_of(tmp_path):
    analyze = needed("systemd-analyze")
    real = {"/srv/site/venv/bin/gunicorn": shutil.which("true"), "WorkingDirectory=/srv/site": "WorkingDirectory=/"}
    for name in "site.service", "site.socket":
        (tmp_path / name).write_text(errors.exchanged((service.HERE / name).read_text(), real))
    said = subprocess.run([analyze, "verify", tmp_path / "site.service", tmp_path / "site.socket"],
                          capture_output=True, text=True)
    assert said.returncode == 0 and [line for line in said.stderr.splitlines() if "site." in line] == []


def test_the_container_starts_its_server_itself_and_not_as_root():
    lines = (service.HERE / "Dockerfile").read_text().splitlines()
    last = lines[-1].removeprefix("CMD ")
    command = json.loads(last)  # no JSON is no list, and a shell would be process 1
    assert command[0] == "gunicorn" and "0.0.0.0:8000" in command and "EXPOSE 8000" in lines
    assert any(re.fullmatch(r"USER (?!root)\w+", line) for line in lines)
    assert (Path(sys.executable).parent / command[0]).exists()


@pytest.mark.parametrize(("line", "without"), [
    ('127.0.0.1 - - [27/Nov/2026:16:30:41 +0100] "GET / HTTP/1.1" 200',
     '127.0.0.1 - - [27/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200'),
    ("[pid: 4711|app: 0] 32 bytes in 19 msecs", "[pid: …|app: 0] 32 bytes in … msecs"),
    ('\x1b[32mINFO\x1b[0m: 127.0.0.1:40312 - "GET /"', 'INFO: 127.0.0.1:… - "GET /"'),
])
def test_a_line_has_nothing_that_changes(line, without):
    assert service.plain(line) == without
