"""A clock that is doubted, by the real command and over HTTP."""

import json
from pathlib import Path

import pytest
import requests
from tests.commands import comity
from tests.served import served

from comity.node.guard import JUMP_US, SEEN
from comity.node.home import init_home, open_home

pytestmark = pytest.mark.slow


def test_a_clock_that_is_behind_what_it_said_is_doubted_until_it_is_confirmed(tmp_path: Path) -> None:
    home = tmp_path / "node"
    init_home(home, name="CERT-A").close()
    shown = comity("clock", "show", "--json", home=home)
    assert shown.code == 0
    assert json.loads(shown.out)["doubted"] is False
    with open_home(home) as node, node.store.write() as tx:
        seen = tx.setting(SEEN)
        assert seen is not None
        body = json.loads(seen)
        # As if the machine had said so before its last boot.
        tx.put_setting(SEEN, json.dumps({**body, "wall": body["wall"] + 2 * JUMP_US, "boot": "earlier"}).encode())
    with served(home, tmp_path / "log") as running:
        told = requests.get(f"{running.url}readyz", timeout=30)
        assert told.status_code == 200
        (words,) = told.json()["cautions"]
        assert "comity clock confirm" in words
        assert b"comity_clock_doubted 1.0" in requests.get(f"{running.url}metrics", timeout=30).content
        doctor = comity("doctor", home=home)
        assert doctor.code == 1
        assert words.split(":")[0] in doctor.out
        confirmed = comity("clock", "confirm", "--json", home=home)
        assert json.loads(confirmed.out)["doubted"] is False
        assert requests.get(f"{running.url}readyz", timeout=30).json() == {"status": "ready"}
        assert b"comity_clock_doubted 0.0" in requests.get(f"{running.url}metrics", timeout=30).content
    assert comity("clock", "show", home=home).out.splitlines()[1].split()[-1] == "no"
