"""What was opened to recipients, and when: rows whose meaning is known to `comity.release.openings`.

The *version* of these rows is a digest over everything that was ever put there, so that two states with one version are
the same rows, in whatever process, and also after a rollback or a restore.
"""

import hashlib
from collections.abc import Mapping

from comity.store.database import Database

_KEY = "recipient = ? AND collection = ?"


def of(db: Database, recipient: str, collection: int) -> list[bytes]:
    """All rows of the recipient in the collection, in their order."""
    rows = db.execute(f"SELECT body FROM opening WHERE {_KEY} ORDER BY place", (recipient, collection))  # noqa: S608 - words of ours
    return [bytes(body) for (body,) in rows.fetchall()]


def version(db: Database, recipient: str, collection: int) -> str:
    """The version of these rows; empty where none is known."""
    row = db.execute(f"SELECT version FROM opened WHERE {_KEY}", (recipient, collection)).fetchone()  # noqa: S608 - words of ours
    return "" if row is None else str(row[0])


def put(db: Database, recipient: str, collection: int, bodies: Mapping[int, bytes]) -> str:
    """The rows at these places are these; others stay. The version of them all from now on."""
    db.execute_many(
        "INSERT INTO opening (recipient, collection, place, body) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (recipient, collection, place) DO UPDATE SET body = excluded.body",
        [(recipient, collection, place, body) for place, body in bodies.items()],
    )
    digest = hashlib.sha256(f"{version(db, recipient, collection)} {recipient} {collection}".encode())
    for place, body in sorted(bodies.items()):
        digest.update(b"%d %d " % (place, len(body)) + body)
    made = digest.hexdigest()
    db.execute(
        "INSERT INTO opened (recipient, collection, version) VALUES (?, ?, ?)"
        " ON CONFLICT (recipient, collection) DO UPDATE SET version = excluded.version",
        (recipient, collection, made),
    )
    return made
