"""The partners of the demo: what it prints works as it stands, and what it foretells is what they read."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.commands import COMITY, SECONDS_MAX, comity, environment
from tests.serving import TAXII

pytestmark = pytest.mark.slow


PATHS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
"""Where a shell finds `comity`, as the shell of who tried the demo does."""


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[list[str]]:
    """A demo that is ready, and the lines that it printed. It leaves nothing in the folder."""
    process = subprocess.Popen(
        [*COMITY, "demo", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(TMPDIR=str(folder), PATH=PATHS),
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline()]
        while "--json" not in options and "print(len(" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        yield lines
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS_MAX) == 0
        process.stdout.close()
    assert list(folder.iterdir()) == []


def ran(command: str) -> str:
    """What the command, as it was printed, says."""
    ended = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        timeout=SECONDS_MAX,
        check=False,
        text=True,
        env=environment(PATH=PATHS),
        encoding="utf-8",
    )
    assert ended.returncode == 0, (command, ended.stderr)
    return ended.stdout


def check(tries: list[str]) -> None:
    """The four commands say what the partners receive, and why."""
    preview, withheld, released, who = map(ran, tries)
    assert re.search(r"^withhold\t", preview, re.M)
    assert re.search(r"^redact\t.*its author is not named", preview, re.M)
    assert "rule\tThe recipient is not cleared for this TLP level (floor.max-tlp)" in withheld
    assert "passes if\tobject.tlp were green" in withheld
    assert "release\t" in released or "redact\t" in released
    assert re.search(r"^no\thealth-isac", who, re.M)
    assert re.search(r"^(yes|partly)\tcert-norrvik", who, re.M)


def test_the_commands_and_credentials_that_are_printed_work_as_they_stand(tmp_path: Path) -> None:
    with demo(tmp_path) as lines:
        check([line for line in lines if " --home " in line and (" release " in line or " show " in line)])
        read = [json.loads(ran(line))["objects"] for line in lines if "Authorization: Bearer" in line]
        assert [len(each) for each in read] == [3, 3]


def test_each_partner_reads_what_is_foretold(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    with demo(folder, "--json") as (line,):
        answer = json.loads(line)
        check(answer["try"])
        home, sizes = Path(answer["home"]), []
        for partner in answer["partners"]:
            asked = ("release", "preview", "--to", partner["name"])
            file = tmp_path / f"{partner['name']}.json"
            made = comity(*asked, "--stix", "-o", file, "--json", home=home).json
            read = objects_of(f"{answer['api_root']}collections/{answer['collection']}/objects/", partner["token"])
            assert json.loads(file.read_bytes())["objects"] == read
            assert made["objects"] == len(read)
            *_, last = comity(*asked, "--json", home=home).out.splitlines()
            assert json.loads(last)["summary"]["since_last_reading"] == {"read": True, "new": 0, "gone": 0}
            sizes.append(len(read))
        assert 100 < sizes[0] < sizes[1]


def objects_of(url: str, token: str) -> list[Any]:
    """All that the token reads there."""
    session = requests.Session()
    session.trust_env = False
    session.headers.update({"Authorization": f"Bearer {token}", "Accept": TAXII})
    read: list[Any] = []
    parameters: dict[str, Any] = {"limit": 200}
    while True:
        page = session.get(url, params=parameters, timeout=30).json()
        read += page["objects"]
        if not page.get("more"):
            return read
        parameters["next"] = page["next"]
