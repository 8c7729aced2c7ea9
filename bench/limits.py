"""The physical limits: what SQLite needs at least for the same rows on this machine, without checks and HTTP."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from bench.cost import Meter
from bench.data import PAGE_OBJECTS, common, cut, scratch
from bench.figures import Run

INSERT = "limit: bare SQLite inserts"
INSERT_WORDS = (
    "Python's sqlite3, WAL, synchronous=FULL, one transaction an envelope: the envelope is cut, id, version and type "
    "are read, and the row goes into one table with two indexes; nothing is checked"
)
JOIN = "limit: join of the stored bytes"
JOIN_WORDS = "the same table, read in this process, pages of 1,000 joined inside SQLite as one row each"


@contextmanager
def _bare(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as base:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute("PRAGMA wal_autocheckpoint=10000")
        base.execute(
            "CREATE TABLE object(key INTEGER PRIMARY KEY, id TEXT NOT NULL, version TEXT NOT NULL, type TEXT NOT NULL,"
            " body BLOB NOT NULL)"
        )
        base.execute("CREATE UNIQUE INDEX by_id ON object(id, version)")
        base.execute("CREATE INDEX by_type ON object(type, key)")
        yield base


def _insert(base: sqlite3.Connection, envelopes: Sequence[bytes]) -> int:
    key = 0
    for envelope in envelopes:
        rows = []
        for raw in cut(envelope):
            found = common(raw)
            key += 1
            rows.append((key, found.id, found.version, found.type, raw))
        base.execute("BEGIN IMMEDIATE")
        base.executemany("INSERT OR IGNORE INTO object VALUES(?,?,?,?,?)", rows)
        base.execute("COMMIT")
    return key


def insert(envelopes: Sequence[bytes]) -> Run:
    """The rows of the envelopes were inserted, one transaction an envelope."""
    with scratch() as folder, _bare(Path(folder)) as base:
        with Meter() as meter:
            count = _insert(base, envelopes)
        return Run(count, meter.seconds, 0.0, meter.client_cpu)


def join(envelopes: Sequence[bytes], rounds: int = 5) -> Run:
    """All pages were joined, again and again; the rows were read before, as those of a server at work are."""
    page = (
        "SELECT max(key), CAST(group_concat(body, ',') AS BLOB) FROM"
        " (SELECT key, body FROM object WHERE key > ? ORDER BY key LIMIT ?)"
    )

    def whole() -> None:
        after: int | None = 0
        while after is not None:
            after = base.execute(page, (after, PAGE_OBJECTS)).fetchone()[0]

    with scratch() as folder, _bare(Path(folder)) as base:
        count = _insert(base, envelopes)
        whole()
        with Meter() as meter:
            for _ in range(rounds):
                whole()
        return Run(count * rounds, meter.seconds, 0.0, meter.client_cpu)
