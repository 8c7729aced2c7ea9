"""Backups beside a node that serves, by the real commands: of one moment, whole, and nobody waits for them."""

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from tests.commands import COMITY, SECONDS_MAX, bundle, comity, environment, indicator
from tests.serving import TAXII
from tests.world import envelope

pytestmark = pytest.mark.slow

POSTED, CLIENTS, STORED = 5, 3, 6000


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The node is served by a process of its own; where."""
    with subprocess.Popen(
        [*COMITY, "serve", "--port", "0", "--json", "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()
            assert process.wait(SECONDS_MAX) == 0


class Clients:
    """Post so many objects each time, one request after the other, and write down when each was acknowledged."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url.rstrip('/')}/taxii2/root/collections/default/objects/"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": TAXII, "Content-Type": TAXII}
        self._numbers = itertools.count(1_000_000, POSTED)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        self.acknowledged: list[tuple[float, float, list[str]]] = []

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._stop.is_set():
                first = next(self._numbers)
                objects = [indicator(number) for number in range(first, first + POSTED)]
                begun = time.monotonic()
                answer = session.post(self._url, data=envelope(*objects), headers=self._headers, timeout=SECONDS_MAX)
                assert answer.json()["success_count"] == POSTED
                self.acknowledged.append((begun, time.monotonic(), [one["id"] for one in objects]))

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_backup_of_a_node_under_load_holds_whole_posts_and_all_that_were_acknowledged_before(tmp_path: Path) -> None:
    home, key, again = tmp_path / "machine" / "node", tmp_path / "key.txt", tmp_path / "again"
    assert comity("init", "--name", "A", "--recovery-key", key, home=home).code == 0
    assert comity("import", "-", home=home, given=bundle(*map(indicator, range(STORED)))).code == 0
    token = json.loads((home / "first-token.json").read_text(encoding="utf-8"))["token"]
    with served(home) as url, Clients(url, token) as clients:
        while len(clients.acknowledged) < 10:
            time.sleep(0.01)
        begun = time.monotonic()
        made = comity("backup", tmp_path / "b.age", "--verify", "--json", home=home)
        ended = time.monotonic()
    assert made.code == 0
    assert made.json["verified"]
    assert comity("restore", tmp_path / "b.age", "--key", key, home=again).code == 0
    held = {json.loads(line)["id"] for line in comity("export", "--format", "ndjson", home=again).out.splitlines()}
    assert len(held) == made.json["objects"]
    meanwhile = 0
    for sent, acknowledged, ids in clients.acknowledged:
        there = len(held.intersection(ids))
        assert there in (0, POSTED), "half a POST is in the backup"
        assert there or acknowledged > begun, "what was acknowledged before the backup began is not in it"
        assert not there or sent < ended
        meanwhile += begun < sent and acknowledged < ended
    assert meanwhile >= 20, "the load and the backup did not meet"
    waited = max(acknowledged - sent for sent, acknowledged, _ in clients.acknowledged)
    assert waited < max(3.0, (ended - begun) / 2), "a client waited for the backup"
    assert comity("doctor", home=home).code == 0
    assert not list(home.glob(".comity-*"))


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_memory_of_backup_and_restore_does_not_grow_with_the_store(tmp_path: Path) -> None:
    most: dict[int, list[int]] = {}
    for count in (2_000, 80_000):
        home, key, file = tmp_path / f"node{count}", tmp_path / f"key{count}", tmp_path / f"{count}.age"
        assert comity("init", "--name", "A", "--recovery-key", key, home=home).code == 0
        for start in range(0, count, 10_000):
            lines = bundle(*map(indicator, range(start, min(count, start + 10_000))))
            assert comity("import", "-", "-q", home=home, given=lines).code == 0
        commands = (
            ("backup", file, "--verify", "--home", home),
            ("restore", file, "--key", key, "--home", tmp_path / f"again{count}"),
        )
        most[count] = [
            int(subprocess.run([sys.executable, "-c", MEASURE, *COMITY, *map(str, command)],
                check=True, capture_output=True, env=environment()).stdout)
            for command in commands
        ]  # fmt: skip
    for small, large in zip(*most.values(), strict=True):
        assert large - small < 16 * 1024, "kilobytes of memory, for forty times as many objects"
