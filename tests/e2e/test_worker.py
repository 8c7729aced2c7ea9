"""`comity worker` and `serve` without one, as processes."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.commands import COMITY, bundle, comity, environment, indicator
from tests.served import served_home, wait_until

from comity.node.home import open_home

pytestmark = pytest.mark.slow


def _home(folder: Path) -> Path:
    home = folder / "home"
    assert comity("init", "--name", "Test", home=home).code == 0
    assert comity("import", "-", home=home, given=bundle(*(indicator(n) for n in range(20)))).code == 0
    return home


def _behind(home: Path) -> int:
    with open_home(home) as node:
        return node.counts().text_behind


def test_draining_ends_with_everything_done(tmp_path: Path) -> None:
    home = _home(tmp_path)
    assert _behind(home) == 20
    ended = comity("worker", "--drain", "--json", home=home)
    assert (ended.code, ended.json) == (0, {"jobs": [], "failed": 0})
    assert _behind(home) == 0


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_works_until_it_is_told_to_stop(tmp_path: Path, by: signal.Signals) -> None:
    home = _home(tmp_path)
    process = subprocess.Popen([*COMITY, "worker", "--home", str(home)], stderr=subprocess.PIPE, env=environment())
    try:
        wait_until(lambda: _behind(home) == 0, seconds=20)
        process.send_signal(by)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, b"Working for Test. Ctrl-C ends it.\n")


def test_a_server_without_a_worker_leaves_what_runs_behind_to_another(tmp_path: Path) -> None:

    with served_home(tmp_path, options=("--log-json", "--no-worker")) as served:
        assert comity("import", "-", home=served.home, given=bundle(indicator(1))).code == 0
        time.sleep(2.5)
        assert _behind(served.home) == 1
        assert served.run("worker", "--drain") == {"jobs": [], "failed": 0}
        assert _behind(served.home) == 0
