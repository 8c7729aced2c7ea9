"""What was erased is not taken in again (R42), and what was recalled is not published again though the store was put
back (R32): it is known by keyed hashes of ids and of bodies."""

from collections.abc import Iterable
from dataclasses import dataclass

from comity.errors import StoreUnavailable
from comity.node.hashes import Hashes, hashes_of
from comity.stix.object import Finding, Rejected, StixObject
from comity.store.interface import Snapshot, Store, Transaction

RULE = "erased (R42)"


@dataclass(frozen=True, slots=True)
class Barred:
    """What was erased, as of one state of the store."""

    hashes: Hashes | None
    known: frozenset[bytes]

    def judge(self, one: StixObject, index: int) -> StixObject | Rejected:
        """The object, or why it is not taken."""
        if self.hashes is None or not self.known:
            return one
        hashes = (self.hashes.object(one.id), self.hashes.body(one.digest.hex()))
        if self.known.isdisjoint(map(bytes.fromhex, hashes)):
            return one
        words = "It was erased here, and is not taken in again."
        return Rejected(index, one.id, one.version, (Finding("id", RULE, words),))

    def check(self, snapshot: Snapshot) -> None:
        """Nothing was erased since. StoreUnavailable otherwise: what was judged before has to be judged again."""
        if snapshot.erased() != self.known:
            raise StoreUnavailable("Something was erased meanwhile.", hint="Send it again.")


def barred(store: Store) -> Barred:
    """What is not taken in, as of now."""
    with store.read() as snapshot:
        return Barred(hashes_of(snapshot), snapshot.erased())


def name_bars(tx: Transaction, ids: Iterable[str]) -> None:
    """Those of the objects with these ids that were recalled behind the backup that the store is from are barred by
    their ids, before anything is published."""
    unnamed = tx.unnamed_bars()
    if not unnamed:
        return
    hashes = hashes_of(tx)
    assert hashes is not None
    names = {hashes.object(id): id for id in ids}
    tx.name_bars({hash: names[hash] for hash in sorted(unnamed.intersection(names))})
