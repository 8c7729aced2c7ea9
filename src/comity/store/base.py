"""What every store over tables does: readers with a connection each and one snapshot, writers in turns.

Connections are kept for the next who needs one. Bitmaps and admin tables that a committed state has shown are shared.
"""

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from pathlib import Path
from typing import ClassVar, TypeVar

from comity.errors import StoreUnavailable
from comity.ledger.records import NONCE_BYTES
from comity.stix.object import StixObject
from comity.store import check, ledger_check, related, relations, text
from comity.store.admin import Admin, load
from comity.store.asides import KeepAside, keep_nothing
from comity.store.audit import AuditRow
from comity.store.batching import BatchingTransaction
from comity.store.database import Connection, Database
from comity.store.ingest import Ingest
from comity.store.ledger_check import LedgerReport
from comity.store.nouns import State, Verdict
from comity.store.publications import Publications
from comity.store.related import Related
from comity.store.snapshot import STATE, TableSnapshot
from comity.store.still import StillSnapshot
from comity.store.views import Views

T = TypeVar("T")

INLINE_OBJECTS = 64
"""A single batch of fewer objects is written in the calling thread: the way to the other costs more."""
IDLE_READERS_MOST = 4
TURN_SECONDS = 10.0


def _now() -> int:
    return time.time_ns() // 1000


def _nonces(count: int) -> bytes:
    return os.urandom(NONCE_BYTES * count)


