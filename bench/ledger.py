"""What the ledger costs: entering, keeping, proving and checking.

python -m bench.ledger [--smoke] [--count 1000000] [--repeat 5] [--page FILE]

Entries are those of pages that leave. They are appended in batches of 100, each batch one durable transaction, beside
bare inserts of the same rows into a store of the same kind. Both sides get what they store ready-made, the one the
facts of each entry, the other its row: making these up is the benchmark's own work. Then the log is filled to its full
length, its tiles are made, and all of it is proved and checked. Seconds of CPU are user and system of the process.
"""

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from bench.data import scratch
from bench.figures import Figure, Run, interleaved, ratios, table
from bench.report import Report, arguments, begun

from comity.ledger.audit import audit
from comity.ledger.records import NONCE_BYTES, digest_text
from comity.node.logbook import hashes
from comity.node.node import Node
from comity.store.base import TableStore
from comity.store.entries import Act, LedgerEntry, insert
from comity.store.interface import Transaction

BATCH = 100
FILLED_AT_ONCE = 20_000
PROOFS = 20_000
KIND = "measure"
"""As long as `release`, beside whose entries there would have to be rows of what left."""
BARE = "CREATE TABLE bare (key INTEGER PRIMARY KEY, commitment BLOB NOT NULL, nonce BLOB, record BLOB) STRICT"
Facts = dict[str, Any]


def facts(number: int) -> Facts:
    """What is entered of a page that leaves."""
    digest = hashlib.sha256(b"%d" % number).digest()
    to = f"00000000-0000-4000-8000-{number % 200:012d}"
    return {"to": to, "objects": 1000, "digest": digest_text(digest), "under": digest_text(digest[:8])}


def enter(tx: Transaction, entered: Iterable[Facts]) -> None:
    """An entry for each of these."""
    for each in entered:
        tx.enter(KIND, **each)


def appends(report: Report, folder: Path, count: int, repeat: int) -> None:
    """Batches of 100 into a store of their own, and bare inserts of the same rows into another, in turns."""

    def run(enters: bool, name: str) -> Callable[[], Run]:
        node = Node.open(f"sqlite:///{folder}/{name}.db")
        store = cast("TableStore", node.store)
        done = [0]

        def measured() -> Run:
            made = [facts(number) for number in range(done[0], done[0] + count)]
            rows = [] if enters else bare_rows(store, made)
            began, cpu_began = time.perf_counter(), time.process_time()
            for first in range(0, count, BATCH):
                if enters:
                    with store.write() as tx:
                        enter(tx, made[first : first + BATCH])
                else:
                    with store.writing() as db:
                        db.execute_many("INSERT INTO bare VALUES (?, ?, ?, ?)", rows[first : first + BATCH])
            done[0] += count
            return Run(count, time.perf_counter() - began, server_cpu=time.process_time() - cpu_began)

        if not enters:
            with store.writing() as db:
                db.execute(BARE)
        return measured

    rows = interleaved(repeat, [("entered", run(True, "entered")), ("bare inserts", run(False, "bare"))])
    report.say(f"Appended in batches of {BATCH}, each on the disk before the next:")
    head = ["work", "entries/s, median", "spread", "µs of CPU an entry, median", "spread"]
    cells = [[r.name, r.rate.text, r.rate.spread, r.server_us.text, r.server_us.spread] for r in rows]
    report.say(table(head, cells))
    report.say(ratios([(rows[0], rows[1])]))


