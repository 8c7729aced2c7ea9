"""What the PostgreSQL store costs: ingest against a bare COPY of the same rows, pages against a bare SELECT.

    python bench/store_postgres.py [--bundle FILE] [--repeat 5] [--smoke]

Starts a server of its own from the binaries of this system (fsync and synchronous_commit on, socket only). Each round
stores all objects, 1,000 a transaction, once bare and once through the store, and then reads them in pages of 1,000.
Prints medians with their spread, the ratio with both numbers behind it, and for how long a writer holds its turn.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

import msgspec
import psycopg
import zstandard

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.postgres import Server, binaries
from tests.store_world import NOW, ONE, furnish

from comity.interfaces import Query
from comity.node.system import schema_documents
from comity.stix import schema
from comity.stix.object import StixObject
from comity.stix.parse import judge
from comity.store.nouns import State
from comity.store.postgres import PostgresStore, open_store
from comity.store.postgres.database import PostgresDatabase

ENVELOPE_OBJECTS = 1000
DATA = Path(os.environ.get("COMITY_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
BARE = """
CREATE TABLE bare (
    key bigint PRIMARY KEY, added bigint NOT NULL, id text COLLATE "C" NOT NULL, version text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL, digest bytea NOT NULL, body bytea NOT NULL
);
CREATE UNIQUE INDEX bare_id ON bare (id, version);
"""
COPY = "COPY bare (key, added, id, version, type, digest, body) FROM STDIN (FORMAT BINARY)"
COPY_TYPES = ("int8", "int8", "text", "text", "text", "bytea", "bytea")


class _Bundle(msgspec.Struct):
    objects: list[msgspec.Raw]


def objects_of(bundle: Path, smoke: bool) -> list[StixObject]:
    """The objects of the bundle, judged; so many for a smoke test made here where there is no bundle."""
    if smoke or not bundle.exists():
        from tests.store_world import indicators

        return indicators(2000 if smoke else 25_000)
    raw = zstandard.ZstdDecompressor().decompress(bundle.read_bytes(), max_output_size=1 << 31)
    found = []
    schemas = schema.compile(schema_documents())
    for index, one in enumerate(msgspec.json.decode(raw, type=_Bundle).objects):
        each = judge(bytes(one), index, schemas, strict=False)
        if isinstance(each, StixObject):
            found.append(each)
    return found


def envelopes(objects: Sequence[StixObject]) -> list[Sequence[StixObject]]:
    """So many a transaction."""
    return [objects[start : start + ENVELOPE_OBJECTS] for start in range(0, len(objects), ENVELOPE_OBJECTS)]


def bare(url: str, objects: Sequence[StixObject]) -> float:
    """Objects a second into a plain table with two indexes."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(BARE)
        began, keys = time.perf_counter(), count(1)
        for envelope in envelopes(objects):
            with db.transaction(), db.cursor().copy(COPY) as copy:
                copy.set_types(COPY_TYPES)
                for each, key in zip(envelope, keys, strict=False):
                    copy.write_row((key, NOW + key, each.id, each.version, each.type, each.digest, each.raw))
        return len(objects) / (time.perf_counter() - began)


def stored(store: PostgresStore, objects: Sequence[StixObject]) -> float:
    """Objects a second through the store."""
    began = time.perf_counter()
    for envelope in envelopes(objects):
        store.ingest(
            [envelope],
            collection=ONE,
            source="feed-a",
            default_tlp=None,
            state=State.RECEIVED,
            now=NOW,
            finish=lambda _, verdicts: verdicts,
        )
    return len(objects) / (time.perf_counter() - began)


def pages_bare(url: str, count: int) -> float:
    """Objects a second in pages of 1,000, from the plain table."""
    with psycopg.connect(url) as db:
        began, after = time.perf_counter(), 0
        while True:
            rows = db.execute(
                "SELECT key, body FROM bare WHERE key > %s ORDER BY key LIMIT 1000", (after,), binary=True
            ).fetchall()
            if not rows:
                return count / (time.perf_counter() - began)
            b",".join([body for _, body in rows])
            after = rows[-1][0]


def pages(store: PostgresStore, count: int) -> float:
    """Objects a second in pages of 1,000, as readers of a collection get them."""
    with store.read() as snapshot:
        snapshot.page(Query(ONE, limit=1))
    began, after, more = time.perf_counter(), 0, True
    while more:
        with store.read() as snapshot:
            page = snapshot.page(Query(ONE, versions=("all",), after=after))
        after, more = page.last_key, page.more
    return count / (time.perf_counter() - began)


def timed() -> list[float]:
    """The seconds for which each transaction holds the turn of the writer, noted from now on."""
    held: list[float] = []
    lock, commit = PostgresDatabase.lock, PostgresDatabase.commit

    def locked(self: PostgresDatabase) -> None:
        lock(self)
        held.append(-time.perf_counter())

    def committed(self: PostgresDatabase) -> None:
        commit(self)
        held[-1] += time.perf_counter()

    # Timed from outside, so that the store itself knows nothing of it.
    PostgresDatabase.lock, PostgresDatabase.commit = locked, committed  # type: ignore[method-assign]
    return held


def line(name: str, mine: list[float], limit: list[float]) -> str:
    """A row of the table."""
    a, b = statistics.median(mine), statistics.median(limit)
    spread = f"{min(mine):,.0f}-{max(mine):,.0f}"
    return f"| {name} | {a:,.0f} ({spread}) | {b:,.0f} ({min(limit):,.0f}-{max(limit):,.0f}) | {a / b:.2f} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="What the PostgreSQL store costs.")
    parser.add_argument("--bundle", type=Path, default=DATA / "enterprise-attack-18.1.json.zst")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="few objects, one round: only that it runs")
    given = parser.parse_args()
    bin = binaries()
    if bin is None:
        print("PostgreSQL's server is not installed: nothing was measured")
        return
    objects = objects_of(given.bundle, given.smoke)
    server = Server(bin, "shared_buffers=256MB", "max_wal_size=4GB")
    held = timed()
    figures: dict[str, list[float]] = {name: [] for name in ("bare", "stored", "pages bare", "pages")}
    try:
        for round in range(1 if given.smoke else given.repeat):
            for database in (f"bare{round}", f"store{round}"):
                with psycopg.connect(server.url("postgres"), autocommit=True) as db:
                    db.execute(f"CREATE DATABASE {database}")
            url = server.url(f"bare{round}")
            with closing(furnish(open_store(server.url(f"store{round}")))) as store:
                steps: list[tuple[str, Callable[[], float]]] = [
                    ("bare", partial(bare, url, objects)),
                    ("stored", lambda: stored(store, objects)),
                    ("pages bare", partial(pages_bare, url, len(objects))),
                    ("pages", lambda: pages(store, len(objects))),
                ]
                for name, step in steps:
                    figures[name].append(step())
    finally:
        server.stop()
    size = sum(len(each.raw) for each in objects) / len(objects)
    print(f"{len(objects):,} objects of {size:,.0f} bytes, {len(figures['bare'])} rounds, objects/s, median (spread)\n")
    print("| work | store | bare | ratio |\n|---|---|---|---|")
    print(line("ingest, 1,000 a transaction", figures["stored"], figures["bare"]))
    print(line("pages of 1,000", figures["pages"], figures["pages bare"]))
    print(f"\nA writer held its turn for {statistics.median(held) * 1000:.1f} ms (median of {len(held)}).")


if __name__ == "__main__":
    main()
