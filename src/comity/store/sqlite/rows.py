"""Writing many rows into a SQLite store: a few statements of many rows each."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from comity.store.database import NewCopy

CHUNKS = (128, 32, 8, 2, 1)
"""Rows a statement; few sizes, so that the prepared statements are few."""

_SHARED = ("collection", "source")
_COLUMNS = (
    *("key", "id", "type", "version", "instant", "state", "flags", "added"),
    *("tlp", "default_tlp", "size", "digest", "gone", "rank"),
)


def _insert(count: int) -> str:
    shared = [f"?{place}" for place in range(1, len(_SHARED) + 1)]
    rows = []
    for row in range(count):
        start = len(_SHARED) + row * len(_COLUMNS) + 1
        rows.append(f"({','.join(shared + [f'?{start + place}' for place in range(len(_COLUMNS))])})")
    return f"INSERT INTO object ({','.join(_SHARED + _COLUMNS)}) VALUES {','.join(rows)}"  # noqa: S608


_INSERT_OBJECT = {count: _insert(count) for count in CHUNKS}
_INSERT_BODY = {count: f"INSERT INTO body VALUES {','.join(['(?,?)'] * count)}" for count in CHUNKS}  # noqa: S608


def _chunks(count: int) -> Iterator[tuple[int, int]]:
    start = 0
    for size in CHUNKS:
        while count - start >= size:
            yield start, size
            start += size


def insert(
    db: sqlite3.Connection, copies: Sequence[NewCopy], collection: int, source: int, default_tlp: int | None
) -> None:
    """There is a row and a body for each of these."""
    for start, count in _chunks(len(copies)):
        values: list[Any] = [collection, source]
        bodies: list[Any] = []
        for each, key, type, state, flags, added, gone, rank in copies[start : start + count]:
            raw, tlp = each.raw, each.tlp
            values += (
                *(key, each.id, type, each.version, each.instant, state, flags, added),
                *(tlp, default_tlp if tlp is None else None, len(raw), each.digest, gone, rank),
            )
            bodies += (key, raw)
        db.execute(_INSERT_OBJECT[count], values)
        db.execute(_INSERT_BODY[count], bodies)
