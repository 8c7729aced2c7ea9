"""Kill -9 while partners read: whatever a partner acknowledged is in the ledger, with the digest of what it got.

Each reader appends the digest of a page that it has read whole to a file of its own, with fsync. After a kill that file
is the judge: of each line there is an entry of that release to that partner, and the ledger holds.
"""

import base64
import hashlib
import json
import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.client import GONE, Client
from tests.gate_world import in_force, look_at_all, marked
from tests.postgres import empty_database
from tests.served import COMITY, launch, ready_url
from tests.world import bundle

from comity.node.access import NewToken
from comity.node.home import init_home, open_home
from comity.node.publishing import Selection, publish
from comity.stix.markings import TLP

OBJECTS, PARTNERS, READERS = 40, 2, 2
PAGES_LEAST, SECONDS_MOST = 12, 20.0
"""So many pages are read in a round at the least."""


@dataclass(slots=True)
class Figures:
    """What the rounds were made of."""

    kills: int = 0
    hits: int = 0
    acknowledged: int = 0
    entered: int = 0

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.hits} with a page on its way; {self.acknowledged} pages acknowledged, all of"
            f" them among {self.entered} releases"
        )


def digest_of(body: bytes) -> str:
    """The digest of the objects of an envelope, each cut out as it came, by nothing of ours."""
    text, digests = body.decode(), []
    place = text.index('"objects":[') + len('"objects":[')
    while text[place] != "]":
        _, end = json.JSONDecoder().raw_decode(text, place)
        digests.append(hashlib.sha256(text[place:end].encode()).digest())
        place = end + (text[end] == ",")
    return base64.urlsafe_b64encode(hashlib.sha256(b"".join(digests)).digest()).decode().rstrip("=")


class Reader(threading.Thread):
    """Reads pages that nobody has read before, until the server is gone."""

    def __init__(self, client: Client, ids: Sequence[str], ledger: Path, seed: int) -> None:
        super().__init__()
        self.client = client
        self.fault: BaseException | None = None
        self.count = 0
        self._ids = ids
        self._ledger = ledger
        self._chance = random.Random(seed)

    def run(self) -> None:
        """Every page that came whole is on the disk, as its digest."""
        try:
            with self.client, self._ledger.open("ab", buffering=0) as ledger:
                while True:
                    some = ",".join(self._chance.sample(self._ids, self._chance.randint(1, len(self._ids))))
                    body = self.client.get("collections/default/objects/", **{"match[id]": some}).body
                    os.write(ledger.fileno(), digest_of(body).encode() + b"\n")
                    os.fsync(ledger.fileno())
                    self.count += 1
        except GONE:
            pass
        except BaseException as error:
            self.fault = error


class Reading:
    """Rounds on one home: serve, read, kill, judge."""

    def __init__(self, kind: str, folder: Path, seed: int, *, program: Sequence[str] = COMITY) -> None:
        self.home = folder / "home"
        self.figures = Figures()
        self._folder = folder
        self._seed = seed
        self._chance = random.Random(seed)
        self._program = program
        store = empty_database(f"reads_{seed}_{os.getpid()}") if kind == "postgres" else None
        self._tokens: list[tuple[str, NewToken]] = []
        with init_home(self.home, name="CERT-A", store=store) as node:
            in_force(node, "green-community")
            objects = [marked(TLP.GREEN) for _ in range(OBJECTS)]
            self._ids = [str(each["id"]) for each in objects]
            node.receive(bundle(*objects))
            publish(node.store, node.clock, Selection(ids=tuple(self._ids)), hold_seconds=0)
            look_at_all(node)
            for number in range(PARTNERS):
                name = f"CERT-{number}"
                node.add_partner(name, groups=("GROUP",), history_from=0)
                node.step_partner(name, "activate", checked_by="a call")
                self._tokens.append((node.partner(name).id, node.new_token(name, read=["default"], partner=name)))

    def run(self, rounds: int) -> Figures:
        """After each of so many kills every page that was acknowledged is in the ledger, which holds."""
        for number in range(rounds):
            process = launch(self.home, self._folder / "serve.log", program=self._program)
            try:
                host, port = ready_url(process, self._folder / "serve.log").strip("/").split("/")[-1].split(":")
                readers = [
                    Reader(Client((host, int(port)), token.token), self._ids, self._folder / id, self._next_seed())
                    for id, token in self._tokens
                    for _ in range(READERS)
                ]
                for reader in readers:
                    reader.start()
                self._wait(readers)
                busy = [reader for reader in readers if reader.client.asked_at is not None]
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()
            for reader in readers:
                reader.join()
            assert [reader.fault for reader in readers if reader.fault is not None] == [], number
            self.figures.kills += 1
            self.figures.hits += any(reader.client.asked_at is not None for reader in busy)
            self._judge()
        assert self.figures.hits, "no kill hit anything"
        assert self.figures.acknowledged >= PAGES_LEAST * rounds, "next to nothing was read"
        return self.figures

    def _wait(self, readers: Sequence[Reader]) -> None:
        """Some pages were read, and then a while that nobody knows; a machine that is busy takes its time."""
        stop = time.monotonic() + SECONDS_MOST
        while sum(reader.count for reader in readers) < PAGES_LEAST and time.monotonic() < stop:
            time.sleep(0.01)
        time.sleep(self._chance.uniform(0.0, 0.3))

    def _next_seed(self) -> int:
        return self._chance.getrandbits(32)

    def _judge(self) -> None:
        told = {
            (id, line)
            for id, _ in self._tokens
            for line in (self._folder / id).read_text(encoding="utf-8").splitlines()
        }
        with open_home(self.home) as node:
            records = [one.record for one in node.ledger_log(kind="release")]
            entered = {(one["to"], one["digest"]) for one in records if one is not None}
            missing = told - entered
            assert missing == set(), f"acknowledged, and not in the ledger: {len(missing)} of {len(told)}"
            report = node.verify_ledger()
        assert report.ok, report.faults
        self.figures.acknowledged, self.figures.entered = len(told), len(records)
