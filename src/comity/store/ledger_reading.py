"""Reading the ledger from one state of a store."""

from collections.abc import Sequence

from comity.release.recall import Bar
from comity.store import bars, entries, releases
from comity.store.database import Database
from comity.store.entries import Checkpoint, Epoch, LedgerEntry, LedgerKey
from comity.store.releases import Former, Release
from comity.store.views import Keys


class LedgerReading:
    """See `comity.store.ledger_interface.LedgerSnapshot`."""

    @property
    def db(self) -> Database:
        """The connection of the snapshot."""
        raise NotImplementedError

    def ledger_entries(self, after: int, limit: int) -> list[LedgerEntry]:
        return entries.read(self.db, after, limit)

    def commitments(self, after: int, limit: int) -> list[bytes]:
        return entries.commitments(self.db, after, limit)

    def epochs(self) -> list[Epoch]:
        return entries.epochs(self.db)

    def tile(self, epoch: int, level: int, place: int) -> bytes | None:
        return entries.tile(self.db, epoch, level, place)

    def leaf_hashes(self, epoch: int, first: int, count: int) -> list[bytes]:
        return entries.leaf_hashes(self.db, epoch, first, count)

    def tiles_cover(self, epoch: int) -> int:
        return entries.tiles_cover(self.db, epoch)

    def checkpoints(self, epoch: int) -> list[Checkpoint]:
        return entries.checkpoints(self.db, epoch)

    def last_checkpoint(self, epoch: int, multiple: int = 1) -> Checkpoint | None:
        return entries.last_checkpoint(self.db, epoch, multiple)

    def ledger_keys(self) -> list[LedgerKey]:
        return entries.keys(self.db)

    def release_of_digest(self, recipient: str, digest: bytes) -> Release | None:
        return releases.of_digest(self.db, recipient, digest)

    def releases(self, recipient: str, after: int, limit: int) -> list[Release]:
        return releases.to(self.db, recipient, after, limit)

    def release_parts(self, entry: int) -> dict[str, Keys]:
        return releases.parts(self.db, entry)

    def release_recipients(self) -> list[str]:
        return releases.recipients(self.db)

    def former(self, numbers: Sequence[int]) -> list[Former]:
        return releases.former(self.db, numbers)

    def former_of(self, ids: Sequence[str]) -> list[int]:
        return releases.former_of(self.db, ids)

    def release_at(self, entry: int) -> Release | None:
        return releases.by_entry(self.db, entry)

    def release_parts_of(self, entries: Sequence[int]) -> dict[int, dict[str, Keys]]:
        return releases.parts_of(self.db, entries)

    def last_left(self, recipient: str) -> int:
        return releases.last_left(self.db, recipient)

    def stood_for(self, numbers: Sequence[int]) -> list[Former]:
        return releases.stood_for(self.db, numbers)

    def bars(self, ids: Sequence[str]) -> list[Bar]:
        return bars.of(self.db, ids)

    def barred(self, keys: Sequence[int]) -> set[int]:
        return bars.barred(self.db, keys)
