"""The store in one SQLite file: bodies as they were sent, views as bitmaps, one writer at a time.

Writers take turns, in this process by a lock and among processes by SQLite's; each commit is on the disk before it is
acknowledged.
"""

from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import ClassVar

from comity.errors import StoreUnavailable
from comity.store.base import TableStore
from comity.store.sqlite import schema
from comity.store.sqlite.connection import connect, guarded
from comity.store.sqlite.database import SqliteDatabase


def open_store(path: Path, *, create: bool = True) -> "SqliteStore":
    """The store in that file, made with mode 0600 where there is none. OldSchema where `comity migrate` is needed."""
    schema.prepare(path, create=create)
    return SqliteStore(path)


class SqliteStore(TableStore):
    """Made by `open_store`."""

    writers_most: ClassVar[int] = 1
    draws_first: ClassVar[bool] = False

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def _connect(self, *, write: bool) -> SqliteDatabase:
        return SqliteDatabase(self.path, write=write)

    def _guarded(self) -> AbstractContextManager[None]:
        return guarded()

    def backup(self, target: Path) -> None:
        self._refuse_closed()
        with guarded(), closing(connect(self.path, write=False)) as db:
            schema.copy_into(db, target)

    def scrub(self) -> None:
        """See the interface. The file is written anew, and what it was written through is emptied."""
        self._refuse_closed()
        with guarded(), closing(SqliteDatabase(self.path, write=True)) as db:
            db.begin()
            db.text.tidy_all()
            db.execute("UPDATE state SET text_dirty = 0")
            db.commit()
            db.raw.execute("VACUUM")
            busy, _, _ = db.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreUnavailable(
                "others read the store for too long, so that its log still holds what was erased", hint="try again"
            )
