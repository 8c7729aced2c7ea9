"""What was taken back from partners and is not published again, whatever source sends it, and however often."""

from collections.abc import Iterable, Sequence

from comity.release.recall import Bar
from comity.store.database import Database

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
