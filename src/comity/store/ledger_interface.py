"""What a store does for the ledger: a part of `comity.store.interface.Snapshot` and `Transaction`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from comity.release.recall import Bar
from comity.stix.object import StixObject
from comity.store.entries import Checkpoint, Epoch, Fact, LedgerEntry, LedgerKey
from comity.store.nouns import Verdict
from comity.store.releases import Former, Release
from comity.store.views import Keys


class LedgerSnapshot(Protocol):
    """What is in the ledger, and what is known of what left."""

    actor: str
    """Who acts, as the entries of this transaction will say: the id of an account, or empty."""

    last_entry_at: int
    """When the last entry was written, in microseconds since 1970."""

    @property
    def last_entry(self) -> int:
        """The key of the last entry, which counts them over all epochs; 0 where there is none."""
        ...

    def ledger_entries(self, after: int, limit: int) -> list[LedgerEntry]:
        """The next entries behind that key, at most so many."""
        ...

    def commitments(self, after: int, limit: int) -> list[bytes]:
        """The next commitments behind that key, at most so many."""
        ...

    def epochs(self) -> list[Epoch]:
        """Every log of this node, the first one first."""
        ...

    def tile(self, epoch: int, level: int, place: int) -> bytes | None:
        """The hashes of a tile, whole or not; None where there is none yet."""
        ...

    def leaf_hashes(self, epoch: int, first: int, count: int) -> list[bytes]:
        """The hashes of the entries of the epoch from one on, at most so many."""
        ...

    def tiles_cover(self, epoch: int) -> int:
        """How many entries of the epoch the tiles cover."""
        ...

    def checkpoints(self, epoch: int) -> list[Checkpoint]:
        """The checkpoints of the epoch, the smallest and then the oldest first."""
        ...

    def last_checkpoint(self, epoch: int, multiple: int = 1) -> Checkpoint | None:
        """The newest checkpoint of the epoch, of those over a multiple of so many entries."""
        ...

    def ledger_keys(self) -> list[LedgerKey]:
        """Every key that ever signed, the oldest first."""
        ...

    def release_of_digest(self, recipient: str, digest: bytes) -> Release | None:
        """The newest release of exactly these items to the recipient."""
        ...

    def releases(self, recipient: str, after: int, limit: int) -> list[Release]:
        """The next releases to the recipient behind that entry, at most so many."""
        ...

    def release_parts(self, entry: int) -> dict[str, Keys]:
        """The publications that left with that release, by the rule that let them go."""
        ...

    def release_recipients(self) -> list[str]:
        """Everybody to whom anything ever left."""
        ...

    def former(self, numbers: Sequence[int]) -> list[Former]:
        """What those of these numbers stood for that are published no more, by number."""
        ...

    def former_of(self, ids: Sequence[str]) -> list[int]:
        """The numbers that publications of objects with these ids had, which are published no more."""
        ...

    def release_at(self, entry: int) -> Release | None:
        """The release of that entry; None where the entry is of something else, or is not there."""
        ...

    def release_parts_of(self, entries: Sequence[int]) -> dict[int, dict[str, Keys]]:
        """As `release_parts`, of several releases, by entry."""
        ...

    def last_left(self, recipient: str) -> int:
        """When anything left for the recipient last (microseconds since 1970); 0 where nothing ever did."""
        ...

    def stood_for(self, numbers: Sequence[int]) -> list[Former]:
        """What these numbers of publications stand for, or stood for until they were published no more, by number."""
        ...

    def bars(self, ids: Sequence[str]) -> list[Bar]:
        """Every bar of objects with these ids."""
        ...

    def barred(self, keys: Sequence[int]) -> set[int]:
        """Those of the copies with these keys that may not be published, since they were taken back."""
        ...


class LedgerTransaction(LedgerSnapshot, Protocol):
    """What is entered. The verbs of a transaction that are acts (a publication, a token, a record …) enter themselves;
    all entries of a transaction have one instant, never before that of the last one."""

    def enter(self, kind: str, **facts: Fact) -> int:
        """There is an entry of that kind with these facts, if this is committed; its key."""
        ...

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
        """A page or message of so many items leaves for the recipient, with that digest of them, under that version of
        the policy: it is entered, and kept with the publications that go by each rule. The key of the entry."""
        ...

    def add_again(self, counts: Mapping[int, tuple[int, int]]) -> None:
        """What left by these entries left so many times more, and the last time then."""
        ...

    def begin_epoch(self, origin: str, number: int = 0) -> Epoch:
        """Entries from now on belong to a new log of that origin, with that number or the next one."""
        ...

    def put_tiles(self, epoch: int, tiles: Mapping[tuple[int, int], bytes]) -> None:
        """The tiles of the epoch at these levels and places are these."""
        ...

    def drop_tiles(self) -> None:
        """No tile is kept, so that all are made anew."""
        ...

    def put_checkpoint(self, checkpoint: Checkpoint) -> None: ...

    def put_ledger_key(self, key: LedgerKey) -> None:
        """The key is kept, in place of what was kept of it, which is overwritten where the store can do so."""
        ...

    def put_bars(self, found: Iterable[Bar], recall: str) -> None:
        """These are not published again, from now on, by that recall or an earlier one. What is published stays so."""
        ...

    def take(
        self, objects: Sequence[StixObject], *, collection: str, source: str, default_tlp: int | None, now: int
    ) -> list[Verdict]:
        """The objects are stored as received, as `Store.ingest` does it; a verdict each."""
        ...
