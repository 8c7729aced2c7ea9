"""Legal holds: objects of which nothing is destroyed, with a reason and an end."""

from collections.abc import Sequence
from dataclasses import dataclass

from comity.store.database import Database

_COLUMNS = "id, object, reason, made_by, made_at, until, ended_at"
IN_FORCE = "SELECT object FROM legal_hold WHERE ended_at IS NULL AND until > ?"
"""The ids that are on hold at an instant."""
PURGEABLE = (
    "SELECT key FROM object WHERE withdrawn_at < ? AND size > 0"  # noqa: S608 - names of our schema
    f" AND id NOT IN ({IN_FORCE}) ORDER BY withdrawn_at, key LIMIT ?"
)
"""What was withdrawn before an instant, and is not on hold at another."""


@dataclass(frozen=True, slots=True)
class LegalHold:
    """One object on hold: its id, why, by which account, from when until when (microseconds since 1970), and when it
    was ended before that."""

    id: str
    object: str
    reason: str
    made_by: str
    made_at: int
    until: int
    ended_at: int | None = None

    def holds_at(self, now: int) -> bool:
        """Whether it is in force at that instant: it ends by itself."""
        return self.ended_at is None and now < self.until


def every(db: Database) -> list[LegalHold]:
    """All that there ever were, the oldest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM legal_hold ORDER BY made_at, id").fetchall()  # noqa: S608 - names of our schema
    return [LegalHold(*row) for row in rows]


def put(db: Database, hold: LegalHold) -> None:
    """The hold is kept, in place of what was kept of it."""
    db.execute(
        f"INSERT INTO legal_hold ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of our schema
        " ON CONFLICT (id) DO UPDATE SET until = excluded.until, ended_at = excluded.ended_at",
        (hold.id, hold.object, hold.reason, hold.made_by, hold.made_at, hold.until, hold.ended_at),
    )


def held_of(db: Database, ids: Sequence[str], now: int) -> list[str]:
    """Those of these ids that are on hold at that instant, in order."""
    rows = db.execute(f"{IN_FORCE} AND object IN ?texts", (now, list(ids))).fetchall()
    return sorted({object for (object,) in rows})
