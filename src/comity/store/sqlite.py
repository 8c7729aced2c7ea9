"""The store in one SQLite file: bodies as they were sent, views as bitmaps, one writer at a time.

Readers take a connection each from a small pool and see one snapshot. Writers take turns, in this process by a lock and
among processes by SQLite's; each commit is on the disk before it is acknowledged.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from comity.errors import StoreUnavailable
from comity.stix.object import StixObject
from comity.store import check, schema, text
from comity.store.admin import Admin, load
from comity.store.connection import BUSY_TIMEOUT_SECONDS, connect, guarded
from comity.store.ingest import Ingest
from comity.store.interface import State, Verdict
from comity.store.schema import migrate, schema_version
from comity.store.snapshot import STATE, SqliteSnapshot
from comity.store.transaction import SqliteTransaction
from comity.store.views import Views

__all__ = ["SqliteStore", "migrate", "open_store", "schema_version"]

T = TypeVar("T")

INLINE_OBJECTS = 64
"""A single batch of fewer objects is written in the calling thread: the way to the other costs more."""
IDLE_READERS_MOST = 4


def open_store(path: Path, *, create: bool = True) -> "SqliteStore":
    """The store in that file, made with mode 0600 where there is none. OldSchema where `comity migrate` is needed."""
    schema.prepare(path, create=create)
    return SqliteStore(path)


def _rolled_back(db: sqlite3.Connection) -> bool:
    """Nothing is open on the connection any more; what stood in the way is no news beside what led here."""
    with suppress(Exception):
        if db.in_transaction:
            db.execute("ROLLBACK")
    return not db.in_transaction


class SqliteStore:
    """See `comity.store.interface.Store`; made by `open_store`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._turn = threading.Lock()
        self._hand: ThreadPoolExecutor | None = None
        self._views: Views | None = None
        self._admin: Admin | None = None
        self._catching_up = threading.Lock()
        self._closed = False

    # -- what snapshots share -----------------------------------------------------------------------------------------
    def views_at(self, db: sqlite3.Connection, last_key: int, last_change: int, base: Views | None) -> Views:
        """The views of a committed snapshot, which `db` is in; kept for others unless they are ahead already."""
        with self._catching_up:
            newest = self._views
            if newest is not None and not newest.is_ahead(last_key, last_change):
                base = newest
            if base is not None and (base.last_key, base.last_change) == (last_key, last_change):
                return base
            made = Views.at(db, last_key, last_change, base)
            if newest is None or made.is_ahead(newest.last_key, newest.last_change):
                self._views = made
            return made

    def admin_at(self, db: sqlite3.Connection, version: int) -> Admin:
        """The admin tables of a committed snapshot, which `db` is in."""
        known = self._admin
        if known is not None and known.version == version:
            return known
        made = load(db, version)
        if known is None or known.version < version:
            self._admin = made
        return made

    # -- reading ------------------------------------------------------------------------------------------------------
    @contextmanager
    def read(self) -> Iterator[SqliteSnapshot]:
        with guarded():
            self._refuse_closed()
            try:
                db = self._readers.pop()
            except IndexError:
                db = connect(self.path, write=False)
            try:
                snapshot = self._snapshot(db)
                try:
                    yield snapshot
                finally:
                    snapshot.release()
                    # After some faults SQLite has ended the transaction itself.
                    if db.in_transaction:
                        db.execute("ROLLBACK")
            except BaseException as error:
                if isinstance(error, sqlite3.Error) or db.in_transaction:
                    db.close()
                else:
                    self._give_back(db)
                raise
            self._give_back(db)

    def _snapshot(self, db: sqlite3.Connection) -> SqliteSnapshot:
        """A snapshot that is not older than the bitmaps. It is opened again where a writer was quicker; a file that was
        put in place of the store stays older, and gets bitmaps of its own."""
        for _ in range(3):
            db.execute("BEGIN")
            state = db.execute(STATE).fetchone()
            base = self._views
            if base is None or not base.is_ahead(state[0], state[1]):
                return SqliteSnapshot(db, self, state, base)
            db.execute("ROLLBACK")
        db.execute("BEGIN")
        return SqliteSnapshot(db, self, db.execute(STATE).fetchone(), None)

    def _give_back(self, db: sqlite3.Connection) -> None:
        if len(self._readers) < IDLE_READERS_MOST and not self._closed:
            self._readers.append(db)
        else:
            db.close()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    # -- writing ------------------------------------------------------------------------------------------------------
    @contextmanager
    def write(self) -> Iterator[SqliteTransaction]:
        with self._writing() as db:
            base = self._views
            state = db.execute(STATE).fetchone()
            if base is not None and base.is_ahead(state[0], state[1]):
                base = None
            transaction = SqliteTransaction(db, self, state, base)
            try:
                yield transaction
                transaction.seal()
            finally:
                transaction.release()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The writing connection in a transaction, committed when the block ends, rolled back when it raises.
        It is kept for the next writer only once nothing is open on it; after trouble with the disk a new one is taken.
        """
        self._refuse_closed()
        if not self._turn.acquire(timeout=BUSY_TIMEOUT_SECONDS):
            raise StoreUnavailable("another writer of this process takes too long")
        try:
            with guarded():
                db, self._writer = self._writer or connect(self.path, write=True), None
                try:
                    db.execute("BEGIN IMMEDIATE")
                    yield db
                    db.execute("COMMIT")
                except BaseException as error:
                    if isinstance(error, sqlite3.Error) or not _rolled_back(db):
                        db.close()
                    else:
                        self._writer = db
                    raise
                self._writer = db
        finally:
            self._turn.release()

    def ingest(
        self,
        batches: Iterable[Sequence[StixObject]],
        *,
        collection: str,
        source: str,
        default_tlp: int | None,
        state: State,
        now: int,
        finish: Callable[[SqliteTransaction, list[Verdict]], T],
    ) -> T:
        drawn = iter(batches)
        batch = next(drawn, None)
        with self.write() as transaction:
            ingest = Ingest(
                transaction, collection=collection, source=source, default_tlp=default_tlp, state=state, now=now
            )
            following: Sequence[StixObject] | None = None
            if batch is not None and len(batch) < INLINE_OBJECTS:
                following = next(drawn, None)
                ingest.put(batch)
                batch = following
            while batch is not None:
                written = self._submit(ingest.put, batch)
                try:
                    batch = next(drawn, None)
                finally:
                    written.result()
            ingest.close()
            return finish(transaction, ingest.verdicts)

    def _submit(self, put: Callable[[Sequence[StixObject]], None], batch: Sequence[StixObject]) -> Future[None]:
        if self._hand is None:
            self._hand = ThreadPoolExecutor(1, thread_name_prefix="comity-store-writer")
        return self._hand.submit(put, batch)

    # -- the rest -----------------------------------------------------------------------------------------------------
    def index_text(self, limit: int) -> int:
        with self.read() as snapshot:
            start, end, rows = text.pending(snapshot.db, limit)
            if not end and not text.is_dirty(snapshot.db):
                return 0
        with self._writing() as db:
            if end:
                text.put(db, start, end, rows)
            else:
                text.tidy(db)
            left = db.execute("SELECT last_key - text_cursor + text_dirty FROM state").fetchone()[0]
        return int(left)

    def backup(self, target: Path) -> None:
        self._refuse_closed()
        with guarded(), closing(connect(self.path, write=False)) as db:
            schema.copy_into(db, target)

    def check(self, *, deep: bool = False) -> list[str]:
        """See the interface. `deep` also reads every body and compares it with its digest."""
        self._refuse_closed()
        with self.read() as snapshot:
            return check.problems(snapshot.db, self.path, deep=deep)

    def close(self) -> None:
        """Nothing of the store is open any more; a second close changes nothing."""
        with self._turn:
            self._closed = True
            if self._hand is not None:
                self._hand.shutdown()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            while self._readers:
                self._readers.pop().close()
