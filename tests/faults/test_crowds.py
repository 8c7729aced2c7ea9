"""Beside any crowd of bad clients a good one is served in time, and the node holds no more than it may."""

import contextlib
import json
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.faults import crowds
from tests.faults.client import GONE, Client
from tests.faults.crowds import KINDS, SlowReaders
from tests.faults.homes import make_home, planted
from tests.faults.watching import look
from tests.served import COMITY, Served, served, wait_until
from tests.world import bundle, indicator

from comity.node.home import open_home
from comity.store.base import IDLE_READERS_MOST
from comity.web.app import ANSWER_BYTES_RESERVED, ANSWERS_OF_ONE_AT_ONCE
from comity.web.protocol import CONNECTIONS_MAX
from comity.web.serve import HANDLES_BESIDES

P99_SECONDS_MOST = 5.0
TURNS_LEAST = 3
PROCESSES = 2
MEMORY_RISE_MOST = PROCESSES * ANSWERS_OF_ONE_AT_ONCE * ANSWER_BYTES_RESERVED + 96 * 2**20
"""What the answers of one client may hold, and what is at work."""
HANDLES_LEFT_MOST = PROCESSES * (2 * (IDLE_READERS_MOST + 1) + 2)
"""What a store keeps that was asked by many at once: its readers and its writer, each a file and a log, and what they
share. Every crowd but the pipelining one is larger by far."""
OBJECTS_ROUTE = "/taxii2/root/collections/{collection}/objects/"
GATHERING_SECONDS_MOST, LEAVING_SECONDS_MOST = 30, 10


@contextlib.contextmanager
def crowded_node(kind: str, folder: Path, *, program: Sequence[str] = COMITY) -> Iterator[tuple[Served, str, str]]:
    """A node that holds a page of some megabytes, more than the system takes for a socket, the token of a crowd, and
    that of a good client."""
    # The crowd is in this process, and larger than what the node takes.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bad = make_home(kind, folder / "home").token
    with open_home(folder / "home") as node:
        node.receive(bundle(*(indicator(description="x" * 6000) for _ in range(1000))))
        good = node.new_token("good", read=["all"], write=["all"]).token
    options = ("--log-json", "--workers", str(PROCESSES))
    with served(folder / "home", folder / "serve.log", program=program, options=options) as running:
        try:
            yield running, bad, good
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def stand_beside(running: Served, bad: str, good: str, name: str, seconds: float) -> str:
    """A good client takes turns on a new connection each time, while the crowd is there; how that was."""
    make, count = KINDS[name]
    mob = make(running.address, bad, count=count)
    before, gathered, gone = look(running), threading.Event(), threading.Event()
    crowd = threading.Thread(target=crowds.run, args=(mob, gathered, gone))
    crowd.start()
    turns: list[float] = []
    highest = before.memory
    try:
        assert gathered.wait(GATHERING_SECONDS_MOST)
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(turns) < TURNS_LEAST:
            began = time.monotonic()
            try:
                with Client(running.address, good, timeout_seconds=30) as client:
                    client.get("collections/default/objects/", limit=10)
                    reply = client.post("default", [indicator()])
            except GONE as error:
                raise AssertionError(f"beside {name} a good client is turned away: {error!r}") from error
            assert reply.status == 202, reply
            turns.append(time.monotonic() - began)
            highest = max(highest, look(running).memory)
    finally:
        gone.set()
        crowd.join()
    p99 = sorted(turns)[int(len(turns) * 0.99)]
    words = f"{name}: {len(turns)} turns, p99 {p99:.2f} s, memory {before.memory >> 20} to {highest >> 20} MiB at most"
    assert p99 < P99_SECONDS_MOST, words
    assert highest - before.memory < MEMORY_RISE_MOST, words
    wait_until(lambda: look(running).handles <= before.handles + HANDLES_LEFT_MOST, seconds=LEAVING_SECONDS_MOST)
    return words


@pytest.mark.parametrize(
    "seconds", [pytest.param(0.7, marks=pytest.mark.slow), pytest.param(20, marks=[pytest.mark.deep])]
)
@pytest.mark.timeout(400)
def test_a_good_client_is_served_beside_every_crowd(
    tmp_path: Path, kind: str, seconds: float, figure: Callable[[object], None]
) -> None:
    with crowded_node(kind, tmp_path) as (running, bad, good):
        for name in KINDS:
            figure(stand_beside(running, bad, good, name, seconds))
    assert "Traceback" not in (tmp_path / "serve.log").read_text(encoding="utf-8")


@pytest.mark.slow
def test_nobody_works_for_those_who_asked_and_went_away(tmp_path: Path) -> None:
    with crowded_node("sqlite", tmp_path) as (running, bad, _):
        mob = SlowReaders(running.address, bad, count=100)
        mob.gather()
        mob.leave()
        log = tmp_path / "serve.log"
        wait_until(lambda: log.read_text(encoding="utf-8").count(OBJECTS_ROUTE) >= 100, seconds=LEAVING_SECONDS_MOST)
        asked = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if OBJECTS_ROUTE in line]
    answered = [line for line in asked if line["status"] == 200]
    assert len(answered) <= PROCESSES * (ANSWERS_OF_ONE_AT_ONCE + 1)
    assert {line["status"] for line in asked} <= {200, 499}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        ("keep-others-out", "one that opens many", "turned away"),
        ("hold-any-number-of-answers", "slow readers", "memory"),
    ],
)
def test_a_node_that_a_crowd_can_take_is_found(tmp_path: Path, fault: str, name: str, words: str) -> None:
    with (
        crowded_node("sqlite", tmp_path, program=planted(fault)) as (running, bad, good),
        pytest.raises(AssertionError, match=words),
    ):
        stand_beside(running, bad, good, name, 3)


@pytest.mark.slow
def test_a_node_makes_sure_of_handles_for_all_its_connections_and_its_store(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS_MAX + HANDLES_BESIDES:
        pytest.skip("the system lets nobody have so many handles")
    few = (*("prlimit", "--nofile=512:"), *COMITY)
    with crowded_node(kind, tmp_path, program=few) as (running, bad, good):
        # With several processes the first one only hands connections on.
        for pid in running.pids()[1:] or running.pids():
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] >= CONNECTIONS_MAX + HANDLES_BESIDES
        stand_beside(running, bad, good, "idle connections", 1)
