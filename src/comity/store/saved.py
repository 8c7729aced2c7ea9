"""Searches that persons keep, each by its owner alone."""

from dataclasses import dataclass
from typing import Protocol

from comity.store.database import Database

_COLUMNS = "id, account, name, query, made, seen"


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """One search: what its owner calls it, what stands behind the `?` of the address of its list, when it was made and
    when its owner opened it last, in microseconds since 1970."""

    id: str
    account: str
    name: str
    query: str
    made: int
    seen: int


class SearchSnapshot(Protocol):
    """A part of `comity.store.interface.Snapshot`."""

    def saved_searches(self, account: str) -> list[SavedSearch]:
        """Those of the account, by name."""
        ...


class SearchTransaction(SearchSnapshot, Protocol):
    """A part of `comity.store.interface.Transaction`."""

    def put_search(self, search: SavedSearch) -> None:
        """It is kept; of one that is there already, only when it was opened changes."""
        ...

    def drop_search(self, account: str, id: str) -> bool:
        """The account keeps it no more; whether it did."""
        ...


class SearchReading:
    """See `SearchSnapshot`."""

    @property
    def db(self) -> Database:
        """The connection of the snapshot."""
        raise NotImplementedError

    def saved_searches(self, account: str) -> list[SavedSearch]:
        rows = self.db.execute(
            f"SELECT {_COLUMNS} FROM saved_search WHERE account = ? ORDER BY name, id",  # noqa: S608 - names of our schema
            (account,),
        ).fetchall()
        return [SavedSearch(*row) for row in rows]


class SearchWriting:
    """See `SearchTransaction`."""

    @property
    def db(self) -> Database:
        """The connection of the transaction."""
        raise NotImplementedError

    def put_search(self, search: SavedSearch) -> None:
        self.db.execute(
            f"INSERT INTO saved_search ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of our schema
            " ON CONFLICT (id) DO UPDATE SET seen = excluded.seen WHERE saved_search.account = excluded.account",
            (search.id, search.account, search.name, search.query, search.made, search.seen),
        )

    def drop_search(self, account: str, id: str) -> bool:
        found = self.db.execute("DELETE FROM saved_search WHERE account = ? AND id = ?", (account, id))
        return found.rowcount > 0
