"""Does the ledger hold? Every entry, tile, checkpoint and release is compared with what the entries themselves say.

Nothing here is taken from what keeps the ledger: the tree is made anew from the commitments, with its right edge alone
in memory (RFC 9162 section 2.1.1), and the tiles are compared with it as it grows. What cannot be found here is an end
that was cut off together with all that told of it: that takes a checkpoint that is held elsewhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, TypeAlias

import orjson

from comity.errors import ComityError
from comity.ledger.checkpoint import Seen, open_checkpoint, read_key
from comity.ledger.merkle import Edge
from comity.ledger.note import Verifier
from comity.ledger.records import NONCE_BYTES, digest_text
from comity.ledger.records import commitment as committed
from comity.store import entries
from comity.store.database import Database
from comity.store.entries import Epoch
from comity.store.releases import between
from comity.store.tile_check import Found, TileCheck

ROWS = 4096
"""Entries that are read at once: whole tiles of them."""
FAULTS_MOST = 100
TOLD = 5
Row: TypeAlias = tuple[int, bytes, bytes | None, bytes | None]
"""Key, commitment, nonce and record of an entry. A plain tuple, since there are millions."""
_ENTRIES = "SELECT key, commitment, nonce, record FROM entry WHERE key > ? ORDER BY key LIMIT ?"
_STRAY = "SELECT count(*) FROM {} WHERE epoch NOT IN (SELECT number FROM epoch)"
_NO_EPOCH = Epoch(0, 0, "")
"""The entries of a store that belongs to no node."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not hold, and the first entry that is not known to be as it was because of it."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The log of the present epoch: its origin, how many entries it has and the root over them. Of all epochs: how many
    entries are open, and how many closed since their opening was erased; how many checkpoints agree, of those here and
    of those held elsewhere; and what does not hold, that of the first entry first, `more` of which were not kept."""

    origin: str
    size: int
    root: bytes
    opened: int
    closed: int
    checkpoints: int
    held: int
    faults: tuple[Fault, ...]
    more: int = 0

    @property
    def ok(self) -> bool:
        """All of it holds."""
        return not self.faults

    def sentences(self) -> list[str]:
        """What does not hold, the first few faults of it."""
        told = [f"entry {fault.seq} of the ledger: {fault.what}" for fault in self.faults[:TOLD]]
        more = len(self.faults) - len(told) + self.more
        return [*told, f"{more} more faults of the ledger"] if more else told


def check(db: Database, against: Iterable[str | bytes] = ()) -> LedgerReport:
    """The ledger in one state of a store; `against` are checkpoints that were kept elsewhere."""
    return _Check(db, list(against)).run()


class _Check:
    """One reading of all epochs."""

    def __init__(self, db: Database, against: list[str | bytes]) -> None:
        self.db = db
        self.against = against
        self.keys = [key.verifier for key in entries.keys(db)]
        self.entered: set[str] = set()
        self.at = self.opened = self.closed = self.checkpoints = self.held = self.more = 0
        self.faults: list[Fault] = []

    def run(self) -> LedgerReport:
        """What was found."""
        last, last_at = self.db.execute("SELECT last_entry, last_entry_at FROM state").fetchone()
        epochs = entries.epochs(self.db) or [_NO_EPOCH]
        held = self._held(epochs)
        made: list[tuple[Fault, ...]] = []
        for epoch, following in zip(epochs, [*epochs[1:], None], strict=True):
            end = last if following is None else following.before
            log = _Log(self, epoch, end, held.get(epoch.number, []))
            log.run(beyond=following is None)
            words = "" if following is None else f"in the log {epoch.origin}: "
            made.append(tuple(replace(one, what=words + one.what) for one in sorted(self.faults, key=_seq)))
            self.faults = []
        self._counter(log, last_at)
        self._check_keys()
        self._check_epochs(epochs)
        made[-1] = tuple(sorted((*made[-1], *self.faults), key=_seq))
        found = [fault for faults in made for fault in faults]
        more = self.more + max(0, len(found) - FAULTS_MOST)
        counts = self.opened, self.closed, self.checkpoints, self.held
        return LedgerReport(log.epoch.origin, log.size, log.edge.root(), *counts, tuple(found[:FAULTS_MOST]), more)

    def fault(self, seq: int, what: str) -> None:
        if len(self.faults) < FAULTS_MOST:
            self.faults.append(Fault(seq, what))
        else:
            self.more += 1

    def verifiers(self, origin: str) -> list[Verifier]:
        """The keys of that log; one that cannot be read is a fault."""
        found = []
        for text in self.keys:
            try:
                key = read_key(text)
            except ComityError as error:
                self.fault(0, f"a key is none: {error.message}")
            else:
                if key.name == origin:
                    found.append(key)
        return found

    def _held(self, epochs: Sequence[Epoch]) -> dict[int, list[Seen]]:
        """The checkpoints that are held elsewhere, by epoch, the smallest first."""
        numbers = {epoch.origin: epoch.number for epoch in epochs}
        known = [key for epoch in epochs for key in self.verifiers(epoch.origin)] if self.against else []
        found: dict[int, list[Seen]] = {}
        for place, raw in enumerate(self.against, 1):
            try:
                seen = open_checkpoint(raw, known)
            except ComityError as error:
                self.fault(0, f"checkpoint {place} that is held elsewhere: {error.message}")
                continue
            # A key signs under the name of its log, so it is one of these.
            found.setdefault(numbers[seen.checkpoint.origin], []).append(seen)
        for each in found.values():
            each.sort(key=lambda seen: seen.checkpoint.size)
        return found

    def _counter(self, log: "_Log", last_at: int) -> None:
        if log.whole and log.last_at is not None and log.last_at != last_at:
            self.fault(max(0, log.size - 1), "the store says another time of the last entry")

    def _check_epochs(self, epochs: Sequence[Epoch]) -> None:
        if epochs[0].before:
            self.fault(0, "the first log does not begin with the first entry")
        for table in ("checkpoint", "tile"):
            (count,) = self.db.execute(_STRAY.format(table)).fetchone()
            if count:
                self.fault(0, f"{count} rows of {table} belong to no log")

    def _check_keys(self) -> None:
        if self.closed:
            return
        for text in self.keys:
            if text not in self.entered:
                self.fault(0, f"no entry tells of the key {text}")


class _Log:
    """One reading of one epoch."""

    def __init__(self, whole: _Check, epoch: Epoch, end: int, held: list[Seen]) -> None:
        self.whole_check = whole
        self.db = whole.db
        self.epoch = epoch
        self.end = end
        self.held = held
        self.size = self.proven = self.agreed = 0
        self.located: list[int] = []
        self.apart: list[tuple[int, int, str]] = []
        self.whole = True
        self.edge = Edge()
        self.last_at: int | None = None
        self.tiles = TileCheck(whole.db, epoch.number)

    def run(self, *, beyond: bool) -> None:
        """Every entry, and what stands beside it; `beyond`: those above the counter too."""
        self.signed = [*self._signed()]
        self.compare()
        after = self.epoch.before
        while rows := self._rows(after, beyond=beyond):
            self._releases(rows, self._records(rows))
            after = rows[-1][0]
        if self.whole and self.epoch.before + self.size < self.end:
            self.missing(self.size, self.end - self.epoch.before - 1)
        self._end()

    def fault(self, seq: int, what: str) -> None:
        self.whole_check.fault(seq, what)

    def locate(self, seq: int, what: str) -> None:
        """The same of what a checkpoint that does not agree can be laid to."""
        self.located.append(seq)
        self.fault(seq, what)

    def missing(self, first: int, last: int) -> None:
        self.whole = False
        self.locate(first, f"entries {first} to {last} are missing" if last > first else "the entry is missing")

    # -- entries
    def _rows(self, after: int, *, beyond: bool) -> list[Row]:
        rows: list[Row] = self.db.execute(_ENTRIES, (after, ROWS)).fetchall()
        return rows if beyond else [row for row in rows if row[0] <= self.end]

    def _records(self, rows: list[Row]) -> dict[int, dict[str, Any]]:
        """Each of these entries was looked at; the records of those that say that something was released."""
        released: dict[int, dict[str, Any]] = {}
        leaves: list[bytes] = []
        before = self.epoch.before
        for key, commitment, nonce, record in rows:
            expected = before + self.size + len(leaves) + 1
            if self.whole and key != expected:
                self._grow(leaves)
                leaves = []
                self.missing(expected - before - 1, key - before - 2)
            if key > self.end:
                self.locate(key - before - 1, "the entry is above the counter of the store")
            facts = self._opened(key - before - 1, commitment, nonce, record)
            if facts is not None and facts["kind"] == "release":
                released[key] = facts
            if self.whole:
                leaves.append(sha256(b"\x00" + commitment).digest())
        self._grow(leaves)
        return released

    def _opened(self, seq: int, commitment: bytes, nonce: bytes | None, raw: bytes | None) -> dict[str, Any] | None:
        """The record of the entry, None where it is closed or does not hold."""
        self.last_at = None
        if nonce is None or raw is None:
            self.whole_check.closed += 1
            if nonce is not None or raw is not None:
                self.locate(seq, "it has a nonce without a record, or a record without a nonce")
            return None
        self.whole_check.opened += 1
        if len(nonce) != NONCE_BYTES or committed(nonce, raw) != commitment:
            self.locate(seq, "record and nonce are not those that were entered")
            return None
        try:
            record = orjson.loads(raw)
            at, kind = record["at"], record["kind"]
        except (ValueError, TypeError, KeyError):
            at = kind = record = None
        if type(at) is not int or type(kind) is not str or not isinstance(record, dict):
            self.locate(seq, "its record has no time or no kind")
            return None
        if at < self.whole_check.at:
            self.locate(seq, "its time is before that of an entry before it")
        self.whole_check.at = max(at, self.whole_check.at)
        self.last_at = at
        if kind == "key":
            self.whole_check.entered.add(str(record.get("verifier")))
        return record

    def _releases(self, rows: list[Row], records: dict[int, dict[str, Any]]) -> None:
        """What is kept of what left says what was entered of it."""
        closed = {key for key, _, _, record in rows if record is None}
        found = between(self.db, rows[0][0], rows[-1][0])
        before = self.epoch.before
        for key, (recipient, form, at, digest, parts) in found.items():
            record = records.get(key)
            if record is None:
                if key not in closed:
                    self.fault(key - before - 1, "what is kept of what left has no such entry")
            elif (recipient, digest_text(digest), at, True) != (
                record.get("to"),
                record.get("digest"),
                record["at"],
                form in record,
            ):
                self.fault(key - before - 1, "what is kept of what left is not what was entered")
            if not parts:
                self.fault(key - before - 1, "it is not kept which publications left")
        for key in records.keys() - found.keys():
            self.fault(key - before - 1, "nothing is kept of what left")

    # -- tree, tiles and checkpoints
    def _grow(self, leaves: list[bytes]) -> None:
        while leaves:
            stop = self._next() - self.size
            some, leaves = (leaves[:stop], leaves[stop:]) if stop > 0 else (leaves, [])
            self._tiles(self.tiles.grow(self.size, self.edge.extend(some)))
            self.size = self.edge.size
            self.compare()

    def _tiles(self, found: Iterable[Found]) -> None:
        """What is wrong under a hash that is wrong too is named already."""
        for seq, span, what in found:
            if not any(seq <= each < seq + span for each in self.located):
                self.locate(seq, what)

    def _next(self) -> int:
        """The size at which the next checkpoint is compared; 0 where there is none."""
        ahead = [each[0].checkpoint.size for each in (self.signed, self.held) if each]
        return min(ahead, default=0)

    def compare(self) -> None:
        """With every checkpoint over as many entries as were read."""
        while self.signed and self.signed[0].checkpoint.size == self.size:
            if self.signed.pop(0).checkpoint.root == self.edge.root():
                self.whole_check.checkpoints += 1
                self.proven = self.size
            else:
                self.apart.append((self.proven, self.size, "a checkpoint"))
        while self.held and self.held[0].checkpoint.size == self.size:
            if self.held.pop(0).checkpoint.root == self.edge.root():
                self.whole_check.held += 1
                self.agreed = self.size
            else:
                self.apart.append((self.agreed, self.size, "a checkpoint that is held elsewhere"))

    def _signed(self) -> Iterator[Seen]:
        """The checkpoints that a key of the log has signed, the smallest first; the others are faults."""
        known = self.whole_check.verifiers(self.epoch.origin)
        for row in entries.checkpoints(self.db, self.epoch.number):
            try:
                seen = open_checkpoint(row.note, known, origin=self.epoch.origin)
            except ComityError as error:
                self.fault(max(0, row.size - 1), f"the checkpoint over {row.size} entries: {error.message}")
                continue
            if seen.checkpoint.size == row.size:
                yield seen
            else:
                covers = f"it covers {seen.checkpoint.size}"
                self.fault(max(0, row.size - 1), f"the checkpoint over {row.size} entries is none: {covers}")

    def _end(self) -> None:
        """What stands behind the last entry; and where a checkpoint does not agree, from which entry on."""
        if self.whole:
            self._beyond()
        for begin, size, whose in self.apart:
            seq = min((seq for seq in self.located if begin <= seq < size), default=begin)
            self.fault(seq, f"the entries {begin} to {size - 1} are not all those of {whose} over {size}")

    def _beyond(self) -> None:
        self._tiles(self.tiles.end(self.size, max((each.checkpoint.size for each in self.signed), default=self.proven)))
        for each in self.signed:
            self.fault(self.size, f"a checkpoint covers {each.checkpoint.size} entries, and there are {self.size}")
        for each in self.held:
            covers = f"a checkpoint that is held elsewhere covers {each.checkpoint.size} entries"
            self.fault(self.size, f"the end is cut off: {covers}")


def _seq(fault: Fault) -> int:
    return fault.seq
