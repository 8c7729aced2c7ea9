"""The ledger is signed: on a beat, on demand, and by a key whose private half leaves the store in no copy.

On the beat the log of a node with partners is padded to a multiple of 256 entries first, so that a checkpoint tells
them no more than that (R26).
"""

import threading
from dataclasses import dataclass
from typing import Any

from comity.errors import NotFound
from comity.interfaces import microseconds
from comity.ledger.note import KEY_BYTES
from comity.ledger.records import PADDING
from comity.ledger.tiles import WIDTH, TileHashes
from comity.node import logbook
from comity.node.delivering import Delivering
from comity.node.people import ADMIN
from comity.node.recipients import partners
from comity.store.entries import Checkpoint
from comity.store.interface import Snapshot


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint of the ledger: whose log, over how many entries, signed when (microseconds since 1970), as the note
    that others keep; and the verifier keys of the log, the newest last."""

    origin: str
    size: int
    at: int
    note: str
    keys: tuple[str, ...]


class Signing(Delivering):
    """What signs the ledger and keeps its tiles."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._beat_at = 0
        self._hashes_kept: tuple[int, TileHashes] = (0, TileHashes(0, lambda _level, _place: b""))
        self._hashes_lock = threading.Lock()

    def catch_up(self) -> None:
        """The tiles cover every entry."""
        more = True
        while more:
            with self.store.write() as tx:
                more = logbook.grow_tiles(tx)

    def rebuild_tiles(self) -> int:
        """All tiles are made anew from the entries, in one transaction; how many entries they cover."""
        with self.store.write() as tx:
            tx.drop_tiles()
            while logbook.grow_tiles(tx):
                pass
            return sum(tx.tiles_cover(epoch.number) for epoch in tx.epochs())

    def head(self) -> Head:
        """A checkpoint over all entries, signed now unless the same was signed within a day."""
        self._have_key()
        return self._told(self._sign())

    def beat(self) -> bool:
        """A checkpoint over all entries is signed, unless nothing is new within a day: then nothing is written. With a
        partner or client in the records there are entries of padding first (R26). True where one was signed."""
        with self.store.read() as snapshot:
            if not logbook.size_of(snapshot) or not self._is_behind(snapshot):
                return False
        self._have_key()
        with self.store.write() as tx:
            for _ in range(-logbook.size_of(tx) % WIDTH if partners(tx) else 0):
                tx.enter(PADDING)
            size = logbook.size_of(tx)
        self._sign(size)
        return True

    def last_signed(self) -> tuple[int, int, int] | None:
        """How many entries the newest checkpoint covers, when it was signed, and how many entries there are; None
        where none was signed."""
        with self._snapshot() as snapshot:
            last = snapshot.last_checkpoint(logbook.present(snapshot).number)
            return None if last is None else (last.size, last.at, logbook.size_of(snapshot))

    def rotate_key(self) -> str:
        """A new key signs from now on, and is entered; the private half of the old one is destroyed, after it has
        signed what it saw. The new verifier key."""
        with self.store.read() as snapshot:
            self._actor(snapshot, ADMIN)
        self._have_key()
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            now = microseconds(self.clock.now())
            logbook.sign(tx, now)
            return logbook.change_key(tx, self.entropy.token_bytes(KEY_BYTES), now)

    def _beat_if_due(self, now: int) -> None:
        """To be called often: on the beat that the settings say, one checkpoint."""
        if abs(now - self._beat_at) >= self.settings.ledger_beat_seconds * 1_000_000:
            self._beat_at = now
            self.beat()

    def _is_behind(self, snapshot: Snapshot) -> bool:
        """The newest checkpoint is not over all, or of a day ago, or the log is not padded as it should be."""
        last, size = snapshot.last_checkpoint(logbook.present(snapshot).number), logbook.size_of(snapshot)
        if last is None or last.size != size or (size % WIDTH and partners(snapshot)):
            return True
        return abs(microseconds(self.clock.now()) - last.at) >= logbook.AGAIN_US

    def _have_key(self) -> None:
        """There is a key that signs for the present epoch; the first one is entered like any other."""
        with self.store.read() as snapshot:
            if logbook.key_in_force(snapshot, logbook.present(snapshot).origin) is not None:
                return
        with self.store.write() as tx:
            if logbook.key_in_force(tx, logbook.present(tx).origin) is None:
                logbook.change_key(tx, self.entropy.token_bytes(KEY_BYTES), microseconds(self.clock.now()))

    def _sign(self, size: int | None = None) -> Checkpoint:
        self.catch_up()
        with self.store.write() as tx:
            signed = logbook.sign(tx, microseconds(self.clock.now()), size)
        if signed is None:
            raise NotFound("The ledger has no entry yet, and so nothing to sign.")
        return signed

    def _told(self, checkpoint: Checkpoint) -> Head:
        with self.store.read() as snapshot:
            origin = next(each.origin for each in snapshot.epochs() if each.number == checkpoint.epoch)
            keys = tuple(key.verifier for key in snapshot.ledger_keys() if key.verifier.startswith(f"{origin}+"))
        return Head(origin, checkpoint.size, checkpoint.at, checkpoint.note, keys)

    def _hashes(self, checkpoint: Checkpoint) -> TileHashes:
        """The hashes of the log until that checkpoint, which do not change any more."""
        with self._hashes_lock:
            if self._hashes_kept[0] != (checkpoint.epoch << 56) + checkpoint.size:

                def read(level: int, place: int) -> bytes:
                    with self.store.read() as snapshot:
                        return snapshot.tile(checkpoint.epoch, level, place) or b""

                def leaves(first: int, count: int) -> list[bytes]:
                    with self.store.read() as snapshot:
                        return snapshot.leaf_hashes(checkpoint.epoch, first, count)

                made = TileHashes(checkpoint.size, read, leaves)
                self._hashes_kept = ((checkpoint.epoch << 56) + checkpoint.size, made)
            return self._hashes_kept[1]
