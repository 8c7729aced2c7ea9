"""How much left for recipients, by the hour, and when they were last answered. What it means is known above."""

from dataclasses import dataclass

from comity.store.database import Database

HOUR_US = 3600 * 1_000_000
LEARNED_HOURS = 14 * 24
KEPT_HOURS = 90 * 24
"""Hours are kept so long; those of the first LEARNED_HOURS, from which what is usual is learned, for good."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """How much left for one recipient within that hour since 1970 (UTC)."""

    hour: int
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """When the recipient was last answered, until when a cap pauses it (microseconds since 1970), and on which day
    since 1970 a person was told that it takes unusually much. 0: never."""

    read_at: int = 0
    paused_until: int = 0
    told_day: int = 0


def delivered(db: Database, recipient: str, since: int) -> list[Delivered]:
    """What left for the recipient in that hour and later, by the hour."""
    question = "SELECT hour, objects, bytes FROM delivery WHERE recipient = ? AND hour >= ? ORDER BY hour"
    return [Delivered(*row) for row in db.execute(question, (recipient, since)).fetchall()]


def add(db: Database, recipient: str, more: Delivered) -> None:
    """So much more left for the recipient in that hour."""
    db.execute(
        "INSERT INTO delivery (recipient, hour, objects, bytes) VALUES (?, ?, ?, ?) ON CONFLICT (recipient, hour)"
        " DO UPDATE SET objects = delivery.objects + excluded.objects, bytes = delivery.bytes + excluded.bytes",
        (recipient, more.hour, more.objects, more.bytes),
    )
    db.execute(
        "DELETE FROM delivery WHERE recipient = ? AND hour < ?"
        " AND hour >= ? + (SELECT min(hour) FROM delivery WHERE recipient = ?)",
        (recipient, more.hour - KEPT_HOURS, LEARNED_HOURS, recipient),
    )


def usage(db: Database, recipient: str) -> Usage:
    """What is known of the recipient."""
    row = db.execute("SELECT read_at, paused_until, told_day FROM usage WHERE recipient = ?", (recipient,)).fetchone()
    return Usage() if row is None else Usage(*row)


def put_usage(db: Database, recipient: str, known: Usage) -> None:
    """This is known of the recipient, in place of what was."""
    db.execute(
        "INSERT INTO usage (recipient, read_at, paused_until, told_day) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (recipient) DO UPDATE SET read_at = excluded.read_at, paused_until = excluded.paused_until,"
        " told_day = excluded.told_day",
        (recipient, known.read_at, known.paused_until, known.told_day),
    )


def decided(db: Database, recipient: str) -> tuple[int, bytes]:
    """By which entry of the ledger decisions were last entered for the recipient, and their digest; 0 where none
    were."""
    row = db.execute("SELECT entry, digest FROM decided WHERE recipient = ?", (recipient,)).fetchone()
    return (0, b"") if row is None else (int(row[0]), bytes(row[1]))


def put_decided(db: Database, recipient: str, entry: int, digest: bytes) -> None:
    """Decisions with that digest were entered, the last ones for the recipient."""
    db.execute(
        "INSERT INTO decided (recipient, entry, digest) VALUES (?, ?, ?)"
        " ON CONFLICT (recipient) DO UPDATE SET entry = excluded.entry, digest = excluded.digest",
        (recipient, entry, digest),
    )
