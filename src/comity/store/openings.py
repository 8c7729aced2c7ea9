"""What was opened to recipients, and when: rows whose meaning is known to `comity.release.openings`."""

from collections.abc import Mapping

from comity.store.database import Database


def of(db: Database, recipient: str, collection: int) -> list[bytes]:
    """All rows of the recipient in the collection, in their order."""
    rows = db.execute(
        "SELECT body FROM opening WHERE recipient = ? AND collection = ? ORDER BY place", (recipient, collection)
    )
    return [bytes(body) for (body,) in rows.fetchall()]


def put(db: Database, recipient: str, collection: int, bodies: Mapping[int, bytes]) -> None:
    """The rows at these places are these; others stay."""
    db.execute_many(
        "INSERT INTO opening (recipient, collection, place, body) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (recipient, collection, place) DO UPDATE SET body = excluded.body",
        [(recipient, collection, place, body) for place, body in bodies.items()],
    )
