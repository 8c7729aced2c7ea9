"""The rows of the ledger: one entry a thing that was done, written in the transaction that does it.

An entry's *commitment* is HMAC-SHA256(nonce, record); the record is canonical JSON with the instant, the kind of act
and its facts. Keys count over all epochs of the log; tiles and checkpoints are made from the commitments, above.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from comity.ledger import merkle
from comity.ledger.merkle import HASH_BYTES
from comity.ledger.records import NONCE_BYTES, commitment, fact, make_record
from comity.ledger.tiles import WIDTH, cut
from comity.store.database import Database

MARK_BYTES = 4
"""Of a leaf hash so many are kept beside its commitment: two rows in 2**32 have the same by chance."""
Fact: TypeAlias = "str | int | bool | list[str] | None"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry. Without nonce and record the opening was erased, and what the commitment says can be shown no more."""

    key: int
    commitment: bytes
    nonce: bytes | None
    record: bytes | None


@dataclass(frozen=True, slots=True)
class Epoch:
    """One log of this node: the entries behind the first `before`, up to the next epoch. A restored node begins one."""

    number: int
    before: int
    origin: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed checkpoint over the first `size` entries of an epoch; `at` in microseconds since 1970."""

    epoch: int
    size: int
    at: int
    note: str


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """A key that signs checkpoints. Of a retired one the private half is gone."""

    verifier: str
    secret: bytes | None
    made_at: int
    retired_at: int | None = None


class Act(msgspec.Struct, frozen=True, gc=False):
    """What is entered at the end of the transaction that does it."""

    kind: str
    facts: Mapping[str, Fact]


def insert(db: Database, before: int, acts: Sequence[Act], at: int, nonces: Callable[[int], bytes]) -> bytes:
    """There is an entry for each of these behind the first `before`, each with a nonce of its own; the commitment of
    the last one."""
    salts = nonces(len(acts))
    rows = []
    for place, act in enumerate(acts):
        record = make_record(at, act.kind, _said(act.facts))
        salt = salts[NONCE_BYTES * place : NONCE_BYTES * (place + 1)]
        rows.append((before + place + 1, commitment(salt, record), salt, record))
    db.execute_many("INSERT INTO entry (key, commitment, nonce, record) VALUES (?, ?, ?, ?)", rows)
    return rows[-1][1]


def _said(facts: Mapping[str, Fact]) -> dict[str, Any]:
    """The facts as a record says them; most are text, which it says as it is."""
    return {name: value if type(value) is str else fact(value) for name, value in facts.items()}


def read(db: Database, after: int, limit: int) -> list[LedgerEntry]:
    """The next entries behind that key."""
    rows = db.execute(
        "SELECT key, commitment, nonce, record FROM entry WHERE key > ? ORDER BY key LIMIT ?", (after, limit)
    )
    return [_entry(row) for row in rows.fetchall()]


def _entry(row: tuple[int, bytes, bytes | None, bytes | None]) -> LedgerEntry:
    key, commitment, nonce, record = row
    return LedgerEntry(
        key, bytes(commitment), None if nonce is None else bytes(nonce), None if record is None else bytes(record)
    )


def commitments(db: Database, after: int, limit: int) -> list[bytes]:
    """The next commitments behind that key."""
    rows = db.execute("SELECT commitment FROM entry WHERE key > ? ORDER BY key LIMIT ?", (after, limit))
    return [bytes(commitment) for (commitment,) in rows.fetchall()]


# -- epochs, tiles, checkpoints, keys ---------------------------------------------------------------------------------
def epochs(db: Database) -> list[Epoch]:
    """Every epoch, the first one first."""
    rows = db.execute("SELECT number, before, origin FROM epoch ORDER BY number").fetchall()
    return [Epoch(*row) for row in rows]


def begin(db: Database, before: int, origin: str, number: int = 0) -> Epoch:
    """Entries from now on belong to a new epoch of that origin, which has the number, or the next one."""
    made = Epoch(number or max((each.number for each in epochs(db)), default=0) + 1, before, origin)
    db.execute("INSERT INTO epoch (number, before, origin) VALUES (?, ?, ?)", (made.number, made.before, made.origin))
    return made


def leaf_hashes(db: Database, epoch: int, first: int, count: int) -> list[bytes]:
    """The leaf hashes of the entries of the epoch from one on, at most so many."""
    rows = db.execute(
        "SELECT commitment FROM entry WHERE key > ? + (SELECT before FROM epoch WHERE number = ?) ORDER BY key LIMIT ?",
        (first, epoch, count),
    )
    return merkle.leaf_hashes(commitment for (commitment,) in rows.fetchall())


def tile(db: Database, epoch: int, level: int, place: int) -> bytes | None:
    """The hashes of a tile, whole or not; None where there is none yet."""
    kept = kept_tile(db, epoch, level, place)
    if kept is None or level:
        return kept
    return b"".join(leaf_hashes(db, epoch, place * WIDTH, len(kept) // MARK_BYTES))


def kept_tile(db: Database, epoch: int, level: int, place: int) -> bytes | None:
    """What is kept of a tile: of each hash all, of those of the lowest level the first bytes."""
    row = db.execute(
        "SELECT hashes FROM tile WHERE epoch = ? AND level = ? AND place = ?", (epoch, level, place)
    ).fetchone()
    return None if row is None else bytes(row[0])


def tile_lengths(db: Database, epoch: int) -> dict[tuple[int, int], int]:
    """How many bytes are kept of each tile, by level and place."""
    rows = db.execute("SELECT level, place, length(hashes) FROM tile WHERE epoch = ?", (epoch,))
    return {(level, place): length for level, place, length in rows.fetchall()}


def kept_of(level: int, hashes: Iterable[bytes]) -> bytes:
    """What is kept of these hashes of a tile of that level. A leaf hash follows from its commitment; its first bytes
    are for naming the entry whose row was changed."""
    return b"".join(hashes if level else [each[:MARK_BYTES] for each in hashes])


def kept_width(level: int) -> int:
    """How many bytes are kept of a hash of a tile of that level."""
    return HASH_BYTES if level else MARK_BYTES


def tiles_cover(db: Database, epoch: int) -> int:
    """How many entries of the epoch the tiles cover, as those of the lowest level say."""
    row = db.execute(
        "SELECT place, length(hashes) FROM tile WHERE epoch = ? AND level = 0 ORDER BY place DESC LIMIT 1", (epoch,)
    ).fetchone()
    return 0 if row is None else int(row[0]) * WIDTH + int(row[1]) // MARK_BYTES


def put_tiles(db: Database, epoch: int, tiles: Mapping[tuple[int, int], bytes]) -> None:
    """The tiles at these levels and places are these."""
    db.execute_many(
        "INSERT INTO tile (epoch, level, place, hashes) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (epoch, level, place) DO UPDATE SET hashes = excluded.hashes",
        [(epoch, level, place, kept_of(level, cut(hashes))) for (level, place), hashes in tiles.items()],
    )


def drop_tiles(db: Database) -> None:
    """No tile is kept, so that all are made anew."""
    db.execute("DELETE FROM tile")


def checkpoints(db: Database, epoch: int) -> list[Checkpoint]:
    """The checkpoints of the epoch, the smallest and then the oldest first."""
    rows = db.execute("SELECT epoch, size, at, note FROM checkpoint WHERE epoch = ? ORDER BY size, at", (epoch,))
    return [Checkpoint(*row) for row in rows.fetchall()]


def last_checkpoint(db: Database, epoch: int, multiple: int = 1) -> Checkpoint | None:
    """The newest checkpoint of the epoch, of those over a multiple of so many entries."""
    row = db.execute(
        "SELECT epoch, size, at, note FROM checkpoint WHERE epoch = ? AND size % ? = 0"
        " ORDER BY size DESC, at DESC LIMIT 1",
        (epoch, multiple),
    ).fetchone()
    return None if row is None else Checkpoint(*row)


def put_checkpoint(db: Database, checkpoint: Checkpoint) -> None:
    """The checkpoint is kept."""
    db.execute(
        "INSERT INTO checkpoint (epoch, size, at, note) VALUES (?, ?, ?, ?)",
        (checkpoint.epoch, checkpoint.size, checkpoint.at, checkpoint.note),
    )


def keys(db: Database) -> list[LedgerKey]:
    """Every key that ever signed, the oldest first."""
    rows = db.execute("SELECT verifier, secret, made_at, retired_at FROM ledger_key ORDER BY made_at, verifier")
    return [
        LedgerKey(verifier, None if secret is None else bytes(secret), made_at, retired_at)
        for verifier, secret, made_at, retired_at in rows.fetchall()
    ]


def put_key(db: Database, key: LedgerKey) -> None:
    """The key is kept, in place of what was kept of it."""
    db.execute(
        "INSERT INTO ledger_key (verifier, secret, made_at, retired_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (verifier) DO UPDATE SET secret = excluded.secret, retired_at = excluded.retired_at",
        (key.verifier, key.secret, key.made_at, key.retired_at),
    )
