"""What a store keeps of many objects that were withdrawn or marked at once: a part of
`comity.store.interface.Snapshot` and `Transaction`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from comity.store.batches import Batch, Facts, Item, Tally, Was


class BatchSnapshot(Protocol):
    """Batches, and the copies that they are about."""

    def batch(self, id: str) -> Batch | None: ...
    def batches(self, limit: int, account: str | None = None) -> list[Batch]:
        """The newest, at most so many; of that account, or of all."""
        ...

    def batch_tally(self, id: str) -> list[Tally]:
        """How many of its copies are in each state, for each reason."""
        ...

    def batch_items(self, id: str, states: Sequence[str], limit: int, why: str | None = None) -> list[Item]:
        """The first of its copies that are in one of these states, and there for that reason; at most so many."""
        ...

    def batch_keys(self, id: str) -> list[int]:
        """The keys of all its copies, in their order."""
        ...

    def live_keys(self, ids: Sequence[str]) -> list[int]:
        """The keys of the copies of these ids that readers may see."""
        ...

    def facts_of(self, keys: Sequence[int]) -> list[Facts]:
        """What these copies are, by key, whether they live or not."""
        ...

    def was(self, keys: Sequence[int]) -> dict[int, Was]:
        """What each of these copies is now, so that it can be so again."""
        ...


class BatchTransaction(BatchSnapshot, Protocol):
    """What is done to many copies, and undone."""

    def put_batch(self, batch: Batch) -> None:
        """It is kept; of one that is there already, only when it was to be undone changes."""
        ...

    def put_batch_items(self, id: str, keys: Iterable[int]) -> None:
        """These are the copies that it is about, each of them waiting for its turn."""
        ...

    def settle_batch_items(self, id: str, items: Iterable[Item]) -> None:
        """State, reason and what was before are these."""
        ...

    def forget_batches(self, before: int) -> int:
        """Those made before that instant are gone; how many."""
        ...

    def withdraw_copies(self, keys: Sequence[int], now: int) -> int:
        """Those of these copies that readers may see are withdrawn, with earlier bodies of theirs; how many. What
        thereby comes up is re-dated."""
        ...

    def restore_copies(self, before: Mapping[int, Was], now: int) -> dict[int, str]:
        """These withdrawn copies live again as they were before, each under a fresh key and date; of those that cannot,
        why: `destroyed`, `again` (another copy took the place) or `changed`. One that was taken back meanwhile lives
        again and is published no more: `recalled`."""
        ...

    def mark_copies(self, marks: Mapping[int, int | None], now: int) -> int:
        """Beside these live copies is that TLP level, or none; how many."""
        ...
