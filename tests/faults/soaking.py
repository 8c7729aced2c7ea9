"""A node under mixed load for a while, good clients and bad ones: what it holds does not grow."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.client import Client
from tests.faults.crowds import HalfOpen, SlowReaders, SlowWriters
from tests.faults.homes import COLLECTIONS, make_home
from tests.faults.watching import Sample, look, risen
from tests.served import COMITY, Served, served
from tests.world import bundle, indicator

from comity.node.home import open_home

MEMORY_RISE_MOST = 12 * 2**20
HANDLES_RISE_MOST = 8
WAL_BYTES_MOST = 128 * 2**20
REQUESTS_A_SECOND_LEAST = 20
OBJECTS = 3000
TURNING = 200
"""Objects that are deleted and posted anew in turn, so that the store is written to and does not grow without end."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was held, and under how much."""

    seconds: float
    requests: int
    samples: Sequence[Sample]
    memory_rise: float
    handles_rise: float
    wal_most: int

    def __str__(self) -> str:
        last = self.samples[-1]
        return (
            f"{self.seconds:.0f} s, {self.requests} requests of good clients; memory {last.memory >> 20} MiB, risen by"
            f" {self.memory_rise / 2**20:.1f}; handles {last.handles}, risen by {self.handles_rise:.0f}; WAL at most"
            f" {self.wal_most >> 20} MiB"
        )


class Load:
    """Threads that ask until they are told to stop."""

    def __init__(self, running: Served, token: str, seed: int) -> None:
        self.requests = 0
        self.faults: list[BaseException] = []
        self._running = running
        self._token = token
        self._chance = random.Random(seed)
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._guard, args=(work,))
            for work in (self._read, self._read, self._turn, self._mob)
        ]

    def start(self) -> None:
        """They ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """None of them asks any more, and none met a fault."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        assert self.faults == [], f"a good client met a fault: {self.faults}"

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            while not self._stopped.is_set():
                work()
        except BaseException as error:
            self.faults.append(error)

    def _read(self) -> None:
        """A client comes, walks through a part of a collection, asks what it likes, and goes."""
        with Client(self._running.address, self._token) as client:
            place = self._chance.choice(COLLECTIONS)
            parameters: dict[str, str | int] = {"limit": self._chance.choice((1, 20, 500))}
            for _ in range(self._chance.randint(1, 20)):
                page = client.get(f"collections/{place}/{self._chance.choice(('objects', 'manifest'))}/", **parameters)
                self.requests += 1
                if "next" not in page.json():
                    break
                parameters["added_after"] = page.headers["x-taxii-date-added-last"]
            assert client.ask("GET", "/taxii2/root/collections/none/objects/").status == 404
            assert client.ask("GET", "/metrics").status == 200
            self.requests += 2

    def _turn(self) -> None:
        """Objects are posted, read, and deleted."""
        with Client(self._running.address, self._token) as client:
            for number in range(TURNING):
                if self._stopped.wait(0.01):
                    return
                one = indicator(id=f"indicator--00000000-0000-4000-8000-{number:012d}", description="x" * 500)
                posted = client.post("second", [one])
                assert posted.status == 202, posted
                client.get(f"status/{posted.json()['id']}/")
                assert client.delete("second", str(one["id"])).status == 200
                self.requests += 3

    def _mob(self) -> None:
        """Bad clients come, stay for a moment, and go without a word; wrong credentials are tried too."""
        for kind in (SlowReaders, SlowWriters, HalfOpen):
            mob = kind(self._running.address, self._token, count=10)
            mob.gather()
            for _ in range(3):
                mob.tick()
                self._stopped.wait(0.1)
            mob.leave()
            with Client(self._running.address, "wrong") as stranger:
                assert stranger.ask("GET", "/taxii2/").status in (401, 429)


def run(kind: str, folder: Path, seconds: float, seed: int, *, program: Sequence[str] = COMITY) -> Figures:
    """Neither memory nor handles rise once all is warm, and the log of writes stays small."""
    home = folder / "home"
    token = make_home(kind, home).token
    with open_home(home) as node:
        node.receive(bundle(*(indicator(description="x" * 500) for _ in range(OBJECTS))))
    with served(home, folder / "serve.log", program=program) as running:
        began = time.monotonic()
        load = Load(running, token, seed)
        samples: list[Sample] = []
        load.start()
        try:
            while time.monotonic() < began + seconds:
                samples.append(look(running, began))
                time.sleep(seconds / 1800 + 0.1)
        finally:
            load.stop()
    figures = Figures(
        seconds,
        load.requests,
        samples,
        risen(samples, lambda sample: sample.memory),
        risen(samples, lambda sample: sample.handles),
        max(sample.wal for sample in samples),
    )
    assert "Traceback" not in (folder / "serve.log").read_text(encoding="utf-8")
    assert load.requests >= REQUESTS_A_SECOND_LEAST * seconds, f"too little was asked: {figures}"
    assert figures.memory_rise < MEMORY_RISE_MOST, f"memory grows: {figures}"
    assert figures.handles_rise < HANDLES_RISE_MOST, f"handles grow: {figures}"
    assert figures.wal_most < WAL_BYTES_MOST, f"the log of writes grows: {figures}"
    return figures
