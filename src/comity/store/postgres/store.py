"""The store in a PostgreSQL database: several processes at once, on one machine or several.

Writers of all processes take turns by the row `state`, which an ingest takes once all its objects are judged.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from comity.store.base import TableStore
from comity.store.postgres import schema
from comity.store.postgres.connection import guarded
from comity.store.postgres.database import PostgresDatabase
from comity.store.postgres.schema import copy_into
from comity.store.steps import packaged


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
