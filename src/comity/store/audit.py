"""The rows of the audit log, and the chain that they are (R44): who of our own people looked at what, and did what.

The *hash* of a row is SHA-256 over the hash of the row before (32 zero bytes before the first) and the row's record:
canonical JSON of its number, instant, account, address, act, purpose and what. How often the same was read again is
counted beside it, outside of the chain.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from comity.store.database import Database

BEGIN = bytes(32)
"""The hash before the first row."""
OPERATOR = "operator"
"""The account of whoever commands the host."""
ROWS_AT_ONCE = 5_000
_COLUMNS = "number, at, account, address, act, what, purpose, hash, again, again_at"


@dataclass(frozen=True, slots=True)
class Noted:
    """What is to be noted: the id of an account or token, or `operator`; the address where there is one; the act, and
    of what, in counts and ids and never in content; the purpose where one was given; when, in microseconds since 1970,
    0 for the instant of writing."""

    account: str
    act: str
    what: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""
    purpose: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row. `what` is JSON text; instants are microseconds since 1970. A row that was written behind may be a little
    older than the one before it."""

    number: int
    at: int
    account: str
    address: str
    act: str
    what: str
    purpose: str
    hash: bytes = b""
    again: int = 0
    again_at: int = 0


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which rows: numbers above `after`, instants in [since, until), of that account and act where they are named; with
    `newest` from the end."""

    after: int = 0
    since: int = 0
    until: int = 2**62
    account: str = ""
    acts: tuple[str, ...] = ()
    limit: int = ROWS_AT_ONCE
    newest: bool = False


# -- the chain --------------------------------------------------------------------------------------------------------
def record_of(row: AuditRow) -> bytes:
    """The canonical record (RFC 8785) of the row: all that the chain holds fast."""
    record = {
        "account": row.account,
        "act": row.act,
        "address": row.address,
        "at": row.at,
        "number": row.number,
        "purpose": row.purpose,
        "what": row.what,
    }
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def hash_of(previous: bytes, row: AuditRow) -> bytes:
    """The hash of the row behind the one with the previous hash."""
    return hashlib.sha256(previous + record_of(row)).digest()


def first_bad(rows: Iterable[AuditRow], last: int, hash: bytes) -> int | None:
    """The number of the first row that is missing, changed, moved or too many; None where the chain leads to the last
    number and its hash."""
    previous, expected = BEGIN, 1
    for row in rows:
        if row.number != expected or row.number > last or row.hash != hash_of(previous, row):
            return expected
        previous, expected = row.hash, expected + 1
    if expected <= last:
        return expected
    return None if previous == hash else max(last, 1)


# -- the rows ---------------------------------------------------------------------------------------------------------
def end(db: Database) -> tuple[int, bytes]:
    """The number and the hash of the last row."""
    number, hash = db.execute("SELECT last_audit, audit_hash FROM state").fetchone()
    return int(number), bytes(hash)


def append(db: Database, notes: Sequence[Noted], now: int) -> list[AuditRow]:
    """There is a row for each of these at the end of the chain."""
    number, previous = end(db)
    rows = []
    for note in notes:
        number += 1
        what = json.dumps(note.what, sort_keys=True, separators=(",", ":"))
        row = AuditRow(number, note.at or now, note.account, note.address, note.act, what, note.purpose)
        previous = hash_of(previous, row)
        rows.append(
            AuditRow(number, row.at, row.account, row.address, row.act, row.what, row.purpose, previous),
        )
    db.execute_many(
        "INSERT INTO audit (number, at, account, address, act, what, purpose, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(r.number, r.at, r.account, r.address, r.act, r.what, r.purpose, r.hash) for r in rows],
    )
    db.execute("UPDATE state SET last_audit = ?, audit_hash = ?", (number, previous))
    return rows


def add_again(db: Database, counts: Mapping[int, tuple[int, int]]) -> None:
    """What these rows say was read so many times more, and the last time then."""
    db.execute_many(
        "UPDATE audit SET again = again + ?, again_at = CASE WHEN again_at < ? THEN ? ELSE again_at END"
        " WHERE number = ?",
        [(times, at, at, number) for number, (times, at) in sorted(counts.items())],
    )


def read(db: Database, query: AuditQuery) -> list[AuditRow]:
    """The next rows that the query asks for, by number; from the end where it wants the newest."""
    wanted, arguments = ["number > ?", "at >= ?", "at < ?"], [query.after, query.since, query.until]
    given: list[object] = [*arguments]
    if query.account:
        wanted.append("account = ?")
        given.append(query.account)
    if query.acts:
        wanted.append("act IN ?texts")
        given.append(list(query.acts))
    order = "DESC" if query.newest else "ASC"
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(wanted)} ORDER BY number {order} LIMIT ?",  # noqa: S608 - names of our schema
        (*given, query.limit),
    ).fetchall()
    return [_row(row) for row in rows]


def every(db: Database) -> Iterator[AuditRow]:
    """All rows by number, with flat memory."""
    after = -(2**62)
    while rows := read(db, AuditQuery(after=after, since=-(2**62))):
        yield from rows
        after = rows[-1].number


def put_uses(db: Database, uses: Mapping[str, int]) -> None:
    """These accounts and tokens were used then, or later where that is known."""
    db.execute_many(
        "INSERT INTO last_use (account, at) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET at ="
        " CASE WHEN last_use.at < excluded.at THEN excluded.at ELSE last_use.at END",
        sorted(uses.items()),
    )


def uses(db: Database) -> dict[str, int]:
    """When each account or token was last used, to the hour."""
    return dict(db.execute("SELECT account, at FROM last_use").fetchall())


def _row(row: Sequence[Any]) -> AuditRow:
    number, at, account, address, act, what, purpose, hash, again, again_at = row
    return AuditRow(number, at, account, address, act, what, purpose, bytes(hash), again, again_at)
