"""What was taken back from partners and is not published again, whatever source sends it, and however often."""

from collections.abc import Iterable, Mapping, Sequence

from comity.release.recall import Bar
from comity.store.database import Database

UNNAMED = "#"
"""Before a keyed hash that stands in the place of an id which this store never had: no id begins so."""
_AFTER_UNNAMED = "$"

_BARRED = (
    "SELECT DISTINCT o.key FROM object o JOIN source s ON s.key = o.source"
    " JOIN bar b ON b.id = o.id AND (b.instant = '' OR b.instant = o.instant) AND (b.ours = 1 OR s.kind <> 'own')"
    " WHERE o.key IN ?integers"
)


def put(db: Database, bars: Iterable[Bar], recall: str) -> None:
    """These are barred from now on, by that recall or by an earlier one."""
    db.execute_many(
        "INSERT INTO bar (id, instant, ours, recall) VALUES (?, ?, ?, ?) ON CONFLICT (id, instant, ours) DO NOTHING",
        [(bar.id, bar.instant, int(bar.ours), recall) for bar in bars],
    )


def of(db: Database, ids: Sequence[str]) -> list[Bar]:
    """Every bar of objects with these ids."""
    rows = db.execute("SELECT id, instant, ours FROM bar WHERE id IN ?texts ORDER BY id, instant, ours", (list(ids),))
    return [Bar(id, instant, bool(ours)) for id, instant, ours in rows.fetchall()]


def barred(db: Database, keys: Sequence[int]) -> set[int]:
    """Those of the copies with these keys that may not be published."""
    if db.execute("SELECT 1 FROM bar LIMIT 1").fetchone() is None:
        return set()
    return {key for (key,) in db.execute(_BARRED, (list(keys),)).fetchall()}


def put_unnamed(db: Database, bars: Iterable[Bar], recall: str) -> None:
    """The same, where only the keyed hash of each id is known."""
    put(db, [Bar(f"{UNNAMED}{bar.id}", bar.instant, bar.ours) for bar in bars], recall)


def unnamed(db: Database) -> frozenset[str]:
    """The keyed hashes of ids that are barred, and that no object was named by yet."""
    rows = db.execute("SELECT DISTINCT id FROM bar WHERE id >= ? AND id < ?", (UNNAMED, _AFTER_UNNAMED)).fetchall()
    return frozenset(id.removeprefix(UNNAMED) for (id,) in rows)


def name(db: Database, names: Mapping[str, str]) -> None:
    """What is barred under each of these keyed hashes is barred under the id."""
    for hash, id in names.items():
        db.execute(
            "INSERT INTO bar (id, instant, ours, recall) SELECT ?, instant, ours, recall FROM bar WHERE id = ?"
            " ON CONFLICT (id, instant, ours) DO NOTHING",
            (id, f"{UNNAMED}{hash}"),
        )
        db.execute("DELETE FROM bar WHERE id = ?", (f"{UNNAMED}{hash}",))
