"""Reading what erasure, holds and restoring rest on, from one state of a store."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pyroaring import BitMap

from comity.store import bars, finding, holds, publications, releases
from comity.store.database import Database
from comity.store.finding import Found
from comity.store.holds import LegalHold

NO_DIGEST = bytes(32)
"""The digest of a body that was erased."""


class ErasureReading:
    """See `comity.store.erasure_interface.ErasureSnapshot`."""

    @property
    def db(self) -> Database:
        """The connection of the snapshot."""
        raise NotImplementedError

    def find_everywhere(self, text: str) -> list[Found]:
        return finding.find(self.db, text)

    def ids_of(self, keys: Sequence[int]) -> list[str]:
        rows = self.db.execute("SELECT DISTINCT id FROM object WHERE key IN ?integers ORDER BY id", (list(keys),))
        return [id for (id,) in rows.fetchall()]

    def keys_of_ids(self, ids: Sequence[str]) -> dict[str, list[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        rows = self.db.execute("SELECT id, key FROM object WHERE id IN ?texts ORDER BY id, key", (list(ids),))
        for id, key in rows.fetchall():
            found[id].append(key)
        return dict(found)

    def digests_of(self, keys: Sequence[int]) -> list[bytes]:
        rows = self.db.execute("SELECT DISTINCT digest FROM object WHERE key IN ?integers", (list(keys),))
        return sorted({bytes(digest) for (digest,) in rows.fetchall()} - {NO_DIGEST})

    def sent_to(self, ids: Sequence[str]) -> dict[str, int]:
        numbers = BitMap([*publications.of_ids(self.db, ids), *releases.former_of(self.db, ids)])
        found: defaultdict[str, set[int]] = defaultdict(set)
        if numbers:
            for entry, recipient, part in self.db.scan(
                "SELECT r.entry, r.recipient, p.numbers FROM release r JOIN release_part p ON p.entry = r.entry"
            ):
                if BitMap.deserialize(bytes(part)).intersect(numbers):
                    found[recipient].add(entry)
        return {recipient: len(some) for recipient, some in sorted(found.items())}

    def legal_holds(self) -> list[LegalHold]:
        return holds.every(self.db)

    def on_hold(self, ids: Sequence[str], now: int) -> list[str]:
        return holds.held_of(self.db, ids, now)

    def erased(self) -> frozenset[bytes]:
        return frozenset(bytes(hash) for (hash,) in self.db.execute("SELECT hash FROM erased").fetchall())

    def unnamed_bars(self) -> frozenset[str]:
        return bars.unnamed(self.db)

    def every_copy(self) -> Iterator[tuple[int, str, str, bytes, bool]]:
        for key, collection, id, digest, gone in self.db.scan(
            "SELECT o.key, c.id, o.id, o.digest, o.gone FROM object o JOIN collection c ON c.key = o.collection"
        ):
            yield key, collection, id, bytes(digest), gone == 0
