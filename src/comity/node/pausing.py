"""Sources that make new classes too fast are paused (R66): what they send is stored, and published by nobody's rule."""

import msgspec
from msgspec import structs

from comity.store.interface import Snapshot, Transaction

NEW_CLASSES_MAX = 200
"""So many new classes may a source with the rule `auto` make within an hour."""
HOUR_US = 3600 * 1_000_000


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many new classes the source has made in the hour that began then, and since when it is paused for it."""

    since: int
    count: int
    paused_at: int | None = None

    @property
    def words(self) -> str:
        """Why it is paused; empty where it is not."""
        if self.paused_at is None:
            return ""
        return f"it made {self.count:,} new classes within an hour, and {NEW_CLASSES_MAX:,} are the most"


def pace_of(snapshot: Snapshot, source: str) -> Pace:
    """The pace of the source."""
    value = snapshot.setting(_name(source))
    return Pace(0, 0) if value is None else msgspec.json.decode(value, type=Pace)


def note_new(tx: Transaction, source: str, count: int, now: int) -> bool:
    """The source has made so many new classes more; whether it may go on. Where it may not it is paused."""
    before = pace_of(tx, source)
    if not count or before.paused_at is not None:
        return before.paused_at is None
    # An hour that began in the future goes on: the clock was set back.
    goes_on = now < before.since + HOUR_US
    made = Pace(before.since, before.count + count) if goes_on else Pace(now, count)
    if made.count > NEW_CLASSES_MAX:
        made = structs.replace(made, paused_at=now)
    tx.put_setting(_name(source), msgspec.json.encode(made))
    return made.paused_at is None


def resume(tx: Transaction, source: str) -> bool:
    """The source is not paused, and its hour begins anew; whether it was."""
    if pace_of(tx, source).paused_at is None:
        return False
    tx.put_setting(_name(source), msgspec.json.encode(Pace(0, 0)))
    return True


def _name(source: str) -> str:
    return f"pace of {source}"
