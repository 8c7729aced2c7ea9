"""Writing what is published, as what, and what of it was opened to whom and left."""

from collections.abc import Container, Iterable, Mapping, Sequence

from comity.ledger.records import digest_text
from comity.store import deliveries, openings, publications
from comity.store.deliveries import Delivered, Usage
from comity.store.nouns import State
from comity.store.queueing import QueueingTables
from comity.store.views import KEY_MOST, check_room


class PublishingTables(QueueingTables):
    """See `comity.store.interface.Transaction`."""

    def publish(
        self,
        objects: Sequence[tuple[int, bytes, bytes]],
        now: int,
        until: int | None,
        *,
        alone: Container[int] = (),
    ) -> list[int]:
        """See the interface."""
        if not objects:
            return []
        keys = publications.class_keys(self.db, ((digest, form) for _, digest, form in objects))
        known = [key for key, _, _ in objects if key not in alone]
        if known:
            self._unpublish(known)
        first = self.last_publication + 1
        check_room("publications", first + len(objects), KEY_MOST)
        self.last_publication += len(objects)
        rows = [(key, keys[digest]) for key, digest, _ in objects]
        self._republished(publications.insert(self.db, first, rows, known, now, until))
        shown = [key for key, digest, _ in objects if digest != publications.PRIVATE[0]]
        if shown:
            publications.show(self.db, shown)
            self.enter(
                "publication", objects=len(shown), digest=publications.digest_of(self.db, shown), held_until=until
            )
        return list(range(first, first + len(objects)))

    def reclass(self, classes: Mapping[int, tuple[bytes, bytes]]) -> int:
        """See the interface."""
        assert publications.PRIVATE not in classes.values()
        keys = publications.class_keys(self.db, classes.values())
        changed = publications.reclass(self.db, {number: keys[digest] for number, (digest, _) in classes.items()})
        self._republished(changed)
        if changed:
            forms = sorted(digest_text(digest) for digest, _ in set(classes.values()))
            self.enter("reclassification", objects=len(changed), classes=forms)
        return len(changed)

    def unpublish(self, keys: Sequence[int]) -> int:
        """See the interface."""
        digest = publications.digest_of(self.db, keys)
        gone = self._unpublish(keys)
        if gone:
            self.enter("unpublication", objects=gone, digest=digest)
        self.db.execute(
            "UPDATE object SET state = ? WHERE state = ? AND key IN ?integers",
            (State.RECEIVED, State.PUBLISHED, list(keys)),
        )
        return gone

    def _unpublish(self, keys: Sequence[int]) -> int:
        numbers = publications.remove(self.db, keys)
        self._republished(numbers)
        return len(numbers)

    def _republished(self, numbers: Iterable[int]) -> None:
        self.last_republication = publications.log(self.db, self.last_republication, numbers)

    def put_openings(self, recipient: str, collection: str, bodies: Mapping[int, bytes]) -> str:
        """See the interface."""
        return openings.put(self.db, recipient, self.admin().collection(collection).key, bodies)

    def add_delivered(self, recipient: str, more: Delivered) -> None:
        deliveries.add(self.db, recipient, more)

    def put_usage(self, recipient: str, usage: Usage) -> None:
        deliveries.put_usage(self.db, recipient, usage)

    def put_decided(self, recipient: str, entry: int, digest: bytes) -> None:
        deliveries.put_decided(self.db, recipient, entry, digest)
