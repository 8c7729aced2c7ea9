"""What the ledger shows to others: proof of one entry, the whole log in a file, and what is served of it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from comity.errors import NotAuthorized, NotFound, Unverified
from comity.ledger.export import Entry, Head, Part, write_export
from comity.ledger.merkle import HASH_BYTES
from comity.ledger.note import read_verifier
from comity.ledger.proof import Proof
from comity.ledger.records import Opening
from comity.ledger.tiles import WIDTH, bundle, tile_width
from comity.node import logbook
from comity.node.access import Access
from comity.node.people import ADMIN, AUDIT, RELEASER
from comity.node.recipients import KIND, Partner, partner_named, source_of
from comity.node.signing import Signing
from comity.store.audit import Noted
from comity.store.entries import Checkpoint, LedgerEntry
from comity.store.interface import Snapshot
from comity.store.ledger_check import LedgerReport as LedgerReport

ROWS_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Proved:
    """One entry of the ledger: its sequence number, its commitment, its record and nonce where its opening was not
    erased, and the proof that it is in the log, as the text of a file (C2SP tlog-proof)."""

    seq: int
    commitment: bytes
    record: bytes | None
    nonce: bytes | None
    proof: str


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry as it is read: its sequence number and the record, None where its opening was erased."""

    seq: int
    record: dict[str, Any] | None


class Proving(Signing):
    """The verbs that show what the ledger holds."""

    def prove(self, seq: int) -> Proved:
        """Entry and proof, against the newest checkpoint, or one that is signed now where none covers it. NotFound
        where there is no such entry; Unverified where the ledger does not hold."""
        with self.store.read() as snapshot:
            self._actor(snapshot, RELEASER, ADMIN)
            self._note_told("ledger-proof", {"seq": seq})
            epoch, size = logbook.present(snapshot), logbook.size_of(snapshot)
            if not 0 <= seq < size:
                raise NotFound(f"The ledger has no entry {seq}.", where="seq", hint="comity ledger log")
            entry = snapshot.ledger_entries(epoch.before + seq, 1)[0]
            signed = snapshot.last_checkpoint(epoch.number)
            keys = snapshot.ledger_keys()
        if signed is None or signed.size <= seq:
            self._have_key()
            signed = self._sign()
            with self.store.read() as snapshot:
                keys = snapshot.ledger_keys()
        path = self._hashes(signed).inclusion_proof(seq)
        proof = Proof(seq, tuple(path), signed.note)
        proof.verify(entry.commitment, [read_verifier(key.verifier) for key in keys], origin=epoch.origin)
        return Proved(seq, entry.commitment, entry.record, entry.nonce, proof.text())

    def ledger_log(
        self, *, kind: str = "", since: int = 0, limit: int | None = None, first: int = 0
    ) -> Iterator[Logged]:
        """The entries of the present log of that kind, from that instant (microseconds since 1970) and from the
        sequence number `first` on, the last so many of them; the oldest first."""
        with self.store.read() as snapshot:
            self._actor(snapshot, RELEASER, ADMIN, AUDIT)
            self._note_told("ledger-log", {"kind": kind, "since": since, "limit": limit})
        return self._logged(kind, since, limit, first)

    def _logged(self, kind: str, since: int, limit: int | None, first: int) -> Iterator[Logged]:
        with self.store.read() as snapshot:
            before = logbook.present(snapshot).before
            after = before + first
            if limit is not None and not kind and not since:
                after = max(after, snapshot.last_entry - limit)
            found = _entries(snapshot, after)
            wanted: Iterable[LedgerEntry] = (one for one in found if _is_wanted(one, kind, since))
            if limit is not None:
                wanted = deque(wanted, limit)
            for one in wanted:
                yield Logged(one.key - before - 1, None if one.record is None else orjson.loads(one.record))

    def export_ledger(self, write: Callable[[bytes], object], *, to: str | None = None) -> int:
        """The present log was written, up to a checkpoint that is signed now: `comity-ledger/1`, of which
        docs/reference/ledger.md tells. For a partner with only the openings of what concerns it. How many entries."""
        with self.store.write() as tx:
            # An export is noted on the disk before it begins (R44).
            self._actor(tx, RELEASER, ADMIN, AUDIT)
            tx.note(Noted(tx.staff, "ledger-export", {"to": to}))
        self.head()
        with self.store.read() as snapshot:
            self._actor(snapshot, RELEASER, ADMIN, AUDIT)
            partner = None if to is None else partner_named(snapshot, to)
            epoch, signed = logbook.present(snapshot), snapshot.checkpoints(logbook.present(snapshot).number)
            names = [key.verifier for key in snapshot.ledger_keys()]
            keys = tuple(name for name in names if read_verifier(name).name == epoch.origin)
            node = epoch.origin.partition("/")[0]
            try:
                for line in write_export(Head(node, epoch.origin, keys), _parts(snapshot, signed, partner)):
                    write(line)
            except ValueError as error:
                words = f"The ledger does not hold: {error}."
                raise Unverified(words, hint="comity ledger verify has the rest.") from error
        return signed[-1].size

    def verify_ledger(self, against: Iterable[str | bytes] = ()) -> LedgerReport:
        """How the whole ledger was found: every entry, tile, checkpoint and release. `against` are checkpoints that
        were kept elsewhere."""
        return self.store.check_ledger(against)

    # -- what is served (C2SP tlog-tiles)

    def ledger_checkpoint(self, access: Access) -> bytes:
        """The newest checkpoint that is for this reader."""
        with self._snapshot() as snapshot:
            return self._served(snapshot, access).note.encode()

    def ledger_tile(self, access: Access, level: int, place: int, width: int) -> bytes:
        """So many hashes of that tile, which the checkpoint for this reader covers. NotFound for what it does not."""
        with self._snapshot() as snapshot:
            signed = self._served(snapshot, access)
            if not 0 < width <= tile_width(signed.size, level, place):
                raise NotFound("There is no such tile.", where="path")
            hashes = snapshot.tile(signed.epoch, level, place) or b""
        return hashes[: width * HASH_BYTES]

    def ledger_bundle(self, access: Access, place: int, width: int) -> bytes:
        """So many entries from there on, which are commitments, as a bundle."""
        with self._snapshot() as snapshot:
            signed = self._served(snapshot, access)
            if not 0 < width <= tile_width(signed.size, 0, place):
                raise NotFound("There is no such bundle.", where="path")
            before = next(epoch.before for epoch in snapshot.epochs() if epoch.number == signed.epoch)
            return bundle(snapshot.commitments(before + place * WIDTH, width))

    def _served(self, snapshot: Snapshot, access: Access) -> Checkpoint:
        """The newest checkpoint; for a partner that of whole tiles. NotAuthorized for a partner that is not active, and
        for a credential of our own that may not read all."""
        number = logbook.present(snapshot).number
        if access.recipient:
            moment, partner = self.guard.moment(snapshot), self._partner_of(snapshot, access)
            subject, earlier = self._subject_of(snapshot, partner, moment)
            if {subject.recipient.state, (earlier or subject).recipient.state} != {"active"}:
                raise NotAuthorized("The ledger is for partners that are active.")
        elif not access.may_read_all:
            raise NotAuthorized("The ledger tells of every collection, and this credential may not read every one.")
        found = snapshot.last_checkpoint(number, WIDTH if access.recipient else 1)
        if found is None:
            raise NotFound("No checkpoint was signed yet.", where="path", hint="The next beat signs one.")
        return found