def bare_rows(store: TableStore, entered: Iterable[Facts]) -> list[tuple[int, bytes, bytes | None, bytes | None]]:
    """Rows as those that are entered, behind what is there."""
    with store.read() as snapshot:
        (last,) = snapshot.db.execute("SELECT coalesce(max(key), 0) FROM bare").fetchone()
    made: list[LedgerEntry] = []

    class Taken:
        def execute_many(self, _sql: str, rows: Any) -> None:
            made.extend(LedgerEntry(*row) for row in rows)

    acts = [Act(KIND, each) for each in entered]
    insert(cast("Any", Taken()), last, acts, time.time_ns() // 1000, lambda count: os.urandom(NONCE_BYTES * count))
    return [(one.key, one.commitment, one.nonce, one.record) for one in made]


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU."""
    began = time.process_time()
    work()
    return time.process_time() - began


def _each(work: Callable[[int], object], places: Sequence[int]) -> None:
    for place in places:
        work(place)


def kept(report: Report, node: Node, path: Path, count: int) -> None:
    """The log is filled, and its tiles are made; how large it is."""
    before = path.stat().st_size
    for first in range(0, count, FILLED_AT_ONCE):
        with node.store.write() as tx:
            enter(tx, map(facts, range(first, min(first + FILLED_AT_ONCE, count))))
    tiles = cpu(node.catch_up)
    node.head()
    with cast("TableStore", node.store).writing() as db:
        db.execute("SELECT 1")
    with cast("TableStore", node.store).read() as snapshot:
        size = snapshot.db.bytes_on_disk() - before
        (record,) = snapshot.db.execute("SELECT avg(length(record)) FROM entry").fetchone()
    rows = [
        ["bytes an entry in the store, tiles included", f"{size / count:.0f}"],
        ["of which the record", f"{record:.0f}"],
        ["seconds of CPU to make all tiles", f"{tiles:.2f}"],
    ]
    report.say(table([f"{count:,} entries", "figure"], rows))


def proved(report: Report, node: Node, repeat: int) -> None:
    """Inclusion proofs of entries at random, made from the tiles of the store."""
    size = node.head().size
    chance = random.Random(1)
    made, asked = [], []
    with node.store.read() as snapshot:
        tree = hashes(snapshot, 1, size)
        for _ in range(repeat):
            places = [chance.randrange(size) for _ in range(PROOFS)]
            took = cpu(partial(_each, tree.inclusion_proof, places))
            made.append(len(places) / took)
    for _ in range(repeat):
        places = [chance.randrange(size) for _ in range(200)]
        took = cpu(partial(_each, node.prove, places))
        asked.append(len(places) / took)
    cells = [
        ["proofs made from the tiles", Figure(tuple(made)).text, Figure(tuple(made)).spread],
        ["`prove`: read, made and verified", Figure(tuple(asked)).text, Figure(tuple(asked)).spread],
    ]
    report.say(table(["work", "a second of CPU, median", "spread"], cells))


def checked(report: Report, node: Node, folder: Path, repeat: int) -> None:
    """The whole ledger, in the store and in a file."""
    file = folder / "ledger.ndjson"
    with file.open("wb") as out:
        written = cpu(lambda: node.export_ledger(out.write))

    def read() -> None:
        with file.open("rb") as lines:
            assert audit(lines).ok

    def verify() -> None:
        assert node.verify_ledger().ok

    cells = [["exported to a file", f"{written:.2f}", "one run"]]
    for name, work in (("`ledger verify`, the store", verify), ("`ledger verify FILE`", read)):
        took = Figure(tuple(cpu(work) for _ in range(repeat)))
        cells.append([name, took.text, took.spread])
    report.say(table([f"all {node.head().size:,} entries", "seconds of CPU, median", "spread"], cells))


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=5)
    parser.add_argument("--count", type=int, default=1_000_000, help="how many entries the log has")
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.count = 1, 3_000
    report = begun("ledger", asked.repeat)
    with scratch() as folder:
        appends(report, Path(folder), min(asked.count, 20_000), asked.repeat)
        path = Path(folder) / "full.db"
        with Node.open(f"sqlite:///{path}", name="CERT-A") as node:
            kept(report, node, path, asked.count)
            proved(report, node, asked.repeat)
            checked(report, node, Path(folder), min(asked.repeat, 2))
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
