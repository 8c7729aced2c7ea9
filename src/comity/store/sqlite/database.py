"""A connection to a SQLite store, as the code above asks for it.

Whatever is answered in bulk comes as one row, since Python's sqlite3 fights for the interpreter at every row.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from comity.store.database import NewCopy
from comity.store.sqlite import rows
from comity.store.sqlite.connection import connect, erasing
from comity.store.sqlite.text import SqliteText

_JOINED = "SELECT CAST(group_concat(body, ',') AS BLOB) FROM (SELECT body FROM body WHERE {} ORDER BY key)"
_RANGE = _JOINED.format("key BETWEEN ? AND ?")
_LISTED = _JOINED.format("key IN (SELECT value FROM json_each(?))")
_TABLES = (
    "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    " AND t.name NOT LIKE 'sqlite/_%' ESCAPE '/' AND t.name NOT LIKE 'text/_%' ESCAPE '/' ORDER BY t.name, c.name"
)
_SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
_decoded = msgspec.json.Decoder(list[Any]).decode


_encoded = msgspec.json.Encoder().encode


@lru_cache(maxsize=512)
def _dialect(sql: str, names: str = "") -> tuple[str, bool]:
    """The statement as SQLite wants it, and whether it takes lists. With names its answer comes as one row of lists."""
    plain = sql
    for kind in ("integers", "texts"):
        sql = sql.replace(f"IN ?{kind}", "IN (SELECT value FROM json_each(?))").replace(f"?{kind}", "json_each(?)")
    takes_lists = sql != plain
    if names:
        lists = ", ".join(f"json_group_array({name})" for name in names.split())
        sql = f"SELECT {lists} FROM ({sql})"  # noqa: S608 - names of our schema
    return sql, takes_lists


def _bound(arguments: Sequence[object]) -> list[object]:
    return [_encoded(each).decode() if type(each) is list else each for each in arguments]


class SqliteDatabase:
    """See `comity.store.database.Connection`."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self._path = path
        self.raw = connect(path, write=write)
        self.text = SqliteText(self.raw)
        self._write = write

    # -- transactions -------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        self.raw.execute("BEGIN IMMEDIATE" if self._write else "BEGIN")

    def lock(self) -> None:
        """A writer has its turn since it began."""

    def commit(self) -> None:
        self.raw.execute("COMMIT")

    def rollback(self) -> None:
        # After some faults SQLite has ended the transaction itself. What stands in the way is no news beside them.
        with suppress(Exception):
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK")

    def is_sound_after(self, error: BaseException | None) -> bool:
        was_stopped = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
        return (was_stopped or not isinstance(error, sqlite3.Error)) and not self.raw.in_transaction

    def limit(self, milliseconds: int) -> None:
        self.raw.limit(milliseconds / 1000)

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        seconds = self.raw.limit_seconds
        if not seconds:
            yield
            return
        self.raw.limit(0)
        try:
            yield
        finally:
            self.raw.limit(seconds)

    def close(self) -> None:
        self.raw.close()

    # -- questions ----------------------------------------------------------------------------------------------------
    def execute(self, sql: str, arguments: Sequence[object] = ()) -> sqlite3.Cursor:
        sql, takes_lists = _dialect(sql)
        return self.raw.execute(sql, _bound(arguments) if takes_lists else arguments)

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        self.raw.executemany(sql, rows)

    def columns(self, names: str, sql: str, arguments: Sequence[object] = ()) -> list[list[Any]]:
        sql, takes_lists = _dialect(sql, names)
        answer = self.raw.execute(sql, _bound(arguments) if takes_lists else arguments).fetchone()
        return [_decoded(each) for each in answer]

    def joined(self, keys: list[int]) -> bytes:
        if keys[-1] - keys[0] + 1 == len(keys):
            (answer,) = self.raw.execute(_RANGE, (keys[0], keys[-1])).fetchone()
        else:
            (answer,) = self.raw.execute(_LISTED, (_encoded(keys).decode(),)).fetchone()
        return bytes(answer)

    def insert(self, copies: Sequence[NewCopy], *, collection: int, source: int, default_tlp: int | None) -> None:
        rows.insert(self.raw, copies, collection, source, default_tlp)

    def tables(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for table, column in self.raw.execute(_TABLES).fetchall():
            found.setdefault(table, []).append(column)
        return found

    def scan(self, sql: str) -> Iterator[Any]:
        return self.raw.execute(sql)

    def load(self, table: str, names: str, rows: Iterable[Any]) -> None:
        places = ", ".join("?" * len(names.split()))
        self.raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)  # noqa: S608 - names of our schema

    @contextmanager
    def erasing(self) -> Iterator[None]:
        with erasing(self.raw):
            yield

    def bytes_on_disk(self) -> int:
        return int(self.raw.execute(_SIZE).fetchone()[0])

    def damage(self) -> list[str]:
        found = [f"SQLite: {line}" for (line,) in self.raw.execute("PRAGMA quick_check(5)").fetchall() if line != "ok"]
        mode = self._path.stat().st_mode & 0o777
        return [*found, f"the file can be read by others (mode {mode:04o})"] if mode & 0o077 else found

    def cautions(self) -> list[str]:
        """All that matters is set by `connect`."""
        return []
