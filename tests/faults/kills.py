"""Kill -9 under load: writers keep a list of what was acknowledged, and that list is the judge of the node afterwards.

Each writer appends what it was told to a file of its own, with fsync, before it asks for the next thing, and no two
writers touch the same ids. So after a kill each id is there, or is not, or was just being asked for, and then either
way is right; but of one envelope all objects are there or none.
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from tests.faults.client import GONE, Client
from tests.faults.homes import COLLECTIONS, make_home
from tests.served import COMITY, launch, ready_url
from tests.world import MadeEntropy, indicator

from comity.node.doctor import Level, examine

ENVELOPES = (1, 1, 5, 40, 200)
POSTING, DELETING = 3, 1
READY_SECONDS_MOST = 15.0
HITS_LEAST = 0.7
STATUSES_READ = 30


@dataclass(frozen=True, slots=True)
class Step:
    """One thing asked for: a POST of these ids to the collection, or a DELETE of the one."""

    verb: str
    collection: str
    ids: tuple[str, ...]
    status: str = ""


@dataclass(slots=True)
class Figures:
    """What the rounds were made of. `hits` are kills with a request on its way; `kept` are envelopes that were stored
    though nobody was told."""

    kills: int = 0
    hits: int = 0
    kept: int = 0
    lost: int = 0
    acknowledged: int = 0
    objects: int = 0
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.hits} with a request in flight; {self.acknowledged} requests acknowledged; of"
            f" those cut off {self.kept} were stored whole, {self.lost} not at all; {self.objects} objects at the end;"
            f" up again within {max(self.seconds):.2f} s"
        )


class Writer(threading.Thread):
    """Posts envelopes, or deletes and posts anew what it posted, until the server is gone."""

    def __init__(self, client: Client, ledger: Path, seed: int, *, deletes: bool, pause_seconds: float = 0.0) -> None:
        super().__init__()
        self.client = client
        self.steps: list[Step] = []
        self.pending: Step | None = None
        self.fault: BaseException | None = None
        self._ledger = ledger
        self._chance = random.Random(seed)
        self._entropy = MadeEntropy(seed)
        self._deletes = deletes
        self._pause_seconds = pause_seconds

    def run(self) -> None:
        """Every step that was acknowledged is in `steps` and on the disk, the one that was not in `pending`."""
        try:
            with self.client, self._ledger.open("ab", buffering=0) as ledger:
                while True:
                    time.sleep(self._pause_seconds)
                    self._step(ledger.fileno())
        except GONE:
            pass
        except BaseException as error:
            self.fault = error

    def _step(self, ledger: int) -> None:
        last = self.steps[-1] if self.steps else None
        if self._deletes and last is not None and last.verb == "POST":
            asked = Step("DELETE", last.collection, (self._chance.choice(last.ids),))
        elif self._deletes and last is not None and self._chance.random() < 0.7:
            asked = Step("POST", last.collection, last.ids)
        else:
            count = 3 if self._deletes else self._chance.choice(ENVELOPES)
            ids = tuple(f"indicator--{self._entropy.uuid4()}" for _ in range(count))
            asked = Step("POST", self._chance.choice(COLLECTIONS), ids)
        self.pending = asked
        if asked.verb == "DELETE":
            reply = self.client.delete(asked.collection, asked.ids[0])
            assert reply.status == 200, reply
            told = asked
        else:
            reply = self.client.post(asked.collection, [indicator(id=id, name=f"Beacon {id}") for id in asked.ids])
            assert reply.status == 202, reply
            body = reply.json()
            assert (body["status"], body["success_count"]) == ("complete", len(asked.ids)), body
            told = Step("POST", asked.collection, asked.ids, body["id"])
        os.write(ledger, orjson.dumps([told.verb, told.collection, told.ids, told.status]) + b"\n")
        os.fsync(ledger)
        self.pending = None
        self.steps.append(told)


class Killing:
    """Rounds on one home: serve, write, kill, serve again, judge."""

    def __init__(
        self,
        kind: str,
        folder: Path,
        seed: int,
        *,
        program: Sequence[str] = COMITY,
        deleting: int = DELETING,
        pause_seconds: float = 0.0,
    ) -> None:
        self.home = folder / "home"
        self.figures = Figures()
        self._folder = folder
        self._seed = seed
        self._chance = random.Random(seed)
        self._program = program
        self._deleting = deleting
        self._pause_seconds = pause_seconds
        self._token = make_home(kind, self.home)
        self._present: dict[tuple[str, str], bool] = {}
        self._seen: dict[str, Counter[str]] = {name: Counter() for name in COLLECTIONS}
        self._last: dict[str, str] = {}
        self._posted: Counter[tuple[str, str]] = Counter()

    def run(self, rounds: int) -> Figures:
        """After each of so many kills nothing acknowledged was missing and nothing was there twice."""
        process, address = self._start()
        try:
            for number in range(rounds):
                writers = self._write(address, number)
                time.sleep(self._chance.uniform(0.05, 0.5))
                busy = [writer for writer in writers if writer.client.asked_at is not None]
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                for writer in writers:
                    writer.join()
                faults = [writer.fault for writer in writers if writer.fault is not None]
                assert faults == [], f"a writer met a fault: {faults}"
                self.figures.kills += 1
                self.figures.hits += any(writer.client.asked_at is not None for writer in busy)
                _close(process)
                process, address = self._start()
                with Client(address, self._token.token) as client:
                    self._judge(client, writers)
        finally:
            process.kill()
            process.wait()
            _close(process)
        assert self.figures.hits >= HITS_LEAST * rounds, f"too few kills hit anything: {self.figures}"
        return self.figures

    def _start(self) -> tuple[subprocess.Popen[str], tuple[str, int]]:
        began = time.monotonic()
        process = launch(self.home, self._folder / "serve.log", program=self._program)
        try:
            host, port = ready_url(process, self._folder / "serve.log").strip("/").split("/")[-1].split(":")
        except BaseException:
            process.kill()
            raise
        self.figures.seconds.append(time.monotonic() - began)
        assert self.figures.seconds[-1] < READY_SECONDS_MOST
        return process, (host, int(port))

    def _write(self, address: tuple[str, int], number: int) -> list[Writer]:
        writers = []
        for place in range(POSTING + self._deleting):
            client = Client(address, self._token.token)
            seed = self._seed * 1_000_000 + number * 100 + place
            ledger = self._folder / f"acknowledged-{place}"
            deletes = place >= POSTING
            writers.append(Writer(client, ledger, seed, deletes=deletes, pause_seconds=self._pause_seconds))
        for writer in writers:
            writer.start()
        return writers

    # -- afterwards
    def _judge(self, client: Client, writers: list[Writer]) -> None:
        rows = {name: list(client.rows(name)) for name in COLLECTIONS}
        there = {name: {row.id for row in rows[name]} for name in COLLECTIONS}
        for name in COLLECTIONS:
            dates = [row.added for row in rows[name]]
            assert all(before < after for before, after in pairwise(dates)), "dates do not rise"
            assert len(there[name]) == len(rows[name]), "an object is there twice"
        for writer in writers:
            self._take_over(writer, there)
        wrong = [(place, wanted) for place, wanted in self._present.items() if (place[1] in there[place[0]]) != wanted]
        assert wrong == [], f"acknowledged, and not so after the kill: {wrong[:5]}"
        assert sum(map(len, there.values())) == sum(self._present.values()), "there is what nobody sent"
        self._poll(client)
        steps = [step for writer in writers for step in writer.steps[-STATUSES_READ:] if step.verb == "POST"]
        for step in steps:
            status = client.get(f"status/{step.status}/").json()
            assert (status["id"], status["success_count"]) == (step.status, len(step.ids)), status
        found = [finding for finding in examine(self.home) if finding.level in (Level.BAD, Level.BROKEN)]
        assert found == [], "doctor finds something"
        self.figures.objects = sum(map(len, there.values()))

    def _take_over(self, writer: Writer, there: dict[str, set[str]]) -> None:
        """What the writer was told holds from now on; what it was not told is as it is found, whole or not at all."""
        self.figures.acknowledged += len(writer.steps)
        for step in writer.steps:
            for id in step.ids:
                self._present[step.collection, id] = step.verb == "POST"
            if step.verb == "POST":
                self._posted.update((step.collection, id) for id in step.ids)
        cut_off = writer.pending
        if cut_off is None:
            return
        # A step that posts anew finds objects that are there already; only the others tell whether it was stored.
        asked = [
            id for id in cut_off.ids if self._present.get((cut_off.collection, id), False) == (cut_off.verb == "DELETE")
        ]
        done = [id for id in asked if (id in there[cut_off.collection]) == (cut_off.verb == "POST")]
        assert done in ([], asked), f"half of an envelope was stored: {len(done)} of {len(asked)}"
        for id in done:
            self._present[cut_off.collection, id] = cut_off.verb == "POST"
        self._posted.update((cut_off.collection, id) for id in done if cut_off.verb == "POST")
        self.figures.kept += bool(done)
        self.figures.lost += not done

    def _poll(self, client: Client) -> None:
        """A client that asks over all rounds for what was added since: it has seen every object, and none twice."""
        for name in COLLECTIONS:
            since: dict[str, Any] = {"added_after": self._last[name]} if name in self._last else {}
            for row in client.rows(name, **since):
                self._seen[name][row.id] += 1
                self._last[name] = row.added
            present = {id for (place, id), is_there in self._present.items() if place == name and is_there}
            assert present <= self._seen[name].keys(), "a polling client missed something"
            often = [id for id, times in self._seen[name].items() if times > max(1, self._posted[name, id])]
            assert often == [], "a polling client saw something twice"


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        process.stdout.close()