def _entries(snapshot: Snapshot, after: int) -> Iterator[LedgerEntry]:
    while rows := snapshot.ledger_entries(after, ROWS_AT_ONCE):
        yield from rows
        after = rows[-1].key


def _parts(snapshot: Snapshot, signed: list[Checkpoint], partner: Partner | None) -> Iterator[Part]:
    """The entries and the checkpoints, each behind what it covers and each once."""
    ahead = list({each.note: each for each in signed}.values())
    before = logbook.present(snapshot).before
    for row in islice(_entries(snapshot, before), signed[-1].size):
        opening = None
        if row.record is not None and row.nonce is not None and (partner is None or _concerns(row.record, partner)):
            opening = Opening(row.record, row.nonce)
        yield Entry(row.key - before - 1, row.commitment, opening)
        while ahead and ahead[0].size == row.key - before:
            yield ahead.pop(0).note


def _concerns(record: bytes, partner: Partner) -> bool:
    """What was released to the partner, what it sent, its tokens, and what was decided of it."""
    facts = orjson.loads(record)
    kind = facts["kind"]
    if kind in ("release", "token"):
        return bool(facts["to"] == partner.id)
    if kind == "receipt":
        return bool(facts["source"] == source_of(partner.id))
    return bool(kind == "record" and (facts["of"], facts["id"]) == (KIND, partner.id))


def _is_wanted(entry: LedgerEntry, kind: str, since: int) -> bool:
    if not kind and not since:
        return True
    if entry.record is None:
        return False
    facts = orjson.loads(entry.record)
    return facts["at"] >= since and kind in ("", facts["kind"])
