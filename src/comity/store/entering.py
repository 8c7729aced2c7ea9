"""Writing into the ledger: whatever changes what may leave, or lets it leave, is entered with it.

The verbs of a transaction that are acts enter themselves, so that none can be forgotten: an act without its entry, or
an entry without its act, is no state of the store.
"""

from collections.abc import Iterable, Mapping, Sequence

from comity.ledger.records import digest_text
from comity.release.recall import Bar
from comity.store import bars, entries, releases
from comity.store.asides import Aside
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
        self._asides: list[Aside] = []
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
        self,
        recipient: str,
        form: str,
        digest: bytes,
        policy: int,
        parts: Mapping[str, Keys],
        *,
        items: int = 0,
        **facts: Fact,
    ) -> int:
        """See the interface."""
        # The recipient may be shown the record: the policy stands in it by its digest, not by a number that counts.
        key = self.enter("release", to=recipient, digest=digest_text(digest), **{form: items}, **facts)
        at = self._entry_time()
        releases.put(self.db, Release(key, recipient, form, at, digest, policy), parts)
        return key

    def keep_aside(self, kind: str, **facts: str | int | bytes | Sequence[str]) -> None:
        """See the interface."""
        self._asides.append(Aside(kind, facts))

    def add_again(self, counts: Mapping[int, tuple[int, int]]) -> None:
        """See the interface."""
        for entry, (times, at) in sorted(counts.items()):
            releases.add_again(self.db, entry, times, at)

    def put_bars(self, found: Iterable[Bar], recall: str) -> None:
        """See the interface."""
        barred = list(found)
        bars.put(self.db, barred, recall)
        self.keep_aside("recall", bars=[f"{int(bar.ours)} {bar.instant} {bar.id}" for bar in barred])

    def begin_epoch(self, origin: str, number: int = 0) -> Epoch:
        """See the interface."""
        made = entries.begin(self.db, self.last_entry, origin, number)
        if made.number > 1:
            self.keep_aside("epoch", number=made.number)
        return made

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

    def _write_entries(self) -> bytes:
        """What was done is entered; to be called once, at the end. The commitment of the last entry, if any."""
        commitment = b""
        if self._acts:
            self.last_entry_at = self._entry_time()
            before, at, nonces = self._entered_before, self.last_entry_at, self._shared.nonces
            commitment = entries.insert(self.db, before, self._acts, at, nonces)
            self._acts = []
        return commitment
