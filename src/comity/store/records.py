"""Records: named things with versions that stay, such as partners, groups and policies. What their bodies mean is known
to the rooms above."""

from dataclasses import dataclass

from comity.store.database import Database


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a record; `id` is unique within the kind. `changed_at` is in microseconds since 1970."""

    kind: str
    id: str
    name: str
    body: bytes
    version: int = 0
    changed_at: int = 0


_COLUMNS = "kind, id, name, body, version, changed_at"
_CURRENT = (
    f"SELECT {_COLUMNS} FROM record r WHERE kind = ?"  # noqa: S608 - names of our schema
    " AND version = (SELECT max(version) FROM record WHERE kind = r.kind AND id = r.id) ORDER BY name, id"
)
_HISTORY = f"SELECT {_COLUMNS} FROM record WHERE kind = ? AND id = ? ORDER BY version DESC"  # noqa: S608 - names of our schema


def current(db: Database, kind: str) -> list[Record]:
    """The newest version of each record of the kind, by name."""
    return [_record(row) for row in db.execute(_CURRENT, (kind,)).fetchall()]


def history(db: Database, kind: str, id: str) -> list[Record]:
    """Every version of one record, the newest first."""
    return [_record(row) for row in db.execute(_HISTORY, (kind, id)).fetchall()]


def put(db: Database, record: Record) -> Record:
    """There is a version more of the record, and it counts from now on; its number is in the answer."""
    (newest,) = db.execute(
        "SELECT coalesce(max(version), 0) FROM record WHERE kind = ? AND id = ?", (record.kind, record.id)
    ).fetchone()
    stored = Record(record.kind, record.id, record.name, record.body, int(newest) + 1, record.changed_at)
    db.execute(
        f"INSERT INTO record ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - names of our schema
        (stored.kind, stored.id, stored.name, stored.body, stored.version, stored.changed_at),
    )
    return stored


def _record(row: tuple[str, str, str, bytes, int, int]) -> Record:
    kind, id, name, body, version, changed_at = row
    return Record(kind, id, name, bytes(body), version, changed_at)
