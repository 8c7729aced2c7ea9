"""A connection to a PostgreSQL store, as the code above asks for it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from comity.store.database import NewCopy
from comity.store.postgres.connection import STATEMENT_SECONDS, connect
from comity.store.postgres.text import PostgresText

_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
_OBJECTS = (
    "COPY object (collection, source, key, id, type, version, instant, state, flags, added, tlp, default_tlp, size,"
    " digest, gone, rank) FROM STDIN (FORMAT BINARY)"
)
_OBJECT_TYPES = (
    *("int4", "int4", "int8", "text", "int4", "text", "text", "int2", "int2", "int8", "int2", "int2", "int4"),
    *("bytea", "int8", "int8"),
)
_BODY = "COPY body (key, body) FROM STDIN (FORMAT BINARY)"
_BODIES = "SELECT body FROM body WHERE key = ANY(%s::bigint[]) ORDER BY key"
_RANGE = "SELECT body FROM body WHERE key BETWEEN %s AND %s ORDER BY key"
_TABLES = """
SELECT table_name::text, array_agg(column_name::text ORDER BY column_name COLLATE "C") FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name NOT IN ('comity_schema', 'text_index') GROUP BY table_name
"""
_LISTS = re.compile(r"(IN )?\?(integers|texts)|\?")
_ARRAYS = {"integers": "%s::bigint[]", "texts": "%s::text[]"}


def _argument(found: re.Match[str]) -> str:
    if found[2] is None:
        return "%s"
    array = _ARRAYS[found[2]]
    return f"= ANY({array})" if found[1] else f"unnest({array}) AS listed (value)"


@lru_cache(maxsize=512)
def _dialect(sql: str) -> str:
    return _LISTS.sub(_argument, sql.replace("%", "%%"))


class PostgresDatabase:
    """See `comity.store.database.Connection`. Where the server went away, the next transaction connects anew."""

    def __init__(self, url: str, *, write: bool) -> None:
        self._url = url
        self._begin = _WRITE if write else _READ
        self._limit = 0
        self._connect()

    def _connect(self) -> None:
        self.raw = connect(self._url)
        self.text = PostgresText(self.raw)

    # -- transactions -------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        try:
            self.raw.execute(self._begin)
        except psycopg.OperationalError:
            if not self.raw.closed:
                raise
            self._connect()
            self.raw.execute(self._begin)

    def lock(self) -> None:
        self.raw.execute("SELECT one FROM state FOR UPDATE")

    def commit(self) -> None:
        self.raw.execute("COMMIT")

    def rollback(self) -> None:
        with suppress(Exception):
            if self.raw.info.transaction_status != TransactionStatus.IDLE:
                self.raw.execute("ROLLBACK")

    def is_sound_after(self, error: BaseException | None) -> bool:
        return not self.raw.closed and self.raw.info.transaction_status == TransactionStatus.IDLE

    def limit(self, milliseconds: int) -> None:
        # Whatever was set for a transaction ends with it.
        self._limit = milliseconds
        if milliseconds:
            self.raw.execute(f"SET LOCAL statement_timeout = {milliseconds}")

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        limit = self._limit
        if not limit:
            yield
            return
        self.limit(STATEMENT_SECONDS * 1000)
        yield
        # Where it failed, the transaction is over, and the limit with it.
        self.limit(limit)

    def close(self) -> None:
        self.raw.close()

    # -- questions ----------------------------------------------------------------------------------------------------
    def execute(self, sql: str, arguments: Sequence[object] = ()) -> "psycopg.Cursor[Any]":
        return self.raw.cursor(binary=True).execute(_dialect(sql), arguments)

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        self.raw.cursor().executemany(_dialect(sql), rows)

    def columns(self, names: str, sql: str, arguments: Sequence[object] = ()) -> list[list[Any]]:
        rows = self.execute(sql, arguments).fetchall()
        return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names.split()]

    def joined(self, keys: list[int]) -> bytes:
        """Rows, and not one joined by the server: that measured slower."""
        cursor = self.raw.cursor(binary=True)
        if keys[-1] - keys[0] + 1 == len(keys):
            cursor.execute(_RANGE, (keys[0], keys[-1]))
        else:
            cursor.execute(_BODIES, (keys,))
        return b",".join([body for (body,) in cursor.fetchall()])

    # -- writing ------------------------------------------------------------------------------------------------------
    def insert(self, copies: Sequence[NewCopy], *, collection: int, source: int, default_tlp: int | None) -> None:
        """Straight into the tables: a temporary one before `lock`, and INSERT out of it, held the turn longer.

        Copies that should be there already break the unique index of live copies: then nothing is stored.
        """
        with self.raw.cursor().copy(_OBJECTS) as copy:
            copy.set_types(_OBJECT_TYPES)
            for each, key, type, state, flags, added, gone, rank in copies:
                default = default_tlp if each.tlp is None else None
                decided = (type, each.version, each.instant, state, flags, added, each.tlp, default)
                copy.write_row((collection, source, key, each.id, *decided, len(each.raw), each.digest, gone, rank))
        with self.raw.cursor().copy(_BODY) as copy:
            copy.set_types(("int8", "bytea"))
            for each, key, *_ in copies:
                copy.write_row((key, each.raw))

    def tables(self) -> dict[str, list[str]]:
        return dict(self.raw.execute(_TABLES).fetchall())

    def scan(self, sql: str) -> Iterator[Any]:
        return self.raw.cursor(binary=True).stream(sql, binary=True)

    def load(self, table: str, names: str, rows: Iterable[Any]) -> None:
        with self.raw.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def erasing(self) -> Iterator[None]:
        yield

    def bytes_on_disk(self) -> int:
        answer = self.raw.execute("SELECT pg_database_size(current_database())").fetchone()
        assert answer is not None
        return int(answer[0])

    def damage(self) -> list[str]:
        """The server looks after its own pages."""
        return []

    def cautions(self) -> list[str]:
        asked = "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off' ORDER BY name"
        off = self.raw.execute(asked, (["fsync", "full_page_writes"],)).fetchall()
        return [
            f"The server runs with {name} = off: a crash may lose or damage what was acknowledged." for (name,) in off
        ]
