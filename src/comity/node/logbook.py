"""The log of the present epoch, over one state of the store: how long it is, its tiles, its roots and its keys.

Entries count from 0 within their epoch. The tiles are made from the commitments, behind; a checkpoint is signed over
what the tiles cover.
"""

from comity.ledger.checkpoint import Checkpoint as Signed
from comity.ledger.checkpoint import sign_checkpoint
from comity.ledger.merkle import root
from comity.ledger.note import Signer, read_verifier
from comity.ledger.tiles import ReadTile, TileHashes, grow
from comity.store.entries import Checkpoint, Epoch, LedgerKey
from comity.store.interface import Snapshot, Transaction

LEAVES_AT_ONCE = 1 << 16
AGAIN_US = 24 * 3600 * 1_000_000
"""So long a checkpoint stands for the same size, until it is signed anew to show that the log is still kept."""


def present(snapshot: Snapshot) -> Epoch:
    """The epoch that is written to."""
    return snapshot.epochs()[-1]


def size_of(snapshot: Snapshot) -> int:
    """How many entries the present epoch has."""
    return snapshot.last_entry - present(snapshot).before


def reader(snapshot: Snapshot, epoch: int) -> ReadTile:
    """Reads tiles of the epoch from that state of the store; one that is not there is empty."""
    return lambda level, place: snapshot.tile(epoch, level, place) or b""


def hashes(snapshot: Snapshot, epoch: int, size: int) -> TileHashes:
    """The hashes of the tree over the first entries of the epoch, from that state of the store."""
    return TileHashes(size, reader(snapshot, epoch), lambda first, count: snapshot.leaf_hashes(epoch, first, count))


def grow_tiles(tx: Transaction) -> bool:
    """The tiles cover a bounded number of entries more, as far as these are committed. True where more may be left."""
    epochs = tx.epochs()
    ends = [*(epoch.before for epoch in epochs[1:]), tx.last_entry]
    for epoch, end in zip(epochs, ends, strict=True):
        have = tx.tiles_cover(epoch.number)
        after = epoch.before + have
        if after < end:
            leaves = tx.leaf_hashes(epoch.number, have, min(LEAVES_AT_ONCE, end - after))
            tx.put_tiles(epoch.number, grow(have, reader(tx, epoch.number), leaves))
            if leaves:
                return True
    return False


def key_in_force(snapshot: Snapshot, origin: str) -> LedgerKey | None:
    """The key that signs for that log, if its private half is here."""
    for key in reversed(snapshot.ledger_keys()):
        if key.secret is not None and key.retired_at is None and read_verifier(key.verifier).name == origin:
            return key
    return None


def change_key(tx: Transaction, seed: bytes, now: int) -> str:
    """A new key with that seed signs for the present epoch, and is entered; of every other the private half is
    destroyed. The verifier key."""
    origin, made_at = present(tx).origin, now
    for key in tx.ledger_keys():
        made_at = max(made_at, key.made_at + 1)
        if key.secret is not None or key.retired_at is None:
            tx.put_ledger_key(LedgerKey(key.verifier, None, key.made_at, key.retired_at or now))
    verifier = str(Signer(origin, seed).verifier)
    tx.put_ledger_key(LedgerKey(verifier, seed, made_at))
    tx.enter("key", verifier=verifier)
    return verifier


def sign(tx: Transaction, now: int, size: int | None = None) -> Checkpoint | None:
    """The newest checkpoint, which is over so many entries, over all where nothing is given: signed now, unless the
    same was signed within a day. None where the log has no key, or no entry."""
    while grow_tiles(tx):
        pass
    epoch, last = present(tx), tx.last_checkpoint(present(tx).number)
    key, cover = key_in_force(tx, epoch.origin), tx.tiles_cover(epoch.number)
    size = cover if size is None else min(size, cover)
    if last is not None:
        size = max(size, last.size)
    if key is None or key.secret is None or not size:
        return None
    signed = Signed(epoch.origin, size, root(size, hashes(tx, epoch.number, size).hash_of))
    note = sign_checkpoint(signed, [Signer(epoch.origin, key.secret)])
    if last is None or last.note != note or abs(now - last.at) >= AGAIN_US:
        at = max(now, last.at + 1) if last is not None and last.size == size else now
        last = Checkpoint(epoch.number, size, at, note)
        tx.put_checkpoint(last)
    return last
