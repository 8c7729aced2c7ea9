"""Drafts: what a person writes and has not saved yet. No object, no index and no list knows of them (R12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comity.store.database import Database
from comity.store.nouns import storable

_COLUMNS = "id, account, object, type, base, revision, made, changed, body"


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft of the account (empty: the host's operator). `object` is the id that the object has or will have, and
    `base` the version of it that is edited; empty where it is a new one. `revision` rises with each change. `body` is
    what was typed, as JSON. Instants are microseconds since 1970."""

    id: str
    account: str
    object: str
    type: str
    base: str
    revision: int
    made: int
    changed: int
    body: bytes


class DraftReading:
    """See `comity.store.draft_interface.DraftSnapshot`."""

    @property
    def db(self) -> Database:
        """The connection of the snapshot."""
        raise NotImplementedError

    def drafts(self, account: str) -> list[Draft]:
        rows = self.db.execute(
            f"SELECT {_COLUMNS} FROM draft WHERE account = ? ORDER BY changed DESC, id",  # noqa: S608 - names of our schema
            (account,),
        ).fetchall()
        return [_draft(row) for row in rows]

    def draft(self, id: str, account: str) -> Draft | None:
        if not storable(id):
            return None
        row = self.db.execute(
            f"SELECT {_COLUMNS} FROM draft WHERE id = ? AND account = ?",  # noqa: S608 - names of our schema
            (id, account),
        ).fetchone()
        return None if row is None else _draft(row)

    def draft_objects(self) -> list[tuple[str, str]]:
        rows = self.db.execute("SELECT id, object FROM draft ORDER BY id").fetchall()
        return [(id, object) for id, object in rows]


class DraftWriting:
    """See `comity.store.draft_interface.DraftTransaction`."""

    @property
    def db(self) -> Database:
        """The connection of the transaction."""
        raise NotImplementedError

    def put_draft(self, draft: Draft) -> None:
        self.db.execute(
            f"INSERT INTO draft ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of our schema
            " ON CONFLICT (id) DO UPDATE SET base = excluded.base, revision = excluded.revision,"
            " changed = excluded.changed, body = excluded.body WHERE draft.account = excluded.account",
            (
                draft.id,
                draft.account,
                draft.object,
                draft.type,
                draft.base,
                draft.revision,
                draft.made,
                draft.changed,
                draft.body,
            ),
        )

    def drop_drafts(self, ids: Sequence[str], *, of: Sequence[str] = ()) -> int:
        return self.db.execute(
            "DELETE FROM draft WHERE id IN ?texts OR object IN ?texts", (list(ids), list(of))
        ).rowcount


def _draft(row: Any) -> Draft:
    id, account, object, type, base, revision, made, changed, body = row
    return Draft(id, account, object, type, base, revision, made, changed, bytes(body))