class TableStore(ABC):
    """See `comity.store.interface.Store`."""

    writers_most: ClassVar[int]
    """So many transactions of this process may be open for writing at once."""
    draws_first: ClassVar[bool]
    """Whether every batch of an ingest is drawn before it takes its turn, so that other processes wait the less; else
    the next is drawn while the last is written."""

    def __init__(self) -> None:
        self._readers: list[Connection] = []
        self._writers: list[Connection] = []
        self._turns = threading.Semaphore(self.writers_most)
        self._hand: ThreadPoolExecutor | None = None
        self._views: Views | None = None
        self._admin: Admin | None = None
        self._publications: Publications | None = None
        self._related: Related | None = None
        self._catching_up = threading.Lock()
        self._relating = threading.Lock()
        self._closed = False
        self.now: Callable[[], int] = _now
        self.nonces: Callable[[int], bytes] = _nonces
        self.aside: KeepAside = keep_nothing
        self.noted: Callable[[Sequence[AuditRow]], None] = lambda _: None

    @abstractmethod
    def _connect(self, *, write: bool) -> Connection: ...

    @abstractmethod
    def _guarded(self) -> AbstractContextManager[None]:
        """Troubles of the database inside the block come out as StoreUnavailable."""

    @abstractmethod
    def backup(self, target: Path) -> None:
        """See the interface."""

    @abstractmethod
    def scrub(self) -> None:
        """See the interface."""

    # -- what snapshots share -----------------------------------------------------------------------------------------
    def views_at(self, db: Database, last_key: int, last_change: int, base: Views | None) -> Views:
        """The views of a committed snapshot, which `db` is in; kept for others unless they are ahead already."""
        with self._catching_up:
            newest = self._views
            if newest is not None and not newest.is_ahead(last_key, last_change):
                base = newest
            if base is not None and (base.last_key, base.last_change) == (last_key, last_change):
                return base
            with db.unhurried():
                made = Views.at(db, last_key, last_change, base)
            if newest is None or made.is_ahead(newest.last_key, newest.last_change):
                self._views = made
            return made

    def publications_at(self, db: Database, last_number: int, last_change: int) -> Publications:
        """The publications of a committed snapshot, which `db` is in; kept for others unless they are ahead already."""
        with self._catching_up:
            newest = self._publications
            base = None if newest is None or newest.is_ahead(last_number, last_change) else newest
            if base is not None and (base.last_number, base.last_change) == (last_number, last_change):
                return base
            with db.unhurried():
                made = Publications.at(db, last_number, last_change, base)
            if newest is None or made.is_ahead(newest.last_number, newest.last_change):
                self._publications = made
            return made

    def _keep_publications(self, made: Publications | None) -> None:
        """What a transaction that is committed had made of its own, for others to go on from: it holds whatever the
        numbers say that it does, and all later changes are logged behind them."""
        with self._catching_up:
            newest = self._publications
            if made is not None and (newest is None or made.is_ahead(newest.last_number, newest.last_change)):
                self._publications = made

    def publications_last(self) -> Publications | None:
        """The newest publications of a committed snapshot, for a transaction to go on from."""
        return self._publications

    def related_at(self, db: Database, last_number: int) -> Related:
        """The relations of a committed snapshot, which `db` is in; kept for others unless they are ahead already."""
        with self._relating:
            newest = self._related
            with db.unhurried():
                made = related.at(db, last_number, newest)
            if newest is None or not newest.at.is_ahead(made.at):
                self._related = made
            return made

    def related_last(self) -> Related | None:
        """The newest relations of a committed snapshot, for a transaction to go on from."""
        return self._related

    def admin_at(self, db: Database, version: int) -> Admin:
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
    def read(self, *, statement_ms: int = 0) -> Iterator[TableSnapshot]:
        with self._guarded():
            self._refuse_closed()
            try:
                db = self._readers.pop()
            except IndexError:
                db = self._connect(write=False)
            try:
                snapshot = self._snapshot(db)
                try:
                    if statement_ms:
                        db.limit(statement_ms)
                    yield snapshot
                finally:
                    snapshot.release()
                    db.rollback()
                    if statement_ms:
                        db.limit(0)
            except BaseException as error:
                self._give_back(db, self._readers, IDLE_READERS_MOST, error)
                raise
            self._give_back(db, self._readers, IDLE_READERS_MOST)

    def _snapshot(self, db: Connection) -> TableSnapshot:
        """A snapshot that is not older than the bitmaps. It is opened again where a writer was quicker; a store that
        was put in place of this one stays older, and gets bitmaps of its own."""
        for _ in range(3):
            db.begin()
            state = db.execute(STATE).fetchone()
            base, published = self._views, self._publications
            if (base is None or not base.is_ahead(*state[:2])) and (
                published is None or not published.is_ahead(*state[3:5])
            ):
                return StillSnapshot(db, self, state, base)
            db.rollback()
        db.begin()
        return StillSnapshot(db, self, db.execute(STATE).fetchone(), None)

    def _give_back(self, db: Connection, pool: list[Connection], most: int, error: BaseException | None = None) -> None:
        if db.is_sound_after(error) and len(pool) < most and not self._closed:
            pool.append(db)
        else:
            db.close()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    # -- writing ------------------------------------------------------------------------------------------------------
    @contextmanager
    def write(self) -> Iterator[BatchingTransaction]:
        with self.writing() as db, self._transaction(db) as transaction:
            yield transaction
        self._keep_publications(transaction.publications_made)
        if transaction.noted:
            self.noted(transaction.noted)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A writing connection in a transaction, committed when the block ends, rolled back when it raises. After
        trouble with the database a new connection is taken next time."""
        self._refuse_closed()
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise StoreUnavailable("another writer of this process takes too long")
        try:
            with self._guarded():
                self._refuse_closed()
                try:
                    db = self._writers.pop()
                except IndexError:
                    db = self._connect(write=True)
                try:
                    db.begin()
                    yield db
                    db.commit()
                except BaseException as error:
                    db.rollback()
                    self._give_back(db, self._writers, self.writers_most, error)
                    raise
                self._give_back(db, self._writers, self.writers_most)
        finally:
            self._turns.release()

    @contextmanager
    def _transaction(self, db: Connection) -> Iterator[BatchingTransaction]:
        """From here on no other writer changes anything; at the end the state row says what was done."""
        db.lock()
        base = self._views
        state = db.execute(STATE).fetchone()
        if base is not None and base.is_ahead(state[0], state[1]):
            base = None
        transaction = BatchingTransaction(db, self, state, base)
        try:
            yield transaction
            transaction.seal()
        finally:
            transaction.release()

    def ingest(
        self,
        batches: Iterable[Sequence[StixObject]],
        *,
        collection: str,
        source: str,
        default_tlp: int | None,
        state: State,
        now: int,
        finish: Callable[[BatchingTransaction, list[Verdict]], T],
    ) -> T:
        drawn = iter(batches)
        if self.draws_first:
            drawn = iter(list(drawn))
        elif (first := next(drawn, None)) is not None:
            drawn = chain((first,), drawn)
        with self.writing() as db, self._transaction(db) as transaction:
            ingest = Ingest(
                transaction, collection=collection, source=source, default_tlp=default_tlp, state=state, now=now
            )
            self._hand_over(drawn, ingest.put)
            ingest.close()
            finished = finish(transaction, ingest.verdicts)
        self._keep_publications(transaction.publications_made)
        return finished

    def _hand_over(self, drawn: Iterator[Sequence[StixObject]], put: Callable[[Sequence[StixObject]], None]) -> None:
        """Each batch was put, while the next was drawn."""
        batch = next(drawn, None)
        if batch is not None and len(batch) < INLINE_OBJECTS:
            following = next(drawn, None)
            put(batch)
            batch = following
        while batch is not None:
            if self._hand is None:
                self._hand = ThreadPoolExecutor(self.writers_most, thread_name_prefix="comity-store-writer")
            written = self._hand.submit(put, batch)
            try:
                batch = next(drawn, None)
            finally:
                written.result()

    # -- the rest -----------------------------------------------------------------------------------------------------
    def index_text(self, limit: int) -> int:
        with self.read() as snapshot:
            start, end, rows = text.pending(snapshot.db, limit)
            if not end and not text.is_dirty(snapshot.db):
                return 0
        with self.writing() as db:
            db.lock()
            if end:
                text.put(db, start, end, rows)
            else:
                text.tidy(db)
            left = db.execute("SELECT last_key - text_cursor + text_dirty FROM state").fetchone()[0]
        return int(left)

    def index_relations(self, limit: int) -> int:
        with self.read() as snapshot:
            piece = relations.read(snapshot.db, limit)
            if not piece.end:
                return 0
        with self.writing() as db:
            db.lock()
            relations.put(db, piece)
            left = db.execute("SELECT last_key - relation_cursor FROM state").fetchone()[0]
        return int(left)

    def check(self, *, deep: bool = False) -> list[str]:
        """See the interface. `deep` also reads every body and compares it with its digest."""
        with self.read() as snapshot:
            return [*snapshot.db.damage(), *check.problems(snapshot.db, deep=deep)]

    def check_ledger(self, against: Iterable[str | bytes] = ()) -> LedgerReport:
        """See the interface."""
        with self.read() as snapshot:
            return ledger_check.check(snapshot.db, against)

    def cautions(self) -> list[str]:
        """What outside the store endangers what was acknowledged, in sentences; empty where all is well."""
        with self.read() as snapshot:
            return snapshot.db.cautions()

    def close(self) -> None:
        """Nothing of the store is open any more; a second close changes nothing."""
        self._closed = True
        for _ in range(self.writers_most):
            self._turns.acquire()
        if self._hand is not None:
            self._hand.shutdown()
        for pool in (self._writers, self._readers):
            while pool:
                pool.pop().close()
        self._turns.release(self.writers_most)
