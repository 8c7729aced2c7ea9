"""A store that fails at its n-th statement, for n = 1, 2, 3 … until the work passes untouched (SQLite's own habit).

After each failure the store is as it was before or as it would be afterwards, never between; what it answers from its
caches is what a store opened anew answers; its own check finds nothing; and the very next work succeeds.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from tests.postgres import database_of, restore_database
from tests.store_world import NOW, ONE, TWO, open_kind

from comity.errors import StoreUnavailable
from comity.interfaces import Query
from comity.store.interface import Store
from comity.store.nouns import TextQuery
from comity.store.postgres.connection import connect as connect_postgres

Work = Callable[[Store], object]
Dump = dict[str, list[tuple[Any, ...]]]


class Way(Enum):
    """What becomes of the statement that fails. BEFORE: it did nothing. AFTER: it did its work, and still failed.
    UNDONE: SQLite has taken the whole transaction back by itself, as it may when the disk is full. LASTING: whatever
    comes later fails too, taking back included. FOREIGN: not the disk failed but memory, and so did taking back."""

    BEFORE = "before"
    AFTER = "after"
    UNDONE = "undone"
    LASTING = "lasting"
    FOREIGN = "foreign"


class Plan:
    """Which statement fails, counted over all connections of the store."""

    def __init__(self, nth: int, way: Way, full: Callable[[], Exception]) -> None:
        self._left = nth
        self._way = way
        self._full = full
        self.reached = False

    def run(self, sql: str, work: Callable[[], Any], undo: Callable[[], None]) -> Any:
        """The work's answer, unless it is the one to fail; `undo` takes the whole transaction back."""
        if self.reached and self._way in (Way.LASTING, Way.FOREIGN):
            raise self._error()
        if self.reached or sql == "ROLLBACK":
            return work()
        self._left -= 1
        if self._left:
            return work()
        self.reached = True
        if self._way is Way.AFTER:
            work()
        elif self._way is Way.UNDONE:
            undo()
        raise self._error()

    def _error(self) -> Exception:
        return MemoryError() if self._way is Way.FOREIGN else self._full()


def _full() -> Exception:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


_plan: Plan | None = None


class _Connection(sqlite3.Connection):
    """A real connection whose statements go by the plan."""

    def execute(self, sql: str, *arguments: Any) -> Any:
        return _by_plan(self, sql, lambda: super(_Connection, self).execute(sql, *arguments))

    def executemany(self, sql: str, *arguments: Any) -> Any:
        return _by_plan(self, sql, lambda: super(_Connection, self).executemany(sql, *arguments))

    def backup(self, target: sqlite3.Connection, **how: Any) -> None:
        _by_plan(self, "backup", lambda: super(_Connection, self).backup(target, **how))


def _by_plan(db: sqlite3.Connection, sql: str, work: Callable[[], Any]) -> Any:
    def undo() -> None:
        if db.in_transaction:
            sqlite3.Connection.execute(db, "ROLLBACK")

    return work() if _plan is None else _plan.run(sql, work, undo)


class _Cursor(psycopg.Cursor[Any]):
    """A real cursor whose statements go by the plan. Taking back is what happens when the server goes away."""

    def execute(self, query: Any, *arguments: Any, **how: Any) -> Any:
        return self._by_plan(query, lambda: super(_Cursor, self).execute(query, *arguments, **how))

    def executemany(self, query: Any, *arguments: Any, **how: Any) -> Any:
        return self._by_plan(query, lambda: super(_Cursor, self).executemany(query, *arguments, **how))

    def copy(self, statement: Any, *arguments: Any, **how: Any) -> Any:
        return self._by_plan(statement, lambda: super(_Cursor, self).copy(statement, *arguments, **how))

    def _by_plan(self, query: Any, work: Callable[[], Any]) -> Any:
        return work() if _plan is None else _plan.run(str(query), work, self.connection.close)


class Bench(Protocol):
    """A prepared store of one kind, to be broken again and again."""

    def reset(self) -> None:
        """The store rests as it was when the bench was made; nothing has it open."""

    def open(self) -> Store: ...
    def dump(self) -> Dump:
        """Every row of every table, read beside the store."""
        ...

    def failing(self, nth: int, way: Way) -> Any:
        """Inside the block the store's n-th statement fails; gives the Plan."""
        ...


def _repeatable(store: Store) -> Store:
    """The store, whose ledger says the same each time that the same is done."""
    store.now, store.nonces = lambda: NOW, lambda count: bytes(16 * count)
    return store


