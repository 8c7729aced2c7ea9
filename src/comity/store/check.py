"""Is the store what it must be? Every law is asked of the tables themselves, by other means than those that keep it."""

import hashlib
import sqlite3
from pathlib import Path

from comity.store.flags import ALL_FLAGS, ALL_SHIFT, FIRST, LAST, SHOWN
from comity.store.interface import State

DEEP_ROWS = 500

_LAWS = (
    (
        "{} copies have a key above the counter",
        "SELECT count(*) FROM object, state WHERE key > last_key",
    ),
    (
        "{} changes have a number above the counter",
        "SELECT count(*) FROM change, state WHERE change > last_change",
    ),
    (
        "{} copies have a date above that of their collection",
        "SELECT count(*) FROM object o LEFT JOIN collection c ON c.key = o.collection"
        " WHERE c.key IS NULL OR o.added > c.last_added",
    ),
    (
        "{} copies have a date that does not rise with their key",
        "SELECT count(*) FROM (SELECT added, lag(added) OVER (PARTITION BY collection ORDER BY key) AS before"
        " FROM object) WHERE before >= added",
    ),
    (
        "{} copies are marked as gone and are not, or the reverse",
        f"SELECT count(*) FROM object WHERE gone <> CASE WHEN state <= {State.PUBLISHED} THEN 0 ELSE key END",  # noqa: S608
    ),
    (
        "{} copies have no source or no type",
        "SELECT count(*) FROM object"
        " WHERE source NOT IN (SELECT key FROM source) OR type NOT IN (SELECT key FROM type)",
    ),
    (
        "{} copies have no body or one of another size",
        "SELECT count(*) FROM object o LEFT JOIN body b ON b.key = o.key WHERE coalesce(length(b.body), 0) <> o.size",
    ),
    (
        "{} bodies belong to no copy",
        "SELECT count(*) FROM body WHERE key NOT IN (SELECT key FROM object)",
    ),
    (
        "{} copies have the wrong flags",
        f"""
        WITH rivals AS MATERIALIZED (
            SELECT id FROM object WHERE gone = 0 GROUP BY id HAVING count(*) > 1
        ), visible AS (
            SELECT o.flags, o.collection, o.id, o.instant, s.kind <> 'own' AS other, coalesce(o.rank, o.key) AS place
            FROM object o JOIN source s ON s.key = o.source
            WHERE state IN ({State.RECEIVED}, {State.PUBLISHED}) AND id IN (SELECT id FROM rivals)
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY collection, id, instant ORDER BY other, place) AS here,
                row_number() OVER (PARTITION BY id, instant ORDER BY other, place) AS anywhere,
                rank() OVER (PARTITION BY collection, id ORDER BY instant) = 1 AS first_here,
                rank() OVER (PARTITION BY collection, id ORDER BY instant DESC) = 1 AS last_here,
                rank() OVER (PARTITION BY id ORDER BY instant) = 1 AS first_anywhere,
                rank() OVER (PARTITION BY id ORDER BY instant DESC) = 1 AS last_anywhere
            FROM visible
        ), judged AS (
            SELECT flags, (here = 1) * ({SHOWN} | first_here * {FIRST} | last_here * {LAST})
                | ((anywhere = 1) * ({SHOWN} | first_anywhere * {FIRST} | last_anywhere * {LAST}) << {ALL_SHIFT})
                AS due
            FROM ranked
        )
        SELECT (SELECT count(*) FROM judged WHERE flags <> due)
            + (SELECT count(*) FROM object WHERE flags <> {ALL_FLAGS} AND state IN ({State.RECEIVED}, {State.PUBLISHED})
                AND id NOT IN (SELECT id FROM rivals))
            + (SELECT count(*) FROM object WHERE flags <> 0 AND state NOT IN ({State.RECEIVED}, {State.PUBLISHED}))
        """,  # noqa: S608
    ),
    (
        "{} copies are known to full text before their turn",
        "SELECT count(*) FROM text_names_docsize, state WHERE id > text_cursor",
    ),
)


def problems(db: sqlite3.Connection, path: Path, *, deep: bool) -> list[str]:
    """What is wrong, in sentences."""
    found = [f"SQLite: {line}" for (line,) in db.execute("PRAGMA quick_check(5)").fetchall() if line != "ok"]
    for words, question in _LAWS:
        (count,) = db.execute(question).fetchone()
        if count:
            found.append(words.format(count))
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        found.append(f"the file can be read by others (mode {mode:04o})")
    if deep:
        changed = _changed_bodies(db)
        if changed:
            found.append(f"{changed} bodies differ from their digest")
    return found


def _changed_bodies(db: sqlite3.Connection) -> int:
    changed, after = 0, 0
    while rows := db.execute(
        "SELECT o.key, o.digest, b.body FROM object o JOIN body b ON b.key = o.key"
        " WHERE o.key > ? ORDER BY o.key LIMIT ?",
        (after, DEEP_ROWS),
    ).fetchall():
        changed += sum(hashlib.sha256(body).digest() != digest for _, digest, body in rows)
        after = rows[-1][0]
    return changed
