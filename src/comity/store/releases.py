"""What left for whom: a row a page or message, beside its entry in the ledger, and what its numbers stood for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap

from comity.store.database import Database
from comity.store.views import Keys

_FORMER = (
    "SELECT number, id, version, source, hex(digest) AS digest, class FROM former WHERE number IN ?integers"
    " ORDER BY number"
)
_PRESENT = (
    "SELECT p.number, o.id, o.version, o.source, hex(o.digest) AS digest, p.class FROM publication p"
    " JOIN object o ON o.key = p.object WHERE p.number IN ?integers ORDER BY p.number"
)
_COLUMNS = "entry, recipient, form, at, digest, policy, again, again_at"


@dataclass(frozen=True, slots=True)
class Release:
    """One page or message that left for a recipient: by which entry, in which form (`objects`, `manifest`), when
    (microseconds since 1970), with which digest of its items, under which version of the policy; how often the same
    left again within a day, and when last."""

    entry: int
    recipient: str
    form: str
    at: int
    digest: bytes
    policy: int
    again: int = 0
    again_at: int = 0


@dataclass(frozen=True, slots=True)
class Former:
    """What a number stands for, or stood for until it was published no more; `class_key` is the class that it had
    last."""

    number: int
    id: str
    version: str
    source: int
    digest: bytes
    class_key: int = 0


def put(db: Database, release: Release, parts: Mapping[str, Keys]) -> None:
    """The release is kept, with the publications that went by each rule."""
    db.execute(
        f"INSERT INTO release ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - names of our schema
        (
            release.entry,
            release.recipient,
            release.form,
            release.at,
            release.digest,
            release.policy,
            release.again,
            release.again_at,
        ),
    )
    db.execute_many(
        "INSERT INTO release_part (entry, rule, numbers) VALUES (?, ?, ?)",
        [(release.entry, rule, numbers.serialize()) for rule, numbers in parts.items()],
    )


def of_digest(db: Database, recipient: str, digest: bytes) -> Release | None:
    """The newest release of exactly these items to the recipient."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM release WHERE recipient = ? AND digest = ? ORDER BY entry DESC LIMIT 1",  # noqa: S608 - names of our schema
        (recipient, digest),
    ).fetchone()
    return None if row is None else _release(row)


def to(db: Database, recipient: str, after: int, limit: int) -> list[Release]:
    """The next releases to the recipient behind that entry."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM release WHERE recipient = ? AND entry > ? ORDER BY entry LIMIT ?",  # noqa: S608 - names of our schema
        (recipient, after, limit),
    )
    return [_release(row) for row in rows.fetchall()]


def between(db: Database, first: int, last: int) -> dict[int, tuple[str, str, int, bytes, int]]:
    """What left by these entries, both included: for whom, in which form, when, with which digest, and whether its
    parts are kept. Plain tuples, since a check reads millions."""
    rows = db.execute(
        "SELECT entry, recipient, form, at, digest,"
        " CASE WHEN EXISTS (SELECT 1 FROM release_part p WHERE p.entry = release.entry) THEN 1 ELSE 0 END FROM release"
        " WHERE entry BETWEEN ? AND ?",
        (first, last),
    )
    return {row[0]: row[1:] for row in rows.fetchall()}


def parts(db: Database, entry: int) -> dict[str, Keys]:
    """The publications that left with that release, by the rule that let them go."""
    rows = db.execute("SELECT rule, numbers FROM release_part WHERE entry = ? ORDER BY rule", (entry,)).fetchall()
    return {rule: BitMap.deserialize(bytes(numbers)) for rule, numbers in rows}


def parts_of(db: Database, entries: Sequence[int]) -> dict[int, dict[str, Keys]]:
    """The same of several releases, by entry."""
    found: dict[int, dict[str, Keys]] = {}
    rows = db.execute("SELECT entry, rule, numbers FROM release_part WHERE entry IN ?integers", (list(entries),))
    for entry, rule, numbers in rows.fetchall():
        found.setdefault(entry, {})[rule] = BitMap.deserialize(bytes(numbers))
    return found


def by_entry(db: Database, entry: int) -> Release | None:
    """The release of that entry; None where it is of something else."""
    row = db.execute(f"SELECT {_COLUMNS} FROM release WHERE entry = ?", (entry,)).fetchone()  # noqa: S608 - names of our schema
    return None if row is None else _release(row)


def last_left(db: Database, recipient: str) -> int:
    """When anything left for the recipient last (microseconds since 1970); 0 where nothing ever did."""
    (at,) = db.execute(
        "SELECT coalesce(max(CASE WHEN again_at > at THEN again_at ELSE at END), 0) FROM release WHERE recipient = ?",
        (recipient,),
    ).fetchone()
    return int(at)


def recipients(db: Database) -> list[str]:
    """Everybody to whom anything ever left."""
    return [
        recipient for (recipient,) in db.execute("SELECT DISTINCT recipient FROM release ORDER BY recipient").fetchall()
    ]


def add_again(db: Database, entry: int, times: int, at: int) -> None:
    """The same left so many times more, the last time then."""
    db.execute(
        "UPDATE release SET again = again + ?, again_at = CASE WHEN again_at < ? THEN ? ELSE again_at END"
        " WHERE entry = ?",
        (times, at, at, entry),
    )


def former(db: Database, numbers: Sequence[int]) -> list[Former]:
    """What those of these numbers stood for that are published no more, by number."""
    return _stood_for(db, _FORMER, numbers)


def stood_for(db: Database, numbers: Sequence[int]) -> list[Former]:
    """What these numbers stand for, or stood for, by number: as `former`, and what is published now."""
    found = [*_stood_for(db, _FORMER, numbers), *_stood_for(db, _PRESENT, numbers)]
    return sorted(found, key=lambda one: one.number)


def _stood_for(db: Database, sql: str, numbers: Sequence[int]) -> list[Former]:
    columns = db.columns("number id version source digest class", sql, (list(numbers),))
    rows = zip(*columns, strict=True)
    return [
        Former(number, id, version, source, bytes.fromhex(digest), key)
        for number, id, version, source, digest, key in rows
    ]


def former_of(db: Database, ids: Sequence[str]) -> list[int]:
    """The numbers that publications of objects with these ids had, which are published no more."""
    return list(db.columns("number", "SELECT number FROM former WHERE id IN ?texts ORDER BY number", (list(ids),))[0])


def keep_former(db: Database, keys: Sequence[int]) -> None:
    """What the numbers of these copies stand for is kept, since they are about to be published no more."""
    db.execute(
        "INSERT INTO former (number, id, version, source, digest, class)"
        " SELECT p.number, o.id, o.version, o.source, o.digest, p.class FROM publication p"
        " JOIN object o ON o.key = p.object JOIN class c ON c.key = p.class"
        " WHERE p.object IN ?integers AND length(c.form) > 0",
        (list(keys),),
    )


def _release(row: Sequence[Any]) -> Release:
    entry, recipient, form, at, digest, policy, again, again_at = row
    return Release(entry, recipient, form, at, bytes(digest), policy, again, again_at)
