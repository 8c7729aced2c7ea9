"""Is the store what it must be? Every law is asked of the tables themselves, by other means than those that keep it."""

import hashlib

from comity.release.spread import NOTHING
from comity.store import ledger_check
from comity.store.database import Database
from comity.store.flags import ALL_FLAGS, ALL_SHIFT, FIRST, LAST, SHOWN
from comity.store.nouns import State

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
        "SELECT count(*) FROM (SELECT added, lag(added) OVER (PARTITION BY collection ORDER BY key) AS earlier"
        " FROM object) rising WHERE earlier >= added",
    ),
    (
        "{} copies are marked as gone and are not, or the reverse",
        f"SELECT count(*) FROM object WHERE gone <> CASE WHEN state <= {State.PUBLISHED} THEN 0 ELSE key END",  # noqa: S608
    ),
    (
        "{} entries of the ledger are missing, or above the counter",
        "SELECT abs(last_entry - (SELECT count(*) FROM entry)) + (SELECT count(*) FROM entry WHERE key > last_entry)"
        " FROM state",
    ),
    (
        "{} releases have no entry in the ledger",
        "SELECT count(*) FROM release r LEFT JOIN entry e ON e.key = r.entry WHERE e.key IS NULL",
    ),
    (
        "{} rows of the audit log are missing, or above the counter",
        "SELECT abs(last_audit - (SELECT count(*) FROM audit)) + (SELECT count(*) FROM audit WHERE number > last_audit)"
        " FROM state",
    ),
    (
        "{} publications have a number above the counter, or a change has",
        "SELECT (SELECT count(*) FROM publication, state WHERE number > last_publication)"
        " + (SELECT count(*) FROM republication, state WHERE change > last_republication)",
    ),
    (
        "{} publications are of no published copy, or have no class",
        "SELECT count(*) FROM publication p"  # noqa: S608 - a number of ours
        " LEFT JOIN object o ON o.key = p.object LEFT JOIN class c ON c.key = p.class"
        " WHERE o.key IS NULL OR c.key IS NULL OR o.state <>"
        f" CASE WHEN length(c.form) = 0 THEN {State.RECEIVED:d} ELSE {State.PUBLISHED:d} END",
    ),
    (
        "{} copies are published that were taken back",
        "SELECT count(DISTINCT p.number) FROM publication p JOIN object o ON o.key = p.object"
        " JOIN class c ON c.key = p.class JOIN source s ON s.key = o.source JOIN bar b ON b.id = o.id"
        " WHERE length(c.form) > 0 AND b.instant IN ('', o.instant) AND (b.ours = 1 OR s.kind <> 'own')",
    ),
    (
        "{} publications have a date that does not rise with their number",
        "SELECT count(*) FROM (SELECT at, lag(at) OVER (ORDER BY number) AS earlier FROM publication) rising"
        " WHERE earlier > at",
    ),
    (
        "{} publications share their id with another and are not known to",
        "SELECT count(*) FROM publication p JOIN object o ON o.key = p.object WHERE p.shared = 0 AND EXISTS (SELECT 1"
        " FROM object other JOIN publication q ON q.object = other.key"
        " WHERE other.id = o.id AND other.collection = o.collection AND other.key <> o.key)",
    ),
    (
        "{} references, names or mentions are of a copy that is not live",
        "SELECT count(*) FROM (SELECT object FROM relation UNION ALL SELECT object FROM telling UNION ALL"
        " SELECT object FROM naming UNION ALL SELECT object FROM mention) known"
        " LEFT JOIN object o ON o.key = known.object AND o.gone = 0 WHERE o.key IS NULL",
    ),
    (
        "{} references, names or mentions lead to nothing",
        "SELECT (SELECT count(*) FROM (SELECT target FROM relation UNION ALL SELECT target FROM telling) used"  # noqa: S608 - a number of ours
        f" LEFT JOIN target t ON t.key = used.target WHERE used.target <> {NOTHING:d} AND t.key IS NULL)"
        " + (SELECT count(*) FROM (SELECT name FROM naming UNION ALL SELECT name FROM mention) used"
        " LEFT JOIN name n ON n.name = used.name WHERE n.name IS NULL)"
        " + (SELECT count(*) FROM name WHERE NOT EXISTS (SELECT 1 FROM naming n WHERE n.name = name.name))",
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
            SELECT flags, row_number() OVER (PARTITION BY collection, id, instant ORDER BY other, place) AS here,
                row_number() OVER (PARTITION BY id, instant ORDER BY other, place) AS anywhere,
                rank() OVER (PARTITION BY collection, id ORDER BY instant) AS first_here,
                rank() OVER (PARTITION BY collection, id ORDER BY instant DESC) AS last_here,
                rank() OVER (PARTITION BY id ORDER BY instant) AS first_anywhere,
                rank() OVER (PARTITION BY id ORDER BY instant DESC) AS last_anywhere
            FROM visible
        ), judged AS (
            SELECT flags, CASE WHEN here > 1 THEN 0 ELSE {SHOWN}
                    + CASE first_here WHEN 1 THEN {FIRST} ELSE 0 END
                    + CASE last_here WHEN 1 THEN {LAST} ELSE 0 END END
                + CASE WHEN anywhere > 1 THEN 0 ELSE {SHOWN << ALL_SHIFT}
                    + CASE first_anywhere WHEN 1 THEN {FIRST << ALL_SHIFT} ELSE 0 END
                    + CASE last_anywhere WHEN 1 THEN {LAST << ALL_SHIFT} ELSE 0 END END AS due
            FROM ranked
        )
        SELECT (SELECT count(*) FROM judged WHERE flags <> due)
            + (SELECT count(*) FROM object WHERE flags <> {ALL_FLAGS} AND state IN ({State.RECEIVED}, {State.PUBLISHED})
                AND id NOT IN (SELECT id FROM rivals))
            + (SELECT count(*) FROM object WHERE flags <> 0 AND state NOT IN ({State.RECEIVED}, {State.PUBLISHED}))
        """,  # noqa: S608
    ),
)


def problems(db: Database, *, deep: bool) -> list[str]:
    """What is wrong, in sentences."""
    found = []
    for words, question in (*_LAWS, ("{} copies are known to full text before their turn", db.text.EARLY)):
        (count,) = db.execute(question).fetchone()
        if count:
            found.append(words.format(count))
    if deep:
        changed = _changed_bodies(db)
        if changed:
            found.append(f"{changed} bodies differ from their digest")
        found += ledger_check.check(db).sentences()
    return found


def _changed_bodies(db: Database) -> int:
    changed, after = 0, 0
    while rows := db.execute(
        "SELECT o.key, o.digest, b.body FROM object o JOIN body b ON b.key = o.key"
        " WHERE o.key > ? ORDER BY o.key LIMIT ?",
        (after, DEEP_ROWS),
    ).fetchall():
        changed += sum(hashlib.sha256(body).digest() != digest for _, digest, body in rows)
        after = rows[-1][0]
    return changed