class SqliteBench:
    """One file, and a copy of it to go back to."""

    def __init__(self, folder: Path, prepare: Work) -> None:
        self.path, self._kept = folder / "store.db", folder / "kept.db"
        self._folder = folder
        with closing(self.open()) as store:
            prepare(store)
        self.path.rename(self._kept)

    def reset(self) -> None:
        for other in self._folder.glob("store.db*"):
            other.unlink()
        shutil.copy(self._kept, self.path)

    def open(self) -> Store:
        return _repeatable(open_kind("sqlite", self._folder))

    def dump(self) -> Dump:
        with closing(sqlite3.connect(self.path)) as db:
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE rootpage > 0 AND sql <> ''")]
            names = [name for name in names if "INDEX" not in _sql_of(db, name)]
            rows: Dump = {name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}
            return rows | {"version": db.execute("PRAGMA user_version").fetchall()}

    @contextmanager
    def failing(self, nth: int, way: Way) -> Iterator[Plan]:
        global _plan
        _plan = Plan(nth, way, _full)
        try:
            yield _plan
        finally:
            _plan = None


_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


class PostgresBench:
    """One database, and a copy of it to go back to."""

    def __init__(self, folder: Path, prepare: Work) -> None:
        self._folder, self._kept = folder / "store", folder / "kept"
        for place in (self._folder, self._kept):
            place.mkdir()
        with closing(_repeatable(open_kind("postgres", self._kept))) as store:
            prepare(store)

    def reset(self) -> None:
        restore_database(self._kept, self._folder)

    def open(self) -> Store:
        return _repeatable(open_kind("postgres", self._folder))

    def dump(self) -> Dump:
        with psycopg.connect(database_of(self._folder)) as db:
            names = [name for (name,) in db.execute(_TABLES)]
            return {name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}

    @contextmanager
    def failing(self, nth: int, way: Way) -> Iterator[Plan]:
        global _plan
        _plan = Plan(nth, way, lambda: psycopg.errors.DiskFull("no space left on device"))
        try:
            yield _plan
        finally:
            _plan = None


def _sql_of(db: sqlite3.Connection, name: str) -> str:
    return str(db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0])


def _watched_connect(url: str) -> "psycopg.Connection[Any]":
    made = connect_postgres(url)
    made.cursor_factory = _Cursor
    return made


@contextmanager
def bench_of(kind: str, folder: Path, prepare: Work, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """The bench for a kind of store; `prepare` gets the new store first."""
    if kind == "postgres":
        with monkeypatch.context() as patched:
            patched.setattr("comity.store.postgres.database.connect", _watched_connect)
            yield PostgresBench(folder, prepare)
        return
    connect = sqlite3.connect

    def watched(*arguments: Any, **how: Any) -> sqlite3.Connection:
        kind = type("_Watched", (_Connection, how.pop("factory", sqlite3.Connection)), {})
        made: sqlite3.Connection = connect(*arguments, factory=kind, **how)
        return made

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", watched)
        yield SqliteBench(folder, prepare)


def answers(store: Store) -> list[object]:
    """What readers of all kinds are answered."""
    with store.read() as snapshot:
        pages = [
            (page.body, tuple(page.keys), page.more, page.first_added, page.last_added)
            for collection in (ONE, TWO, None)
            for word in ("first", "last", "all")
            for page in [snapshot.page(Query(collection, versions=(word,)))]
        ]
        hits = snapshot.search(TextQuery(("wiper",)))
        counts = snapshot.counts()
        sizes = (counts.objects, counts.copies, counts.types, counts.collections, counts.last_added, counts.text_behind)
        behind = counts.relations_behind
        admin = (snapshot.collections(), snapshot.sources(), snapshot.tokens())
        return [pages, hits, sizes, behind, admin, list(snapshot.stream())]


def fail_at_each(bench: Bench, work: Work, way: Way) -> int:
    """So many statements the work has, each of which has failed once, and nothing was ever between."""
    bench.reset()
    before = bench.dump()
    with closing(bench.open()) as store:
        work(store)
    after = bench.dump()
    assert before != after, "the work does nothing"
    nth = 0
    while True:
        nth += 1
        bench.reset()
        with closing(bench.open()) as store:
            answers(store)
            with bench.failing(nth, way) as plan:
                error = _error_of(store, work)
            place = f"at statement {nth}, {way.value}"
            found = bench.dump()
            if not plan.reached:
                assert (error, found) == (None, after), place
                return nth - 1
            if error is None and way is Way.UNDONE and isinstance(bench, PostgresBench):
                assert found == after, f"{place}: what had not begun yet began anew, and did not end"
                continue
            wanted = MemoryError if way is Way.FOREIGN else StoreUnavailable
            assert isinstance(error, wanted), f"{place}: {error!r}"
            assert found in (before, after), f"{place}: the store is between"
            with closing(bench.open()) as anew:
                assert answers(store) == answers(anew), f"{place}: a cache is not the store"
            assert store.check(deep=True) == [], place
            if found == before:
                work(store)
            with store.write() as tx:
                tx.put_setting("next", b"works")
            assert bench.dump() | {"setting": []} == after | {"setting": []}, f"{place}: what comes next is another"


def _error_of(store: Store, work: Work) -> BaseException | None:
    try:
        work(store)
    except Exception as error:
        return error
    return None
