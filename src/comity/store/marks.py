"""The markings that sources give to objects without one: kept beside the copies, never in their bytes."""

from comity.store.database import Database


def replace(db: Database, source: int, old: int, new: int) -> list[int]:
    """Live copies of the source that had the one marking by default have the other; their keys."""
    (keys,) = db.columns(
        "key", "SELECT key FROM object WHERE source = ? AND gone = 0 AND default_tlp = ? ORDER BY key", (source, old)
    )
    if keys:
        db.execute("UPDATE object SET default_tlp = ? WHERE key IN ?integers", (new, keys))
    return list(keys)
