"""Writing into the ledger: whatever changes what may leave, or lets it leave, is entered with it.

The verbs of a transaction that are acts enter themselves, so that none can be forgotten: an act without its entry, or
an entry without its act, is no state of the store.
"""

from collections.abc import Mapping, Sequence

from comity.store import entries, releases
from comity.store.database import Database
from comity.store.entries import Act, Checkpoint, Epoch, Fact, LedgerKey
from comity.store.releases import Release
from comity.store.snapshot import Shared, TableSnapshot
from comity.store.views import Keys, Views


class EnteringTables(TableSnapshot):
    """See `comity.store.interface.Transaction`."""

    def __init__(self, db: Database, shared: Shared, state: Sequence[int], base: Views | None) -> None:
        super().__init__(db, shared, state, base)
        self._acts: list[Act] = []
        self._entered_before = self.last_entry
        self._entered_at = 0

    def enter(self, kind: str, **facts: Fact) -> int:
        """See the interface."""
        if self.actor:
            facts["by"] = self.actor
        self._acts.append(Act(kind, facts))
        self.last_entry += 1
        return self.last_entry

    def enter_release(
        self, recipient: str, form: str, digest: bytes, policy: int, parts: Mapping[str, Keys], **facts: Fact
    ) -> int:
        """See the interface."""
        key = self.enter("release", to=recipient, form=form, digest=digest.hex(), policy=policy, **facts)
        at = self._entry_time()
        releases.put(self.db, Release(key, recipient, form, at, digest, policy), parts)
        return key

    def add_again(self, counts: Mapping[int, tuple[int, int]]) -> None:
        """See the interface."""
        for entry, (times, at) in sorted(counts.items()):
            releases.add_again(self.db, entry, times, at)

    def begin_epoch(self, origin: str) -> Epoch:
        """See the interface."""
        return entries.begin(self.db, self.last_entry, origin)

    def put_tiles(self, epoch: int, tiles: Mapping[tuple[int, int], bytes]) -> None:
        entries.put_tiles(self.db, epoch, tiles)

    def drop_tiles(self) -> None:
        entries.drop_tiles(self.db)

    def put_checkpoint(self, checkpoint: Checkpoint) -> None:
        entries.put_checkpoint(self.db, checkpoint)

    def put_ledger_key(self, key: LedgerKey) -> None:
        with self.db.erasing():
            entries.put_key(self.db, key)

    def _entry_time(self) -> int:
        """One instant for all that this transaction enters; it never falls from one entry to the next."""
        if not self._entered_at:
            self._entered_at = max(self._shared.now(), self.last_entry_at)
        return self._entered_at

    def _write_entries(self) -> None:
        """What was done is entered; to be called once, at the end."""
        if self._acts:
            self.last_entry_at = self._entry_time()
            entries.insert(self.db, self._entered_before, self._acts, self.last_entry_at)
            self._acts = []
