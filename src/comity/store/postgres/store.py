"""The store in a PostgreSQL database: several processes at once, on one machine or several.

Writers of all processes take turns by the row `state`, which an ingest takes once all its objects are judged.
"""

from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import ClassVar

from comity.store.base import TableStore
from comity.store.postgres import schema
from comity.store.postgres.connection import connect, guarded
from comity.store.postgres.database import PostgresDatabase
from comity.store.postgres.schema import copy_into
from comity.store.steps import packaged

SCRUBBED = (
    *("body", "object", "text_index", "status", "entry", "former", "target", "release", "legal_hold"),
    *("word", "telling", "naming", "mention", "name"),
)
"""The tables out of which something is erased."""


def open_store(url: str, *, create: bool = True) -> "PostgresStore":
    """The store in the database at that address, made where it is empty. OldSchema where `comity migrate` is needed."""
    schema.prepare(url, create=create)
    return PostgresStore(url)


class PostgresStore(TableStore):
    """Made by `open_store`."""

    writers_most: ClassVar[int] = 8
    draws_first: ClassVar[bool] = True

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def _connect(self, *, write: bool) -> PostgresDatabase:
        return PostgresDatabase(self._url, write=write)

    def _guarded(self) -> AbstractContextManager[None]:
        return guarded(self._url)

    def backup(self, target: Path) -> None:
        """A SQLite store, so that a backup is the same whatever the node rests on."""
        with self.read() as snapshot:
            copy_into(snapshot.db, target, packaged("sqlite"))

    def scrub(self) -> None:
        """See the interface. The tables are written anew; the log of the server and its archives are the operator's."""
        self._refuse_closed()
        with guarded(self._url), closing(connect(self._url)) as db:
            db.execute("SET statement_timeout = 0")
            for table in SCRUBBED:
                db.execute(f"VACUUM (FULL) {table}")
